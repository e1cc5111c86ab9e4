import ConnectorKit
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing
import WebUI

/// A site in which things can be defined, over a table and an account in memory; removed with it.
final class EditingFixture: Sendable {
    let folder: String
    let site: Site
    let definitions: Definitions
    let vault: SecretVault
    let gate: FixtureGate
    let account: SimulatedAccount

    static let file = """
        version: 1
        sources:
          filed: {type: table, host: "filed.example"}
        """

    init(
        rights: Set<Permission> = Set(Permission.allCases), project text: String? = nil, source: SimulatedSource? = nil,
        objects: [DestinationObject] = SimulatedDestination.objects
    ) throws {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        folder = base + "/sluice-web-" + UUID().uuidString
        let state = try StateDirectory(path: folder + "/state")
        if let text { try text.write(toFile: folder + "/sluice.yaml", atomically: true, encoding: .utf8) }
        let database = try ControlDatabase.open(path: state.databasePath)
        let now = WebFixture.now
        let time = RunTime(now: { now }, sleep: { _ in await Task.yield() }, chance: { 0.5 }, seed: { 7 })
        let vault = SecretVault(database: database, time: time, key: SecretKeyPlace(variables: [:], state: state))
        let account = SimulatedAccount()
        account.fields = [DestinationField("custom.Plan", .text)]
        let catalog = Self.catalog(account, source ?? Self.source, objects)
        let definitions = Definitions(
            environment: (state: state, database: database, time: time), vault: vault,
            loader: ProjectLoader(environment: [:], workingDirectory: folder), projectFile: "sluice.yaml",
            catalog: catalog)
        let box = ProjectBox(try definitions.project().project)
        let connections: @Sendable () -> ProjectConnections = {
            ProjectConnections(project: box.project, catalog: catalog, state: state) { connection, _ in
                ConnectorSettings(name: connection.name)
            }
        }
        gate = FixtureGate(rights: rights)
        var site = Site(
            project: { box.project }, catalog: catalog,
            environment: RunEnvironment(state: state, database: database, time: time, connections: connections()),
            connections: connections,
            people: People(database: database, time: time, cost: PasswordCost(roundsPower: 4)), version: "0.0.0")
        site.gate = gate
        site.editing = Editing(definitions: definitions, vault: vault) {
            box.project = try definitions.project().project
        }
        (self.site, self.definitions, self.vault, self.account) = (site, definitions, vault, account)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private final class ProjectBox: Sendable {
        private let known: Mutex<Project>

        init(_ project: Project) { known = Mutex(project) }

        var project: Project {
            get { known.withLock { $0 } }
            set { known.withLock { $0 = newValue } }
        }
    }

    private static var source: SimulatedSource {
        let columns = [
            Column(name: "id", type: .integer, declaredType: "integer", isNullable: false),
            Column(name: "name", type: .text, declaredType: "text"),
            Column(name: "plan", type: .text, declaredType: "text"),
        ]
        let rows: [SimulatedSource.Row] = [
            ["id": .integer(1), "name": .text("Acme <b>&co"), "plan": .text("pro")],
            ["id": .integer(2), "name": .text("Beta"), "plan": .null],
        ]
        return SimulatedSource(columns: columns, rows: rows)
    }

    private static func catalog(
        _ account: SimulatedAccount, _ source: SimulatedSource, _ objects: [DestinationObject]
    ) -> ConnectorCatalog {
        ConnectorCatalog(
            sources: [
                SourceType(
                    ConnectorDeclaration(
                        type: "table", displayName: "Table",
                        settings: [
                            SettingDeclaration("host", .text, isRequired: true, help: "The address.", example: "db"),
                            SettingDeclaration("port", .integer(1...65_535), help: "The port."),
                            SettingDeclaration("password", .secret, help: "The password."),
                            SettingDeclaration("mode", .choice(["fast", "safe"]), help: "How."),
                        ])
                ) { _ throws(ConnectorError) in source }
            ],
            destinations: [
                DestinationType(
                    ConnectorDeclaration(
                        type: "account", displayName: "Account",
                        settings: [
                            SettingDeclaration("api_key", .secret, isRequired: true, help: "The key."),
                            SettingDeclaration("region", .text, help: "Where it is."),
                        ]), objects: objects
                ) { settings, context throws(ConnectorError) in
                    guard settings.text("region") != unknownRegion else {
                        throw ConnectorError(
                            code: "region_not_understood", message: "The region is not understood.",
                            hint: "Write `us3`.", disposition: .fixConfiguration, setting: "region")
                    }
                    return SimulatedDestination(account, context: context)
                }
            ])
    }

    // MARK: Asking

    func ask(_ path: String, form: String? = nil) async throws -> WebFixture.Answer {
        let application = try WebServer(site: site, settings: try ServerSettings(listen: "127.0.0.1:8470"))
            .application()
        var headers: HTTPFields = [.cookie: "sluice=\(WebFixture.key)"]
        if form != nil { headers[.contentType] = "application/x-www-form-urlencoded" }
        let sent = headers
        return try await application.test(.router) { client in
            try await client.execute(
                uri: path, method: form == nil ? .get : .post, headers: sent, body: form.map { ByteBuffer(string: $0) }
            ) { response in
                WebFixture.Answer(
                    status: response.status.code, headers: response.headers, text: String(buffer: response.body))
            }
        }
    }

    /// Sends a form with its token.
    func post(_ path: String, _ fields: [(String, String)], token: String = FixtureGate.token) async throws
        -> WebFixture.Answer
    {
        let pairs = ([("_token", token)] + fields).map { name, value in
            let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_."))
            return name + "=" + (value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")
        }
        return try await ask(path, form: pairs.joined(separator: "&"))
    }

    /// A source, a destination, a dataset and a sync, made by their forms.
    func makeAll() async throws {
        for (path, fields) in Self.forms {
            let answer = try await post(path, fields)
            #expect(answer.status == 303, "\(path): \(PageMarkup(answer.text).text)")
        }
    }

    static let unknownRegion = "moon"
    static let secret = "planted-secret-value"

    static let forms: [(String, [(String, String)])] = [
        ("/new/sources/table", [("name", "shop"), ("set-host", "db.example"), ("set-password", secret)]),
        ("/new/destinations/account", [("name", "crm"), ("set-api_key", secret)]),
        ("/new/dataset", [("source", "shop"), ("table", "rows"), ("name", "accounts"), ("do", "save")]),
        ("/new/sync", sync),
    ]

    static let sync: [(String, String)] = [
        ("name", "companies"), ("from", "accounts"), ("to", "crm.thing"), ("behavior", "update_or_create"),
        ("field", "externalId"), ("column", "id"), ("rows", "2"), ("m0-field", "name"), ("m0-from", "name"),
        ("m1-field", "custom.Plan"), ("m1-from", "plan"), ("m1-nulls", "skip"), ("do", "save"),
    ]
}
