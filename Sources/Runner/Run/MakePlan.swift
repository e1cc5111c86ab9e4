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
    let environment: RunEnvironment

    /// Where the plan goes, and for whom.
    struct Target {
        var run: Int64
        var path: String
        /// For spilled hashes.
        var directory: String
        /// Nil for a dry run.
        var database: ControlDatabase?
    }

    struct Result {
        var summary: PlanSummary
        var verdict: GuardVerdict?
        var examples: [OutcomeRecord]
    }

    func make(_ target: Target) async throws -> Result {
        let now = environment.time.now()
        let outcomes = OutcomeSink(run: target.run, at: now, database: target.database)
        let isCancelled = { try target.database?.isCancelRequested(run: target.run) ?? false }
        let lookups = try await LookupTables(
            prepared: prepared, retrying: Retrying(policy: .init(), environment: environment), seed: memory.seed,
            isCancelled: isCancelled
        ).read()
        var maker = try maker(target, outcomes: outcomes, at: now, lookups: lookups)
        let columns = try await scan(into: &maker, isCancelled: isCancelled)
        try finishDuplicates(&maker)
        try await strikeAbsent(&maker)
        try outcomes.flush()
        var summary = summary(maker, columns: columns)
        summary.pendingCleared = clearedPending(maker)
        summary.gone = (options.onlyKeys ?? []).filter { !maker.met.contains(maker.dataset.hash(ofKey: $0)) }.sorted()
        let verdicts = judge(maker, summary)
        summary.guards = Set(verdicts.map(\.name.rawValue))
        let verdict = verdicts.first { !options.acceptedGuards.contains($0.name.rawValue) }
        try maker.writer.seal(summary: summary.encoded())
        return Result(summary: summary, verdict: verdict, examples: outcomes.examples)
    }

    private func maker(
        _ target: Target, outcomes: OutcomeSink, at now: Moment, lookups: [LookupName: LookupTable]
    ) throws -> PlanMaker {
        let scanColumns = prepared.scanColumns
        let dataset = Dataset(prepared.shape, scanColumns: scanColumns, seed: memory.seed)
        let keys = options.onlyKeys.map { Set($0.map { dataset.hash(ofKey: $0) }) }
        let filter = RecordFilter(
            pending: pending, now: now.milliseconds / 1_000, options: options, isFull: full.isFull, keys: keys)
        let header = PlanHeader(
            run: target.run, sync: prepared.definition.name, keyField: keyField, madeAt: now)
        return PlanMaker(
            PlanMaker.Inputs(
                shape: prepared.shape, scanColumns: scanColumns, lookups: lookups, seed: memory.seed,
                snapshot: snapshot, isFull: full.isFull, limit: options.limit, filter: filter),
            writer: try PlanWriter(path: target.path, header: header.encoded(), steps: environment.state.steps),
            spill: HashSpill(directory: target.directory), outcomes: outcomes)
    }

    private var keyField: String {
        prepared.shape.key.field.flatMap { prepared.shape.object.key($0)?.name } ?? ""
    }

    private func scan(into maker: inout PlanMaker, isCancelled: () throws -> Bool) async throws -> [Column] {
        let progress = environment.progress
        return try await prepared.source.withScan(prepared.scanRequest) { batches in
            while let batch = try await batches.next() {
                if try isCancelled() { throw CancellationError() }
                try maker.consume(batch)
                progress(.scanning(rows: maker.ledger.scanned))
            }
            return batches.columns
        }
    }

    /// Strikes out what shares its key with another row, and names the held rows.
    private func finishDuplicates(_ maker: inout PlanMaker) throws {
        var shared = maker.struck
        try maker.spill.finish { hash, _ in shared.insert(hash) }
        if !shared.isEmpty {
            try strike(&maker, as: .invalid, PlanMaker.duplicateKey) { shared.contains($0) }
        }
        for row in maker.held {
            let isShared = row.index >= 0 ? maker.seen[row.index] == .duplicate : shared.contains(row.keyHash)
            if isShared && row.index < 0 {
                maker.ledger.held -= 1
                maker.ledger.invalid += 1
            }
            let reason = isShared ? PlanMaker.duplicateKey : row.reason
            try maker.outcomes.add(isShared ? .invalid : .held, key: row.key, keyHash: row.keyHash, reason)
        }
    }

    private func strike(
        _ maker: inout PlanMaker, as outcome: OutcomeKind, _ reason: Reason, where isStruck: (Hash128) -> Bool
    ) throws {
        let outcomes = maker.outcomes
        var failure: (any Error)?
        var new = 0
        let count = try maker.writer.strike { operation in
            guard failure == nil, isStruck(operation.keyHash) else { return false }
            if operation.isNew { new += 1 }
            do {
                try outcomes.add(outcome, key: operation.keyText, keyHash: operation.keyHash, reason)
            } catch {
                failure = error
            }
            return true
        }
        if let failure { throw failure }
        maker.ledger.planned -= count
        maker.plannedNew -= new
        maker.changedKnown -= count - new
        if outcome == .invalid { maker.ledger.invalid += count } else { maker.ledger.skipped += count }
    }

    /// Strikes out what the behavior does not want because of what is, or is not, at the destination.
    private func strikeAbsent(_ maker: inout PlanMaker) async throws {
        let rules = prepared.shape.behavior.rules
        guard rules.asksForKeys, maker.ledger.planned > 0 else { return }
        var candidates: [String] = []
        _ = try maker.writer.strike { operation in
            if candidates.count <= Resolver.singleReadsMax { candidates.append(operation.keyText) }
            return false
        }
        let resolver = Resolver(
            prepared: prepared, dataset: maker.dataset, retrying: Retrying(policy: .init(), environment: environment))
        let existing = try await resolver.existing(candidates, total: maker.ledger.planned)
        let wantsExisting = rules.added == .upsertIfKeyExists
        let reason = wantsExisting ? Self.absent : Self.present
        try strike(&maker, as: .skipped, reason) { existing.contains($0) != wantsExisting }
    }

    private static let absent = Reason(
        code: "not_at_destination", message: "No record at the destination has this key, and the sync only updates.",
        hint: "Nothing to do; the row is looked for again by the next run. Use update_or_create to create records.")
    private static let present = Reason(
        code: "already_at_destination", message: "A record at the destination has this key, and the sync only creates.",
        hint: "Nothing to do. Use update_or_create to update records.")

    private func summary(_ maker: borrowing PlanMaker, columns: [Column]) -> PlanSummary {
        var summary = PlanSummary()
        summary.definition = prepared.definitionText
        summary.mappingRevision = prepared.shape.mappingRevision
        summary.keyRevision = prepared.shape.keyRevision
        summary.destination = prepared.destinationIdentity
        summary.rows = maker.ledger
        summary.plannedNew = maker.plannedNew
        summary.reasons = maker.outcomes.reasons
        summary.columns = Self.describe(columns)
        summary.full = full.isFull
        summary.fullReason = full.reason
        summary.forgetsState = full.forgetsState
        return summary
    }

    /// Refused records whose row is as the destination has it again, or is gone. What is in doubt stays.
    private func clearedPending(_ maker: borrowing PlanMaker) -> [String] {
        var cleared: [String] = []
        guard let pending else { return cleared }
        for entry in pending.entries where entry.kind != .inDoubt && !maker.touchedPending.contains(entry.keyHash) {
            cleared.append(entry.keyHash.hexadecimal)
        }
        return cleared
    }

    private func judge(_ maker: borrowing PlanMaker, _ summary: PlanSummary) -> [GuardVerdict] {
        guard !options.isSelective else { return [] }
        var facts = GuardFacts(rows: maker.ledger)
        facts.knownCount = snapshot?.count ?? 0
        facts.hasAccepted = memory.hasAccepted
        facts.columnsChanged = !memory.columns.isEmpty && memory.columns != summary.columns && !full.isFull
        facts.changed = maker.changedKnown
        return Guards.verdicts(facts, limits: GuardLimits(prepared.definition.guards))
    }

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
    }
}
