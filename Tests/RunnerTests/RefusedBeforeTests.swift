import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit
import Testing

/// What was refused before is tried again and keeps nothing else from being sent.
struct RefusedBeforeTests {
    private static let hopeless = "destination_refuses_all"

    private func refused(_ count: Int) -> [SimulatedSource.Row] { (1...count).map { row("no\($0)", "no") } }

    private func fixture(_ rows: [SimulatedSource.Row]) throws -> RunFixture {
        let fixture = try RunFixture(rows)
        fixture.account.refuse { key, _ in key.hasPrefix("no") ? noGood : nil }
        return fixture
    }

    private func run(
        _ fixture: RunFixture, itemsMax: Int, _ definition: SyncDefinition = things()
    ) async throws -> RunRecord {
        let object = SimulatedDestination.object(batchItemsMax: itemsMax)
        return try await fixture.run(RunOptions(), definition, in: fixture.environment(object: object))
    }

    @Test func aNewRowBehindManyThatWereRefusedBeforeIsSent() async throws {
        let fixture = try fixture(rows(3) + refused(120))
        #expect(try await run(fixture, itemsMax: 60).operations.accepted == 3)
        fixture.source.rows += [row("new")]
        let record = try await run(fixture, itemsMax: 60)
        #expect(record.state == .completedWithRejections && record.error == nil)
        #expect(record.operations.accepted == 1 && record.operations.rejected == 120)
        #expect(fixture.account.records["new"] != nil)
    }

    @Test func aRunWithNothingButRefusedRowsIsNotFailed() async throws {
        let fixture = try fixture(rows(3) + refused(120))
        for _ in 1...3 {
            let record = try await run(fixture, itemsMax: 60)
            #expect(record.state == .completedWithRejections && record.operations.rejected == 120)
        }
    }

    @Test func aRemovalBehindManyRowsThatWereRefusedBeforeIsSent() async throws {
        let mirror = things(behavior: .mirror)
        let fixture = try fixture(rows(60) + refused(60))
        #expect(try await run(fixture, itemsMax: 60, mirror).operations.accepted == 60)
        fixture.source.rows.removeFirst()
        let record = try await run(fixture, itemsMax: 60, mirror)
        #expect(record.state == .completedWithRejections && record.operations.removed == 1)
        #expect(fixture.account.records["k1"] == nil)
    }

    /// A row that was corrected, but not well, is another one.
    @Test func rowsThatWereChangedSinceCountAsNew() async throws {
        let fixture = try fixture(rows(3) + refused(240))
        _ = try await run(fixture, itemsMax: 60)
        fixture.source.rows = rows(3) + (1...240).map { row("no\($0)", "no more") }
        fixture.account.refuse { _, _ in noGood }
        // 50, and one more for each that is pending.
        let record = try await run(fixture, itemsMax: 60)
        #expect(record.operations.rejected == 240 && record.error == nil)
        fixture.source.rows = rows(600, "Bea")
        let stopped = try await run(fixture, itemsMax: 60)
        #expect(stopped.state == .failed && stopped.error?.code == Self.hopeless)
        #expect(stopped.operations.rejected == 300 && stopped.operations.undelivered == 300)
    }

    @Test func eachFirstRunGoesFurtherUntilTheGoodRowsArrive() async throws {
        let fixture = try fixture(refused(400) + rows(100))
        for rejected in [50, 150, 350] {
            let record = try await run(fixture, itemsMax: 50)
            #expect(record.state == .failed && record.error?.code == Self.hopeless)
            #expect(record.operations.rejected == rejected && record.operations.accepted == 0)
            #expect(record.error?.hint.contains("run the sync again: it goes on with the rows behind them") == true)
        }
        let record = try await run(fixture, itemsMax: 50)
        #expect(record.state == .completedWithRejections && record.operations.accepted == 100)
        #expect(record.operations.rejected == 400 && fixture.account.records.count == 100)
        #expect(try await run(fixture, itemsMax: 50).rows.unchanged == 100)
    }

    @Test(arguments: [SimulatedAttribution.counted, .whole])
    func rowsBehindRefusedOnesThatNoAnswerNamesArriveAfterFewRuns(attribution: SimulatedAttribution) async throws {
        let fixture = try fixture(refused(300) + rows(100))
        fixture.account.attribution = attribution
        var runs = 0
        while fixture.account.records.count < 100 && runs < 8 {
            let sent = fixture.account.requests.count
            let record = try await run(fixture, itemsMax: 100)
            #expect(record.operations.rejected >= 50)
            let requests = fixture.account.requests.count - sent
            #expect(requests <= 10 + SearchBudget.requestsMin)
            runs += 1
        }
        #expect(runs < 8)
    }

    @Test(arguments: [SimulatedAttribution.counted, .whole])
    func whatWasRefusedBeforeStandsBehindTheOthersOfItsBatch(attribution: SimulatedAttribution) async throws {
        let fixture = try fixture(refused(300))
        #expect(try await fixture.run().operations.rejected == 300)
        fixture.account.attribution = attribution
        fixture.source.rows = refused(150) + [row("new")] + Array(refused(300).dropFirst(150))
        let sent = fixture.account.requests.count
        let record = try await fixture.run()
        #expect(record.operations.accepted == 1 && record.operations.rejected > 50)
        #expect(record.operations.rejected + record.operations.undelivered == 300)
        #expect(fixture.account.requests.dropFirst(sent + 1).first?.keys == ["new"])
        // Looking for rows that are known to be refused takes half of the budget.
        #expect(fixture.account.requests.count - sent <= 4 + SearchBudget.requestsMin / 2)
    }

    /// The places of batches in the plan are what a run goes on from, whatever the order of their records.
    @Test func aKilledRunGoesOnBehindABatchWhoseOrderWasAnother() async throws {
        let fixture = try fixture([row("no1"), row("no2"), row("k1")])
        #expect(try await run(fixture, itemsMax: 4).operations.rejected == 2)
        fixture.source.rows = [row("no1"), row("k2"), row("no2"), row("k3"), row("k4"), row("k5"), row("k6")]
        let object = SimulatedDestination.object(batchItemsMax: 3)
        let crash = CrashPoint(at: 1, only: .journalSettled)
        let environment = try fixture.environment(object: object, steps: crash.hook)
        await #expect(throws: (any Error).self) {
            try await RunSync(things(), options: RunOptions(), environment: environment).run()
        }
        #expect(crash.isDead)
        #expect(fixture.account.requests.dropFirst().map(\.keys) == [["k2", "no1", "no2"], ["k3", "k4", "k5"]])
        let again = try fixture.environment(object: object)
        let records = try await RunSync(things(), options: RunOptions(), environment: again).run()
        for record in records { try expectTrueBooks(record, again) }
        #expect(records.first?.operations.accepted == 5 && records.first?.operations.rejected == 2)
        #expect(records.last?.rows.unchanged == 5)
        #expect(OpenFrame(batch: 0, entries: [entry(3), entry(7), entry(5)]).nextSequence == 8)
        #expect(OpenFrame(batch: 0, entries: []).nextSequence == 0)
    }

    private func entry(_ sequence: Int) -> OpenEntry {
        OpenEntry(sequence: sequence, keyHash: .void, rowHash: .void)
    }

    // MARK: Removals

    @Test func removalThatWasRefusedTenTimesIsHeldUntilItIsDue() async throws {
        let mirror = things(behavior: .mirror)
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.account.refuse { key, _ in key == "k1" ? noGood : nil }
        fixture.source.rows.removeFirst()
        for _ in 1...10 {
            let record = try await fixture.run(RunOptions(), mirror)
            #expect(record.operations.removals == 1 && record.operations.rejected == 1)
        }
        let sent = fixture.account.requests.count
        for _ in 1...2 {
            let held = try await fixture.run(RunOptions(), mirror)
            #expect(held.state == .completedWithRejections && held.rows.held == 1 && held.operations.removals == 0)
            #expect(held.reasons == [ReasonCount(code: "removal_held", count: 1)])
            #expect(try fixture.outcomes(held, .held) == ["k1"])
        }
        #expect(fixture.account.requests.count == sent)
        fixture.time.advance(by: .seconds(856))
        #expect(try await fixture.run(RunOptions(), mirror).operations.rejected == 1)
        fixture.account.refuse { _, _ in nil }
        fixture.time.advance(by: .seconds(86_400))
        let removed = try await fixture.run(RunOptions(), mirror)
        #expect(removed.state == .succeeded && removed.operations.removed == 1)
        #expect(try PendingFile.open(fixture.environment().state.sync("things")).count == 0)
    }

    @Test func recordWhoseRemovalIsHeldComesBackAtOnce() async throws {
        let mirror = things(behavior: .mirror)
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.account.refuse { key, payload in key == "k1" && !payload.contains("Bea") ? noGood : nil }
        fixture.source.rows.removeFirst()
        for _ in 1...10 { try await fixture.run(RunOptions(), mirror) }
        fixture.source.rows.append(row("k1", "Bea"))
        let record = try await fixture.run(RunOptions(), mirror)
        #expect(record.state == .succeeded && record.operations.updated == 1 && record.rows.held == 0)
        #expect(try PendingFile.open(fixture.environment().state.sync("things")).count == 0)
    }

    @Test func manyRefusedRemovalsEndTheRunAndTheNextGoesFurther() async throws {
        let mirror = things(behavior: .mirror)
        let fixture = try RunFixture(rows(2_000))
        try await fixture.run(RunOptions(), mirror)
        fixture.account.refuse { _, _ in noGood }
        fixture.source.rows.removeFirst(120)
        let first = try await fixture.run(RunOptions(), mirror)
        #expect(first.state == .failed && first.error?.code == Self.hopeless && first.operations.rejected == 50)
        let second = try await fixture.run(RunOptions(), mirror)
        #expect(second.state == .completedWithRejections && second.operations.rejected == 120)
    }
}
