import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// A dataset that becomes empty stops a run; one that stays so after a person let it through does not.
struct EmptyScanTests {
    private let mirror = things(behavior: .mirror)

    /// A sync that knows three records and whose dataset has become empty.
    private func emptied(_ sync: SyncDefinition = things()) async throws -> RunFixture {
        let fixture = try RunFixture(rows(3))
        try await fixture.run(RunOptions(), sync)
        fixture.source.rows = []
        return fixture
    }

    private func accepting(_ names: String...) -> RunOptions {
        var options = RunOptions()
        options.acceptedGuards = Set(names)
        return options
    }

    private func isStopped(_ fixture: RunFixture, _ sync: SyncDefinition = things()) async throws -> Bool {
        let plan = try await PlanSync(sync, options: RunOptions(), environment: fixture.environment())
            .plan(examplesMax: 0)
        let record = try await fixture.run(RunOptions(), sync)
        let names = record.guard?.all.map(\.name) ?? []
        #expect(names == plan.guardRecord?.all.map(\.name) ?? [])
        #expect((record.state == .stoppedByGuard) == names.contains("empty_scan"))
        return record.state == .stoppedByGuard
    }

    @Test(arguments: [Behavior.updateOrCreate, .updateOnly, .mirror])
    func onceAcceptedAnEmptyDatasetIsNoNewsUntilRowsWereThere(behavior: Behavior) async throws {
        let sync = things(behavior: behavior)
        let fixture = try RunFixture(rows(3))
        fixture.account.records = ["k1": "{}", "k2": "{}", "k3": "{}"]
        try await fixture.run(RunOptions(), sync)
        for _ in 1...2 {
            fixture.source.rows = []
            for _ in 1...2 { #expect(try await isStopped(fixture, sync)) }
            #expect(try await fixture.run(accepting("empty_scan"), sync).state == .succeeded)
            for _ in 1...3 { #expect(try await !isStopped(fixture, sync)) }
            if behavior == .mirror {
                #expect(fixture.account.records.isEmpty)
            } else {
                #expect(fixture.account.records.count == 3)
            }
            fixture.source.rows = rows(3, "Bea")
            fixture.account.records = ["k1": "{}", "k2": "{}", "k3": "{}"]
            #expect(try await fixture.run(RunOptions(), sync).state == .succeeded)
        }
    }

    @Test func acceptedOutrightIsAsGoodAsThePlanThatWasStopped() async throws {
        let fixture = try await emptied()
        #expect(try await fixture.run(accepting("empty_scan")).state == .succeeded)
        #expect(try await !isStopped(fixture))
    }

    @Test func messageSaysHowManyRecordsAreKnown() async throws {
        let record = try await emptied().run()
        #expect(record.guard?.message == "The dataset is empty, and the sync knows 3 records.")
    }

    @Test func syncThatKnowsNothingHasNothingToLose() async throws {
        let fixture = try RunFixture()
        for _ in 1...2 { #expect(try await !isStopped(fixture)) }
        fixture.source.rows = rows(3)
        try await fixture.run()
        fixture.source.rows = []
        // That it was empty once, and nobody was asked, is no word for it now.
        #expect(try await isStopped(fixture))
    }

    /// Rows that were there are rows that were there, also where another guard stopped them or sending them failed.
    @Test(arguments: ["guard", "failure", "limit"])
    func rowsThatCameBackAndVanishedAreNewsWhateverBecameOfThem(ending: String) async throws {
        let fixture = try await emptied()
        try await fixture.run(accepting("empty_scan"))
        var options = RunOptions()
        switch ending {
        case "guard": fixture.source.rows = [row(nil), row(nil), row("k1")]
        case "failure":
            fixture.source.rows = rows(3, "Bea")
            fixture.account.fault { _, _ in .unauthorized }
        default:
            fixture.source.rows = rows(3, "Bea")
            options.limit = 1
        }
        let between = try await fixture.run(options)
        #expect(between.state == (ending == "guard" ? .stoppedByGuard : ending == "limit" ? .succeeded : .failed))
        fixture.account.fault { _, _ in .none }
        fixture.source.rows = []
        #expect(try await isStopped(fixture))
    }

    /// What was let through is one dataset, with what one behavior does when it is empty.
    @Test func acceptanceIsOfTheDatasetAndTheBehavior() async throws {
        let fixture = try await emptied()
        try await fixture.run(accepting("empty_scan"))
        var other = things()
        other.dataset.relation = .table(schema: nil, name: "other")
        #expect(try await isStopped(fixture, other))
        let record = try await fixture.run(RunOptions(), mirror)
        #expect(record.guard?.all.map(\.name) == ["empty_scan", "first_removals"])
        #expect(try await !isStopped(fixture))
        #expect(fixture.account.records.count == 3)
    }

    /// A run of chosen records is let through by no guard, and a limited one leaves the removals to the next.
    @Test func onlyAWholeRunThatCameToItsEndCounts() async throws {
        let fixture = try await emptied(mirror)
        var chosen = RunOptions()
        chosen.onlyKeys = ["k1"]
        #expect(try await fixture.run(chosen, mirror).state == .succeeded)
        #expect(try await isStopped(fixture, mirror))
        var limited = accepting("empty_scan")
        limited.limit = 1
        #expect(try await fixture.run(limited, mirror).state == .succeeded)
        #expect(try await isStopped(fixture, mirror))
        fixture.account.fault { _, _ in .unauthorized }
        #expect(try await fixture.run(accepting("empty_scan"), mirror).state == .failed)
        fixture.account.fault { _, _ in .none }
        #expect(try await isStopped(fixture, mirror))
        #expect(fixture.account.records.count == 3)
    }

    @Test func resetForgetsThatItWasAccepted() async throws {
        let fixture = try await emptied()
        try await fixture.run(accepting("empty_scan"))
        try ResetState("things", environment: fixture.environment()).reset()
        fixture.source.rows = rows(2)
        try await fixture.run()
        fixture.source.rows = []
        #expect(try await isStopped(fixture))
    }

    /// Where an incremental dataset has nothing new, it is not empty.
    @Test func incrementalScanWithoutNewsSaysNothingOfEmptiness() async throws {
        var sync = things()
        sync.dataset.incremental = IncrementalDefinition(
            column: "seats", overlap: .number(0), completeScan: .every(seconds: 86_400),
            location: Location(file: "sluice.yaml", line: 1, column: 1))
        let fixture = try await emptied(sync)
        #expect(try await fixture.run(RunOptions(), sync).state == .succeeded)
        var full = RunOptions()
        full.isFull = true
        #expect(try await fixture.run(full, sync).guard?.name == "empty_scan")
    }
}
