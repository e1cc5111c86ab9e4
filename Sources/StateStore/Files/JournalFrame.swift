package import Records

/// What the answer to an operation does to the fingerprint of its key.
package enum JournalEffect: UInt8, Sendable, Hashable {
    /// Accepted: the row's new hash.
    case set = 0
    /// Rejected or known unsent: what was known before.
    case keep = 1
    /// Unknown: the key may be there, with which row is not known.
    case void = 2
    /// An accepted removal: the key is forgotten.
    case remove = 3
}

/// One operation of an opened batch.
@frozen
package struct OpenEntry: Sendable, Hashable, BitwiseCopyable {
    /// The place in the run's plan.
    package var sequence: Int
    package var keyHash: Hash128
    package var rowHash: Hash128

    package init(sequence: Int, keyHash: Hash128, rowHash: Hash128) {
        self.sequence = sequence
        self.keyHash = keyHash
        self.rowHash = rowHash
    }
}

/// Written before a batch is sent: from here on nobody knows what the destination holds for its keys. One without
/// entries takes back the frame before it of the same batch, which did not leave after all.
package struct OpenFrame: Sendable, Hashable {
    package var batch: Int
    package var entries: [OpenEntry]
    /// The number of the frame in its journal, from 0; set by `append` and by reading.
    package var position = -1

    /// The place behind the batch in the run's plan, whatever the order of its entries; 0 where there are none.
    package var nextSequence: Int { entries.reduce(0) { max($0, $1.sequence + 1) } }

    package init(batch: Int, entries: [OpenEntry]) {
        self.batch = batch
        self.entries = entries
    }

    package init(batch: Int, _ operations: OperationBatch) {
        self.batch = batch
        entries = operations.entries.map {
            OpenEntry(sequence: $0.sequence, keyHash: $0.keyHash, rowHash: $0.rowHash)
        }
    }
}

/// An operation that was not accepted.
package struct SettledOther: Sendable, Hashable {
    /// The operation's place in the open frame's entries.
    package var entryIndex: Int
    package var outcome: OutcomeKind
    package var reason: Reason
    package var key: String

    package init(entryIndex: Int, outcome: OutcomeKind, reason: Reason, key: String) {
        self.entryIndex = entryIndex
        self.outcome = outcome
        self.reason = reason
        self.key = key
    }
}

/// Written once all operations of an opened batch have their outcome: the truth that history is made from.
package struct SettleFrame: Sendable, Hashable {
    package var batch: Int
    /// One for each entry of the open frame.
    package var effects: [JournalEffect]
    /// The operations that were not accepted; all others were.
    package var others: [SettledOther]
    package var created = 0
    package var updated = 0
    package var alreadyEqual = 0
    package var sent = 0
    package var removed = 0
    package var requests = 0
    package var bytesSent: Int64 = 0
    /// The number of the frame in its journal, from 0; set by `append` and by reading.
    package var position = -1

    package init(batch: Int, effects: [JournalEffect], others: [SettledOther] = []) {
        self.batch = batch
        self.effects = effects
        self.others = others
    }

    package var accepted: Int { effects.count - others.count }
}

/// A frame as `AcceptanceJournal.replay` gives it.
package enum JournalFrame: Sendable, Hashable {
    case open(OpenFrame)
    /// With the open frame that it settles.
    case settled(SettleFrame, of: OpenFrame)
}

/// What a replay has seen.
package struct JournalReport: Sendable, Hashable {
    package var run: Int64
    package var frames: Int
    /// The bytes of a last frame that was not written whole; they count for nothing.
    package var tornBytesCut: Int

    package init(run: Int64, frames: Int, tornBytesCut: Int) {
        self.run = run
        self.frames = frames
        self.tornBytesCut = tornBytesCut
    }
}
