internal import StateStore

/// What a journal says of the batches that were on their way when its process ended.
struct UnsettledBatches {
    /// Their open frames, in order.
    private(set) var frames: [OpenFrame] = []
    /// The position of the last settle frame; -1 where there is none.
    private(set) var lastSettled = -1
    /// The first operation that no settle frame speaks of.
    private(set) var nextSequence = 0

    init(_ files: SyncFiles) throws {
        var (frames, lastSettled, nextSequence): ([OpenFrame], Int, Int) = ([], -1, 0)
        _ = try AcceptanceJournal.replay(files) { frame in
            switch frame {
            case .open(let frame):
                frames.removeAll { $0.batch == frame.batch }
                // A frame without entries takes back the one before it: its batch never left.
                if !frame.entries.isEmpty { frames.append(frame) }
            case .settled(let settled, let opened):
                frames.removeAll { $0.batch == opened.batch }
                lastSettled = settled.position
                nextSequence = opened.nextSequence
            }
        }
        (self.frames, self.lastSettled, self.nextSequence) = (frames, lastSettled, nextSequence)
    }
}
