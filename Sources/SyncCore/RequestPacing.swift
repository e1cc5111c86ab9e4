/// When the next request may leave, as arithmetic: a rate with a burst, one number of state (GCRA).
package struct RequestPacing: Sendable, Hashable {
    /// Microseconds from one request to the next at the steady rate.
    package let intervalMicros: Int64
    /// Requests that may leave at once after a pause.
    package let burst: Int64

    package init(requestsPerMinute: Int, burst: Int = 50) {
        intervalMicros = max(1, 60_000_000 / Int64(max(1, requestsPerMinute)))
        self.burst = Int64(max(1, min(burst, requestsPerMinute)))
    }

    /// Takes one permit.
    /// - Parameters:
    ///   - state: the theoretical time of the next request in epoch microseconds, shared by all who send.
    ///   - now: epoch microseconds. A clock that was set back never makes anyone wait longer than a full burst.
    /// - Returns: microseconds to wait before the request may leave.
    package func take(_ state: inout Int64, now: Int64) -> Int64 {
        let tolerance = intervalMicros * (burst - 1)
        let next = max(now, min(state, now + tolerance + pauseMicrosMax))
        state = next + intervalMicros
        return max(0, next - tolerance - now)
    }

    /// The longest pause that an answer may ask for.
    package let pauseMicrosMax: Int64 = 10 * 60 * 1_000_000

    /// Lets nobody send for `pauseMicros` from now.
    package func pause(_ state: inout Int64, now: Int64, pauseMicros: Int64) {
        let tolerance = intervalMicros * (burst - 1)
        state = max(state, now + min(pauseMicros, pauseMicrosMax) + tolerance)
    }
}
