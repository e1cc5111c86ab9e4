internal import ConnectorKit
package import ProjectConfig
internal import Records
package import StateStore
package import SyncCore

/// Runs one sync, from its lock to its closed books. The walk of a row, in the order of what happens:
///
///  1. *scan*: the source hands over flat batches (`MakePlan`, `Source.withScan`).
///  2. *admit*: each row gets a key hash and a row hash, or is invalid (`Dataset.admit`).
///  3. *diff*: one batched look-up says what is unchanged, added, changed, shared or held (`Differ.diff`, `RecordFilter`).
///  4. *resolve*: behaviors that ask for it read which keys exist, once, when the candidates are known (`Resolver`).
///  5. *map*: changed rows become payload bytes, or are invalid with their reason (`Mapping.map`).
///  6. *plan*: all that is to be sent is in one durable, sealed file, and the guards have spoken (`PlanMaker`).
///  7. *batch*: the plan is cut within the object's limits (`Batcher`, `PlanReader.next`).
///  8. *deliver*: open in the journal, then sent, repeated or halved until each record has an outcome (`SendBatch`).
///  9. *settle*: the journal holds the outcomes before the history does (`Deliver`).
/// 10. *close*: the ledgers are checked, then the fingerprints move (`CloseRun`).
package struct RunSync: Sendable {
    private let definition: SyncDefinition
    private let options: RunOptions
    private let environment: RunEnvironment
    private let files: SyncFiles
    private let policy: RetryPolicy

    package init(
        _ definition: SyncDefinition, options: RunOptions, environment: RunEnvironment, policy: RetryPolicy = .init()
    ) {
        self.definition = definition
        self.options = options
        var environment = environment
        environment.meter = RunMeter(trace: environment.trace)
        environment.late = LateHistory(lag: environment.historyLag)
        self.environment = environment
        self.policy = policy
        files = environment.state.sync(definition.name)
    }

    /// Finishes a run that was interrupted, if there is one, then makes its own. Returns the records of both, oldest
    /// first. Throws where no run could be recorded: the sync is busy, or the state cannot be written.
    package func run() async throws -> [RunRecord] {
        let noted = CancelNote(environment)
        return try await withTaskCancellationHandler {
            try await CancelWatch(environment: environment, noted: noted).run { try await runAll(noted) }
        } onCancel: {
            noted.cancel()
        }
    }

    private func runAll(_ noted: CancelNote) async throws -> [RunRecord] {
        let renamed = RenamedSync(definition, environment)
        let doubtful = try renamed.warning()
        var records = try renamed.carryOut()
        let lock = try await lock()
        defer { lock.release() }
        let resume = ResumeRun(definition, environment: environment, files: files, policy: policy)
        var own: RunRecord?
        for unfinished in try environment.database.unfinishedRuns(sync: definition.name) {
            try noted.watch(unfinished.id)
            switch try await resume.resume(unfinished) {
            case .ended(let record): records.append(record)
            case .planAnew(let record):
                if let earlier = own { records.append(try environment.closeUnplanned(earlier, ResumeRun.interrupted)) }
                own = record
            }
            if Task.isCancelled && own == nil { return records }
        }
        if options.isUnfinishedOnly {
            guard let begun = own else { return records }
            // What was asked of it besides is known only to the process that was asked.
            if begun.limited && options.limit == nil && !options.isSelective {
                return records + [try environment.closeUnplanned(begun, ResumeRun.interrupted)]
            }
        }
        try await requireReviewed(own)
        records.append(try await ownRun(own, noted, doubtful))
        return records
    }

    /// Throws what speaks against the plan that is to be sent, before a run is recorded.
    private func requireReviewed(_ begun: RunRecord?) async throws {
        do {
            try await options.reviewed?.requireRight(definition, environment)
        } catch {
            if let begun { _ = try environment.closeUnplanned(begun, ResumeRun.interrupted) }
            throw error
        }
    }

    private func lock() async throws -> SyncLock {
        while true {
            if let lock = try acquire() { return lock }
            try await environment.time.sleep(.milliseconds(500))
        }
    }

    /// Nil where another process has the sync and this one is to wait for it. Kept out of line: the optimizer of
    /// Swift 6.3.1 crashes on the coroutine that it would otherwise make of the loop above.
    @inline(never)
    private func acquire() throws -> SyncLock? {
        if let lock = try SyncLock.acquire(files) { return lock }
        guard options.waits else { throw try busy() }
        return nil
    }

    private func busy() throws -> RunError {
        let owner = try SyncLock.owner(files)
        let holder = owner.map { " (process \($0.process))" } ?? ""
        return RunError(
            code: "sync_already_running", message: "Sync \(definition.name) is running already\(holder).",
            hint: "Wait for it, use --wait, or stop it with sluice cancel.")
    }

    private func ownRun(_ begun: RunRecord?, _ noted: CancelNote, _ warning: Reason?) async throws -> RunRecord {
        var record =
            try begun
            ?? environment.database.createRun(
                sync: definition.name, trigger: options.trigger, full: false, limited: false,
                startedAt: environment.time.now(), state: .running)
        try noted.watch(record.id)
        record.trigger = options.trigger
        record.limited = options.limit != nil || options.isSelective
        if record.state == .queued {
            record.state = .running
            record.startedAt = environment.time.now()
            try environment.database.update(record)
        }
        environment.progress(.started(run: record.id, sync: definition.name, isResumed: false))
        environment.meter.begin(record, at: environment.time.now())
        if let warning { environment.warn(warning) }
        environment.enter(.prepare)
        do {
            try await firstHalf(&record)
        } catch {
            guard try isOfARun(error, record.id) else { throw error }
            return try closeBroken(record, error)
        }
        return record
    }

    /// A run with a sealed plan may have been answered: then its journal says how far it came.
    private func closeBroken(_ record: RunRecord, _ error: any Error) throws -> RunRecord {
        guard try environment.database.latestSealedPlan(sync: definition.name)?.run.id == record.id else {
            return try environment.closeUnplanned(record, error)
        }
        return try ResumeRun(definition, environment: environment, files: files, policy: policy)
            .fail(record, because: error)
    }

    /// A kill, simulated or real, is not an error of the run, nor is the polite end of its process: the next start deals
    /// with it.
    private func isOfARun(_ error: any Error, _ run: Int64) throws -> Bool {
        if error is CancellationError && environment.cancellation == .leaves {
            return try environment.database.isCancelRequested(run: run)
        }
        return !(error is StepInterrupted) && !(error is SimulatedKill)
    }

    private func firstHalf(_ record: inout RunRecord) async throws {
        var prepared = try PreparedSync(definition, environment: environment)
        prepared.exchanges.begin(run: record.id, firstNumber: 0)
        do {
            try await prepared.discoverFields(environment: environment, policy: policy)
            try await planAndDeliver(&record, prepared)
        } catch {
            // What was answered says why the run failed.
            if try isOfARun(error, record.id) {
                try environment.database.record(exchanges: prepared.exchanges.take().records)
            }
            throw error
        }
    }

    private func planAndDeliver(_ record: inout RunRecord, _ prepared: PreparedSync) async throws {
        var half = try SecondHalf(prepared, environment: environment, files: files, policy: policy)
        let accepted = try AcceptedGuards(
            prepared, options, files: files, before: record.id, environment: environment)
        if let (stopped, memory) = accepted.plan {
            try stopped.hand(to: record.id, environment: environment)
            let summary = stopped.summary
            environment.meter.scanned(summary.scan)
            record.rows = summary.rows
            record.operations.planned = summary.rows.planned
            record.operations.removals = summary.removals
            record.full = summary.full
            record.fullReason = summary.fullReason
            record.limited = stopped.isLimited
            try environment.database.seal(record, definition: summary.definition, at: environment.time.now())
            try await half.deliver(&record, memory: memory, summary: summary)
            return
        }
        var opening = try Opening.open(prepared, files: files, environment: environment, options: options)
        if opening.isForeign { try files.removeState() }
        // The seed of all hashes: a run that is killed from here on finds it again.
        if opening.isNew { try environment.database.save(opening.memory) }
        half.snapshot = opening.snapshot
        record.full = opening.full.isFull
        record.fullReason = opening.full.reason
        try environment.database.update(record)
        let made = try await plan(opening, prepared, record, accepted)
        if !made.summary.gone.isEmpty { environment.progress(.gone(keys: made.summary.gone)) }
        let warnings = made.warnings + (made.sight?.warning.map { [$0] } ?? [])
        for warning in warnings { environment.warn(warning) }
        // A kill before the first batch loses what only the plan could tell.
        if !warnings.isEmpty { record.effort = environment.meter.effort(of: record.id, at: environment.time.now()) }
        record.rows = made.summary.rows
        record.operations.planned = made.summary.rows.planned
        record.operations.removals = made.summary.removals
        let path = environment.state.planPath(run: record.id)
        try options.reviewed?.requireSame(made.summary, at: path)
        try EmptyScan.noteRows(made.summary, of: definition.name, in: &opening.memory, environment.database)
        if let stopped = GuardRecord(made.verdicts) {
            try half.stop(&record, by: stopped, summary: made.summary)
            return
        }
        try environment.database.seal(record, definition: made.summary.definition, at: environment.time.now())
        if let reviewed = options.reviewed {
            reviewed.note(run: record.id, in: &opening.memory)
            try environment.database.save(opening.memory)
        }
        environment.progress(.planned(operations: made.summary.rows.planned + made.summary.removals))
        try await half.deliver(&record, memory: opening.memory, summary: made.summary)
    }

    private func plan(
        _ opening: Opening, _ prepared: PreparedSync, _ record: RunRecord, _ accepted: AcceptedGuards
    ) async throws -> MakePlan.Result {
        // As it is stored: what this run makes of it is not known to whoever accepts the plan.
        let known = try environment.database.memory(definition.name)
        let stamp = StoppedPlan.stamp(opening.snapshot?.header, try PendingFile.open(files), known)
        // What the plan itself takes is looked at while it is written (`DiskRoom`), a limited run's too: it may hold every
        // candidate for a while.
        try environment.state.requireFreeSpace(bytes: DiskRoom.leftMin)
        let asOf = options.reviewed?.madeAt
        let scope = try await ScanScope.decide(
            prepared, opening, options: options, environment: environment, asOf: asOf)
        environment.meter.scanned(scope.told(prepared))
        let maker = MakePlan(
            prepared: prepared, memory: opening.memory, snapshot: opening.usable, pending: opening.pending,
            options: options, full: opening.full, scope: scope, environment: environment, former: opening.former)
        return try await maker.make(
            MakePlan.Target(
                run: record.id, path: environment.state.planPath(run: record.id), directory: files.folder,
                database: environment.database, looks: opening.full.reason == FullRun.keyChanged, asOf: asOf,
                stamp: stamp, accepted: accepted))
    }
}

/// What a simulation throws at a crash point of the runner.
package struct SimulatedKill: Error {
    package init() {}
}
