import ConnectorKit
import Foundation
import ProjectConfig
import Runner
import StateStore
import TestKit
import Testing

/// A project's folder with a state directory in it, and what the pages define there.
final class DefinitionsFixture: Sendable {
    let folder: String
    let state: StateDirectory
    let database: ControlDatabase
    let vault: SecretVault
    let clock = SimulatedTime()
    let by = Actor("eve", address: "127.0.0.1")

    init(_ project: String? = nil) throws {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        folder = base + "/sluice-defined-" + UUID().uuidString
        state = try StateDirectory(path: folder + "/.sluice")
        database = try ControlDatabase.open(path: state.databasePath)
        vault = SecretVault(
            database: database, time: RunTime(clock), key: SecretKeyPlace(variables: [:], state: state))
        if let project { try write(project) }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ text: String, to name: String = "sluice.yaml") throws {
        try Data(text.utf8).write(to: URL(filePath: folder + "/" + name))
    }

    var definitions: Definitions { definitions(followsFiles: true) }

    func definitions(followsFiles: Bool) -> Definitions {
        Definitions(
            environment: (state: state, database: database, time: RunTime(clock)), vault: vault,
            loader: ProjectLoader(environment: [:], workingDirectory: folder), projectFile: "sluice.yaml",
            catalog: Self.catalog, followsFiles: followsFiles)
    }

    /// Saves and expects that it worked.
    @discardableResult
    func save(_ kind: DefinitionKind, _ name: String, _ yaml: String, from revision: Int? = nil) throws -> Int {
        switch try definitions.save(kind, name, yaml: yaml, from: revision, by: by) {
        case .saved(let revision): return revision
        case .refused(let problems):
            Issue.record("\(problems.map { $0.diagnostic.rendered })")
            return 0
        }
    }

    /// What is wrong with it, as `field: code`.
    func refusal(_ kind: DefinitionKind, _ name: String, _ yaml: String, from revision: Int? = nil) throws -> [String] {
        guard case .refused(let problems) = try definitions.save(kind, name, yaml: yaml, from: revision, by: by) else {
            return []
        }
        return problems.map { "\($0.field.joined(separator: "/")): \($0.diagnostic.code)" }
    }

    func text(_ kind: DefinitionKind, _ name: String) throws -> String? {
        try DefinitionStore(database).all().first { $0.kind == kind.rawValue && $0.name == name }?.text
    }

    /// A source, a destination, a dataset and a sync, all of the pages.
    func saveAll() throws {
        try save(.source, "warehouse", "type: server\nhost: db.example.com\npassword: planted-password\n")
        try save(.destination, "crm", "type: account\napi_key: planted-key\n")
        try save(.dataset, "accounts", "source: warehouse\nsql: |\n  select id, name\n  from accounts\n")
        try save(.sync, "companies", Self.sync)
    }

    static let sync = """
        from: accounts
        to: crm.thing
        behavior: update_or_create
        key: {column: id, field: id}
        mappings:
          name: name
          custom.My Field: seats

        """

    static let catalog = ConnectorCatalog(
        sources: [
            SourceType(
                ConnectorDeclaration(
                    type: "server", displayName: "Server",
                    settings: [
                        SettingDeclaration("host", .text, isRequired: true, help: "The address."),
                        SettingDeclaration("port", .integer(1...65_535), defaultValue: "5432", help: "The port."),
                        SettingDeclaration("password", .secret, help: "The password."),
                        SettingDeclaration("timeout_seconds", .integer(1...60), help: "How long to wait."),
                    ])
            ) { _ throws(ConnectorError) in throw refusal },
            SourceType(
                ConnectorDeclaration(
                    type: "file", displayName: "File",
                    settings: [SettingDeclaration("path", .path, isRequired: true, help: "The file.")])
            ) { _ throws(ConnectorError) in throw refusal },
        ],
        destinations: [
            DestinationType(
                ConnectorDeclaration(
                    type: "account", displayName: "Account",
                    settings: [
                        SettingDeclaration("api_key", .secret, isRequired: true, help: "The key."),
                        SettingDeclaration("base_url", .text, help: "Another address."),
                    ]),
                objects: [
                    DestinationObject(
                        name: "thing", displayName: "Thing", path: "things", keys: [KeyField("id")],
                        behaviors: [.updateOrCreate], fields: [DestinationField("name", .text)],
                        acceptsUnknownFieldsUnder: "custom", batchItemsMax: 100, batchBytesMax: 1 << 20,
                        repeatable: .byKey)
                ]
            ) { _, _ throws(ConnectorError) in throw refusal }
        ])

    private static let refusal = ConnectorError(
        code: "not_made", message: "a declaration only", hint: "", disposition: .stop)
}
