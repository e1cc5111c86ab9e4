internal import ConnectorKit
internal import Foundation
internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// The first half of a run: scan, admit, diff, resolve, map, and a sealed plan with the guards' verdict. Sends nothing.
struct MakePlan {
    let prepared: PreparedSync
    let memory: SyncMemory
    let snapshot: Snapshot?
    let pending: PendingFile?
    let options: RunOptions
    let full: FullRun
    let scope: ScanScope
    let environment: RunEnvironment
    /// How often reads of the destination are repeated.
    var policy = RetryPolicy()
    /// What was known under another key.
    var former: Snapshot?

    /// Where the plan goes, and for whom.
    struct Target {
        var run: Int64
        var path: String
        /// For spilled hashes.
        var directory: String
        /// Nil for a dry run.
        var database: ControlDatabase?
        /// Whether it is looked up at the destination what is there already.
        var looks = false
        /// Where the plan is saved for a person to look at.
        var origin: PlanOrigin?
        /// The moment as of which held records are due; nil: now.
        var asOf: Moment?
        /// What is known of the sync, where its guards may stop the plan.
        var stamp: String?
        /// Nil for a dry run.
        var accepted: AcceptedGuards?
    }

    struct Result {
        var summary: PlanSummary
        /// The guards that stop the run: those that spoke and were not accepted.
        var verdicts: [GuardVerdict]
        var examples: [OutcomeRecord]
        var sight: DestinationLook.Sight?
        var warnings: [Reason]
    }

    func make(_ target: Target) async throws -> Result {
        let now = target.asOf ?? environment.time.now()
        let isCancelled = { try target.database?.isCancelRequested(run: target.run) ?? false }
        let lookups = try await LookupTables(
            prepared: prepared, retrying: retrying, seed: memory.seed, directory: target.directory,
            isCancelled: isCancelled
        ).read()
        var maker = try maker(target, at: now, lookups: lookups)
        var columns = try await read(into: &maker, isCancelled: isCancelled)
        if maker.reserve.isShort {
            try target.database?.discardOutcomes(run: target.run)
            maker = try self.maker(target, at: now, lookups: lookups, mapsAll: true)
            columns = try await read(into: &maker, isCancelled: isCancelled)
        }
        try await DoubtResolver(prepared: prepared, retrying: retrying).resolve(&maker)
        try nameHeld(&maker)
        if !scope.isComplete, let pending {
            try carried.plan(&maker, pending: pending, snapshot: snapshot, now: now.milliseconds / 1_000)
        }
        let removal = removalRule(maker)
        let goneRecords = GoneRecords(options: options, pending: pending, database: environment.database)
        let gone =
            full.forgetsState
            ? []
            : try goneRecords.holdDoubts(
                &maker, snapshot, isScanComplete: scope.isComplete,
                isRemoving: removal == .allowed && prepared.shape.behavior.rules.removesVanished)
        let isAsked = try await JudgePlan(
            prepared: prepared, retrying: retrying, full: full, directory: target.directory, seed: memory.seed
        ).run(&maker)
        let sight = try await DestinationLook(prepared: prepared, retrying: retrying, isDryRun: target.database == nil)
            .look(&maker, isAsked: isAsked, former: former)
        let (removals, withheld) = try await planRemovals(&maker, removal)
        try maker.outcomes.flush()
        var summary = summary(maker, columns: columns)
        summary.removals = removals
        summary.withheldRemovals = withheld
        summary.operations = maker.writer.count
        summary.isScanComplete = scope.isComplete
        summary.watermark = scope.watermark?.kept
        summary.keepsRefused = prepared.definition.dataset.incremental != nil
        summary.pendingCleared = clearedPending(maker)
        summary.gone = gone + (try goneRecords.asked(maker))
        summary.origin = target.origin
        summary.stamp = target.stamp
        let verdicts = try await judge(maker, &summary, isCancelled)
        let stopping = target.accepted?.stopping(verdicts) ?? verdicts
        // What is still to be accepted: who does so names what the run shows.
        summary.guards = Set(stopping.map(\.name.rawValue))
        try maker.writer.seal(summary: summary.encoded())
        return Result(
            summary: summary, verdicts: stopping, examples: maker.outcomes.examples, sight: sight,
            warnings: (scope.warning.map { [$0] } ?? []) + maker.warnings)
    }

    private var carried: CarriedRecords {
        CarriedRecords(files: environment.state.sync(prepared.definition.name), environment: environment)
    }

    private var retrying: Retrying { Retrying(policy: policy, environment: environment) }

    private func maker(
        _ target: Target, at now: Moment, lookups: [LookupName: LookupTable], mapsAll: Bool = false
    ) throws -> PlanMaker {
        let scanColumns = prepared.scanColumns
        let dataset = Dataset(prepared.shape, scanColumns: scanColumns, seed: memory.seed)
        let keys = options.onlyKeys.map { Set($0.map { dataset.hash(ofKey: $0) }) }
        let sendsUnchanged = full.sendsUnchanged(isLimited: options.limit != nil)
        // A limited run that goes on where the last one ended has to pass what is refused again and again.
        let filter = RecordFilter(
            pending: pending, now: now.milliseconds / 1_000, options: options, isFull: sendsUnchanged, keys: keys)
        let header = PlanHeader(
            run: target.run, sync: prepared.definition.name, keyField: keyField, madeAt: now)
        return PlanMaker(
            PlanMaker.Inputs(
                shape: prepared.shape, scanColumns: scanColumns, lookups: lookups, seed: memory.seed,
                snapshot: snapshot,
                seen: try StoredMarks.table(of: snapshot?.count ?? 0, directory: target.directory),
                isFull: sendsUnchanged, limit: options.limit, mapsAll: mapsAll,
                filter: filter, step: steps,
                canReadBack: prepared.destination is any ReadBack, looks: target.looks),
            writer: try PlanWriter(
                path: target.path, header: header.encoded(), batchItemsMax: prepared.shape.object.batchItemsMax,
                leavesRoom: true, steps: environment.state.steps),
            spill: HashSpill(directory: target.directory),
            outcomes: OutcomeSink(run: target.run, at: environment.time.now(), database: target.database))
    }

    /// What the behavior does, with what the sync says of its first run and of changed rows where rows are sent.
    private var steps: (added: BehaviorRules.Step, changed: BehaviorRules.Step) {
        let rules = prepared.shape.behavior.rules
        guard prepared.shape.behavior == .send else { return (rules.added, rules.changed) }
        let skips = prepared.definition.firstRun == .skip && full.isFirst && !options.isOfChosen
        guard prepared.shape.sendsChangesAgain else { return (skips ? .remember : rules.added, rules.changed) }
        // An edited mapping is no edited row.
        let isOtherMapping =
            !memory.mappingRevision.isEmpty && memory.mappingRevision != prepared.shape.mappingRevision
        return (skips ? .remember : rules.added, isOtherMapping ? .remember : .send)
    }

    private var keyField: String {
        prepared.shape.key.field.flatMap { prepared.shape.object.key($0)?.name } ?? ""
    }

    /// Scans into the plan, and strikes out what shares its key with another row.
    private func read(into maker: inout PlanMaker, isCancelled: () throws -> Bool) async throws -> [Column] {
        environment.enter(.scan)
        let columns = try await scan(into: &maker, isCancelled: isCancelled)
        environment.enter(.plan)
        try strikeDuplicates(&maker)
        return columns
    }

    private func scan(into maker: inout PlanMaker, isCancelled: () throws -> Bool) async throws -> [Column] {
        let progress = environment.progress
        return try await prepared.source.withScan(scope.request) { batches in
            var number = 0
            while let batch = try await batches.next() {
                // Asking the database costs as much as some hundred rows; whoever cancels waits for a moment only.
                if try number.isMultiple(of: 16) && isCancelled() { throw CancellationError() }
                number += 1
                try maker.consume(batch)
                progress(.scanning(rows: maker.ledger.scanned))
            }
            return batches.columns
        }
    }

    private func strikeDuplicates(_ maker: inout PlanMaker) throws {
        var shared = maker.struck
        try maker.spill.finish { hash, _ in shared.insert(hash) }
        maker.struck = shared
        guard !shared.isEmpty else { return }
        try maker.strike(PlanMaker.duplicateKey) { shared.contains($0.keyHash) }
    }

    private func nameHeld(_ maker: inout PlanMaker) throws {
        for row in maker.held {
            let isShared = row.index >= 0 ? maker.seen[row.index] == .duplicate : maker.struck.contains(row.keyHash)
            if isShared && row.index < 0 {
                maker.ledger.held -= 1
                maker.ledger.invalid += 1
            }
            let reason = isShared ? PlanMaker.duplicateKey : row.reason
            try maker.outcomes.add(isShared ? .invalid : .held, key: row.key, keyHash: row.keyHash, reason)
        }
    }

    private func removalRule(_ maker: borrowing PlanMaker) -> RemovalRule {
        RemovalRule.decide(
            prepared.shape.behavior.rules,
            isScanComplete: scope.isComplete && options.limit == nil && !options.isSelective,
            keylessRows: maker.keylessRows, acceptsKeyless: options.acceptedGuards.contains(RemovalGuard.keyless))
    }

    /// How many records are to be removed, and how many would have been but for rows without a key.
    private func planRemovals(
        _ maker: inout PlanMaker, _ rule: RemovalRule
    ) async throws -> (planned: Int, withheld: Int) {
        guard let snapshot, rule != .none else { return (0, 0) }
        // Where what vanished is only forgotten, nothing is kept from being removed.
        let removes = prepared.shape.behavior.rules.removesVanished
        guard rule == .allowed else { return (0, removes ? maker.seen.unseenCount : 0) }
        let planner = RemovalPlanner(
            prepared: prepared, files: environment.state.sync(prepared.definition.name), retrying: retrying)
        return (try await planner.plan(&maker, snapshot: snapshot), 0)
    }

    private func summary(_ maker: borrowing PlanMaker, columns: [Column]) -> PlanSummary {
        var summary = PlanSummary()
        summary.definition = prepared.definitionText
        summary.mappingRevision = prepared.shape.mappingRevision
        summary.keyRevision = prepared.shape.keyRevision
        summary.destination = prepared.destinationIdentity
        summary.behavior = prepared.shape.behavior.rawValue
        summary.rows = maker.ledger
        summary.plannedNew = maker.plannedNew
        summary.reasons = maker.outcomes.reasons
        summary.columns = Self.describe(columns)
        summary.full = full.isFull
        summary.fullReason = full.reason
        summary.forgetsState = full.forgetsState
        summary.isFirst = full.isFirst
        summary.isSelective = options.isOfChosen
        return summary
    }

    /// Refused records whose row is as the destination has it again, or is gone. What is in doubt stays.
    private func clearedPending(_ maker: borrowing PlanMaker) -> [String] {
        var cleared: [String] = []
        guard let pending else { return cleared }
        let removes = prepared.shape.behavior.rules.removesVanished
        for entry in pending.entries where entry.kind != .inDoubt {
            // What would be carried is older than the row, which cannot be sent now: it must not be sent instead.
            let isOutdated = prepared.definition.dataset.incremental != nil && maker.isInvalid(entry.keyHash)
            if isOutdated {
                cleared.append(entry.keyHash.hexadecimal)
                continue
            }
            if maker.touchedPending.contains(entry.keyHash) { continue }
            // Of what an incremental scan has not met it says nothing. What is still to be removed has no row, and it is
            // counted on how often that was refused.
            let isToGo = removes && entry.isRefusedRemoval && CarriedRecords.isKnown(entry.keyHash, snapshot)
            if !scope.isComplete || isToGo, !CarriedRecords.isSeen(entry.keyHash, maker.seen, snapshot) { continue }
            cleared.append(entry.keyHash.hexadecimal)
        }
        return cleared
    }

    private func judge(
        _ maker: borrowing PlanMaker, _ summary: inout PlanSummary, _ isCancelled: () throws -> Bool
    ) async throws -> [GuardVerdict] {
        let fields = maker.emptyFields
        summary.filled = fields.filled
        guard !options.isSelective else { return [] }
        var facts = facts(maker, summary)
        facts.emptied = try await EmptiedFields(prepared: prepared, memory: memory, retrying: retrying)
            .find(fields, facts, isCancelled: isCancelled)
        summary.emptied = facts.emptied
        let verdicts = Guards.verdicts(facts, limits: GuardLimits(prepared.definition.guards))
        summary.isEmptyNews = verdicts.contains { $0.name == .emptyScan }
        return verdicts
    }

    private func facts(_ maker: borrowing PlanMaker, _ summary: PlanSummary) -> GuardFacts {
        var facts = GuardFacts(rows: maker.ledger)
        facts.knownCount = snapshot?.count ?? 0
        // Of an incremental scan neither few rows nor a share of them says anything of the whole.
        facts.hasAccepted = memory.hasAccepted && scope.isComplete
        facts.isEmptinessAccepted = EmptyScan.isAccepted(prepared, memory)
        if !scope.isComplete && maker.ledger.scanned < Self.rowsForShareMin { facts.rows.invalid = 0 }
        facts.columnsChanged = !memory.columns.isEmpty && memory.columns != summary.columns && !full.isFull
        facts.changed = maker.changedKnown
        facts.removals = summary.removals
        let behavior = prepared.definition.behavior
        facts.rowRemovals = RemovalGuard.ofRows(behavior, maker.ledger)
        facts.isDatasetChanged = RemovalGuard.isOtherDataset(prepared, memory)
        facts.isFirstRemoval = RemovalGuard.isFirst(
            behavior, memory, full, isOtherDataset: facts.isDatasetChanged)
        noteKeys(&facts, maker, summary)
        return facts
    }

    /// Whether rows may look new because their keys read otherwise than before. What vanishes from a mirror is looked at by
    /// itself, and a sync that removes makes nothing.
    private func noteKeys(_ facts: inout GuardFacts, _ maker: borrowing PlanMaker, _ summary: PlanSummary) {
        let rules = prepared.shape.behavior.rules
        guard let snapshot, !rules.removesVanished, [.upsert, .upsertIfKeyIsNew, .send].contains(rules.added),
            let why = KeyColumns.mayDiffer(
                prepared.definition, before: memory.columns, now: summary.columns,
                isDatasetChanged: facts.isDatasetChanged)
        else { return }
        facts.added = maker.plannedNew
        let unmet = maker.seen.unseenCount
        // An incremental scan reads the newest rows once more: where their keys are what they were, it meets some.
        facts.unmet = scope.isComplete || unmet == snapshot.count ? unmet : 0
        facts.keysMayDiffer = why
    }

    private static let rowsForShareMin = 100

    /// The columns with their types as one line of text each, in order.
    static func describe(_ columns: [Column]) -> String {
        columns.map { "\($0.name)\t\($0.declaredType)" }.joined(separator: "\n")
    }
}

extension GuardLimits {
    init(_ settings: GuardSettings) {
        self.init()
        removedPercentMax = settings.removedPercentMax
        removedRowsMin = settings.removedRowsMin
        invalidPercentMax = settings.invalidPercentMax
        schemaChangePercentMax = settings.schemaChangePercentMax
        clearedPercentMax = settings.clearedPercentMax
    }
}
