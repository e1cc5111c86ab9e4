internal import ConnectorKit
internal import StateStore

/// What a sync remembers about the removals it has made, for the guards that look at them.
enum RemovalGuard {
    /// The guard that does not stop a run and only withholds its removals.
    static let keyless = "keyless_rows"

    private static let behavior = "behavior"
    private static let isAllowed = "removals_allowed"

    /// Whether these would be the first removals since the behavior became one that removes. A sync that was a mirror
    /// from its first run on was meant as one.
    static func isFirst(_ now: Behavior, _ memory: SyncMemory) -> Bool {
        guard now.rawValue != memory.extra[behavior] else { return memory.extra[isAllowed] == "0" }
        return memory.extra[behavior] != nil
    }

    /// Notes what a run was made with, and whether its removals were sent.
    static func note(_ now: String, hasRemoved: Bool, in memory: inout SyncMemory) {
        if let before = memory.extra[behavior], before != now { memory.extra[isAllowed] = "0" }
        if hasRemoved { memory.extra[isAllowed] = "1" }
        memory.extra[behavior] = now
    }

    static func withheld(_ count: Int) -> GuardRecord {
        GuardRecord(
            name: keyless,
            message: "\(count) records vanished from the source and were not removed: "
                + "rows without a key may be theirs.",
            hint: "Give every row a key. If the rows without one are of no matter, run with --accept-guard \(keyless).")
    }
}
