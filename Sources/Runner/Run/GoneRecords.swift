internal import Records
internal import StateStore
internal import SyncCore

/// The records that were asked for, by key or by what became of them, and that the source does not have any more.
struct GoneRecords {
    let options: RunOptions
    let pending: PendingFile?

    /// The keys in order.
    /// - Parameter database: where the texts of keys are looked up that only their hashes are known of; nil for none.
    func keys(_ maker: borrowing PlanMaker, _ database: ControlDatabase?) throws -> [String] {
        var gone: [String] = []
        for key in options.onlyKeys ?? [] where !maker.met.contains(maker.dataset.hash(ofKey: key)) { gone.append(key) }
        guard let choice = options.onlyPending, let pending, let database else { return gone.sorted() }
        var byRun: [Int64: Set<Hash128>] = [:]
        for entry in pending.entries where choice.takes(entry) && !maker.met.contains(entry.keyHash) {
            byRun[entry.run, default: []].insert(entry.keyHash)
        }
        let history = RunHistory(database)
        for (run, hashes) in byRun {
            let names = try history.keys(run: run, of: hashes)
            gone += hashes.map { names[$0] ?? "a record of run \(run), whose key is not kept any more," }
        }
        return gone.sorted()
    }
}
