/// When the next request may leave, as arithmetic: a rate with a burst, one number of state (GCRA). The burst is part of the
/// quota: no sixty seconds, wherever they begin, see more requests leave than the quota allows.
package struct RequestPacing: Sendable, Hashable {
    /// Microseconds from one request to the next at the steady rate.
    package let intervalMicros: Int64
    /// Requests that may leave at once after a pause.
    package let burst: Int64

    /// - Parameter burst: nil for what suits the quota.
    package init(requestsPerMinute: Int, burst: Int? = nil) {
        let quota = max(1, requestsPerMinute)
        let burst = max(1, min(burst ?? Self.burst(quota), quota))
        // Sixty seconds that begin with a burst see all of it but one request beside the steady ones.
        let steady = Int64(quota - burst + 1)
        intervalMicros = (60_000_000 + steady - 1) / steady
        self.burst = Int64(burst)
    }

    /// An eighth of the quota, so that a small run is not slowed down and a long one keeps most of the rate; at most 50.
    /// At 6,000 a minute and more, requests are so close that a burst would save nothing, and would be over limits that
    /// are counted by the second.
    private static func burst(_ quota: Int) -> Int {
        quota >= 6_000 ? 1 : min(50, quota / 8)
    }

    /// Takes one permit.
    /// - Parameters:
    ///   - state: the theoretical time of the next request in epoch microseconds, shared by all who send.
    ///     A time that nobody can have asked for (a clock that was set back by far, a file with something else in it)
    ///     counts as none, and as a burst that has left already.
    ///   - now: epoch microseconds. A clock that was set back never makes anyone wait longer than a full burst beyond the
    ///     longest pause.
    /// - Returns: microseconds to wait before the request may leave.
    package func take(_ state: inout Int64, now: Int64) -> Int64 {
        let tolerance = intervalMicros * (burst - 1)
        let isCredible = state <= now + tolerance + 6 * pauseMicrosMax
        let next = isCredible ? max(now, min(state, now + tolerance + pauseMicrosMax)) : now + tolerance
        state = next + intervalMicros
        return max(0, next - tolerance - now)
    }

    /// The longest pause that an answer may ask for.
    package let pauseMicrosMax: Int64 = 10 * 60 * 1_000_000

    /// Lets nobody send for `pauseMicros` from now.
    package func pause(_ state: inout Int64, now: Int64, pauseMicros: Int64) {
        let tolerance = intervalMicros * (burst - 1)
        if state > now + tolerance + 6 * pauseMicrosMax { state = now }
        state = max(state, now + min(pauseMicros, pauseMicrosMax) + tolerance)
    }
}
