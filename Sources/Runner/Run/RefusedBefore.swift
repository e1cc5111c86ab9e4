internal import Records
internal import StateStore

/// The records that earlier runs were refused and that are sent once more as they are.
///
/// In its batch such a record stands behind the others: where an answer does not say which rows were refused, the others
/// are looked at first. The places of batches in the plan stay as they are, so that a run which was interrupted goes on
/// behind its last batch.
struct RefusedBefore {
    private let pending: PendingFile
    /// How many there are.
    let count: Int

    init(_ files: SyncFiles) throws {
        pending = try PendingFile.open(files)
        count = pending.entries.count { $0.kind == .rejected }
    }

    /// Puts those of a batch behind the others, each in the order that it had. Returns how many others there are.
    func putLast(in batch: inout OperationBatch) -> Int {
        guard count > 0, !batch.kind.isLocal else { return batch.count }
        let isRefused = batch.entries.map { contains($0) }
        let fresh = isRefused.count { !$0 }
        guard fresh > 0, isRefused[..<fresh].contains(true) else { return fresh }
        let places = batch.entries.indices.filter { !isRefused[$0] } + batch.entries.indices.filter { isRefused[$0] }
        batch.entries = places.map { batch.entries[$0] }
        return fresh
    }

    /// A row or a mapping that was changed since is another.
    private func contains(_ entry: OperationEntry) -> Bool {
        guard let before = pending.find(entry.keyHash) else { return false }
        return before.kind == .rejected && before.rowHash == entry.rowHash
    }
}
