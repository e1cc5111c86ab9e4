internal import Records
internal import StateStore
internal import SyncCore

/// Which changed records a run takes up: all but those held, or only those it was asked for.
struct RecordFilter {
    enum Verdict {
        case take
        /// Not asked for.
        case leave
        case hold(Reason)
    }

    private let pending: PendingFile?
    private let now: Int64
    private let ignoresHolds: Bool
    private let choice: RunOptions.PendingChoice?
    private let keys: Set<Hash128>?

    /// - Parameter now: epoch seconds.
    init(pending: PendingFile?, now: Int64, options: RunOptions, isFull: Bool, keys: Set<Hash128>?) {
        self.pending = pending.flatMap { $0.count > 0 ? $0 : nil }
        self.now = now
        self.keys = keys
        choice = options.onlyPending
        ignoresHolds = isFull || options.isSelective
        takesAll = self.pending == nil && keys == nil && choice == nil
    }

    /// Whether it takes every record, whatever it is asked.
    let takesAll: Bool

    var isSelective: Bool { keys != nil || choice != nil }

    /// Whether the run was asked for the record, by its key or by what became of it.
    func isAskedFor(_ keyHash: Hash128) -> Bool {
        if let keys { return keys.contains(keyHash) }
        guard let choice, let entry = pending?.find(keyHash) else { return false }
        return choice.takes(entry)
    }

    /// Whether the run looks at chosen records only and this is none of them.
    func leaves(_ keyHash: Hash128) -> Bool {
        guard isSelective, case .leave = judge(keyHash: keyHash, rowHash: .void) else { return false }
        return true
    }

    func isPending(_ keyHash: Hash128) -> Bool { pending?.find(keyHash) != nil }

    /// Whether it is not known whether the record arrived.
    func isInDoubt(_ keyHash: Hash128) -> Bool { pending?.find(keyHash)?.kind == .inDoubt }

    func judge(keyHash: Hash128, rowHash: Hash128) -> Verdict {
        if let keys { return keys.contains(keyHash) ? .take : .leave }
        guard let entry = pending?.find(keyHash) else { return choice == nil ? .take : .leave }
        if let choice { return choice.takes(entry) ? .take : .leave }
        return judge(entry, rowHash: rowHash)
    }

    private func judge(_ entry: PendingEntry, rowHash: Hash128) -> Verdict {
        if entry.kind == .inDoubt {
            return .hold(Self.inDoubt)
        }
        guard !ignoresHolds, entry.kind == .rejected, entry.rowHash == rowHash,
            !HoldPolicy.isDue(entry.dueAt, now: now)
        else { return .take }
        return .hold(Self.heldReason(tries: entry.tries))
    }

    /// Why a record that vanished is not removed yet: that was refused again and again, and is not due. Nil where it is.
    func holdOfRemoval(_ keyHash: Hash128) -> Reason? {
        guard !ignoresHolds, let entry = pending?.find(keyHash), entry.isRefusedRemoval,
            !HoldPolicy.isDue(entry.dueAt, now: now)
        else { return nil }
        return Reason(
            code: "removal_held",
            message: "The destination has refused \(entry.tries) times to remove this record, whose row is gone.",
            hint: "See the last refusal's reason, and correct or remove the record at the destination; removing it is "
                + "tried again within a day.")
    }

    static let inDoubt = Reason(
        code: "in_doubt", message: "An earlier request for this record got no answer; it may have arrived.",
        hint: "Look it up at the destination, then use resend --in-doubt or confirm.")

    static func heldReason(tries: UInt32) -> Reason {
        Reason(
            code: "held_after_refusals",
            message: "The destination has refused this record \(tries) times and its row has not changed.",
            hint: "Correct the row, or use resend to try at once; see the last refusal's reason.")
    }
}

extension RunOptions.PendingChoice {
    func takes(_ entry: PendingEntry) -> Bool {
        switch self {
        case .rejected: entry.kind == .rejected
        case .inDoubt: entry.kind == .inDoubt
        }
    }
}
