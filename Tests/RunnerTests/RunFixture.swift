import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import Synchronization
import TestKit
import Testing

/// One sync from a table in memory to an account in memory, over a real state directory that is removed with it.
final class RunFixture: Sendable {
    let folder: String
    let source: SimulatedSource
    let account = SimulatedAccount()
    let time = SimulatedTime()
    private let told = Mutex<[RunProgress]>([])

    private let historyLag: Duration

    init(_ rows: [SimulatedSource.Row] = [], historyLag: Duration = .zero) throws {
        self.historyLag = historyLag
        folder = FileManager.default.temporaryDirectory.path + "/sluice-run-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        source = SimulatedSource(
            columns: [
                Column(name: "id", type: .text, declaredType: "TEXT"),
                Column(name: "name", type: .text, declaredType: "TEXT"),
                Column(name: "seats", type: .integer, declaredType: "INTEGER"),
            ], rows: rows)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var progress: [RunProgress] { told.withLock { $0 } }

    func environment(
        object: DestinationObject = SimulatedDestination.object(batchItemsMax: 5_000), identity: String = "account 1",
        system: String = "system 1", steps: FileSteps = .none
    ) throws -> RunEnvironment {
        let state = try StateDirectory(path: folder + "/state", steps: steps)
        let time = time
        var environment = RunEnvironment(
            state: state, database: try ControlDatabase.open(path: state.databasePath),
            time: RunTime(
                now: { Moment(milliseconds: time.milliseconds) }, sleep: { try await time.sleep($0) },
                chance: { time.fraction() }, seed: { time.bits() }),
            connections: FixtureConnections(
                dataSource: source, account: account, destinationObject: object, accountIdentity: identity,
                limitPath: folder + "/limit", systemIdentity: system),
            progress: { [self] step in told.withLock { $0.append(step) } })
        environment.historyLag = historyLag
        return environment
    }

    /// Runs the sync and returns the record of its own run, its books checked.
    @discardableResult
    func run(
        _ options: RunOptions = RunOptions(), _ definition: SyncDefinition = things(), in given: RunEnvironment? = nil
    ) async throws -> RunRecord {
        let environment = try given ?? environment()
        let records = try await RunSync(definition, options: options, environment: environment).run()
        for record in records { try expectTrueBooks(record, environment) }
        return try #require(records.last)
    }

    func run(full: Bool) async throws -> RunRecord {
        var options = RunOptions()
        options.isFull = full
        return try await run(options)
    }

    @discardableResult
    func run(accepting guards: Set<String>) async throws -> RunRecord {
        var options = RunOptions()
        options.acceptedGuards = guards
        return try await run(options)
    }

    func outcomes(_ record: RunRecord, _ kind: OutcomeKind) throws -> [String] {
        try RunHistory(try environment().database).outcomes(run: record.id, outcome: kind, limit: 1_000).map(\.key)
            .sorted()
    }
}

/// The sync that the fixture runs unless a test says otherwise.
func things(
    behavior: Behavior = .updateOrCreate, key: KeyDefinition? = nil, mappings: [(field: String, column: String)]? = nil
) -> SyncDefinition {
    let here = Location(file: "sluice.yaml", line: 1, column: 1)
    let dataset = DatasetDefinition(
        name: "rows", source: "memory", relation: .table(schema: nil, name: "rows"), location: here,
        sourceLocation: here)
    let lines = mappings ?? [("name", "name"), ("seats", "seats")]
    return SyncDefinition(
        name: "things", dataset: dataset, destination: "account", object: "thing", behavior: behavior,
        key: key ?? KeyDefinition(columns: ["id"], field: "externalId", location: here),
        mappings: lines.map {
            MappingDefinition(field: $0.field, source: .column($0.column, lookup: nil, nulls: .clear), location: here)
        }, location: here)
}

func row(_ id: String?, _ name: String = "Ann", seats: Int = 1) -> SimulatedSource.Row {
    ["id": id.map { .text($0) } ?? .null, "name": .text(name), "seats": .integer(Int64(seats))]
}

/// So many rows `k1`, `k2` … of one name.
func rows(_ count: Int, _ name: String = "Ann") -> [SimulatedSource.Row] {
    (0..<count).map { row("k\($0 + 1)", name) }
}

func payload(_ id: String, _ name: String = "Ann", seats: Int = 1) -> String {
    "{\"externalId\":\"\(id)\",\"name\":\"\(name)\",\"seats\":\(seats)}"
}

let noGood = Reason(code: "refused_by_destination", message: "No good.", hint: "Make it good.")

/// Both ledgers balance, reasons count what did not arrive, and the stored record is the returned one.
func expectTrueBooks(
    _ record: RunRecord, _ environment: RunEnvironment, _ location: SourceLocation = #_sourceLocation
) throws {
    #expect(record.state.isFinal, sourceLocation: location)
    #expect(record.rows.isBalanced, "\(record.rows)", sourceLocation: location)
    #expect(record.operations.isBalanced, "\(record.operations)", sourceLocation: location)
    #expect(record.operations.planned == record.rows.planned, sourceLocation: location)
    let missing =
        record.rows.invalid + record.rows.held + record.operations.rejected + record.operations.undelivered
        + record.operations.inDoubt
    #expect(record.reasons.reduce(0) { $0 + $1.count } == missing, "\(record.reasons)", sourceLocation: location)
    #expect(record.error?.code != "books_unbalanced", sourceLocation: location)
    #expect(try environment.database.run(record.id) == record, sourceLocation: location)
    #expect(try environment.database.unfinishedRuns().isEmpty, sourceLocation: location)
}

struct FixtureConnections: Connections {
    var dataSource: SimulatedSource
    var account: SimulatedAccount
    var destinationObject: DestinationObject
    var accountIdentity: String
    var limitPath: String
    var systemIdentity = "system 1"
    /// Whether the destination cannot be made.
    var isBroken = false
    var syncs: [SyncDefinition] = []

    func source(_ dataset: DatasetDefinition) throws -> any Source & Discoverable { dataSource }

    func destination(_ sync: SyncDefinition, context: DestinationContext) throws -> any ConnectedDestination {
        if isBroken {
            throw ConnectorError(code: "unauthorized", message: "No.", hint: "Log in.", disposition: .fixConfiguration)
        }
        return SimulatedDestination(account, context: context)
    }

    func sourceIdentity(_ dataset: DatasetDefinition) throws -> String { systemIdentity }
    func object(_ sync: SyncDefinition) throws -> DestinationObject { destinationObject }
    func identity(_ sync: SyncDefinition) throws -> String { accountIdentity }

    func pace(_ sync: SyncDefinition) throws -> ConnectionPace {
        ConnectionPace(
            pacing: RequestPacing(requestsPerMinute: 60_000_000, burst: 50), shared: SharedNumber(path: limitPath))
    }
}
