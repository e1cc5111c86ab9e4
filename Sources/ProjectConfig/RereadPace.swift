/// When a project that could not be read is read again although none of its files has changed: what was in the way may lie
/// elsewhere, in a database that is locked, say. Soon at first, then less and less often.
package struct RereadPace: Sendable, Hashable {
    package static let waitMin = Duration.seconds(5)
    package static let waitMax = Duration.seconds(60)

    private var wait = waitMin
    private var dueAt: ContinuousClock.Instant?

    package init() {}

    /// Whether the last reading failed.
    package var isFailing: Bool { dueAt != nil }

    /// Whether it is time to read once more; never where the last reading succeeded.
    package func isDue(at now: ContinuousClock.Instant) -> Bool { dueAt.map { $0 <= now } ?? false }

    /// - Parameter now: the end of the reading, so that a slow one is no busy one.
    package mutating func failed(at now: ContinuousClock.Instant) {
        dueAt = now + wait
        wait = min(wait * 2, Self.waitMax)
    }
}
