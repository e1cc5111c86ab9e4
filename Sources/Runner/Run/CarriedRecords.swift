internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// The operations of a sync that the destination refused, kept whole: an incremental scan does not read their rows
/// again, and they must not be lost. A file like a plan, beside the pending file.
struct CarriedRecords {
    let files: SyncFiles
    let environment: RunEnvironment

    /// Puts those that are due and were not in this scan into the plan; the others are held.
    func plan(_ maker: inout PlanMaker, pending: PendingFile, snapshot: Snapshot?, now: Int64) throws {
        guard let reader = try open() else { return }
        var (due, waiting): ([Carried], [(hash: Hash128, key: String, tries: UInt32)]) = ([], [])
        let seen = maker.seen
        let touched = maker.touchedPending
        let isWhole = try Self.visit(reader) { operation in
            guard let entry = pending.find(operation.keyHash), entry.kind == .rejected, !entry.isRefusedRemoval,
                !touched.contains(operation.keyHash), !Self.isSeen(operation.keyHash, seen, snapshot)
            else { return }
            if !HoldPolicy.isDue(entry.dueAt, now: now) {
                waiting.append((operation.keyHash, operation.keyText, entry.tries))
            } else {
                due.append(Carried(operation))
            }
        }
        // The scan is complete then (`isWhole`), and has read their rows.
        guard isWhole else { return }
        for record in due {
            try maker.append(
                record.kind, isNew: record.isNew, keyHash: record.keyHash, rowHash: record.rowHash, key: record.key
            ) { $0.append(record.payload) }
            maker.ledger.carried += 1
            maker.ledger.planned += 1
            if record.isNew { maker.plannedNew += 1 } else { maker.changedKnown += 1 }
        }
        for record in waiting {
            maker.ledger.carried += 1
            maker.ledger.held += 1
            try maker.outcomes.add(
                .held, key: record.key, keyHash: record.hash, RecordFilter.heldReason(tries: record.tries))
        }
    }

    private struct Carried {
        var kind: OperationKind
        var isNew: Bool
        var keyHash: Hash128
        var rowHash: Hash128
        var key: String
        var payload: String

        init(_ operation: PlannedOperation) {
            kind = operation.kind
            isNew = operation.isNew
            keyHash = operation.keyHash
            rowHash = operation.rowHash
            key = operation.keyText
            payload = operation.payloadText
        }
    }

    /// Whether this scan has met the key, unchanged ones included.
    static func isSeen(_ hash: Hash128, _ seen: SeenTable, _ snapshot: Snapshot?) -> Bool {
        guard let index = index(of: hash, snapshot) else { return false }
        return seen[index] != .unseen
    }

    /// Whether the record was written, or may have been.
    static func isKnown(_ hash: Hash128, _ snapshot: Snapshot?) -> Bool { index(of: hash, snapshot) != nil }

    private static func index(of hash: Hash128, _ snapshot: Snapshot?) -> Int32? {
        guard let snapshot else { return nil }
        var probes = [Probe.unknown]
        snapshot.probe([hash], into: &probes)
        return probes[0].index >= 0 ? probes[0].index : nil
    }

    private func open() throws -> PlanReader? {
        guard try files.hasCarried() else { return nil }
        do {
            let reader = try PlanReader(path: files.carriedPath)
            return reader.isSealed ? reader : nil
        } catch let error as StateError where error.code == "plan_corrupt" {
            return nil
        }
    }

    func isThere() throws -> Bool { try files.hasCarried() }

    /// False where the file is damaged: a complete scan then reads the rows again. Reads all of it, which is what was
    /// refused.
    func isWhole() throws -> Bool {
        guard try files.hasCarried() else { return true }
        guard let reader = try open() else { return false }
        return try Self.visit(reader) { _ in }
    }

    /// False where what is read turned out to be damaged.
    private static func visit(_ reader: PlanReader, _ body: (PlannedOperation) throws -> Void) throws -> Bool {
        do {
            try reader.visit(body)
            return true
        } catch let error as StateError where error.code == "plan_corrupt" {
            return false
        }
    }

    /// Writes the file anew when a run is closed: what is still refused, of before and of this run. Doing it twice is
    /// doing it once.
    /// - Parameter damaged: called before the file is put in its place where it does not hold all of them, for one of those
    ///   that it is made from is damaged: the next scan has to be complete, which reads their rows again.
    func close(run: Int64, damaged: () throws -> Void) throws {
        let pending = try PendingFile.open(files)
        guard pending.count > 0 else { return try files.removeCarried() }
        var isWhole = true
        var readers: [PlanReader] = []
        if try environment.state.plannedRuns().contains(run) {
            do {
                readers.append(try PlanReader(path: environment.state.planPath(run: run)))
            } catch let error as StateError where error.code == "plan_corrupt" {
                isWhole = false
            }
        }
        if let before = try open() { readers.append(before) } else if try files.hasCarried() { isWhole = false }
        var writer = try PlanWriter(path: files.carriedPath + ".new", header: [], steps: files.steps)
        var written: Set<Hash128> = []
        for reader in readers {
            let isGood = try Self.visit(reader) { operation in
                guard let entry = pending.find(operation.keyHash), entry.kind == .rejected, !entry.isRefusedRemoval,
                    !operation.kind.isLocal, !operation.kind.isRemoval, written.insert(operation.keyHash).inserted
                else { return }
                _ = unsafe try writer.append(
                    kind: operation.kind, isNew: operation.isNew, keyHash: operation.keyHash,
                    rowHash: operation.rowHash, key: operation.key, payload: operation.payload)
            }
            isWhole = isWhole && isGood
        }
        try writer.seal(summary: [])
        if !isWhole { try damaged() }
        try files.replaceCarried(with: files.carriedPath + ".new")
    }
}
