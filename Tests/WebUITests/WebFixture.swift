import ConnectorKit
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTesting
import NIOCore
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import Testing
import WebUI

/// A site over a real state directory with a small project and whatever history a test writes; removed with it.
final class WebFixture: Sendable {
    static let now = Moment(milliseconds: 1_795_888_800_000)
    static let key = "the-session"

    let folder: String
    let site: Site
    let gate: FixtureGate
    let started = Mutex<[(String, RunOptions)]>([])
    let naps = Naps()

    /// What else happens where the site waits; nobody waits here.
    final class Naps: Sendable {
        let told = Mutex<(@Sendable (Duration) throws -> Void)?>(nil)
    }

    static let project = """
        version: 1
        sources:
          shop: {type: table, path: shop.db, password: "${SHOP_PASSWORD}"}
        destinations:
          crm: {type: account, requests_per_minute: 100, api_key: very-secret-key}
        datasets:
          accounts: {source: shop, table: accounts}
        syncs:
          companies:
            from: accounts
            to: crm.company
            behavior: update_or_create
            key: {column: id, field: externalId}
            mappings: {name: name, custom.Plan: plan, status: {constant: "a <b> c"}}
            schedule: {every: 1h}
          people:
            from: accounts
            to: crm.person
            behavior: update_only
            key: {column: id, field: externalId}
            mappings: {name: name}
            paused: true
        """

    init(
        rights: Set<Permission> = Set(Permission.allCases),
        project text: String = WebFixture.project, knowsPeople: Bool = false
    ) throws {
        folder = FileManager.default.temporaryDirectory.path + "/sluice-web-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try text.write(toFile: folder + "/sluice.yaml", atomically: true, encoding: .utf8)
        let project = try ProjectLoader(environment: [:], workingDirectory: folder).load(folder + "/sluice.yaml")
            .project
        let state = try StateDirectory(path: folder + "/state")
        let connections = ProjectConnections(project: project, catalog: Self.catalog, state: state) { connection, _ in
            ConnectorSettings(name: connection.name)
        }
        let (now, naps) = (Self.now, naps)
        let environment = RunEnvironment(
            state: state, database: try ControlDatabase.open(path: state.databasePath),
            time: RunTime(
                now: { now },
                sleep: { pause in
                    try naps.told.withLock { $0 }?(pause)
                    await Task.yield()
                }, chance: { 0.5 },
                seed: { UInt64.random(in: .min ... .max) }),
            connections: connections)
        gate = FixtureGate(rights: rights)
        var site = Site(
            project: { project }, catalog: Self.catalog, environment: environment, connections: { connections },
            people: People(
                database: environment.database, time: environment.time, cost: PasswordCost(roundsPower: 4)),
            version: "0.0.0")
        if !knowsPeople { site.gate = gate }
        site.engine.nextRuns = { ["companies": Moment(milliseconds: now.milliseconds + 600_000)] }
        site.engine.isScheduling = { true }
        self.site = site
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    static let catalog = ConnectorCatalog(
        sources: [
            SourceType(
                ConnectorDeclaration(
                    type: "table", displayName: "Table",
                    settings: [
                        SettingDeclaration("path", .path, help: ""), SettingDeclaration("password", .secret, help: ""),
                    ])
            ) { _ throws(ConnectorError) in throw unreachable }
        ],
        destinations: [
            DestinationType(
                ConnectorDeclaration(
                    type: "account", displayName: "Account",
                    settings: [
                        SettingDeclaration("requests_per_minute", .integer(1...1_000), help: ""),
                        SettingDeclaration("api_key", .secret, help: ""),
                    ]), objects: []
            ) { _, _ throws(ConnectorError) in throw unreachable }
        ])

    private static let unreachable = ConnectorError(
        code: "connection_refused", message: "Nobody is there.", hint: "Start it.", disposition: .stop)

    // MARK: History

    /// A run that has ended, with its figures.
    @discardableResult
    func run(
        _ sync: String = "companies", _ state: RunState = .succeeded, minutesAgo: Int64 = 10,
        _ change: (inout RunRecord) -> Void = { _ in }
    ) throws -> RunRecord {
        let start = Moment(milliseconds: Self.now.milliseconds - minutesAgo * 60_000)
        let database = site.environment.database
        var run = try database.createRun(
            sync: sync, trigger: "cli", full: false, limited: false, startedAt: start, state: .running)
        run.state = state
        if state.isFinal { run.endedAt = Moment(milliseconds: start.milliseconds + 4_200) }
        run.rows.scanned = 1_000
        run.rows.unchanged = 900
        run.rows.planned = 100
        run.operations.planned = 100
        run.operations.accepted = 100
        run.operations.updated = 100
        change(&run)
        var memory = try database.memory(sync) ?? SyncMemory(name: sync, seed: 1)
        if state == .succeeded || state == .completedWithRejections { memory.lastCompleteRun = run.id }
        try database.close(run, memory: memory)
        return run
    }

    /// A run of which three rows did not arrive, with whatever texts a test wants.
    @discardableResult
    func runWithRejections(key: String = "acct-7", message: String = "email is not valid") throws -> RunRecord {
        let run = try run("companies", .completedWithRejections) { run in
            run.rows.invalid = 2
            run.rows.unchanged = 898
            run.operations.accepted = 99
            run.operations.updated = 99
            run.operations.rejected = 1
            run.requests = 2
            run.bytesSent = 61_230
            run.reasons = [
                ReasonCount(code: "duplicate_key", count: 2), ReasonCount(code: "refused_by_destination", count: 1),
            ]
        }
        let database = site.environment.database
        func outcome(_ sequence: Int, _ kind: OutcomeKind, _ reason: Reason, key: String) -> OutcomeRecord {
            OutcomeRecord(
                run: run.id, sequence: sequence, key: key, keyHash: Hash128.of(key, seed: 1), outcome: kind,
                reason: reason, at: run.startedAt)
        }
        let duplicate = Reason(code: "duplicate_key", message: "Several rows have this key.", hint: "Choose one.")
        try database.record(outcomes: [
            outcome(-2, .invalid, duplicate, key: "acct-1"), outcome(-1, .invalid, duplicate, key: ""),
            outcome(
                3, .rejected, Reason(code: "refused_by_destination", message: message, hint: "Correct \(message)"),
                key: key),
        ])
        var exchange = ExchangeRecord(
            run: run.id, number: 0, batch: 0, at: run.startedAt, method: "PUT", path: "/companies?x=\(message)")
        exchange.status = 200
        exchange.isWrite = true
        exchange.firstSequence = 0
        exchange.lastSequence = 99
        exchange.requestBody = #"[{"externalId":"\#(key.filter { $0 != "\"" })"}]"#
        exchange.responseBody = message
        exchange.requestBytes = exchange.requestBody.utf8.count
        exchange.responseBytes = 90_000
        try database.record(exchanges: [exchange])
        return run
    }

    // MARK: Asking

    struct Answer {
        var status: Int
        var headers: HTTPFields
        var text: String
    }

    func ask(
        _ path: String, _ method: HTTPRequest.Method = .get, headers: HTTPFields = [:], form: String? = nil,
        session: String? = WebFixture.key, settings: ServerSettings? = nil, site: Site? = nil
    ) async throws -> Answer {
        let settings = try settings ?? ServerSettings(listen: "127.0.0.1:8470")
        let application = try WebServer(site: site ?? self.site, settings: settings).application()
        var headers = headers
        if let session { headers[.cookie] = "other=1; sluice=\(session); __Host-sluice=\(session)" }
        if form != nil && headers[.contentType] == nil {
            headers[.contentType] = "application/x-www-form-urlencoded"
        }
        let sent = headers
        return try await application.test(.router) { client in
            try await client.execute(
                uri: path, method: method, headers: sent, body: form.map { ByteBuffer(string: $0) }
            ) { response in
                Answer(
                    status: response.status.code, headers: response.headers, text: String(buffer: response.body))
            }
        }
    }

    func post(_ path: String, _ fields: String = "", token: String = FixtureGate.token) async throws -> Answer {
        try await ask(path, .post, form: "_token=\(token)" + (fields.isEmpty ? "" : "&" + fields))
    }
}

/// Knows one session.
final class FixtureGate: Gate {
    static let token = "form-token"
    let rights: Set<Permission>
    let noted = Mutex<[String]>([])

    init(rights: Set<Permission>) { self.rights = rights }

    func visitor(session: String?, address: String) -> Visitor? {
        session == WebFixture.key
            ? Visitor(name: "Ada <admin>", role: "admin", rights: rights, formToken: Self.token) : nil
    }

    func signIn(_ attempt: SignInAttempt) async throws -> String {
        if attempt.name == "ada" && attempt.password == "right" { return WebFixture.key }
        throw RunError(code: "login_failed", message: "Name or password is not right.", hint: "Try again.")
    }

    func welcome(link: String, _ attempt: SignInAttempt) async throws -> String { WebFixture.key }
    func isGood(link: String) -> Bool { link == "good" }
    func signOut(session: String, address: String) { noted.withLock { $0.append("signed out") } }

    func note(_ action: AuditAction, by visitor: Visitor, subject: String, detail: String) {
        let more = detail.isEmpty ? "" : ": \(detail)"
        noted.withLock { $0.append("\(action.rawValue) \(subject)\(more)") }
    }
}
