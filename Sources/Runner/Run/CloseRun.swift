internal import Records
internal import StateStore
internal import SyncCore

/// Step 10 of the walk, in an order that a kill at any point leaves in a state the next start can finish:
/// ledgers checked; history says `closing` with final figures; snapshot, pending file; journal dropped; final state.
struct CloseRun {
    let environment: RunEnvironment
    let files: SyncFiles

    /// The name under which a sync remembers how the run that is being closed ends.
    static let closingState = "closing_state"
    /// The name under which it remembers that what was believed before the run is of no use, should its plan be lost.
    static let forgetsState = "closing_forgets_state"

    /// The name under which a sync remembers that its fingerprints were not empty, also of rows that were never sent.
    static let hasFingerprints = "has_fingerprints"

    struct Ending {
        var state: RunState
        var failure: RunFailure?
    }

    /// Closes a run whose figures are in `run`. `memory` is what the sync remembers from then on.
    func close(_ run: RunRecord, _ ending: Ending, memory: SyncMemory, snapshot: Snapshot?, summary: PlanSummary?)
        throws
    {
        environment.enter(.close)
        var run = run
        run.endedAt = environment.time.now()
        run.error = ending.failure
        run.state = ending.state
        check(&run)
        let final = run.state
        run.state = .closing
        var closing = memory
        closing.extra[Self.closingState] = final.rawValue
        if summary?.forgetsState == true { closing.extra[Self.forgetsState] = "1" }
        // The figures are final from here on, so what they were made from may not go with the power any more.
        try AcceptanceJournal.synchronize(files)
        try environment.database.close(run, memory: closing)
        try finish(run, final: final, memory: memory, snapshot: snapshot, summary: summary)
    }

    /// The part that may be repeated: everything after `closing` is in the history.
    func finish(
        _ run: RunRecord, final: RunState, memory: SyncMemory, snapshot: Snapshot?, summary: PlanSummary?
    ) throws {
        var memory = memory
        let now = run.endedAt ?? environment.time.now()
        let hasJournal = try AcceptanceJournal.pendingRun(files) == run.id
        if hasJournal || summary?.pendingCleared.isEmpty == false {
            let refused = run.operations.rejected + run.operations.inDoubt
            try PendingUpdate(files: files, run: run.id, now: now.milliseconds / 1_000, mayAdd: refused > 0)
                .write(summary)
        }
        if summary?.keepsRefused == true {
            try CarriedRecords(files: files, environment: environment).close(run: run.id) {
                try ScanScope.forget(memory.name, environment.database)
                ScanScope.forget(in: &memory)
            }
        }
        let startsOver = summary?.forgetsState ?? (memory.extra[Self.forgetsState] != nil)
        // Fingerprints that are lost stay lost: whoever reads on finds that out, and not a few records that look like all.
        let areLost = try hasJournal && !startsOver && Fingerprints.areLost(files, memory, opened: snapshot)
        if startsOver || hasJournal && !areLost {
            let header = try SnapshotMerge.close(
                files, run: run.id, old: snapshot, startsOver: startsOver, seedMark: SeedMark.of(memory.seed))
            memory.extra[Self.hasFingerprints] = header.count > 0 ? "1" : nil
        }
        try KeyFile.close(files)
        if hasJournal { try AcceptanceJournal.drop(files, run: run.id) }
        memory.extra[Self.closingState] = nil
        memory.extra[Self.forgetsState] = nil
        if run.operations.accepted > 0 { memory.hasAccepted = true }
        var run = run
        run.state = final
        run.effort = environment.meter.end(run.id, at: environment.time.now()) ?? run.effort
        try environment.database.close(run, memory: memory)
        environment.progress(.ended(run))
    }

    /// An unbalanced book is our own fault and fails the run.
    private func check(_ run: inout RunRecord) {
        let isPlanned = run.operations.planned == run.rows.planned
        guard !run.rows.isBalanced || !run.operations.isBalanced || !isPlanned else { return }
        run.state = .failed
        let before = run.error.map { " Before, it failed with \($0.code): \($0.message)" } ?? ""
        run.error = RunFailure(
            code: "books_unbalanced", message: "The run's figures do not add up; this is a fault of Sluice." + before,
            hint: "Nothing is lost: the next run compares again. Please report it with the output of show RUN --json.")
    }

    /// The state of a run whose delivery ended by itself.
    static func state(_ run: RunRecord) -> RunState {
        let rows = run.rows
        let operations = run.operations
        let missing = rows.invalid + rows.held + operations.rejected + operations.undelivered + operations.inDoubt
        return missing == 0 ? .succeeded : .completedWithRejections
    }
}
