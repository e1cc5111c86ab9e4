import ConnectorKit
import DestinationPlanhat
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// One sync at a time from a table in memory through the real connector to a sandbox in this process.
final class AccountFixture {
    let folder: String
    let source: SimulatedSource
    let sandbox: Sandbox
    private let time = SimulatedTime()

    init(_ columns: [String], switches: [String] = [], rules: [String] = []) throws {
        folder = try Scratch.make()
        source = SimulatedSource(
            columns: columns.map { Column(name: $0, type: .text, declaredType: "TEXT") })
        var configuration = SandboxConfiguration()
        configuration.switches = try SandboxSwitches(switches)
        configuration.failRules = try SandboxConfiguration.failRules(rules)
        sandbox = try Sandbox(configuration)
    }

    deinit { Scratch.remove(folder) }

    func fill(_ rows: [[String]]) {
        source.rows = rows.map { row in
            Dictionary(
                uniqueKeysWithValues: zip(source.columns.map(\.name), row).map {
                    ($0, $1.isEmpty ? .null : .text($1))
                })
        }
    }

    /// Runs the sync, then returns the record of its own run, its books checked.
    @discardableResult
    func run(
        _ definition: SyncDefinition, _ options: RunOptions = RunOptions(),
        tenant: String = SandboxConfiguration.defaultTenantUUID
    ) async throws -> RunRecord {
        let record = try #require(
            try await with(definition, tenant: tenant) { environment in
                try await RunSync(definition, options: options, environment: environment).run().last
            })
        #expect(record.rows.isBalanced && record.operations.isBalanced)
        return record
    }

    func plan(_ definition: SyncDefinition) async throws -> PlanSync.Report {
        try await with(definition) { environment in
            try await PlanSync(definition, options: RunOptions(), environment: environment).plan(examplesMax: 5)
        }
    }

    /// Calls `body` with all that a run needs while the sandbox is served.
    func with<Result: Sendable>(
        _ definition: SyncDefinition, tenant: String = SandboxConfiguration.defaultTenantUUID,
        _ body: (RunEnvironment) async throws -> Result
    ) async throws -> Result {
        let object = try #require(PlanhatObjects.all.first { $0.name == definition.object })
        return try await AccountWorld.serve(sandbox) { address in
            var connections = AccountConnections(
                dataSource: self.source, address: address, declared: object, perMinute: 60_000_000,
                limitPath: self.folder + "/limit")
            connections.tenant = tenant
            let state = try StateDirectory(path: self.folder + "/state")
            let time = self.time
            let environment = RunEnvironment(
                state: state, database: try ControlDatabase.open(path: state.databasePath),
                time: RunTime(
                    now: { Moment(milliseconds: time.milliseconds) }, sleep: { try await time.sleep($0) },
                    chance: { time.fraction() }, seed: { time.bits() }),
                connections: connections)
            return try await body(environment)
        }
    }

    func reasons(_ record: RunRecord, _ outcome: OutcomeKind = .rejected) throws -> [String: Reason] {
        let database = try ControlDatabase.open(path: StateDirectory(path: folder + "/state").databasePath)
        let outcomes = try RunHistory(database).outcomes(run: record.id, outcome: outcome, limit: 100)
        return Dictionary(outcomes.map { ($0.key, $0.reason) }, uniquingKeysWith: { first, _ in first })
    }
}

/// A sync from a fixture's table, its key in column `id`.
func accountSync(
    _ object: String, _ behavior: Behavior = .updateOrCreate, key: String?, within: String? = nil,
    name: String = "things", _ mappings: [(field: String, column: String, lookup: String?)]
) -> SyncDefinition {
    let here = Definitions.here
    let dataset = DatasetDefinition(
        name: "rows", source: "memory", relation: .table(schema: nil, name: "rows"), location: here,
        sourceLocation: here)
    return SyncDefinition(
        name: name, dataset: dataset, destination: "crm", object: object, behavior: behavior,
        key: KeyDefinition(columns: ["id"], field: key, within: within, location: here),
        mappings: mappings.map {
            MappingDefinition(
                field: $0.field, source: .column($0.column, lookup: $0.lookup, nulls: .clear), location: here)
        }, location: here)
}
