import ConnectorKit
import DestinationPlanhat
import Foundation
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit

/// A database in memory, a sandbox that keeps its data in a file while it is stopped and started, and what the real
/// connector needs to go from the one to the other.
final class AccountWorld {
    let of: AccountCase
    let source: SimulatedSource
    let time: SimulatedTime
    let switches: [String: String]
    let folder: String
    var rows: [SimulatedSource.Row] { source.rows }
    /// Keys that were at the account before.
    private(set) var there: Set<String> = []
    /// How many records of the object were at the account before.
    private(set) var recordsBefore = 0
    private var nextNumber = 0
    private var versions: [[SimulatedSource.Row]] = []
    private let texts: [String]
    private let historyLag: Duration

    static let columns = [
        "id", "company", "name", "email", "sender", "person", "dimension", "day", "spice", "choice", "companies",
        "owner",
    ]

    init(_ of: AccountCase, switches: [String: String], folder: String, seed: UInt64) {
        self.of = of
        self.switches = switches
        self.folder = folder
        historyLag = .milliseconds(seed % 3 * 400)
        texts = switches.map { "\($0.key)=\($0.value)" }.sorted()
        time = SimulatedTime(seed: seed)
        source = SimulatedSource(
            columns: Self.columns.map { Column(name: $0, type: .text, declaredType: "TEXT") }
                + ["seats", "amount", "score"].map { Column(name: $0, type: .integer, declaredType: "INTEGER") })
    }

    func switched(_ name: String, _ value: String) -> Bool { switches[name] == value }

    // MARK: The account

    /// A sandbox over the data file, with these rules for what goes wrong.
    func sandbox(rules: [String] = [], requestsPerMinute: Int? = nil) throws -> Sandbox {
        var configuration = SandboxConfiguration()
        configuration.switches = try SandboxSwitches(texts)
        configuration.failRules = try SandboxConfiguration.failRules(rules)
        configuration.requestsPerMinute = requestsPerMinute
        configuration.dataFile = folder + "/account"
        let time = time
        return try Sandbox(configuration, clock: { time.milliseconds * 1_000 })
    }

    /// Serves `sandbox` while `body` goes on with its address.
    static func serve<Result: Sendable>(
        _ sandbox: Sandbox, _ body: (String) async throws -> Result
    ) async throws -> Result {
        let (ports, ready) = AsyncStream<Int>.makeStream()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { ready.finish() }
                try await sandbox.run { ready.yield($0) }
            }
            defer { group.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            guard let port = await iterator.next() else { throw Unserved() }
            let result = try await body("http://127.0.0.1:\(port)")
            group.cancelAll()
            // The data file is written at the end.
            try await group.waitForAll()
            return result
        }
    }

    struct Unserved: Error {}

    func environment(_ address: String, perMinute: Int, steps: FileSteps) throws -> RunEnvironment {
        let state = try StateDirectory(path: folder + "/state", steps: steps)
        let time = time
        var environment = RunEnvironment(
            state: state, database: try ControlDatabase.open(path: state.databasePath),
            time: RunTime(
                now: { Moment(milliseconds: time.milliseconds) }, sleep: { try await Self.sleep($0, time) },
                chance: { time.fraction() }, seed: { time.bits() }),
            connections: AccountConnections(
                dataSource: source, address: address, declared: of.object, perMinute: perMinute,
                limitPath: folder + "/limit"))
        environment.historyLag = historyLag
        return environment
    }

    /// Patience with a request on its way passes in the real world here: it is never used up.
    private static func sleep(_ duration: Duration, _ time: SimulatedTime) async throws {
        if duration == .seconds(30) { throw CancellationError() }
        try await time.sleep(duration)
    }

    /// Companies, people and custom fields that are there before the sync; and, for behaviors that go by what is there,
    /// a record for every other row and three of no row.
    func prepare(rowCount: Int, _ random: inout SeededRandom) throws {
        let sandbox = try sandbox()
        let companies = (1...3).map { #"{"externalId":"p\#($0)","name":"Parent \#($0)"}"# }
        try put(sandbox, "/companies", "[" + companies.joined(separator: ",") + "]", count: 3)
        let people = (1...3).map { #"{"email":"one@p\#($0).example","companyId":"extid-p\#($0)"}"# }
        try put(sandbox, "/endusers", "[" + people.joined(separator: ",") + "]", count: 3)
        let field = #"{"parent":"company","name":"Locked","type":"text","isLocked":true}"#
        guard sandbox.perform("POST", "/customfields", field).status == 200 else { throw Unserved() }
        recordsBefore = of.sample.path == "companies" || of.sample.path == "endusers" ? 3 : 0
        if of.object.name == "user" { recordsBefore = 3 }
        for _ in 0..<rowCount { source.rows.append(newRow(&random)) }
        if [.updateOnly, .createOnly, .delete].contains(of.behavior) { try fill(sandbox) }
        try sandbox.save()
    }

    private func fill(_ sandbox: Sandbox) throws {
        var rows = source.rows
        for index in rows.indices where index % 2 == 0 {
            var row = rows[index]
            row["name"] = .text("old")
            let id = try make(row, in: sandbox)
            recordsBefore += 1
            if of.key == "_id" { rows[index]["id"] = .text(id) }
            if case .text(let key) = rows[index]["id"] { there.insert(key) }
        }
        source.rows = rows
    }

    /// Makes a record as the row says, and returns the account's id of it.
    func make(_ row: SimulatedSource.Row, in sandbox: Sandbox) throws -> String {
        let made = sandbox.perform("PUT", "/" + of.sample.path, "[\(payload(row))]")
        guard let id = Self.strings(made.body, "upsertedIds").first else {
            throw Refused(text: "\(of.object.name): \(payload(row)) -> \(made.body)")
        }
        return id
    }

    struct Refused: Error { var text: String }

    private func put(_ sandbox: Sandbox, _ path: String, _ body: String, count: Int) throws {
        let answer = sandbox.perform("PUT", path, body)
        guard Self.strings(answer.body, "upsertedIds").count == count else { throw Refused(text: answer.body) }
    }

    private static func strings(_ body: String, _ name: String) -> [String] {
        let value = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        return value?[name] as? [String] ?? []
    }

    /// A row as Planhat takes it, without what is seldom there.
    private func payload(_ row: SimulatedSource.Row) -> String {
        func json(_ value: Value?) -> String {
            switch value {
            case .text(let text): "\"\(text)\""
            case .integer(let number): "\(number)"
            case .boolean(let flag): "\(flag)"
            default: "null"
            }
        }
        var members: [String] = []
        if let key = of.key, key != "_id" {
            members.append("\"\(key)\":\(json(row["id"]))")
        } else if of.object.name == "ticket" {
            members.append("\"sourceId\":\(json(row["dimension"]))")
        }
        for line in of.sample.mappings(of.key) where !line.field.hasPrefix("custom.") {
            switch line.source {
            case .constant(let value): members.append("\"\(line.field)\":\(json(value))")
            case .column(_, _, nulls: .skip): continue
            case .column("company", _, _): members.append("\"\(line.field)\":\(json(row["company"].map(Self.extid)))")
            case .column("day", _, _) where line.field == "invoiceDate": members.append("\"invoiceDate\":20000")
            case .column(let column, _, _): members.append("\"\(line.field)\":\(json(row[column]))")
            }
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func extid(_ value: Value) -> Value {
        if case .text(let text) = value { .text("extid-" + text) } else { value }
    }

    // MARK: The table

    func newRow(_ random: inout SeededRandom) -> SimulatedSource.Row {
        nextNumber += 1
        let number = nextNumber
        var id = "k\(number)"
        if of.key == "email" { id = "k\(number)@nowhere.example" }
        if of.key == "_id" { id = String(repeating: "f", count: 20) + String(1_000 + number) }
        return [
            "id": .text(id), "company": .text("p\(number % 3 + 1)"), "name": name(&random),
            "email": .text("e\(number)@nowhere.example"), "sender": .text("one@p\(number % 3 + 1).example"),
            "person": .text("one@p\(number % 3 + 1).example"), "dimension": .text("d\(number)"),
            "day": .text("2026-02-\(10 + number % 18)"), "seats": .integer(Int64(random.number(0...3))),
            "amount": .integer(Int64(number % 7 + 1)), "score": .integer(Int64(number % 10 + 1)), "spice": .null,
            "choice": .null, "companies": .null,
            "owner": number % 3 == 0
                ? .null : .text(number % 3 == 1 ? "Anna.Berg@example.com" : " mei.tanaka@example.com"),
        ]
    }

    /// One name in thirty is refused by the account.
    private func name(_ random: inout SeededRandom) -> Value {
        random.chance(percent: 3) ? .text("bad") : .text("n\(random.number(0...5))")
    }

    /// A list as a database has it, as a text where it has none, and one alone.
    private static let companies: [Value] = [
        .array(#"["p1","p2"]"#), .text(#" ["p2", "p1"] "#), .text("p3"), .text("[]"),
    ]

    /// Updates, inserts, removals, shared keys, missing keys, parents that are not there, and values that cannot be cast
    /// or that only some accounts take.
    func change(_ random: inout SeededRandom) {
        let old = versions.last
        versions.append(source.rows)
        if let old, random.chance(percent: 20) {
            source.rows = old
            return
        }
        var rows = source.rows
        for index in rows.indices.reversed() where random.chance(percent: 15) {
            switch random.number(0...11) {
            case 0: rows.remove(at: index)
            case 1: rows[index]["amount"] = .text("many")
            case 2: rows[index]["id"] = .null
            case 3: rows.insert(rows[random.number(0...rows.count - 1)], at: random.number(0...rows.count))
            case 4: rows[index]["company"] = random.chance(percent: 50) ? .text("gone") : .null
            case 5: rows[index]["seats"] = .null
            case 6: rows[index]["spice"] = .text("hot")
            case 7: rows[index]["choice"] = .text("other")
            case 8: rows[index]["companies"] = Self.companies[random.number(0...Self.companies.count - 1)]
            case 10: rows[index]["owner"] = .text("nobody@nowhere.example")
            case 9: rows[index]["sender"] = .text("new\(index)@p1.example")
            default:
                rows[index]["name"] = name(&random)
                rows[index]["seats"] = .integer(Int64(random.number(0...3)))
            }
        }
        source.rows = rows
        for _ in 0..<random.number(0...8) { source.rows.append(newRow(&random)) }
    }
}

struct AccountConnections: Connections {
    var dataSource: SimulatedSource
    var address: String
    var declared: DestinationObject
    var perMinute: Int
    var limitPath: String
    var tenant = SandboxConfiguration.defaultTenantUUID
    var syncs: [SyncDefinition] { [] }

    func source(_ dataset: DatasetDefinition) throws -> any Source & Discoverable { dataSource }

    func destination(_ sync: SyncDefinition, context: DestinationContext) throws -> any ConnectedDestination {
        let settings = ConnectorSettings(
            name: "crm", texts: ["base_url": address, "analytics_url": address],
            secrets: [
                "api_key": Secret(SandboxConfiguration.defaultToken),
                "tenant_uuid": Secret(tenant),
            ])
        return try PlanhatDestination.type.make(settings, context)
    }

    func sourceIdentity(_ dataset: DatasetDefinition) throws -> String { "system" }
    func object(_ sync: SyncDefinition) throws -> DestinationObject { declared }
    func identity(_ sync: SyncDefinition) throws -> String { "account" }

    func pace(_ sync: SyncDefinition) throws -> ConnectionPace {
        ConnectionPace(
            pacing: RequestPacing(requestsPerMinute: perMinute), shared: SharedNumber(path: limitPath))
    }
}
