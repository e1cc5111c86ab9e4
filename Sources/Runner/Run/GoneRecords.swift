internal import Records
internal import StateStore
internal import SyncCore

/// The records that a run should have met and that the source does not have any more: those that were asked for, by key or
/// by what became of them, and, in every other run, those in doubt.
struct GoneRecords {
    let options: RunOptions
    let pending: PendingFile?
    /// Where the texts of keys are looked up that only their hashes are known of.
    let database: ControlDatabase

    /// The keys that were asked for, in order.
    func asked(_ maker: borrowing PlanMaker) throws -> [String] {
        var gone: [String] = []
        for key in options.onlyKeys ?? [] where !maker.met.contains(maker.dataset.hash(ofKey: key)) { gone.append(key) }
        guard let choice = options.onlyPending, let pending else { return gone.sorted() }
        let entries = pending.entries.filter { choice.takes($0) && !maker.met.contains($0.keyHash) }
        return (gone + (try names(entries)).map(\.text)).sorted()
    }

    /// Holds the records in doubt that the scan has not met: they may have arrived, and nothing can be sent for them, but
    /// until a person says what happened they are in nobody's books otherwise. Returns the keys of those that are gone, in
    /// order; of what an incremental scan has not met it does not say so.
    ///
    /// - Parameter isRemoving: whether the run removes what vanished. Then the records that may have been written are
    ///   removed, which ends the doubt, and are not held.
    func holdDoubts(
        _ maker: inout PlanMaker, _ snapshot: Snapshot?, isScanComplete: Bool, isRemoving: Bool
    ) throws -> [String] {
        guard !options.isSelective, let pending else { return [] }
        let (touched, seen) = (maker.touchedPending, maker.seen)
        let entries = pending.entries.filter {
            $0.kind == .inDoubt && !touched.contains($0.keyHash)
                && !CarriedRecords.isSeen($0.keyHash, seen, snapshot)
                && !(isRemoving && CarriedRecords.isKnown($0.keyHash, snapshot))
        }
        let named = try names(entries)
        for record in named {
            maker.ledger.carried += 1
            maker.ledger.held += 1
            try maker.outcomes.add(
                .held, key: record.key ?? "", keyHash: record.hash,
                isScanComplete ? Self.goneInDoubt : RecordFilter.inDoubt)
        }
        return isScanComplete ? named.map(\.text).sorted() : []
    }

    private struct Named {
        var hash: Hash128
        /// Nil where the history does not keep it any more.
        var key: String?
        var run: Int64

        var text: String { key ?? "a record of run \(run), whose key is not kept any more," }
    }

    private func names(_ entries: [PendingEntry]) throws -> [Named] {
        var byRun: [Int64: Set<Hash128>] = [:]
        for entry in entries { byRun[entry.run, default: []].insert(entry.keyHash) }
        let history = RunHistory(database)
        let names = try byRun.reduce(into: [Hash128: String]()) { names, part in
            names.merge(try history.keys(run: part.key, of: part.value)) { first, _ in first }
        }
        return entries.map { Named(hash: $0.keyHash, key: names[$0.keyHash], run: $0.run) }
    }

    static let goneInDoubt = Reason(
        code: "in_doubt",
        message: "An earlier request for this record got no answer, so it may have arrived; its row is not in the "
            + "source any more.",
        hint: "Look it up at the destination, then use confirm if it is there; bring the row back and use "
            + "resend --in-doubt if it is not and should be.")
}
