import ConnectorKit
import DestinationPlanhat
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Small histories through the real connector: open questions that whole histories do not come upon, and refusals that
/// need two records.
struct OpenQuestionTests {
    private final class Fixture {
        let folder: String
        let source: SimulatedSource
        let sandbox: Sandbox
        private let time = SimulatedTime()

        init(_ columns: [String], switches: [String] = []) throws {
            folder = try Scratch.make()
            source = SimulatedSource(
                columns: columns.map { Column(name: $0, type: .text, declaredType: "TEXT") })
            var configuration = SandboxConfiguration()
            configuration.switches = try SandboxSwitches(switches)
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

        func run(_ definition: SyncDefinition, tenant: String = SandboxConfiguration.defaultTenantUUID) async throws
            -> RunRecord
        {
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
                let record = try #require(
                    try await RunSync(definition, options: RunOptions(), environment: environment).run().last)
                #expect(record.rows.isBalanced && record.operations.isBalanced)
                return record
            }
        }

        func reasons(_ record: RunRecord) throws -> [String: Reason] {
            let database = try ControlDatabase.open(path: StateDirectory(path: folder + "/state").databasePath)
            let outcomes = try RunHistory(database).outcomes(run: record.id, outcome: .rejected, limit: 100)
            return Dictionary(outcomes.map { ($0.key, $0.reason) }, uniquingKeysWith: { first, _ in first })
        }
    }

    private static func sync(
        _ object: String, _ behavior: Behavior = .updateOrCreate, key: String?,
        _ mappings: [(field: String, column: String, lookup: String?)]
    ) -> SyncDefinition {
        let here = Definitions.here
        let dataset = DatasetDefinition(
            name: "rows", source: "memory", relation: .table(schema: nil, name: "rows"), location: here,
            sourceLocation: here)
        return SyncDefinition(
            name: "things", dataset: dataset, destination: "crm", object: object, behavior: behavior,
            key: KeyDefinition(columns: ["id"], field: key, location: here),
            mappings: mappings.map {
                MappingDefinition(
                    field: $0.field, source: .column($0.column, lookup: $0.lookup, nulls: .clear), location: here)
            }, location: here)
    }

    // MARK: Two records that refuse each other

    @Test(arguments: ["object", "string", "anonymous", "index"])
    func twoRecordsThatSwapAUniqueValueAreNamed(errors: String) async throws {
        let fixture = try Fixture(["id", "name", "crm"], switches: ["errors=\(errors)"])
        let sync = Self.sync("company", key: "externalId", [("name", "name", nil), ("sourceId", "crm", nil)])
        fixture.fill([["k1", "One", "s1"], ["k2", "Two", "s2"], ["k3", "Three", "s3"]])
        #expect(try await fixture.run(sync).operations.created == 3)
        fixture.fill([["k1", "One", "s2"], ["k2", "Two", "s1"], ["k3", "Three", "s3"]])
        let record = try await fixture.run(sync)
        #expect(record.operations.rejected == 2 && record.reasons.map(\.code) == ["unique_value_swapped"])
        let reasons = try fixture.reasons(record)
        #expect(reasons.keys.sorted() == ["k1", "k2"])
        for reason in reasons.values {
            #expect(reason.message.contains("k1 and k2 swap their sourceId"), "\(reason.message)")
        }
        // The way out that the hint names.
        fixture.fill([["k1", "One", ""], ["k2", "Two", "s1"], ["k3", "Three", "s3"]])
        _ = try await fixture.run(sync)
        _ = try await fixture.run(sync)
        fixture.fill([["k1", "One", "s2"], ["k2", "Two", "s1"], ["k3", "Three", "s3"]])
        _ = try await fixture.run(sync)
        #expect(try await fixture.run(sync).rows.unchanged == 3)
    }

    @Test func valueThatAnotherRecordKeepsIsNoSwap() async throws {
        let fixture = try Fixture(["id", "name", "crm"])
        let sync = Self.sync("company", key: "externalId", [("name", "name", nil), ("sourceId", "crm", nil)])
        fixture.fill([["k1", "One", "s1"], ["k2", "Two", "s2"], ["k3", "Three", "s3"]])
        _ = try await fixture.run(sync)
        fixture.fill([["k1", "One", "s3"], ["k2", "Two", "s3"], ["k3", "Three", "s3"]])
        let record = try await fixture.run(sync)
        #expect(record.reasons.map(\.code) == ["refused_by_destination"])
    }

    // MARK: Open questions

    @Test(arguments: AccountSwitches.values["repeats"] ?? [], AccountSwitches.values["errors"] ?? [])
    func twoRowsForOneRecordEndInTheBooks(repeats: String, errors: String) async throws {
        let fixture = try Fixture(["id", "name", "crm"], switches: ["repeats=\(repeats)", "errors=\(errors)"])
        let sync = Self.sync("company", key: "externalId", [("name", "name", nil), ("sourceId", "crm", nil)])
        // Planhat asks the source id first, and finds by it the record that the first row makes.
        fixture.fill([["k1", "One", "s1"], ["k2", "Two", "s1"], ["k3", "Three", "s3"]])
        let record = try await fixture.run(sync)
        #expect([.succeeded, .completedWithRejections].contains(record.state), "\(record.error as Any)")
        #expect(record.operations.accepted + record.operations.rejected == 3)
        #expect(fixture.sandbox.store.record("companies", "extid-k3") != nil)
        #expect(fixture.sandbox.store.count(of: "companies") == 2)
    }

    @Test(arguments: AccountSwitches.values["formula"] ?? [])
    func fieldsThatPlanhatComputesAreNotWritten(formula: String) async throws {
        let fixture = try Fixture(["id", "name", "spice"], switches: ["formula=\(formula)"])
        let sync = Self.sync(
            "company", key: "externalId", [("name", "name", nil), ("custom.Revenue per Seat", "spice", nil)])
        fixture.fill([["k1", "One", "7"]])
        let record = try await fixture.run(sync)
        #expect(record.state == .failed && record.error?.code == "field_not_writable")
        #expect(fixture.sandbox.store.count(of: "companies") == 0)
    }

    @Test(arguments: AccountSwitches.values["unknown-tenant"] ?? [])
    func anotherTenantTakesNothing(answer: String) async throws {
        let fixture = try Fixture(["id", "email"], switches: ["unknown-tenant=\(answer)"])
        let sync = Self.sync("activity", .send, key: nil, [("email", "email", nil), ("action", "id", nil)])
        fixture.fill([["k1", "a@p1.example"], ["k2", "a@p1.example"]])
        let record = try await fixture.run(sync, tenant: "00000000-0000-4000-8000-000000000000")
        #expect(fixture.sandbox.eventLines("activities").isEmpty)
        if ["not-found", "unauthorized"].contains(answer) {
            #expect(record.error?.code == "tenant_uuid_refused")
        } else {
            #expect(record.operations.sent == 0 && record.operations.rejected == 2)
        }
    }
}
