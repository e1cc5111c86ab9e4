internal import ConnectorKit
internal import Records
internal import StateStore

/// Ends a run that had a plan, however its delivery ended. Needs neither source nor destination.
struct EndRun {
    let environment: RunEnvironment
    let files: SyncFiles
    /// What the fingerprints were before the run.
    var snapshot: Snapshot?
    let exchanges: ExchangeLog

    /// The fingerprints of before, where they can be read.
    static func snapshot(_ files: SyncFiles) throws -> Snapshot? {
        switch try Snapshot.open(files) {
        case .current(let snapshot), .fellBack(let snapshot, _): snapshot
        case .none, .lost: nil
        }
    }

    /// Closes a run whose plan may not be sent any more.
    func abandon(_ record: inout RunRecord, start: Deliver.Start, memory: SyncMemory, summary: PlanSummary) throws {
        let failure = RunFailure(
            code: "plan_stale",
            message: "The run was interrupted, and its plan is too old or was made for another definition.",
            hint: "Nothing to do: the next run compares again and sends what is missing.")
        try close(&record, figures: start.figures, .failed(failure), memory: memory, summary: summary)
    }

    func close(
        _ record: inout RunRecord, figures: DeliveryFigures, _ ending: Deliver.Ending, memory: SyncMemory,
        summary: PlanSummary
    ) throws {
        var figures = figures
        var memory = memory
        remember(summary, isAllTakenUp: isAllTakenUp(record, ending, summary), in: &memory)
        var isWhole = false
        if case .complete = ending { isWhole = !record.limited }
        RemovalGuard.note(summary, isWhole: isWhole, in: &memory)
        EmptiedFields.note(summary, isWhole: isWhole, in: &memory)
        EmptyScan.note(summary, isWhole: isWhole, in: &memory)
        if summary.withheldRemovals > 0 { record.guard = RemovalGuard.withheld(summary.withheldRemovals) }
        noteFull(record, ending, summary, in: &memory)
        noteFirst(ending, summary, in: &memory)
        let end: CloseRun.Ending
        switch ending {
        case .complete:
            figures.write(to: &record, planReasons: summary.reasons)
            end = CloseRun.Ending(state: CloseRun.state(record))
            // A run that was told to leave rows out says nothing about the whole.
            if !record.limited {
                // What a few rows were read with says nothing of how the others were sent.
                if summary.isScanComplete { memory.columns = summary.columns }
                memory.lastCompleteRun = record.id
                ScanScope.note(summary, at: record.startedAt, in: &memory)
            }
            // Rows that were not taken apart are nowhere but in the source: the next run has to come by all of them.
            if figures.operations.undelivered > 0 { ScanScope.forget(in: &memory) }
        case .cancelled:
            try noteRest(&figures, record, Deliver.cancelledReason)
            end = CloseRun.Ending(state: .cancelled)
        case .failed(let failure):
            try noteRest(&figures, record, Deliver.notSentReason)
            end = CloseRun.Ending(state: .failed, failure: failure)
        }
        figures.write(to: &record, planReasons: summary.reasons)
        try environment.database.record(exchanges: exchanges.take().records)
        let old = summary.forgetsState ? nil : snapshot
        try CloseRun(environment: environment, files: files)
            .close(record, end, memory: memory, snapshot: old, summary: summary)
        if let closed = try environment.database.run(record.id) { record = closed }
    }

    /// Whether every row has been taken up as it is mapped now. Of a full run that broke off the next one knows that it
    /// has to begin anew (`noteFull`); of others only the mapping that they had before says so.
    private func isAllTakenUp(_ record: RunRecord, _ ending: Deliver.Ending, _ summary: PlanSummary) -> Bool {
        guard case .complete = ending else { return summary.full && !record.limited }
        // Where rows are sent once, a limit leaves out new ones only; what was sent before has been looked at.
        let isOfNewRows = summary.behavior == Behavior.send.rawValue && summary.isSelective != true
        return !record.limited || isOfNewRows || summary.rows.deferred == 0
    }

    /// What the plan was made with: the sync may have been changed since.
    private func remember(_ summary: PlanSummary, isAllTakenUp: Bool, in memory: inout SyncMemory) {
        // How far was read says nothing of what another dataset has; a run that comes to its end notes its own.
        if memory.definition != summary.definition { ScanScope.forget(in: &memory) }
        memory.definition = summary.definition
        // Where only some rows were sent as they are mapped now, the others are still to be taken up.
        if isAllTakenUp || summary.forgetsState || memory.mappingRevision.isEmpty {
            memory.mappingRevision = summary.mappingRevision
        }
        memory.keyRevision = summary.keyRevision
        memory.destination = summary.destination
        if summary.forgetsState { ScanScope.forget(in: &memory) }
    }

    /// Counts and names the operations that were never sent.
    private func noteRest(_ figures: inout DeliveryFigures, _ record: RunRecord, _ reason: Reason) throws {
        let operations = figures.operations
        let settled = operations.accepted + operations.rejected + operations.undelivered + operations.inDoubt
        figures.close(code: reason.code)
        guard figures.operations.undelivered > operations.undelivered else { return }
        try RestOfPlan(environment: environment, run: record.id).note(after: settled, reason)
    }

    /// A first run is over once it has come to its end: what is remembered by one that did not is not all, and what was
    /// sent of chosen records says nothing of the others.
    private func noteFirst(_ ending: Deliver.Ending, _ summary: PlanSummary, in memory: inout SyncMemory) {
        guard summary.isFirst == true else { return }
        if case .complete = ending, summary.isSelective != true {
            memory.extra[FullRun.awaited] = nil
        } else {
            memory.extra[FullRun.awaited] = "1"
        }
    }

    /// A run that sent every record again and did not come to its end leaves records that look unchanged and were not
    /// sent: the next run has to send every record. A run that began from nothing leaves none such. What was left by one that
    /// was to send them all is not made up for by a limited run after a changed mapping, which passes them over.
    private func noteFull(
        _ record: RunRecord, _ ending: Deliver.Ending, _ summary: PlanSummary, in memory: inout SyncMemory
    ) {
        guard summary.full else { return }
        let isOfAll = !record.limited || summary.rows.deferred == 0 && summary.isSelective != true
        let before = memory.extra[FullRun.unfinished]
        let passesUnchanged = record.limited && summary.fullReason == FullRun.mappingChanged
        if summary.forgetsState || summary.fullReason == FullRun.firstRun {
            memory.extra[FullRun.unfinished] = nil
        } else if case .complete = ending, isOfAll {
            if !passesUnchanged || before == FullRun.mappingChanged { memory.extra[FullRun.unfinished] = nil }
        } else if !record.limited || summary.fullReason != FullRun.requested {
            memory.extra[FullRun.unfinished] = passesUnchanged ? before ?? FullRun.mappingChanged : "1"
        }
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
            if operation.kind.isLocal { return }
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
