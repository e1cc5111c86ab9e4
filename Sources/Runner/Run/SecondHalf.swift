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
        switch try Snapshot.open(files) {
        case .current(let snapshot), .fellBack(let snapshot, _): self.snapshot = snapshot
        case .none, .lost: snapshot = nil
        }
    }

    /// - Parameter start: where an earlier process left off; nil begins.
    func deliver(
        _ record: inout RunRecord, memory: SyncMemory, summary: PlanSummary, from start: Deliver.Start? = nil
    ) async throws {
        record.rows = summary.rows
        record.full = summary.full
        record.fullReason = summary.fullReason
        let begin = start ?? Deliver.Start(figures: DeliveryFigures(planned: summary.rows.planned))
        var (figures, ending) = (begin.figures, Deliver.Ending.complete)
        if summary.rows.planned > 0 {
            (figures, ending) = try await send(&record, summary, begin)
        }
        try close(&record, figures: figures, ending, memory: memory, summary: summary)
    }

    private func send(
        _ record: inout RunRecord, _ summary: PlanSummary, _ begin: Deliver.Start
    ) async throws -> (DeliveryFigures, Deliver.Ending) {
        let plan = try PlanReader(path: environment.state.planPath(run: record.id))
        let journal = try AcceptanceJournal.open(files, run: record.id)
        defer { journal.close() }
        let deliver = Deliver(prepared: prepared, environment: environment, policy: policy)
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
        var figures = figures
        var memory = memory
        remember(summary, in: &memory)
        let end: CloseRun.Ending
        switch ending {
        case .complete:
            figures.write(to: &record, planReasons: summary.reasons)
            end = CloseRun.Ending(state: CloseRun.state(record))
            // A run that was told to leave rows out says nothing about the whole.
            if !record.limited {
                memory.columns = summary.columns
                memory.lastCompleteRun = record.id
            }
        case .cancelled:
            try noteRest(&figures, record, Deliver.cancelledReason)
            end = CloseRun.Ending(state: .cancelled)
        case .failed(let failure):
            try noteRest(&figures, record, Deliver.notSentReason)
            end = CloseRun.Ending(state: .failed, failure: failure)
        }
        figures.write(to: &record, planReasons: summary.reasons)
        try environment.database.record(exchanges: prepared.exchanges.take().records)
        let old = summary.forgetsState ? nil : snapshot
        try CloseRun(environment: environment, files: files)
            .close(record, end, memory: memory, snapshot: old, summary: summary)
        if let closed = try environment.database.run(record.id) { record = closed }
    }

    /// What the plan was made with: the sync may have been changed since.
    private func remember(_ summary: PlanSummary, in memory: inout SyncMemory) {
        memory.definition = summary.definition
        memory.mappingRevision = summary.mappingRevision
        memory.keyRevision = summary.keyRevision
        memory.destination = summary.destination
    }

    /// Counts and names the operations that were never sent.
    private func noteRest(_ figures: inout DeliveryFigures, _ record: RunRecord, _ reason: Reason) throws {
        let operations = figures.operations
        let settled = operations.accepted + operations.rejected + operations.undelivered + operations.inDoubt
        figures.close(code: reason.code)
        guard figures.operations.undelivered > operations.undelivered else { return }
        try RestOfPlan(environment: environment, run: record.id).note(after: settled, reason)
    }

    /// Closes a run that a guard stopped: the plan stays, nothing was sent, and what was remembered is still right.
    func stop(_ record: inout RunRecord, by verdict: GuardVerdict, summary: PlanSummary) throws {
        var figures = DeliveryFigures(planned: summary.rows.planned)
        figures.close(code: "stopped_by_guard")
        figures.write(to: &record, planReasons: summary.reasons)
        record.guard = GuardRecord(name: verdict.name.rawValue, message: verdict.message, hint: verdict.hint)
        record.state = .stoppedByGuard
        record.endedAt = environment.time.now()
        try environment.database.record(exchanges: prepared.exchanges.take().records)
        try environment.database.close(record, memory: nil)
        environment.progress(.ended(run: record.id))
    }
}

/// Names the operations of a plan that no batch carried, as many as are kept.
struct RestOfPlan {
    let environment: RunEnvironment
    let run: Int64

    /// - Parameter settled: how many operations, from the front, have an outcome.
    func note(after settled: Int, _ reason: Reason) throws {
        let plan = try PlanReader(path: environment.state.planPath(run: run))
        let at = environment.time.now()
        var index = 0
        var records: [OutcomeRecord] = []
        try plan.visit { operation in
            defer { index += 1 }
            guard index >= settled, index - settled < OutcomeSink.keptMax else { return }
            records.append(
                OutcomeRecord(
                    run: run, sequence: operation.sequence, key: operation.keyText, keyHash: operation.keyHash,
                    outcome: .undelivered, reason: reason, at: at))
            if records.count == 2_000 {
                try environment.database.record(outcomes: records)
                records.removeAll(keepingCapacity: true)
            }
        }
        try environment.database.record(outcomes: records)
    }
}
