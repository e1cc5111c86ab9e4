import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// The service runs what is due, side by side, each sync once at a time.
struct ScheduleServiceTests {
    private func cron(_ line: String) throws -> ScheduleDefinition.Trigger {
        .cron(try CronExpression(line), timeZone: "UTC")
    }

    @Test func syncRunsWhenItIsDueAndNotBefore() async throws {
        let service = try ServiceFixture([sync("a", try cron("0 6 * * *"))])
        service.begin()
        try await service.until("ready") { service.service.isReady }
        service.time.advance(to: utc("2026-11-28 05:59"))
        try await Task.sleep(for: .milliseconds(20))
        #expect(try service.runs().isEmpty)
        service.time.advance(to: utc("2026-11-28 06:00"))
        try await service.ended(1)
        let run = try #require(try service.runs().first)
        #expect(run.state == .succeeded && run.trigger == "schedule" && run.startedAt == utc("2026-11-28 06:00"))
        service.time.advance(to: utc("2026-11-29 06:00"))
        try await service.ended(2)
        await service.end()
        #expect(!service.service.isReady)
    }

    @Test func dueSyncsRunSideBySideUpToTheLimit() async throws {
        let names = ["a", "b", "c"]
        let service = try ServiceFixture(names.map { sync($0, .every(seconds: 3_600)) }, runsMax: 2)
        service.hold()
        service.begin()
        try await service.until("two run") {
            try service.service.status().filter { $0.run != nil && $0.isRunning }.count == 2
        }
        let standings = try service.service.status()
        #expect(standings.map(\.isRunning) == [true, true, false] && standings[2].isQueued)
        service.open()
        try await service.ended(3)
        #expect(Set(try service.runs().map(\.sync)) == Set(names))
        await service.end()
    }

    @Test func collisionIsRecordedOnceForEachRunThatIsMet() async throws {
        let service = try ServiceFixture([sync("a", .every(seconds: 60))])
        service.hold()
        service.begin()
        try await service.until("it runs") { try service.service.status()[0].run != nil }
        for count in 1...3 {
            service.time.advance(seconds: 60)
            try await service.until("collision \(count)") {
                try service.runs().contains {
                    $0.state == .skipped && (count == 1 || $0.error?.message.contains("\(count) times") == true)
                }
            }
        }
        let skipped = try service.runs().filter { $0.state == .skipped }
        #expect(skipped.count == 1 && skipped[0].error?.code == "sync_already_running")
        #expect(
            skipped[0].error?.message
                == "It was due while run 1 of this sync was still going. It was due 3 times meanwhile.")
        #expect(skipped[0].endedAt != nil && skipped[0].trigger == "schedule")
        service.open()
        try await service.ended(2)
        service.time.advance(seconds: 60)
        try await service.ended(3)
        #expect(try service.runs().map(\.state) == [.succeeded, .skipped, .succeeded])
        await service.end()
    }

    @Test func runOfAnotherProcessIsMetToo() async throws {
        let service = try ServiceFixture([sync("a", .every(seconds: 60))])
        let lock = try #require(try SyncLock.acquire(service.environment.state.sync("a")))
        service.begin()
        try await service.ended(1)
        #expect(try service.runs().first?.state == .skipped)
        #expect(try service.runs().first?.error?.message.contains("another process") == true)
        lock.release()
        service.time.advance(seconds: 60)
        try await service.ended(2)
        #expect(try service.runs().last?.state == .succeeded)
        await service.end()
    }

    @Test func missedTimesOfADowntimeAreOneRun() async throws {
        let first = try ServiceFixture([sync("a", try cron("0 * * * *"))])
        first.begin()
        try await first.until("ready") { first.service.isReady }
        first.time.advance(to: utc("2026-11-28 06:00"))
        try await first.ended(1)
        await first.end()
        first.time.advance(to: utc("2026-11-28 17:30"))
        let second = try ServiceFixture([sync("a", try cron("0 * * * *"))], fixture: first)
        second.begin()
        try await second.ended(2)
        try await Task.sleep(for: .milliseconds(20))
        #expect(try second.runs().count == 2)
        second.time.advance(to: utc("2026-11-28 18:00"))
        try await second.ended(3)
        await second.end()
    }

    @Test func followersRunOnceTheirParentsHaveFinished() async throws {
        let syncs = [
            sync("a", .every(seconds: 3_600)), sync("b", .after(["a"])), sync("c", .after(["a", "b"])),
        ]
        let service = try ServiceFixture(syncs)
        service.begin()
        try await service.ended(3)
        #expect(try service.runs().map(\.sync) == ["a", "b", "c"])
        try await Task.sleep(for: .milliseconds(20))
        #expect(try service.runs().count == 3)
        // A moment later than its parent's end, or nobody could tell which was first.
        service.time.advance(seconds: 3_600)
        try await service.ended(6)
        await service.end()
    }

    @Test func parentThatFailsStartsNobody() async throws {
        let service = try ServiceFixture([sync("a", .every(seconds: 3_600)), sync("b", .after(["a"]))])
        service.fixture.source.beforeBatch { _ in throw RunError(code: "x", message: "Broken.", hint: "") }
        service.begin()
        try await service.ended(1)
        #expect(try service.runs().map(\.state) == [.failed])
        #expect(try service.service.status()[1].next == "waits for a")
        await service.end()
    }

    @Test func pausedSyncsWaitAndAreToldSo() async throws {
        let syncs = [sync("a", .every(seconds: 60)), sync("b", .every(seconds: 60), paused: true), sync("c")]
        let service = try ServiceFixture(syncs)
        _ = try PauseSync(environment: service.environment).set(syncs[0], isPaused: true)
        service.begin()
        try await service.until("ready") { service.service.isReady }
        service.time.advance(seconds: 600)
        try await service.until("ready") { service.service.isReady }
        try await Task.sleep(for: .milliseconds(20))
        #expect(try service.runs().isEmpty)
        let standings = try service.service.status()
        #expect(standings.map(\.next) == ["paused", "paused by the project file", "runs when somebody starts it"])
        #expect(standings.map(\.pause) == [.byHand, .byFile, nil])
        let answer = try PauseSync(environment: service.environment).set(syncs[0], isPaused: false)
        #expect(answer.wasPaused && !answer.isPaused)
        service.service.wake()
        try await service.ended(1)
        await service.end()
    }

    // MARK: What people ask for

    @Test func startGivesTheNumberAtOnceAndRefusesASecond() async throws {
        let service = try ServiceFixture([sync("a", nil, paused: true)])
        #expect(throws: RunError.self) { try service.service.start("a", trigger: "web") }
        service.hold()
        service.begin()
        try await service.until("ready") { service.service.isReady }
        var options = RunOptions()
        options.limit = 2
        let number = try service.service.start("a", options: options, trigger: "web")
        let error = #expect(throws: RunError.self) { try service.service.start("a", trigger: "web") }
        #expect(error?.code == "sync_already_running")
        #expect(throws: RunError.self) { try service.service.start("nobody", trigger: "web") }
        service.open()
        try await service.ended(1)
        let run = try #require(try service.runs().first)
        #expect(run.id == number && run.trigger == "web" && run.limited && run.operations.accepted == 2)
        let full = try service.service.start(
            "a",
            options: {
                var o = RunOptions()
                o.isFull = true
                return o
            }(), trigger: "web")
        try await service.ended(2)
        let second = try #require(try service.environment.database.run(full))
        #expect(second.full && second.operations.accepted == 5)
        await service.end()
    }

    @Test func cancelEndsAGoingRunAndAQueuedOne() async throws {
        let service = try ServiceFixture([sync("a"), sync("b")], runsMax: 1)
        service.hold()
        service.begin()
        try await service.until("ready") { service.service.isReady }
        let going = try service.service.start("a", trigger: "web")
        let queued = try service.service.start("b", trigger: "web")
        try await service.until("a runs") { service.fixture.source.scans == 1 }
        #expect(try service.service.cancel(queued)?.run == queued)
        #expect(try service.environment.database.run(queued)?.state == .cancelled)
        #expect(try service.service.cancel(going)?.sync == "a")
        try await service.ended(2)
        #expect(try service.runs().map(\.state) == [.cancelled, .cancelled])
        #expect(try service.service.cancel(99) == nil)
        service.open()
        await service.end()
    }

    @Test func reloadEndsTheScheduleOfARemovedSyncAndBeginsANewOnes() async throws {
        let service = try ServiceFixture([sync("a", .every(seconds: 60))])
        service.begin()
        try await service.ended(1)
        service.service.reload(reloaded(service, [sync("b", .every(seconds: 60))]))
        try await service.ended(2)
        service.time.advance(seconds: 60)
        try await service.ended(3)
        #expect(try service.runs().map(\.sync) == ["a", "b", "b"])
        #expect(try service.service.status().map(\.sync) == ["b"])
        await service.end()
    }

    @Test func oldPlansAreSweptAtTheStartAndEveryDay() async throws {
        let service = try ServiceFixture([sync("a", try cron("0 0 1 1 *"))])
        let old = try service.environment.database.createRun(
            sync: "a", trigger: "cli", full: false, limited: false, startedAt: utc("2023-01-01 00:00"), state: .failed)
        let new = try service.environment.database.createRun(
            sync: "a", trigger: "cli", full: false, limited: false, startedAt: utc("2026-11-28 04:00"), state: .failed)
        service.begin()
        // A run's record goes once its plan has gone, with the next day's sweep.
        for _ in 1...3 {
            try await Task.sleep(for: .milliseconds(100))
            service.time.advance(seconds: 86_400)
            service.service.wake()
        }
        try await service.until("swept") { try service.environment.database.run(old.id) == nil }
        #expect(try service.environment.database.run(new.id) != nil)
        await service.end()
    }

    @Test func runThatCannotBeginIsRecordedAsFailedAndTheServiceGoesOn() async throws {
        let service = try ServiceFixture([sync("a", .every(seconds: 60)), sync("b", .every(seconds: 60))])
        let path = service.environment.state.path + "/syncs/a"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        service.begin()
        try await service.ended(2)
        let failed = try #require(try service.runs("a").first)
        #expect(failed.state == .failed && failed.error?.code == "state_unwritable", "\(failed)")
        #expect(try service.runs("b").first?.state == .succeeded)
        await service.end()
    }
}

/// The end of the process in the middle of runs, and its next start.
struct LeaveTests {
    @Test func runStopsAfterTheBatchOnItsWayAndTheNextStartGoesOn() async throws {
        let service = try ServiceFixture([sync("a", .every(seconds: 3_600))])
        let cancels = Mutex<Task<Void, Never>?>(nil)
        service.fixture.account.onWrite { number in
            if number == 0 { cancels.withLock { $0?.cancel() } }
        }
        let task = Task { await service.service.run() }
        cancels.withLock { $0 = task }
        await task.value
        let run = try #require(try service.runs().first)
        #expect(run.state == .running && run.operations.accepted < 5, "\(run)")
        #expect(try CurrentRuns(environment: service.environment).run(run.id)?.state == .interrupted)
        #expect(try !service.environment.database.isCancelRequested(run: run.id))
        service.fixture.account.onWrite { _ in }

        let next = try ServiceFixture([sync("a", .every(seconds: 3_600))], fixture: service)
        next.begin()
        try await next.ended(1)
        let finished = try #require(try next.environment.database.run(run.id))
        #expect(finished.state == .succeeded && finished.operations.accepted == 5)
        try expectTrueBooks(finished, next.environment)
        #expect(next.fixture.account.created.values.allSatisfy { $0 == 1 })
        #expect(try next.runs().count == 1)
        await next.end()
    }

    @Test func scanThatIsLeftIsScannedAnewUnderItsNumber() async throws {
        let service = try ServiceFixture([sync("a")])
        service.hold()
        service.begin()
        try await service.until("ready") { service.service.isReady }
        let number = try service.service.start("a", trigger: "web")
        try await service.until("it scans") { service.fixture.source.scans == 1 }
        await service.end()
        #expect(try service.environment.database.run(number)?.state == .running)
        service.open()
        let next = try ServiceFixture([sync("a")], fixture: service)
        next.begin()
        try await next.ended(1)
        let run = try #require(try next.environment.database.run(number))
        #expect(run.state == .succeeded && run.trigger == "web" && run.operations.accepted == 5)
        #expect(try next.runs().count == 1)
        await next.end()
    }

    @Test func queuedRunIsMadeByTheNextStart() async throws {
        let service = try ServiceFixture([sync("a"), sync("b")], runsMax: 1)
        service.hold()
        service.begin()
        try await service.until("ready") { service.service.isReady }
        _ = try service.service.start("a", trigger: "web")
        let queued = try service.service.start("b", trigger: "web")
        try await service.until("it scans") { service.fixture.source.scans == 1 }
        await service.end()
        #expect(try service.environment.database.run(queued)?.state == .queued)
        service.open()
        let next = try ServiceFixture([sync("a"), sync("b")], fixture: service)
        next.begin()
        try await next.ended(2)
        #expect(try next.runs().map(\.state) == [.succeeded, .succeeded])
        await next.end()
    }

    @Test func interruptedRunOfAPausedSyncStaysAsItIs() async throws {
        let service = try ServiceFixture([sync("a")])
        _ = try service.environment.database.createRun(
            sync: "a", trigger: "cli", full: false, limited: false, startedAt: service.time.now, state: .running)
        try service.environment.database.setPaused("a", true)
        service.begin()
        try await service.until("ready") { service.service.isReady }
        try await Task.sleep(for: .milliseconds(20))
        #expect(try service.runs().map(\.state) == [.running])
        await service.end()
    }

    @Test func personsCancelIsACancelAlsoWhileTheServiceEnds() async throws {
        let service = try ServiceFixture([sync("a")])
        service.hold()
        service.begin()
        try await service.until("ready") { service.service.isReady }
        let number = try service.service.start("a", trigger: "web")
        try await service.until("it scans") { service.fixture.source.scans == 1 }
        _ = try service.service.cancel(number)
        await service.end()
        #expect(try service.environment.database.run(number)?.state == .cancelled)
    }

    /// What must not be sent twice: a batch that never left is taken back, and goes on as if nothing had been.
    @Test func batchThatNeverLeftIsNotInDoubt() async throws {
        let fixture = try RunFixture(rows(6))
        let object = SimulatedDestination.object(batchItemsMax: 2, repeatable: .never)
        var leaving = try fixture.environment(object: object)
        leaving.cancellation = .leaves
        let running = Mutex<Task<[RunRecord], any Error>?>(nil)
        // The request is refused for its rate, and the process ends while the run waits to repeat it.
        fixture.account.fault { number, _ in number == 1 ? .rateLimited(after: .seconds(60)) : .none }
        let time = ManualTime(Moment(milliseconds: fixture.time.milliseconds))
        leaving.time = time.runTime
        let environment = leaving
        let task = Task { try await RunSync(things(), options: RunOptions(), environment: environment).run() }
        running.withLock { $0 = task }
        while !fixture.progress.contains(where: { if case .waiting = $0 { true } else { false } }) {
            try await Task.sleep(for: .milliseconds(1))
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        fixture.account.fault { _, _ in .none }

        let records = try await RunSync(
            things(), options: RunOptions(), environment: try fixture.environment(object: object)
        )
        .run()
        #expect(records.map(\.state) == [.succeeded, .succeeded], "\(records)")
        #expect(records[0].operations.accepted == 6 && records[0].operations.inDoubt == 0)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
        for record in records { try expectTrueBooks(record, try fixture.environment(object: object)) }
    }

    @Test func takenBackBatchLeavesItsFingerprintsAsTheyWere() async throws {
        let fixture = try RunFixture(rows(2))
        let object = SimulatedDestination.object(batchItemsMax: 2, repeatable: .never)
        var environment = try fixture.environment(object: object)
        environment.cancellation = .leaves
        fixture.account.fault { _, _ in .rateLimited(after: .seconds(60)) }
        let time = ManualTime(Moment(milliseconds: fixture.time.milliseconds))
        environment.time = time.runTime
        let leaving = environment
        let task = Task { try await RunSync(things(), options: RunOptions(), environment: leaving).run() }
        while !fixture.progress.contains(where: { if case .waiting = $0 { true } else { false } }) {
            try await Task.sleep(for: .milliseconds(1))
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        fixture.account.fault { _, _ in .none }
        // Two hours later the plan is too old: its rows are planned anew, and none is in doubt.
        fixture.time.advance(by: .seconds(7_200))
        let records = try await RunSync(
            things(), options: RunOptions(), environment: try fixture.environment(object: object)
        )
        .run()
        #expect(records.map(\.state) == [.failed, .succeeded] && records[0].error?.code == "plan_stale", "\(records)")
        #expect(records[0].operations.undelivered == 2 && records[1].operations.created == 2)
    }
}

/// Notices and metrics of a service.
struct ServiceTellTests {
    private func notify() -> NotifyDefinition {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        let url = SettingValue(.text([.literal("https://example.com/x")]), location: here, directory: "/")
        return NotifyDefinition(.webhook(url), events: NotifyDefinition.Event.allCases, location: here)
    }

    @Test func failureAndStalenessAreToldOnce() async throws {
        let bodies = Mutex<[String]>([])
        let sender = NoticeSender { webhook in
            bodies.withLock { $0.append(String(decoding: webhook.body, as: UTF8.self)) }
            return 200
        }
        let service = try ServiceFixture([sync("a", .every(seconds: 3_600))], sender: sender, notify: notify())
        service.fixture.source.beforeBatch { _ in throw RunError(code: "x", message: "Broken.", hint: "") }
        service.begin()
        for count in 1...4 {
            try await service.ended(count)
            service.time.advance(seconds: 3_600)
        }
        try await service.until("both are told") { bodies.withLock { $0.count } >= 2 }
        service.fixture.source.beforeBatch { _ in }
        service.time.advance(seconds: 3_600)
        try await service.until("recovery") { bodies.withLock { $0.last?.contains("recovery") == true } }
        let told = bodies.withLock { $0 }
        #expect(told.count == 3 && told.contains { $0.contains("\"event\":\"stale\"") }, "\(told)")
        await service.end()
    }

    @Test func metricsCountEachRunOnceAndNameEverySync() async throws {
        let service = try ServiceFixture([sync("a", .every(seconds: 3_600)), sync("b\"\\", nil, paused: true)])
        let metrics = ServerMetrics(environment: service.environment, service: service.service)
        service.begin()
        try await service.ended(1)
        for _ in 0..<2 {
            let text = try metrics.text()
            #expect(text.contains("\nsluice_runs_total{sync=\"a\",state=\"succeeded\"} 1\n"), "\(text)")
            #expect(text.contains("\nsluice_rows_total{sync=\"a\",kind=\"scanned\"} 5\n"))
            #expect(text.contains("\nsluice_operations_total{sync=\"a\",kind=\"created\"} 5\n"))
            #expect(text.contains("\nsluice_sync_paused{sync=\"b\\\"\\\\\"} 1\n"))
            #expect(text.contains("\nsluice_last_complete_run_age_seconds{sync=\"a\"} 0.0\n"))
            #expect(text.contains("\nsluice_scheduler_ready 1\n"))
        }
        service.time.advance(seconds: 3_600)
        try await service.ended(2)
        #expect(try metrics.text().contains("\nsluice_runs_total{sync=\"a\",state=\"succeeded\"} 2\n"))
        await service.end()
    }
}
