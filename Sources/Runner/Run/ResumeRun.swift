internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// Deals with a run that was found unfinished although nobody holds its sync: its process was killed (design.md §4.3).
struct ResumeRun {
    static let planAgeMax: Int64 = 60 * 60 * 1_000

    let definition: SyncDefinition
    let environment: RunEnvironment
    let files: SyncFiles
    let policy: RetryPolicy

    enum Result {
        /// The run has ended now, delivered or failed.
        case ended(RunRecord)
        /// The run had no complete plan: nothing was sent, and it may be scanned anew under its number.
        case planAnew(RunRecord)
    }

    init(_ definition: SyncDefinition, environment: RunEnvironment, files: SyncFiles, policy: RetryPolicy) {
        self.definition = definition
        self.environment = environment
        self.files = files
        self.policy = policy
    }

    func resume(_ found: RunRecord) async throws -> Result {
        let memory = try environment.database.memory(definition.name) ?? Opening.newMemory(definition, environment)
        if found.state == .closing {
            return .ended(try finishClosing(found, memory: memory, summary: try summary(found.id)))
        }
        if let summary = try deliverable(found.id) {
            do {
                return .ended(try await goOn(found, memory: memory, summary: summary))
            } catch let error as StateError where error.code == "plan_corrupt" {
                return .ended(try closeWithoutPlan(found, memory: memory))
            }
        }
        if try AcceptanceJournal.pendingRun(files) == found.id {
            return .ended(try closeWithoutPlan(found, memory: memory))
        }
        try environment.state.removePlan(run: found.id)
        try environment.database.discardOutcomes(run: found.id)
        guard try environment.database.isCancelRequested(run: found.id) else { return .planAnew(found) }
        var cancelled = found
        cancelled.state = .cancelled
        cancelled.endedAt = environment.time.now()
        try environment.database.close(cancelled, memory: nil)
        return .ended(cancelled)
    }

    static let interrupted = RunError(
        code: "run_interrupted", message: "The run was interrupted before it had a plan.",
        hint: "Nothing to do: nothing was sent, and the next run compares again.")

    /// The plan of a run that may be delivered: complete, and passed by the guards, which is what the history's seal
    /// says. A plan file alone may be one that a guard was about to stop.
    private func deliverable(_ run: Int64) throws -> PlanSummary? {
        guard let sealed = try environment.database.latestSealedPlan(sync: definition.name)?.run.id, sealed >= run
        else {
            return nil
        }
        return try summary(run)
    }

    /// What the run's plan says of itself; nil where there is no complete plan that can be read.
    private func summary(_ run: Int64) throws -> PlanSummary? {
        do {
            return try PlanSummary.of(run: run, state: environment.state)
        } catch let error as StateError where error.code == "plan_corrupt" {
            return nil
        }
    }

    /// Closes a run that broke off with `error` after its plan was sealed: what was settled stays settled.
    func fail(_ broken: RunRecord, because error: any Error) throws -> RunRecord {
        let found = try environment.database.run(broken.id) ?? broken
        let memory = try environment.database.memory(definition.name) ?? Opening.newMemory(definition, environment)
        if found.state.isFinal { return found }
        let summary = try summary(found.id)
        if found.state == .closing { return try finishClosing(found, memory: memory, summary: summary) }
        guard let summary else { return try closeWithoutPlan(found, memory: memory) }
        let end = EndRun(
            environment: environment, files: files, snapshot: try EndRun.snapshot(files),
            exchanges: ExchangeLog(environment))
        try rewind(found.id)
        if !mayRepeat { try settleInDoubt(found.id) }
        var record = found
        let start = try catchUp(&record, summary)
        let ending: Deliver.Ending = error is CancellationError ? .cancelled : .failed(RunError(error).failure)
        do {
            try end.close(&record, figures: start.figures, ending, memory: memory, summary: summary)
        } catch let damage as StateError where damage.code == "plan_corrupt" {
            return try closeWithoutPlan(found, memory: memory)
        }
        return record
    }

    /// A run that was answered and has no plan (it confirmed records, or its plan is damaged): the journal is all
    /// there is.
    private func closeWithoutPlan(_ found: RunRecord, memory: SyncMemory) throws -> RunRecord {
        var record = found
        var figures = DeliveryFigures(planned: found.operations.planned, removals: found.operations.removals)
        let asked = found.operations.planned + found.operations.removals
        var hasSettled = false
        try rewind(found.id)
        // Who confirmed records sent nothing: there is nothing in flight to settle.
        if asked > 0 && !mayRepeat { try settleInDoubt(found.id) }
        _ = try AcceptanceJournal.replay(files) { frame in
            guard case .settled(let settled, let opened) = frame else { return }
            hasSettled = true
            let kept = KeptOutcomes.of(settled, after: figures.operations)
            try environment.database.record(
                outcomes: Self.outcomes(kept, opened, run: found.id, at: environment.time.now()))
            if asked > 0 { figures.add(settled) }
        }
        figures.close(code: Deliver.notSentReason.code)
        figures.write(to: &record, planReasons: [:])
        let isDone = asked == 0 && hasSettled
        let failure = RunFailure(
            code: "run_interrupted", message: "The run was interrupted and its plan cannot be read any more.",
            hint: "Nothing to do: what was settled stays settled, and the next run compares again.")
        let ending = CloseRun.Ending(state: isDone ? .succeeded : .failed, failure: isDone ? nil : failure)
        var memory = memory
        if found.full && !found.limited && found.fullReason != FullRun.firstRun {
            memory.extra[FullRun.unfinished] = "1"
        }
        try CloseRun(environment: environment, files: files).close(
            record, ending, memory: memory, snapshot: try EndRun.snapshot(files), summary: nil)
        return try environment.database.run(found.id) ?? record
    }

    /// The books were closed; only the files may lag behind.
    private func finishClosing(_ found: RunRecord, memory: SyncMemory, summary: PlanSummary?) throws -> RunRecord {
        let final = memory.extra[CloseRun.closingState].flatMap { RunState(rawValue: $0) } ?? CloseRun.state(found)
        let startsOver = summary?.forgetsState ?? (memory.extra[CloseRun.forgetsState] != nil)
        try CloseRun(environment: environment, files: files).finish(
            found, final: final, memory: memory, snapshot: startsOver ? nil : try EndRun.snapshot(files),
            summary: summary)
        return try environment.database.run(found.id) ?? found
    }

    private func goOn(_ found: RunRecord, memory: SyncMemory, summary: PlanSummary) async throws -> RunRecord {
        environment.meter.begin(found, at: environment.time.now())
        environment.meter.scanned(summary.scan)
        environment.enter(.prepare)
        if try isTooOld(found) { return try abandon(found, memory: memory, summary: summary) }
        var prepared = try PreparedSync(definition, environment: environment)
        let numbers = try RunHistory(environment.database).nextExchangeNumber(run: found.id)
        prepared.exchanges.begin(run: found.id, firstNumber: numbers)
        // A run that is to end needs no destination for it.
        if try environment.database.isCancelRequested(run: found.id) {
            return try fail(found, because: CancellationError())
        }
        // Where the destination cannot be asked now, the run stays as it was found.
        try await prepared.discoverFields(environment: environment, policy: policy)
        // Only now: what the account's own fields take is part of the definition.
        guard summary.definition == prepared.definitionText else {
            return try abandon(found, memory: memory, summary: summary)
        }
        let half = try SecondHalf(prepared, environment: environment, files: files, policy: policy)
        var record = found
        let start = try begin(&record, summary)
        try await half.deliver(&record, memory: memory, summary: summary, from: start)
        return record
    }

    /// Whether the plan may not be sent any more for its age, or because a later one was made.
    private func isTooOld(_ found: RunRecord) throws -> Bool {
        let latest = try environment.database.latestSealedPlan(sync: definition.name)
        let age = environment.time.now().milliseconds - (latest?.sealedAt ?? found.startedAt).milliseconds
        return age >= Self.planAgeMax || latest?.run.id != found.id
    }

    private func abandon(_ found: RunRecord, memory: SyncMemory, summary: PlanSummary) throws -> RunRecord {
        var record = found
        let start = try begin(&record, summary)
        try EndRun(
            environment: environment, files: files, snapshot: try EndRun.snapshot(files),
            exchanges: ExchangeLog(environment)
        ).abandon(&record, start: start, memory: memory, summary: summary)
        return record
    }

    /// Tells that the run goes on, and finds where its delivery stopped.
    private func begin(_ record: inout RunRecord, _ summary: PlanSummary) throws -> Deliver.Start {
        environment.progress(.started(run: record.id, sync: definition.name, isResumed: true))
        try rewind(record.id)
        if !mayRepeat { try settleInDoubt(record.id) }
        let start = try catchUp(&record, summary)
        // A run that was killed while it was being closed has named the rest of its plan already.
        try environment.database.discardOutcomes(run: record.id, fromSequence: start.sequence)
        return start
    }

    /// After a power cut the history may know frames that the journal has lost: they were not synced together.
    private func rewind(_ run: Int64) throws {
        guard try AcceptanceJournal.pendingRun(files) == run else { return }
        let applied = try environment.database.lastAppliedPosition(run: run)
        let known = try UnsettledBatches(files)
        guard applied > known.lastSettled else { return }
        try environment.database.rewind(run: run, toPosition: known.lastSettled, sequence: known.nextSequence)
    }

    /// Whether what was on its way may be sent once more. The run's own journal says so: the sync may be another by now. Not
    /// where neither it nor the destination can say so.
    private var mayRepeat: Bool {
        do {
            if let noted = try AcceptanceJournal.mayRepeat(files) { return noted }
            return try environment.connections.object(definition).written(by: definition.behavior).repeatable
                != .never
        } catch {
            return false
        }
    }

    /// Makes the figures from the journal and hands the history what it has not seen.
    private func catchUp(_ record: inout RunRecord, _ summary: PlanSummary) throws -> Deliver.Start {
        var start = Deliver.Start(figures: DeliveryFigures(summary))
        record.rows = summary.rows
        record.full = summary.full
        record.fullReason = summary.fullReason
        guard try AcceptanceJournal.pendingRun(files) == record.id else { return start }
        let applied = try environment.database.lastAppliedPosition(run: record.id)
        var run = record
        _ = try AcceptanceJournal.replay(files) { frame in
            guard case .settled(let settled, let opened) = frame else { return }
            let kept = KeptOutcomes.of(settled, after: start.figures.operations)
            start.figures.add(settled)
            start.sequence = opened.nextSequence
            start.batch = settled.batch + 1
            guard settled.position > applied else { return }
            start.figures.write(to: &run, planReasons: summary.reasons)
            _ = try environment.database.apply(
                run: run.id, position: settled.position,
                outcomes: Self.outcomes(kept, opened, run: run.id, at: environment.time.now()), figures: run)
        }
        record = run
        return start
    }

    /// Settles the batch that was on its way when the process was killed, where it must not be sent again.
    private func settleInDoubt(_ run: Int64) throws {
        guard try AcceptanceJournal.pendingRun(files) == run else { return }
        for open in try UnsettledBatches(files).frames { try settleInDoubt(open, run) }
    }

    private func settleInDoubt(_ open: OpenFrame, _ run: Int64) throws {
        let wanted = Set(open.entries.map(\.sequence))
        var keys: [Int: String] = [:]
        var local: OperationKind?
        do {
            try PlanReader(path: environment.state.planPath(run: run)).visit { operation in
                guard wanted.contains(operation.sequence) else { return }
                keys[operation.sequence] = operation.keyText
                local = operation.kind.isLocal ? operation.kind : nil
            }
        } catch let error as StateError where error.code == "plan_corrupt" {
            // Then they are known by their hashes only.
            keys = [:]
        }
        let journal = try AcceptanceJournal.open(files, run: run)
        defer { journal.close() }
        if let local {
            // Nothing was on its way: it is simply done, also where a batch behind it is not.
            let effect: JournalEffect = local == .forget ? .remove : .set
            let effects = Array(repeating: effect, count: open.entries.count)
            try journal.append(settled: SettleFrame(batch: open.batch, effects: effects))
            return
        }
        let others = open.entries.enumerated().map { index, entry in
            SettledOther(
                entryIndex: index, outcome: .inDoubt, reason: Self.inDoubt, key: keys[entry.sequence] ?? "")
        }
        let effects = Array(repeating: JournalEffect.void, count: others.count)
        try journal.append(settled: SettleFrame(batch: open.batch, effects: effects, others: others))
    }

    static let inDoubt = Reason(
        code: "interrupted_in_flight",
        message: "The run was interrupted while this record was on its way; it may have arrived.",
        hint: "Look it up at the destination, then use resend --in-doubt or confirm.")

    private static func outcomes(
        _ others: [SettledOther], _ opened: OpenFrame, run: Int64, at moment: Moment
    ) -> [OutcomeRecord] {
        others.map { other in
            let entry = opened.entries[other.entryIndex]
            return OutcomeRecord(
                run: run, sequence: entry.sequence, key: other.key, keyHash: entry.keyHash, outcome: other.outcome,
                reason: other.reason, batch: opened.batch, at: moment)
        }
    }
}
