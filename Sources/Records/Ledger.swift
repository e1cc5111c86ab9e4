/// Where the rows of a run ended: `scanned + carried = unchanged + invalid + held + skipped + deferred + planned`.
public struct RowLedger: Sendable, Hashable, Codable {
    public var scanned = 0
    /// Not accepted earlier and not in this incremental scan.
    public var carried = 0
    public var unchanged = 0
    public var invalid = 0
    public var held = 0
    public var skipped = 0
    public var deferred = 0
    public var planned = 0

    public init() {}

    public var isBalanced: Bool {
        scanned + carried == unchanged + invalid + held + skipped + deferred + planned
    }
}

/// Where the operations of a run ended: `planned + removals = accepted + rejected + undelivered + in doubt`.
public struct OperationLedger: Sendable, Hashable, Codable {
    public var planned = 0
    public var removals = 0
    public var accepted = 0
    public var rejected = 0
    public var undelivered = 0
    public var inDoubt = 0
    public var created = 0
    public var updated = 0
    public var alreadyEqual = 0
    public var sent = 0
    public var removed = 0

    public init() {}

    public enum CodingKeys: String, CodingKey {
        case planned, removals, accepted, rejected, undelivered
        case inDoubt = "in_doubt"
        case created, updated
        case alreadyEqual = "already_equal"
        case sent, removed
    }

    /// Both equations: every operation has one outcome, and every acceptance one kind.
    public var isBalanced: Bool {
        planned + removals == accepted + rejected + undelivered + inDoubt
            && accepted == created + updated + alreadyEqual + sent + removed
    }
}

/// The states of a run (design.md §4.6).
public enum RunState: String, Sendable, Hashable, Codable, CaseIterable {
    case queued, running, closing, succeeded
    case completedWithRejections = "completed_with_rejections"
    case stoppedByGuard = "stopped_by_guard"
    case failed, cancelled, skipped, interrupted

    /// Whether nothing more will happen to the run.
    public var isFinal: Bool {
        switch self {
        case .queued, .running, .closing, .interrupted: false
        default: true
        }
    }
}
