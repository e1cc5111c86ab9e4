/// When a refused record is tried again (design.md §4.4): by every run at first, and after ten refusals in a row at
/// longer and longer intervals.
package enum HoldPolicy {
    package static let refusalsBeforeHold = 10
    package static let waitSecondsMin: Int64 = 15 * 60
    package static let waitSecondsMax: Int64 = 24 * 60 * 60

    /// Whether a record that is held until then is tried again. No record is held for longer than the longest wait: one that
    /// seems to be was held by a clock that was set back since.
    package static func isDue(_ dueAt: Int64, now: Int64) -> Bool {
        dueAt <= now || dueAt.subtractingReportingOverflow(now).partialValue > waitSecondsMax
    }

    /// The time from which a record that has now been refused `tries` times in a row is tried again, in epoch
    /// seconds; `now` itself while it is not held. Due at 95 % of the wait, so that a daily run finds it due.
    package static func dueAt(tries: Int, now: Int64) -> Int64 {
        guard tries >= refusalsBeforeHold else { return now }
        let doublings = min(tries - refusalsBeforeHold, 16)
        let wait = min(waitSecondsMin << Int64(doublings), waitSecondsMax)
        return now + wait * 95 / 100
    }
}
