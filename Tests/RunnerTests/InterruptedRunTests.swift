import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// A run whose process was killed: what the history shows of it, and what a cancel comes to.
struct InterruptedRunTests {
    private static let object = SimulatedDestination.object(batchItemsMax: 2)

    /// Five rows in batches of two, killed at the given step.
    private func killed(at step: StepName, number: Int = 0) async throws -> (RunFixture, RunEnvironment) {
        let fixture = try RunFixture(rows(5))
        let crash = CrashPoint(at: number, only: step)
        let dying = try fixture.environment(object: Self.object, steps: crash.hook)
        await #expect(throws: (any Error).self) {
            try await RunSync(things(), options: RunOptions(), environment: dying).run()
        }
        #expect(crash.isDead)
        return (fixture, try fixture.environment(object: Self.object))
    }

    @Test(arguments: [StepName.journalOpen, .snapshotRenamed])
    func killedRunIsShownAsInterruptedUntilTheNextRun(step: StepName) async throws {
        let (fixture, environment) = try await killed(at: step)
        let current = CurrentRuns(environment: environment)
        let stored = try #require(try environment.database.run(1))
        #expect(stored.state == (step == .journalOpen ? .running : .closing))
        var shown = stored
        shown.state = .interrupted
        #expect(try current.run(1) == shown && current.runs(limit: 5) == [shown])
        #expect(try current.runs(sync: "things", limit: 5) == [shown])
        // Looking changes nothing.
        #expect(try environment.database.run(1) == stored)
        try await fixture.run(in: environment)
        #expect(try current.runs(limit: 5).map(\.state) == [.succeeded, .succeeded])
    }

    @Test func runWhoseSyncIsHeldIsRunning() async throws {
        let (_, environment) = try await killed(at: .journalOpen)
        let lock = try #require(try SyncLock.acquire(environment.state.sync("things")))
        let current = CurrentRuns(environment: environment)
        #expect(try current.run(1)?.state == .running)
        lock.release()
        #expect(try current.run(1)?.state == .interrupted)
        #expect(try current.run(2) == nil)
    }

    @Test func cancelOfAnInterruptedRunKeepsTheNextRunFromSendingItsRest() async throws {
        let (fixture, environment) = try await killed(at: .journalOpen, number: 1)
        let answer = try #require(try CancelRun(environment: environment).cancel(1))
        #expect(answer.state == .interrupted && !answer.isSettled && answer.sync == "things" && answer.run == 1)
        let records = try await RunSync(things(), options: RunOptions(), environment: environment).run()
        for record in records { try expectTrueBooks(record, environment) }
        #expect(records.map(\.state) == [.cancelled, .succeeded])
        #expect(records[0].operations.accepted == 2 && records[1].operations.accepted == 3)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test func cancelOfARunThatWasKilledWhileItClosedLeavesItToBeFinished() async throws {
        let (_, environment) = try await killed(at: .snapshotRenamed)
        let answer = try #require(try CancelRun(environment: environment).cancel(1))
        #expect(answer.state == .interrupted && answer.isSettled)
        let records = try await RunSync(things(), options: RunOptions(), environment: environment).run()
        #expect(records.map(\.state) == [.succeeded, .succeeded] && records[0].operations.accepted == 5)
    }

    @Test func cancelSaysHowItFoundARun() async throws {
        let (fixture, environment) = try await killed(at: .journalOpen)
        let cancel = CancelRun(environment: environment)
        let lock = try #require(try SyncLock.acquire(environment.state.sync("things")))
        #expect(try cancel.cancel(1)?.state == .running)
        #expect(try environment.database.isCancelRequested(run: 1))
        lock.release()
        try await fixture.run(in: environment)
        let ended = try #require(try cancel.cancel(2))
        #expect(ended.state == .succeeded && ended.isSettled)
        #expect(try !environment.database.isCancelRequested(run: 2))
        #expect(try cancel.cancel(3) == nil)
    }
}
