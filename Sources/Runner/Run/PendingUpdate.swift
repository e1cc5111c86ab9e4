internal import Records
internal import StateStore
internal import SyncCore

/// Makes the sync's next pending file from the last one, the plan's summary and the journal. A run may have a million
/// refused rows: what changes is one flat list, sorted and merged with the file there was.
struct PendingUpdate {
    let files: SyncFiles
    let run: Int64
    /// Epoch seconds.
    let now: Int64
    /// Whether any operation of the run was refused or is in doubt. Where none was and nothing is pending, the journal
    /// need not be read.
    let mayAdd: Bool

    private struct Change {
        var entry: PendingEntry
        var isGone: Bool
        /// Which of two changes of one key counts.
        var number: Int
    }

    func write(_ summary: PlanSummary?) throws {
        let old = try PendingFile.open(files)
        let cleared = Set(summary?.pendingCleared ?? [])
        let changes = try changes(old)
        guard !changes.isEmpty || !cleared.isEmpty else { return }
        var writer = PendingWriter(capacity: old.count + changes.count)
        var isChanged = !changes.isEmpty
        var index = 0
        for entry in old.entries {
            while index < changes.count && changes[index].entry.keyHash < entry.keyHash {
                if !changes[index].isGone { writer.append(changes[index].entry) }
                index += 1
            }
            // What the run came to counts, whatever the plan cleared.
            if index < changes.count && changes[index].entry.keyHash == entry.keyHash { continue }
            if !cleared.isEmpty && cleared.contains(entry.keyHash.hexadecimal) {
                isChanged = true
                continue
            }
            writer.append(entry)
        }
        for change in changes[index...] where !change.isGone { writer.append(change.entry) }
        if isChanged { try writer.write(files) }
    }

    /// What the run's outcomes change, by key, the last of each key alone.
    private func changes(_ old: PendingFile) throws -> [Change] {
        guard mayAdd || old.count > 0 else { return [] }
        var changes: [Change] = []
        _ = try AcceptanceJournal.replay(files) { frame in
            guard case .settled(let frame, let opened) = frame, old.count > 0 || !frame.others.isEmpty else { return }
            var refused: [Int: OutcomeKind] = [:]
            for other in frame.others { refused[other.entryIndex] = other.outcome }
            for (index, entry) in opened.entries.enumerated() {
                guard let (entry, isGone) = change(entry, refused[index], old) else { continue }
                changes.append(Change(entry: entry, isGone: isGone, number: changes.count))
            }
        }
        changes.sort { ($0.entry.keyHash, $0.number) < ($1.entry.keyHash, $1.number) }
        var kept = 0
        for index in changes.indices {
            let isLast = index + 1 == changes.count || changes[index + 1].entry.keyHash != changes[index].entry.keyHash
            guard isLast else { continue }
            changes[kept] = changes[index]
            kept += 1
        }
        changes.removeLast(changes.count - kept)
        return changes
    }

    private func change(
        _ entry: OpenEntry, _ outcome: OutcomeKind?, _ old: PendingFile
    ) -> (PendingEntry, isGone: Bool)? {
        switch outcome {
        case .rejected:
            let before = old.find(entry.keyHash)
            // A close that was killed may have written the file already: then this refusal is counted.
            if before?.run == run { return nil }
            let sameRow = before?.kind == .rejected && before?.rowHash == entry.rowHash
            let tries = (sameRow ? before?.tries ?? 0 : 0) + 1
            let refused = PendingEntry(
                keyHash: entry.keyHash, rowHash: entry.rowHash, kind: .rejected, tries: tries,
                dueAt: HoldPolicy.dueAt(tries: Int(tries), now: now), heldSince: before?.heldSince ?? now, run: run)
            return (refused, false)
        case .inDoubt:
            let doubt = PendingEntry(
                keyHash: entry.keyHash, rowHash: entry.rowHash, kind: .inDoubt, tries: 1, dueAt: .max, heldSince: now,
                run: run)
            return (doubt, false)
        case nil:
            return old.find(entry.keyHash).map { ($0, true) }
        default:
            return nil
        }
    }
}
