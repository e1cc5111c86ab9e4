import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Known rows that would be made, sent or removed because their keys or their dataset read otherwise than before.
struct KeyGuardTests {
    private static let here = Location(file: "sluice.yaml", line: 1, column: 1)
    private static let events = SimulatedDestination.object(batchItemsMax: 10, repeatable: .never)

    private static func sending() -> SyncDefinition {
        things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: here))
    }

    private func retyped(_ count: Int) -> [SimulatedSource.Row] { (1...count).map { row("k\($0).00") } }

    @Test(arguments: [Behavior.updateOrCreate, .createOnly])
    func aRetypedKeyDoesNotMakeEveryRecordTwice(_ behavior: Behavior) async throws {
        let fixture = try RunFixture(rows(10))
        try await fixture.run(RunOptions(), things(behavior: behavior))
        fixture.source.columns[0].declaredType = "NUMERIC"
        fixture.source.rows = retyped(10)
        let stopped = try await fixture.run(RunOptions(), things(behavior: behavior))
        #expect(stopped.state == .stoppedByGuard && stopped.guard?.name == "schema_change", "\(stopped)")
        #expect(stopped.guard?.message.contains("key's column id was text and is numeric") == true, "\(stopped)")
        #expect(fixture.account.records.count == 10)
        var options = RunOptions()
        options.acceptedGuards = ["schema_change"]
        #expect(try await fixture.run(options, things(behavior: behavior)).operations.created == 10)
        #expect(try await fixture.run(RunOptions(), things(behavior: behavior)).state == .succeeded)
    }

    @Test func aRetypedKeyThatReadsAsBeforeStopsNothing() async throws {
        let fixture = try RunFixture(rows(10))
        try await fixture.run()
        fixture.source.columns[0].declaredType = "BIGINT"
        fixture.source.rows = rows(15)
        #expect(try await fixture.run().operations.created == 5)
    }

    @Test func aRetypedKeySendsNoEventAgainUnasked() async throws {
        let fixture = try RunFixture(rows(10))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), Self.sending(), in: environment)
        fixture.source.columns[0].declaredType = "NUMERIC"
        fixture.source.rows = retyped(10)
        let stopped = try await fixture.run(RunOptions(), Self.sending(), in: environment)
        #expect(stopped.guard?.name == "schema_change" && fixture.account.events.count == 10)
    }

    @Test func anEditedQuerySendsNoEventAgainUnasked() async throws {
        let fixture = try RunFixture(rows(10))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), Self.sending(), in: environment)
        var edited = Self.sending()
        edited.dataset.relation = .query("select 'x-' || id as id, name, seats from rows")
        fixture.source.rows = rows(12)
        // Its keys are the same.
        #expect(try await fixture.run(RunOptions(), edited, in: environment).operations.sent == 2)
        var again = edited
        again.dataset.relation = .query("select 'y-' || id as id, name, seats from rows")
        fixture.source.rows = (1...10).map { row("x-k\($0)") }
        let stopped = try await fixture.run(RunOptions(), again, in: environment)
        #expect(stopped.guard?.name == "schema_change", "\(stopped)")
        #expect(stopped.guard?.message.contains("dataset was changed") == true && fixture.account.events.count == 12)
    }

    /// The newest rows are read again by every recent run, so with keys as before some are met.
    @Test func aRecentScanThatMeetsNoKnownKeyStopsToo() async throws {
        let fixture = try RunFixture((1...10).map { row("k\($0)", seats: $0) })
        var sync = things(mappings: [("name", "name")])
        sync.dataset.incremental = IncrementalDefinition(
            column: "seats", overlap: .number(0), completeScan: .every(seconds: 86_400), location: Self.here)
        try await fixture.run(RunOptions(), sync)
        fixture.source.columns[0].declaredType = "NUMERIC"
        fixture.source.rows += [row("k11", seats: 11)]
        #expect(try await fixture.run(RunOptions(), sync).operations.created == 1)
        fixture.source.rows = (1...12).map { row("k\($0).00", seats: $0) }
        let stopped = try await fixture.run(RunOptions(), sync)
        #expect(stopped.guard?.name == "schema_change" && stopped.rows.scanned == 2, "\(stopped)")
    }

    /// Only a complete scan has looked at what a retyped column does to all rows.
    @Test func aRecentScanDoesNotTakeARetypedColumnForLookedAt() async throws {
        let fixture = try RunFixture((1...20).map { row("k\($0)", seats: $0) })
        var sync = things(mappings: [("name", "name")])
        sync.dataset.incremental = IncrementalDefinition(
            column: "seats", overlap: .number(0), completeScan: .runs(2), location: Self.here)
        try await fixture.run(RunOptions(), sync)
        fixture.source.columns[1].declaredType = "VARCHAR"
        fixture.source.rows = (1...20).map { row("k\($0)", "Bea", seats: $0) } + [row("k21", seats: 21)]
        let recent = try await fixture.run(RunOptions(), sync)
        #expect(recent.state == .succeeded && recent.rows.scanned == 2)
        let complete = try await fixture.run(RunOptions(), sync)
        #expect(complete.guard?.name == "schema_change" && complete.rows.scanned == 21, "\(complete)")
    }

    @Test func aDeletingSyncAsksAfterItsDatasetWasChanged() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run()
        let gone = {
            var sync = things(behavior: .delete, mappings: [])
            sync.name = "gone"
            return sync
        }
        var narrow = gone()
        narrow.dataset.relation = .query("select * from rows where id < 'k2'")
        fixture.source.rows = rows(2)
        #expect(try await fixture.run(RunOptions(), narrow).operations.removed == 2)
        fixture.source.rows = rows(20)
        let stopped = try await fixture.run(RunOptions(), gone())
        #expect(stopped.guard?.name == "first_removals" && fixture.account.records.count == 18, "\(stopped)")
        var options = RunOptions()
        options.acceptedGuards = ["first_removals"]
        #expect(try await fixture.run(options, gone()).operations.removed == 18)
        fixture.source.rows += [row("k21")]
        #expect(try await fixture.run(RunOptions(), gone()).state == .succeeded, "asked once")
    }
}
