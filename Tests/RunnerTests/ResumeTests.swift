import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// What the next start makes of a run that was killed.
struct ResumeTests {
    private func killed(
        _ fixture: RunFixture, at step: StepName, number: Int = 0, bytes: Int? = nil, itemsMax: Int = 2,
        repeatable: Repeatability = .byKey, options: RunOptions = RunOptions()
    ) async throws {
        let crash = CrashPoint(at: number, only: step, bytes: bytes)
        let object = SimulatedDestination.object(batchItemsMax: itemsMax, repeatable: repeatable)
        let environment = try fixture.environment(object: object, steps: crash.hook)
        await #expect(throws: (any Error).self) {
            try await RunSync(things(), options: options, environment: environment).run()
        }
        #expect(crash.isDead)
        #expect(try environment.database.unfinishedRuns().count == 1)
    }

    private func next(
        _ fixture: RunFixture, _ definition: SyncDefinition = things(), repeatable: Repeatability = .byKey
    ) async throws -> [RunRecord] {
        let object = SimulatedDestination.object(batchItemsMax: 2, repeatable: repeatable)
        let environment = try fixture.environment(object: object)
        let records = try await RunSync(definition, options: RunOptions(), environment: environment).run()
        for record in records { try expectTrueBooks(record, environment) }
        return records
    }

    @Test func unsealedPlanIsDeletedAndScannedAnewUnderTheSameNumber() async throws {
        let fixture = try RunFixture(rows(5))
        try await killed(fixture, at: .planSealed, bytes: 40)
        let records = try await next(fixture)
        #expect(records.map(\.id) == [1] && records[0].state == .succeeded)
        #expect(fixture.source.scans == 2 && fixture.account.created.count == 5)
    }

    @Test(arguments: [nil, 20, Int.max])
    func sealedPlanGoesOnUnderItsNumberAndThenTheSyncRuns(bytes: Int?) async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalSettled, number: 1, bytes: bytes)
        let records = try await next(fixture)
        #expect(records.map(\.id) == [1, 2] && records.map(\.state) == [.succeeded, .succeeded])
        #expect(records[0].operations.accepted == 6 && records[1].rows.unchanged == 6)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 } && fixture.account.created.count == 6)
        #expect(fixture.progress.contains(.started(run: 1, sync: "things", isResumed: true)))
        // The batch whose outcome is on the disk is not sent again.
        #expect(fixture.account.requests.count == (bytes == Int.max ? 3 : 4))
    }

    @Test func aResumedRunCostsWhatAllItsProcessesDid() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalSettled, number: 1)
        let records = try await next(fixture)
        // What was answered to the batch that was not settled is known to nobody.
        #expect(records.map(\.effort?.answers) == [["200": 3], [:]])
    }

    @Test func whatTheHistoryLackedAtAKillIsTakenFromTheJournal() async throws {
        let fixture = try RunFixture(rows(8), historyLag: .seconds(1))
        try await killed(fixture, at: .journalSettled, number: 3)
        let environment = try fixture.environment()
        let history = RunHistory(environment.database)
        // The first batch is told at once, the second and third wait; the clock stands still.
        #expect(try environment.database.run(1)?.operations.accepted == 2)
        #expect(try history.exchanges(run: 1, limit: 10).count == 1)
        let records = try await next(fixture)
        #expect(records[0].operations.accepted == 8 && records[0].requests == 4)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 } && fixture.account.created.count == 8)
        // Their requests are counted, and nobody knows them any more.
        #expect(try history.exchanges(run: 1, limit: 10).count == 2)
    }

    /// Their bodies lie in memory: the first is told at once, and then each sixty-four.
    @Test(arguments: [(64, 1), (65, 65), (129, 129)])
    func noMoreThanSixtyFourRequestsWait(settled: Int, told: Int) async throws {
        let fixture = try RunFixture(rows(200), historyLag: .seconds(1_000))
        try await killed(fixture, at: .journalSettled, number: settled, itemsMax: 1)
        let history = RunHistory(try fixture.environment().database)
        #expect(try history.exchanges(run: 1, limit: 200).count == told)
    }

    @Test func refusedRecordIsInTheHistoryAtOnceWithAllThatWentBefore() async throws {
        let fixture = try RunFixture(rows(8), historyLag: .seconds(1))
        fixture.account.refuse { key, _ in
            key == "k5" ? Reason(code: "refused", message: "No.", hint: "Change it.") : nil
        }
        try await killed(fixture, at: .journalSettled, number: 3)
        let environment = try fixture.environment()
        let found = try #require(try environment.database.run(1))
        #expect(found.operations.accepted == 5 && found.operations.rejected == 1)
        #expect(try RunHistory(environment.database).exchanges(run: 1, limit: 10).count >= 3)
    }

    @Test func aRunThatEndsHasToldAll() async throws {
        let fixture = try RunFixture(rows(9), historyLag: .seconds(1))
        let environment = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 2))
        let record = try await fixture.run(RunOptions(), things(), in: environment)
        #expect(record.state == .succeeded && record.requests == 5)
        #expect(try RunHistory(environment.database).exchanges(run: 1, limit: 10).count == 5)
    }

    /// The history may have a commit on the disk whose journal frame was not synced yet.
    @Test(arguments: [Repeatability.byKey, .never])
    func powerCutThatTookASettlementTakesItOutOfTheHistoryToo(repeatable: Repeatability) async throws {
        let fixture = try RunFixture(rows(6))
        fixture.account.refuse { key, _ in key == "k3" ? noGood : nil }
        let journal = fixture.folder + "/state/syncs/things/journal"
        let seen = Mutex((opened: 0, settled: 0, size: UInt64(0)))
        let hook = FileSteps { step in
            try seen.withLock { seen in
                if step == .journalSettled {
                    seen.settled += 1
                    if seen.settled == 2 { seen.size = try Files.size(journal) }
                }
                if step == .journalOpen { seen.opened += 1 }
                if seen.opened > 2 { throw SimulatedKill() }
            }
            return .proceed
        }
        let object = SimulatedDestination.object(batchItemsMax: 2, repeatable: repeatable)
        let dying = try fixture.environment(object: object, steps: hook)
        _ = try? await RunSync(things(), options: RunOptions(), environment: dying).run()
        try Files.cut(journal, to: seen.withLock { $0.size })
        fixture.account.refuse { _, _ in nil }
        let records = try await next(fixture, repeatable: repeatable)
        let first = try #require(records.first)
        #expect(first.operations.rejected == 0 && first.operations.inDoubt == (repeatable == .never ? 2 : 0))
        #expect(try fixture.outcomes(first, .rejected).isEmpty)
        #expect(try fixture.outcomes(first, .inDoubt) == (repeatable == .never ? ["k3", "k4"] : []))
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test func seedOfAFirstRunThatWasKilledIsKept() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 1)
        let records = try await next(fixture)
        #expect(records.last?.rows.unchanged == 6)
    }

    @Test func planOfAnHourAgoIsNotSentAnyMore() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 1)
        fixture.time.advance(by: .seconds(3_600))
        fixture.source.rows = rows(6, "Bea")
        let records = try await next(fixture)
        #expect(records[0].state == .failed && records[0].error?.code == "plan_stale")
        #expect(records[0].operations.accepted == 2 && records[0].operations.undelivered == 4)
        #expect(records[1].operations.updated == 2 && records[1].operations.created == 4)
    }

    @Test func planAgesFromItsSealNotFromTheStartOfTheScan() async throws {
        let fixture = try RunFixture(rows(6))
        fixture.source.beforeBatch { _ in fixture.time.advance(by: .seconds(3_000)) }
        try await killed(fixture, at: .journalOpen, number: 1)
        fixture.source.beforeBatch { _ in }
        let records = try await next(fixture)
        #expect(records[0].state == .succeeded)
    }

    @Test func planOfAnotherDefinitionIsNotSent() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 1)
        let records = try await next(fixture, things(mappings: [("name", "name")]))
        #expect(records[0].error?.code == "plan_stale")
        #expect(records[1].fullReason == "mapping_changed" && records[1].operations.accepted == 6)
    }

    /// Whether it may be repeated is a matter of how it was sent, not of how the sync is defined by now.
    @Test func whatMustNotBeRepeatedStaysInDoubtWhereTheSyncWasEdited() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalSettled, number: 1, repeatable: .never)
        let records = try await next(fixture, things(mappings: [("name", "name")]), repeatable: .byKey)
        #expect(records[0].error?.code == "plan_stale" && records[0].operations.inDoubt == 2, "\(records[0])")
        #expect(try fixture.outcomes(records[0], .inDoubt) == ["k3", "k4"])
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test func runForAnotherAccountIsClosedForThatAccount() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 1)
        let other = try fixture.environment(identity: "account 2")
        let records = try await RunSync(things(), options: RunOptions(), environment: other).run()
        #expect(records[0].error?.code == "plan_stale")
        #expect(records[1].fullReason == "destination_changed" && records[1].rows.planned == 6)
    }

    @Test func planOfAnotherSystemIsNotSent() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 1)
        let other = try fixture.environment(system: "system 2")
        let records = try await RunSync(things(), options: RunOptions(), environment: other).run()
        #expect(records[0].error?.code == "plan_stale" && records[0].operations.undelivered == 4)
        #expect(records[1].operations.created == 4)
    }

    @Test func outcomesThatWereNotedBeforeTheKillAreForgottenWhereTheRunGoesOn() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 1)
        let database = try fixture.environment().database
        let noted = (2..<6).map {
            OutcomeRecord(
                run: 1, sequence: $0, key: "k\($0 + 1)", keyHash: .void, outcome: .undelivered, reason: noGood,
                at: Moment(milliseconds: 0))
        }
        try database.record(outcomes: noted)
        let records = try await next(fixture)
        #expect(records[0].state == .succeeded)
        #expect(try fixture.outcomes(records[0], .undelivered).isEmpty)
    }

    @Test(arguments: [true, false])
    func planIsClosedWithoutItsDestinationOnlyWhereItIsStale(isStale: Bool) async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 1)
        if isStale { fixture.time.advance(by: .seconds(3_600)) }
        var environment = try fixture.environment()
        var connections = try #require(environment.connections as? FixtureConnections)
        connections.isBroken = true
        environment.connections = connections
        let broken = environment
        if isStale {
            let records = try await RunSync(things(), options: RunOptions(), environment: broken).run()
            #expect(records[0].error?.code == "plan_stale" && records[1].error?.code == "unauthorized")
        } else {
            await #expect(throws: ConnectorError.self) {
                try await RunSync(things(), options: RunOptions(), environment: broken).run()
            }
            #expect(try await next(fixture).map(\.state) == [.succeeded, .succeeded])
        }
    }

    @Test func planThatAGuardWasAboutToStopIsNotDelivered() async throws {
        let fixture = try RunFixture([row("k1"), row(nil), row(nil)])
        try await killed(fixture, at: .planSealed, bytes: .max)
        let records = try await next(fixture)
        #expect(records.map(\.state) == [.stoppedByGuard])
        #expect(fixture.account.requests.isEmpty)
    }

    @Test func acceptedPlanThatWasKilledGoesOn() async throws {
        let fixture = try RunFixture(rows(4) + Array(repeating: row(nil), count: 5))
        #expect(try await fixture.run().state == .stoppedByGuard)
        var options = RunOptions()
        options.acceptedGuards = ["invalid"]
        try await killed(fixture, at: .journalOpen, number: 1, options: options)
        fixture.source.rows = rows(4)
        let records = try await next(fixture)
        #expect(records[0].operations.accepted == 4 && records[0].rows.invalid == 5)
        #expect(records[1].rows.unchanged == 4)
    }

    @Test func cancelledRunIsNotResumed() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 1)
        let environment = try fixture.environment()
        #expect(try environment.database.requestCancel(run: 1, at: environment.time.now()) == .running)
        let records = try await next(fixture)
        #expect(records.map(\.state) == [.cancelled, .succeeded])
        #expect(records[0].operations.accepted == 2 && records[1].operations.created == 4)
    }

    @Test func cancelledRunWithoutAPlanEndsCancelled() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .planBlock)
        let environment = try fixture.environment()
        _ = try environment.database.requestCancel(run: 1, at: environment.time.now())
        let records = try await next(fixture)
        #expect(records.map(\.state) == [.cancelled, .succeeded])
    }

    @Test func batchInFlightThatMayNotBeRepeatedIsInDoubt() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalSettled, number: 1, repeatable: .never)
        let records = try await next(fixture, repeatable: .never)
        #expect(records[0].operations.inDoubt == 2 && records[0].operations.accepted == 4)
        #expect(try fixture.outcomes(records[0], .inDoubt) == ["k3", "k4"])
        #expect(records[1].rows.held == 2)
        #expect(fixture.account.requests.map(\.keys) == [["k1", "k2"], ["k3", "k4"], ["k5", "k6"]])
    }

    @Test func runIsClosedFromItsJournalWhereItsPlanIsDamaged() async throws {
        let fixture = try RunFixture(rows(6))
        try await killed(fixture, at: .journalOpen, number: 2)
        // A page for the header and one for each batch: in the last, which is still to be sent.
        try Files.damage(fixture.folder + "/state/plans/1.plan", at: 3 * 4_096 + 40)
        let records = try await next(fixture)
        #expect(records[0].state == .failed)
        #expect(records[1].operations.created == 2)
        #expect(records[1].rows.unchanged + records[1].operations.accepted == 6)
    }

    @Test func fullDiskStopsTheRunAndTheNextOneGoesOn() async throws {
        let fixture = try RunFixture(rows(6))
        let full = StateError(code: "disk_full", message: "Full.", hint: "Free some space.")
        let steps = FileSteps { step in
            if step == .journalSettled || step == .snapshotWritten { throw full }
            return .proceed
        }
        let object = SimulatedDestination.object(batchItemsMax: 2)
        let broken = try fixture.environment(object: object, steps: steps)
        await #expect(throws: full) {
            try await RunSync(things(), options: RunOptions(), environment: broken).run()
        }
        #expect(fixture.account.requests.count == 1)
        let records = try await next(fixture)
        #expect(records.map(\.state) == [.failed, .succeeded] && records[0].operations.undelivered == 6)
        #expect(records[1].operations.accepted == 6 && fixture.account.created.count == 6)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test func errorWhileDeliveringClosesTheRunWithWhatWasSettled() async throws {
        let fixture = try RunFixture(rows(6))
        let full = StateError(code: "disk_full", message: "Full.", hint: "Free some space.")
        let seen = CrashPoint(at: .max)
        let steps = FileSteps { step in
            _ = try seen.hook.before(step)
            if step == .journalOpen, seen.steps.filter({ $0 == .journalOpen }).count == 2 { throw full }
            return .proceed
        }
        let object = SimulatedDestination.object(batchItemsMax: 2)
        let record = try await fixture.run(in: fixture.environment(object: object, steps: steps))
        #expect(record.state == .failed && record.error?.code == "disk_full")
        #expect(record.operations.accepted == 2 && record.operations.undelivered == 4)
        #expect(try await next(fixture).last?.operations.created == 4)
    }
}
