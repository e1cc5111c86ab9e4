internal import Logging
internal import ProjectConfig
internal import Records
internal import StateStore
internal import Synchronization

// What the service does besides deciding: runs, and what comes before and after them.
extension ScheduleService {
    private enum Ending: Sendable {
        case ended([RunRecord])
        case failed(RunError)
        /// The service ends, and the run goes on at the next start.
        case left
    }

    // MARK: Runs

    /// Makes the runs of one job, notes what came of it and tells who wants to know.
    func perform(_ job: ServiceJob) async {
        let name = job.sync.name
        let served = state.withLock { $0.served }
        var environment = base
        environment.connections = served.connections
        environment.cancellation = .leaves
        let told = listener()
        environment.progress = { [self] progress in
            note(progress, of: name)
            told(progress)
        }
        let run = RunSync(served.project.sync(name) ?? job.sync, options: job.options, environment: environment)
        let ending = await end(of: run, job.cancels)
        var records: [RunRecord] = []
        switch ending {
        case .ended(let found): records = found
        case .failed(let error): if let record = noRun(job, error) { records = [record] }
        case .left:
            logger.info("run left unfinished; the next start goes on with it", metadata: ["sync": "\(name)"])
        }
        for record in records { RunLog.ended(record, to: logger) }
        state.withLock { state in
            state.running[name] = nil
            state.collisions[name] = nil
        }
        wake()
        await tell(records.filter(\.state.isFinal).map { .ended($0) }, of: name)
    }

    /// Runs until the end, or until a person cancels.
    private func end(of run: RunSync, _ cancels: AsyncStream<Void>) async -> Ending {
        await withTaskGroup(of: Ending?.self) { group in
            group.addTask {
                do {
                    return .ended(try await run.run())
                } catch is CancellationError {
                    return .left
                } catch {
                    return .failed(RunError(error))
                }
            }
            group.addTask {
                for await _ in cancels { break }
                return nil
            }
            for await ending in group {
                group.cancelAll()
                if let ending { return ending }
            }
            return .left
        }
    }

    private func note(_ progress: RunProgress, of sync: String) {
        let number = state.withLock { state -> Int64? in
            state.running[sync]?.progress = progress
            if case .started(let run, _, _) = progress { state.running[sync]?.run = run }
            return state.running[sync]?.run
        }
        var metadata: Logger.Metadata = ["sync": "\(sync)"]
        if let number { metadata["run"] = .stringConvertible(number) }
        switch progress {
        case .started(let run, _, let isResumed):
            metadata["run"] = .stringConvertible(run)
            logger.info(isResumed ? "run goes on" : "run begun", metadata: metadata)
        case .stage(let stage):
            metadata["stage"] = "\(stage.rawValue)"
            logger.debug("stage begun", metadata: metadata)
        case .waiting(let reason, let duration) where duration >= .seconds(1):
            metadata["seconds"] = .stringConvertible(Wording.wholeSeconds(duration))
            logger.info("waits: \(reason)", metadata: metadata)
        case .warned(let warning):
            metadata["code"] = "\(warning.code)"
            logger.warning("\(warning.message) \(warning.hint)", metadata: metadata)
        case .notSwept(let error):
            log(error, "something that no run depends on could not be done", sync: sync)
        default: break
        }
        base.progress(progress)
    }

    func log(_ error: RunError, _ what: String, sync: String?) {
        logger.error(
            "\(what): \(error.message) \(error.hint)",
            metadata: sync.map { ["sync": "\($0)", "code": "\(error.code)"] } ?? ["code": "\(error.code)"])
    }

    /// A job of which no run came is told in the history, too: nothing is worse than a schedule that does nothing and
    /// says nothing.
    private func noRun(_ job: ServiceJob, _ error: RunError) -> RunRecord? {
        let (name, now) = (job.sync.name, base.time.now())
        let isBusy = error.code == "sync_already_running"
        log(error, "no run could be made", sync: name)
        do {
            switch job.kind {
            case .asked(let number):
                guard var record = try base.database.run(number), !record.state.isFinal else { return nil }
                guard record.state == .queued else { return nil }
                return try close(&record, isBusy ? .skipped : .failed, error, now)
            case .resumed: return nil
            case .scheduled:
                if isBusy, case .after = job.sync.schedule?.trigger {
                    let later = now.plus(seconds: 60)
                    state.withLock { $0.timetable.postpone(name, until: later) }
                    return nil
                }
                if isBusy {
                    collide(name, met: nil, now)
                    return nil
                }
                var record = try base.database.createRun(
                    sync: name, trigger: "schedule", full: false, limited: false, startedAt: now, state: .running)
                return try close(&record, .failed, error, now)
            }
        } catch {
            log(RunError(error), "and it could not be recorded", sync: name)
            return nil
        }
    }

    private func close(
        _ record: inout RunRecord, _ final: RunState, _ error: RunError, _ now: Moment
    ) throws -> RunRecord {
        record.state = final
        record.endedAt = now
        record.error = error.failure
        try base.database.close(record, memory: nil)
        return record
    }

    /// Notes in the history that a scheduled run met one that was going; the further ones of the same run in the same
    /// record.
    /// - Parameter met: nil where the run is another process's.
    func collide(_ sync: String, met: Int64?, _ now: Moment) {
        do {
            try state.withLock { state in
                if var known = state.collisions[sync], known.met == met, met != nil {
                    known.count += 1
                    known.record.endedAt = now
                    known.record.error = Self.skipped(met, count: known.count)
                    try base.database.update(known.record)
                    state.collisions[sync] = known
                    return
                }
                var record = try base.database.createRun(
                    sync: sync, trigger: "schedule", full: false, limited: false, startedAt: now, state: .skipped)
                record.endedAt = now
                record.error = Self.skipped(met, count: 1)
                try base.database.update(record)
                state.collisions[sync] = ServiceState.Collision(met: met, record: record)
            }
            logger.info("run skipped: another one of the sync is still going", metadata: ["sync": "\(sync)"])
        } catch {
            log(RunError(error), "a skipped run could not be recorded", sync: sync)
        }
    }

    private static func skipped(_ met: Int64?, count: Int) -> RunFailure {
        let holder = met.map { "run \($0) of this sync" } ?? "a run of this sync in another process"
        let times = count == 1 ? "" : " It was due \(count) times meanwhile."
        return RunFailure(
            code: "sync_already_running", message: "It was due while \(holder) was still going.\(times)",
            hint: "Nothing to do if it happens rarely. Otherwise run the sync less often.")
    }

    /// By the names of now.
    func pasts() throws -> [String: SyncPast] { try base.pasts(of: state.withLock { $0.served.project.syncs }) }

    // MARK: What was interrupted

    /// Puts the runs that an earlier process left unfinished before everything else. A paused sync's stay as they are
    /// until somebody runs it.
    func queueInterrupted() {
        do {
            let paused = try base.database.pausedSyncs()
            for run in try base.database.unfinishedRuns() {
                guard try !SyncLock.isHeld(base.state.sync(run.sync)) else { continue }
                state.withLock { state in
                    guard let sync = state.served.project.sync(run.sync), !sync.paused, !paused.contains(run.sync),
                        state.job(of: run.sync) == nil
                    else { return }
                    var options = RunOptions()
                    options.isUnfinishedOnly = true
                    options.trigger = run.trigger
                    options.isFull = run.fullReason == FullRun.requested
                    state.queue.append(ServiceJob(sync, .resumed, options))
                }
            }
        } catch {
            log(RunError(error), "the interrupted runs could not be found", sync: nil)
        }
    }

    /// A sync that another process runs at this moment; nil where none does.
    package func syncOfAnotherProcess() throws -> String? {
        let unfinished = try base.database.unfinishedRuns()
        // Looked at later than the runs: what has begun meanwhile is not among them.
        let own = state.withLock { Set($0.running.keys) }
        return try unfinished.map(\.sync).first { name in
            try !own.contains(name) && SyncLock.isHeld(base.state.sync(name))
        }
    }

    // MARK: Notices

    /// The syncs that have become stale, each once an hour: whether it was told before is the notifier's to know.
    func staleSyncs(_ pasts: [String: SyncPast], _ now: Moment) -> [(sync: String, value: ServiceState.News)] {
        state.withLock { state in
            guard let notifier = state.served.notifier, now >= state.staleLookAt ?? now else { return [] }
            state.staleLookAt = now.plus(seconds: 60)
            var found: [(sync: String, value: ServiceState.News)] = []
            let promise = FreshnessPromise(
                state.served.project.syncs, paused: Set(pasts.filter { $0.value.isPaused }.keys))
            for sync in state.served.project.syncs where !sync.paused && pasts[sync.name]?.isPaused != true {
                let completed = pasts[sync.name]?.completedAt
                let seen = state.timetable.seenAt(sync.name) ?? now
                guard let at = notifier.staleAt(sync, promise, completedAt: completed, seenAt: seen), at <= now
                else { continue }
                if let told = state.staleToldAt[sync.name], told.plus(seconds: 3_600) > now { continue }
                state.staleToldAt[sync.name] = now
                found.append((sync.name, .stale(sync, completedAt: completed)))
            }
            return found
        }
    }

    /// Tells the news of a sync one after the other. While somebody does so already, they are left to him.
    func tell(_ news: [ServiceState.News], of sync: String) async {
        let isMine = state.withLock { state in
            guard !news.isEmpty, state.served.notifier != nil else { return false }
            let isFirst = state.telling[sync] == nil
            state.telling[sync, default: []] += news
            return isFirst
        }
        guard isMine else { return }
        while let (notifier, next) = takeNews(of: sync) {
            switch next {
            case .ended(let run): await notifier.tell(run)
            case .stale(let sync, let completedAt): await notifier.tellStale(sync, completedAt: completedAt)
            }
        }
    }

    private func takeNews(of sync: String) -> (Notifier, ServiceState.News)? {
        state.withLock { state in
            guard let notifier = state.served.notifier, let next = state.telling[sync]?.first else {
                state.telling[sync] = nil
                return nil
            }
            state.telling[sync]?.removeFirst()
            return (notifier, next)
        }
    }

    // MARK: Old history

    /// At the start, and once a day in the small hours.
    func isSweepDue(_ now: Moment) -> Bool {
        state.withLock { state in
            let day = Moment.millisecondsPerDay
            let today = now.milliseconds - now.milliseconds % day + Int64(limits.sweepMinute) * 60_000
            let last = Moment(milliseconds: today <= now.milliseconds ? today : today - day)
            if let swept = state.sweptAt, swept >= last { return false }
            state.sweptAt = now
            return true
        }
    }

    func sweep() {
        do {
            try SweepHistory(environment: base).sweep()
        } catch {
            log(RunError(error), "old history could not be removed", sync: nil)
        }
    }
}
