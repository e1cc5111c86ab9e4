import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// A person stops a run: at once while it scans, after the request in flight while it delivers.
struct CancelTests {
    @Test func cancelledScanSendsNothing() async throws {
        let fixture = try RunFixture(rows(300))
        let task = Task { try await fixture.run() }
        fixture.source.beforeBatch { if $0 == 2 { task.cancel() } }
        let record = try await task.value
        #expect(record.state == .cancelled && record.error == nil && record.rows == RowLedger())
        #expect(fixture.account.requests.isEmpty)
        fixture.source.beforeBatch { _ in }
        #expect(try await fixture.run().operations.created == 300)
    }

    @Test func scanThatIsCancelledFromAnotherProcessStops() async throws {
        let fixture = try RunFixture(rows(300))
        let environment = try fixture.environment()
        fixture.source.beforeBatch { batch in
            guard batch == 2, let run = try environment.database.unfinishedRuns().first else { return }
            _ = try environment.database.requestCancel(run: run.id, at: environment.time.now())
        }
        let record = try await fixture.run(in: environment)
        #expect(record.state == .cancelled && fixture.account.requests.isEmpty)
        fixture.source.beforeBatch { _ in }
        #expect(try await fixture.run().state == .succeeded)
    }

    /// Cancels the run that is going as another process does, then waits until the run itself is told.
    @Sendable private static func cancelFromElsewhere(_ environment: RunEnvironment) async throws {
        let run = try #require(try environment.database.unfinishedRuns().first)
        _ = try environment.database.requestCancel(run: run.id, at: environment.time.now())
        try await Task.sleep(for: .seconds(3_600))
    }

    @Test func cancelFromAnotherProcessEndsASlowQuery() async throws {
        let fixture = try RunFixture(rows(3))
        var environment = try fixture.environment()
        environment.untilNextLook = { try await Task.sleep(for: .milliseconds(5)) }
        let elsewhere = try fixture.environment()
        fixture.source.beforeBatch { _ in try await Self.cancelFromElsewhere(elsewhere) }
        let record = try await fixture.run(in: environment)
        #expect(record.state == .cancelled && record.error == nil && fixture.account.requests.isEmpty)
        fixture.source.beforeBatch { _ in }
        #expect(try await fixture.run(in: environment).operations.created == 3)
    }

    @Test(arguments: [RunEnvironment.Cancellation.ends, .leaves])
    func cancelFromAnotherProcessEndsTheWaitForTheNextTry(cancellation: RunEnvironment.Cancellation) async throws {
        let fixture = try RunFixture(rows(3))
        let elsewhere = try fixture.environment()
        var environment = elsewhere
        environment.cancellation = cancellation
        environment.untilNextLook = { try await Task.sleep(for: .milliseconds(5)) }
        // Nothing else waits for as long as the pause before the next try is.
        environment.time.sleep = { wait in
            if wait >= .milliseconds(100) { try await Self.cancelFromElsewhere(elsewhere) }
        }
        fixture.account.fault { _, _ in .lostAfter(records: 2) }
        let record = try await fixture.run(in: environment)
        #expect(record.state == .cancelled && record.operations.undelivered == 3)
        #expect(fixture.account.requests.count == 1)
    }

    @Test(arguments: [true, false])
    func cancelledDeliverySettlesTheBatchInFlight(fromElsewhere: Bool) async throws {
        let fixture = try RunFixture(rows(10))
        let small = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 3))
        let running = Mutex<Task<RunRecord, any Error>?>(nil)
        let task = Task { try await fixture.run(in: small) }
        running.withLock { $0 = task }
        fixture.account.onWrite { number in
            guard number == 1 else { return }
            if fromElsewhere {
                guard let run = try? small.database.unfinishedRuns().first else { return }
                _ = try? small.database.requestCancel(run: run.id, at: small.time.now())
            } else {
                running.withLock { $0?.cancel() }
            }
        }
        let record = try await task.value
        #expect(record.state == .cancelled && record.operations.accepted == 6)
        #expect(record.operations.undelivered == 4 && fixture.account.records.count == 6)
        #expect(record.reasons == [ReasonCount(code: "cancelled", count: 4)])
        #expect(try fixture.outcomes(record, .undelivered) == ["k10", "k7", "k8", "k9"])
        fixture.account.onWrite { _ in }
        let next = try await fixture.run(in: small)
        #expect(next.rows.unchanged == 6 && next.operations.created == 4 && next.id == record.id + 1)
    }

    @Test func cancelIsNotedAtOnceSoThatAKilledRunDoesNotGoOn() async throws {
        let fixture = try RunFixture(rows(6))
        let crash = CrashPoint(only: .journalSettled)
        let object = SimulatedDestination.object(batchItemsMax: 2)
        let dying = try fixture.environment(object: object, steps: crash.hook)
        let running = Mutex<Task<[RunRecord], any Error>?>(nil)
        let task = Task { try await RunSync(things(), options: RunOptions(), environment: dying).run() }
        running.withLock { $0 = task }
        fixture.account.onWrite { _ in running.withLock { $0?.cancel() } }
        await #expect(throws: (any Error).self) { try await task.value }
        fixture.account.onWrite { _ in }
        let environment = try fixture.environment(object: object)
        let records = try await RunSync(things(), options: RunOptions(), environment: environment).run()
        #expect(records.map(\.state) == [.cancelled, .succeeded])
        #expect(records[0].operations.undelivered == 6 && records[1].operations.accepted == 6)
    }

    @Test func cancelWhileWaitingForTheNextTryEndsTheWait() async throws {
        let fixture = try RunFixture(rows(3))
        let running = Mutex<Task<RunRecord, any Error>?>(nil)
        let task = Task { try await fixture.run() }
        running.withLock { $0 = task }
        fixture.account.fault { _, _ in .lostAfter(records: 2) }
        fixture.account.onWrite { _ in running.withLock { $0?.cancel() } }
        let record = try await task.value
        #expect(record.state == .cancelled && record.operations.undelivered == 3)
        #expect(fixture.account.requests.count == 1)
        fixture.account.fault { _, _ in .none }
        fixture.account.onWrite { _ in }
        #expect(try await fixture.run().operations.accepted == 3)
    }
}
