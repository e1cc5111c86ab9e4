package import Logging
internal import ProjectConfig
internal import Records
package import StateStore
internal import Synchronization

/// Runs the syncs of a project when they are due, for as long as its task is not cancelled.
///
/// One task owns all: it wakes when a schedule is due, a run has ended or somebody asks for something, looks at the
/// history, decides with `Timetable`, and starts runs as its children. Every method but `run` may be called from anywhere.
package final class ScheduleService: Sendable {
    let base: RunEnvironment
    let limits: ServiceLimits
    let logger: Logger
    /// Makes somebody who listens to one run.
    let listener: @Sendable () -> @Sendable (RunProgress) -> Void
    let state: Mutex<ServiceState>
    private let wakes: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - environment: state and time of the runs; their connections come with the project.
    ///   - listener: makes, for each run, somebody who is told of its progress besides the environment's.
    package init(
        _ served: ServedProject, environment: RunEnvironment, limits: ServiceLimits = ServiceLimits(), logger: Logger,
        listener: @escaping @Sendable () -> @Sendable (RunProgress) -> Void = { { _ in } }
    ) {
        self.listener = listener
        base = environment
        self.limits = limits
        self.logger = logger
        state = Mutex(ServiceState(served))
        (wakes, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Runs until the task is cancelled; then no run begins any more, those that are going end after the batch on its way
    /// and stay unfinished, for the next start to go on with. Returns once they have.
    package func run() async {
        let now = base.time.now()
        state.withLock { state in
            state.phase = .running
            state.timetable.replace(state.served.project.syncs, at: now)
        }
        queueInterrupted()
        await withDiscardingTaskGroup { group in
            look(&group)
            for await _ in wakes { look(&group) }
            state.withLock { $0.phase = .stopping }
            logger.info("stopping: no run begins any more")
            group.cancelAll()
        }
        state.withLock { state in
            state.queue = []
            state.phase = .idle
        }
    }

    /// Looks at everything again, soon: for who changed something in the database.
    package func wake() { wakeUp.yield() }

    /// Follows another version of the project from now on. Runs that are going end as they began.
    package func reload(_ served: ServedProject) {
        let now = base.time.now()
        state.withLock { state in
            state.served = served
            if state.phase == .running { state.timetable.replace(served.project.syncs, at: now) }
            let names = Set(served.project.syncs.map(\.name))
            // What a person asked for has a number and stays.
            state.queue.removeAll { !names.contains($0.sync.name) && $0.kind == .scheduled }
        }
        logger.info("project loaded", metadata: ["syncs": .stringConvertible(served.project.syncs.count)])
        wake()
    }

    /// Whether the history can be read and the schedules are followed.
    package var isReady: Bool {
        let now = base.time.now()
        return state.withLock { state in
            guard state.phase == .running, let last = state.lastLookAt else { return false }
            return now.milliseconds - last.milliseconds < limits.stuckAfter.components.seconds * 1_000
        }
    }

    // MARK: What people ask for

    /// Begins a run as soon as there is a place for it, and returns its number at once. Throws `sync_already_running`
    /// where the sync runs or waits to, `unknown_sync`, and `server_stopping`.
    package func start(_ name: String, options: RunOptions = RunOptions(), trigger: String) throws -> Int64 {
        var options = options
        options.trigger = trigger
        options.isUnfinishedOnly = true
        options.waits = false
        let number = try state.withLock { state in
            guard state.phase == .running else {
                throw RunError(
                    code: "server_stopping", message: "The server is being stopped, so no run begins any more.",
                    hint: "Start it again, then the sync.")
            }
            guard let sync = state.served.project.sync(name) else {
                throw RunError(
                    code: "unknown_sync", message: "The project has no sync \(name).", hint: "See the list of syncs.")
            }
            if let job = state.job(of: name) { throw Self.busy(name, run: job.run) }
            if try SyncLock.isHeld(base.state.sync(name)) { throw Self.busy(name, run: nil) }
            let limited = options.limit != nil || options.isSelective
            var record = try base.database.createRun(
                sync: name, trigger: trigger, full: options.isFull, limited: limited, startedAt: base.time.now(),
                state: .queued)
            if options.isFull {
                record.fullReason = FullRun.requested
                try base.database.update(record)
            }
            state.queue.append(ServiceJob(sync, .asked(run: record.id), options))
            return record.id
        }
        wake()
        return number
    }

    private static func busy(_ sync: String, run: Int64?) -> RunError {
        RunError(
            code: "sync_already_running",
            message: "Sync \(sync) is running already\(run.map { " (run \($0))" } ?? "").",
            hint: "Wait for it, or cancel it.")
    }

    /// Ends a run for the person who says so. Nil where there is no such run.
    package func cancel(_ number: Int64) throws -> CancelRun.Answer? {
        let answer = try CancelRun(environment: base).cancel(number)
        end(number)
        return answer
    }

    private func end(_ number: Int64) {
        state.withLock { state in
            for job in state.running.values where job.run == number { job.cancel.yield() }
            state.queue.removeAll { job in
                guard case .asked(number) = job.kind else { return false }
                return closeQueued(number)
            }
        }
    }

    /// Ends the runs whose end somebody noted in the history: a run looks there itself, but not while it waits.
    private func endCancelled() {
        let jobs = state.withLock { state in Array(state.running.values) + state.queue }
        do {
            for number in jobs.compactMap(\.run) where try base.database.isCancelRequested(run: number) { end(number) }
        } catch {
            log(RunError(error), "the cancels could not be read", sync: nil)
        }
    }

    /// Closes a run that was cancelled before it began. False where that failed: then it is closed when its turn comes.
    private func closeQueued(_ number: Int64) -> Bool {
        do {
            guard var record = try base.database.run(number), record.state == .queued else { return false }
            record.state = .cancelled
            record.endedAt = base.time.now()
            try base.database.close(record, memory: nil)
            return true
        } catch {
            log(RunError(error), "run \(number) could not be closed", sync: nil)
            return false
        }
    }

    /// How each sync of the project stands, in the project's order.
    package func status() throws -> [SyncStanding] {
        let pasts = try pasts()
        let now = base.time.now()
        let state = state.withLock { $0 }
        return state.served.project.syncs.map { StandingWords.standing(of: $0, in: state, pasts, now: now) }
    }

    /// When each sync is due next, or since when it is, by its name: what `status` says without its words.
    package func nextRuns() throws -> [String: Moment] {
        let pasts = try pasts()
        let now = base.time.now()
        let state = state.withLock { $0 }
        var next: [String: Moment] = [:]
        for sync in state.served.project.syncs {
            switch state.timetable.standing(of: sync.name, pasts, now: now) {
            case .due(let at), .next(let at): next[sync.name] = at
            case .waiting, .paused, .byHand: continue
            }
        }
        return next
    }

    // MARK: The one task

    /// Decides what begins now, begins it, and sees to it that somebody wakes the service when something is due next.
    private func look(_ group: inout DiscardingTaskGroup) {
        let now = base.time.now()
        var next: Moment?
        do {
            let pasts = try pasts()
            let found = state.withLock { state in
                state.lastLookAt = now
                return state.timetable.look(pasts, now: now)
            }
            next = found.next
            for sync in found.due { queue(sync, now) }
            for news in staleSyncs(pasts, now) { group.addTask { await self.tell([news.value], of: news.sync) } }
        } catch {
            log(RunError(error), "the history could not be read; the schedules wait", sync: nil)
        }
        endCancelled()
        let ready = state.withLock { $0.takeReady(runsMax: limits.runsMax) }
        for job in ready { group.addTask { await self.perform(job) } }
        if isSweepDue(now) { group.addTask { self.sweep() } }
        sleep(now, next, &group)
    }

    /// Puts a sync that is due in the queue, or notes why not.
    private func queue(_ sync: SyncDefinition, _ now: Moment) {
        let met: ServiceJob? = state.withLock { state in
            if let job = state.job(of: sync.name) { return job }
            var options = RunOptions()
            options.trigger = "schedule"
            state.queue.append(ServiceJob(sync, .scheduled, options))
            state.timetable.handled(sync.name, at: now)
            return nil
        }
        guard let met else { return }
        // What was interrupted is finished first, and then its schedule's turn comes. A sync that follows others runs
        // once more when it has ended.
        if met.kind == .resumed { return }
        if case .after = sync.schedule?.trigger { return }
        let isGoing = state.withLock { state in
            state.timetable.handled(sync.name, at: now)
            return state.running[sync.name] != nil
        }
        if isGoing { collide(sync.name, met: met.run, now) }
    }

    /// Wakes the service when something is due, at the latest when it is time to look at the history again.
    private func sleep(_ now: Moment, _ next: Moment?, _ group: inout DiscardingTaskGroup) {
        let wait: Duration? = state.withLock { state in
            let latest = now.plus(seconds: max(1, limits.pollEvery.components.seconds))
            let next = min(next ?? latest, latest)
            if let wakes = state.wakesAt, wakes > now, wakes <= next { return nil }
            state.wakesAt = next
            return .milliseconds(max(1, next.milliseconds - now.milliseconds))
        }
        guard let wait else { return }
        group.addTask { [base, wakeUp] in
            // Cancelled means that the service ends, which needs no waking.
            do { try await base.time.sleep(wait) } catch { return }
            wakeUp.yield()
        }
    }
}
