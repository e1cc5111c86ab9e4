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
        let summary = try sealedSummary(found.id)
        let memory = try environment.database.memory(definition.name) ?? Opening.newMemory(definition, environment)
        if found.state == .closing { return .ended(try finishClosing(found, memory: memory, summary: summary)) }
        guard let summary else {
            try environment.state.removePlan(run: found.id)
            try environment.database.discardOutcomes(run: found.id)
            return .planAnew(found)
        }
        return .ended(try await goOn(found, memory: memory, summary: summary))
    }

    private func sealedSummary(_ run: Int64) throws -> PlanSummary? {
        guard try environment.state.plannedRuns().contains(run) else { return nil }
        let reader = try PlanReader(path: environment.state.planPath(run: run))
        guard reader.isSealed else { return nil }
        return try PlanSummary.decode(reader.summary)
    }

    /// The books were closed; only the files may lag behind.
    private func finishClosing(_ found: RunRecord, memory: SyncMemory, summary: PlanSummary?) throws -> RunRecord {
        let final = memory.extra[CloseRun.closingState].flatMap { RunState(rawValue: $0) } ?? CloseRun.state(found)
        try CloseRun(environment: environment, files: files).finish(
            found, final: final, memory: memory, snapshot: try oldSnapshot(summary), summary: summary)
        return try environment.database.run(found.id) ?? found
    }

    private func oldSnapshot(_ summary: PlanSummary?) throws -> Snapshot? {
        if summary?.forgetsState == true { return nil }
        switch try Snapshot.open(files) {
        case .current(let snapshot), .fellBack(let snapshot, _): return snapshot
        case .none, .lost: return nil
        }
    }

    private func goOn(_ found: RunRecord, memory: SyncMemory, summary: PlanSummary) async throws -> RunRecord {
        var record = found
        var prepared = try PreparedSync(definition, environment: environment)
        let numbers = try RunHistory(environment.database).nextExchangeNumber(run: found.id)
        prepared.exchanges.begin(run: found.id, firstNumber: numbers)
        try await prepared.discoverFields()
        let half = try SecondHalf(prepared, environment: environment, files: files, policy: policy)
        let start = try catchUp(&record, summary)
        let age = environment.time.now().milliseconds - found.startedAt.milliseconds
        let latest = try environment.database.latestSealedPlan(sync: definition.name)?.run.id ?? found.id
        let isStale = age >= Self.planAgeMax || summary.definition != prepared.definitionText || latest > found.id
        environment.progress(.started(run: found.id, sync: definition.name, isResumed: true))
        if isStale {
            try half.abandon(&record, start: start, memory: memory, summary: summary)
        } else {
            try await half.deliver(&record, memory: memory, summary: summary, from: start)
        }
        return record
    }

    /// Makes the figures from the journal and hands the history what it has not seen.
    private func catchUp(_ record: inout RunRecord, _ summary: PlanSummary) throws -> Deliver.Start {
        var start = Deliver.Start(figures: DeliveryFigures(planned: summary.rows.planned))
        record.rows = summary.rows
        record.full = summary.full
        record.fullReason = summary.fullReason
        guard try AcceptanceJournal.pendingRun(files) == record.id else { return start }
        let applied = try environment.database.lastAppliedPosition(run: record.id)
        var run = record
        _ = try AcceptanceJournal.replay(files) { frame in
            guard case .settled(let settled, let opened) = frame else { return }
            start.figures.add(settled, kind: kind)
            start.sequence = (opened.entries.last?.sequence ?? -1) + 1
            start.batch = settled.batch + 1
            guard settled.position > applied else { return }
            start.figures.write(to: &run, planReasons: summary.reasons)
            _ = try environment.database.apply(
                run: run.id, position: settled.position,
                outcomes: Self.outcomes(settled, opened, run: run.id, at: environment.time.now()), figures: run)
        }
        record = run
        return start
    }

    private var kind: OperationKind {
        switch definition.behavior {
        case .send: .send
        case .delete: .delete
        default: .upsert
        }
    }

    private static func outcomes(
        _ frame: SettleFrame, _ opened: OpenFrame, run: Int64, at moment: Moment
    ) -> [OutcomeRecord] {
        frame.others.map { other in
            let entry = opened.entries[other.entryIndex]
            return OutcomeRecord(
                run: run, sequence: entry.sequence, key: other.key, keyHash: entry.keyHash, outcome: other.outcome,
                reason: other.reason, batch: frame.batch, at: moment)
        }
    }
}

extension SecondHalf {
    /// Closes a run whose plan may not be sent any more.
    func abandon(_ record: inout RunRecord, start: Deliver.Start, memory: SyncMemory, summary: PlanSummary) throws {
        let failure = RunFailure(
            code: "plan_stale",
            message: "The run was interrupted, and its plan is too old or was made for another definition.",
            hint: "Nothing to do: the next run compares again and sends what is missing.")
        try close(&record, figures: start.figures, .failed(failure), memory: memory, summary: summary)
    }
}
