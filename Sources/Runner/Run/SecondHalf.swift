internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// The second half of a run: delivers a sealed plan and closes the books.
struct SecondHalf {
    let prepared: PreparedSync
    let environment: RunEnvironment
    let files: SyncFiles
    let policy: RetryPolicy
    /// What the fingerprints were before the run.
    var snapshot: Snapshot?

    init(_ prepared: PreparedSync, environment: RunEnvironment, files: SyncFiles, policy: RetryPolicy) throws {
        self.prepared = prepared
        self.environment = environment
        self.files = files
        self.policy = policy
        snapshot = try EndRun.snapshot(files)
    }

    /// - Parameter start: where an earlier process left off; nil begins.
    func deliver(
        _ record: inout RunRecord, memory: SyncMemory, summary: PlanSummary, from start: Deliver.Start? = nil
    ) async throws {
        record.rows = summary.rows
        record.full = summary.full
        record.fullReason = summary.fullReason
        let begin = start ?? Deliver.Start(figures: DeliveryFigures(summary))
        var (figures, ending) = (begin.figures, Deliver.Ending.complete)
        if summary.operations > 0 {
            (figures, ending) = try await send(&record, summary, begin)
        }
        try close(&record, figures: figures, ending, memory: memory, summary: summary)
    }

    private func send(
        _ record: inout RunRecord, _ summary: PlanSummary, _ begin: Deliver.Start
    ) async throws -> (DeliveryFigures, Deliver.Ending) {
        environment.enter(.deliver)
        let plan = try PlanReader(path: environment.state.planPath(run: record.id))
        let journal = try AcceptanceJournal.open(
            files, run: record.id, mayRepeat: prepared.shape.object.repeatable != .never)
        defer { journal.close() }
        var deliver = Deliver(prepared: prepared, environment: environment, policy: policy)
        if prepared.shape.behavior == .mirror { deliver.keyLog = try KeyLog.open(files) }
        deliver.known = FullRun.keepsState(summary.fullReason) ? snapshot : nil
        deliver.keyWatch = KeyWatch(prepared, known: deliver.known)
        let ended = try await deliver.deliver(
            plan, run: &record, journal: journal, from: begin, planReasons: summary.reasons)
        // The books are closed on what the journal says: its last frame too has to be on the disk by then.
        try journal.synchronize()
        return ended
    }

    func close(
        _ record: inout RunRecord, figures: DeliveryFigures, _ ending: Deliver.Ending, memory: SyncMemory,
        summary: PlanSummary
    ) throws {
        try EndRun(environment: environment, files: files, snapshot: snapshot, exchanges: prepared.exchanges)
            .close(&record, figures: figures, ending, memory: memory, summary: summary)
    }

    static let stoppedByGuard = "stopped_by_guard"

    /// Closes a run that a guard stopped: the plan stays, nothing was sent, and what was remembered is still right.
    func stop(_ record: inout RunRecord, by guards: GuardRecord, summary: PlanSummary) throws {
        var figures = DeliveryFigures(summary)
        figures.close(code: Self.stoppedByGuard)
        let reason = Reason(
            code: Self.stoppedByGuard, message: "A guard stopped the run before this record was sent.",
            hint: guards.hint)
        try RestOfPlan(environment: environment, run: record.id).note(after: 0, reason)
        figures.write(to: &record, planReasons: summary.reasons)
        record.guard = guards
        record.state = .stoppedByGuard
        record.endedAt = environment.time.now()
        record.effort = environment.meter.end(record.id, at: environment.time.now()) ?? record.effort
        try environment.database.record(exchanges: prepared.exchanges.take().records)
        try environment.database.close(record, memory: nil)
        environment.progress(.ended(record))
    }
}
