internal import Records

/// What a journal does to the fingerprints, gathered for sorting: one record for each key that a frame changes, later
/// frames later.
enum JournalEffects {
    /// The row hash that stands for "the key is forgotten" while sorting. No row has it but with a chance of 2^-128.
    static let removed = Hash128(high: .max, low: .max)

    static let recordsInMemoryMax = 128 * 1_024

    /// Adds the journal's effects; returns its run, nil where there is no journal.
    ///
    /// An open frame that was never settled makes its keys void, at its own place in the order: what a later frame says
    /// of them (the batch was repeated when the run was resumed) counts for more.
    static func gather(_ path: String, into sorter: inout SortedRuns<SnapshotRecord>) throws -> Int64? {
        guard let unsettled = try unsettledFrames(path), var reader = try JournalReader.open(path) else { return nil }
        var open: [Int: OpenFrame] = [:]
        while let frame = try reader.next() {
            switch frame {
            case .open(let frame):
                if unsettled.contains(frame.position) {
                    try addVoid(frame, into: &sorter)
                } else {
                    open[frame.batch] = frame
                }
            case .settled(let frame):
                guard let opened = open.removeValue(forKey: frame.batch),
                    opened.entries.count == frame.effects.count
                else { throw StateError.corrupt(path, "batch \(frame.batch) was settled but not open") }
                try add(frame.effects, of: opened.entries, into: &sorter)
            }
        }
        // Only where the last frame, which settles one of these, is torn in its body.
        for frame in open.values.sorted(by: { $0.position < $1.position }) { try addVoid(frame, into: &sorter) }
        return reader.run
    }

    private static func addVoid(_ frame: OpenFrame, into sorter: inout SortedRuns<SnapshotRecord>) throws {
        for entry in frame.entries { try sorter.add(SnapshotRecord(key: entry.keyHash, row: .void)) }
    }

    private static func add(
        _ effects: [JournalEffect], of entries: [OpenEntry], into sorter: inout SortedRuns<SnapshotRecord>
    ) throws {
        for (effect, entry) in zip(effects, entries) {
            switch effect {
            case .set: try sorter.add(SnapshotRecord(key: entry.keyHash, row: entry.rowHash))
            case .keep: break
            case .void: try sorter.add(SnapshotRecord(key: entry.keyHash, row: .void))
            case .remove: try sorter.add(SnapshotRecord(key: entry.keyHash, row: removed))
            }
        }
    }

    /// The positions of the open frames that no settle frame belongs to; nil where there is no journal. Reads only the
    /// frames' headers, so a last frame whose body is torn counts here as whole.
    private static func unsettledFrames(_ path: String) throws -> Set<Int>? {
        guard var reader = try JournalReader.open(path) else { return nil }
        var unsettled: Set<Int> = []
        var open: [Int: Int] = [:]
        while let frame = try reader.skip() {
            if !frame.isOpen {
                open[frame.batch] = nil
            } else if let before = open.updateValue(frame.position, forKey: frame.batch), !frame.isEmpty {
                unsettled.insert(before)
            }
        }
        return unsettled.union(open.values)
    }
}
