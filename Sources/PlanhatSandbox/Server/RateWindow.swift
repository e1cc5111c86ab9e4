/// So many requests a minute: a minute that starts with its first request (`fixed`), or the minute that ends now
/// (`sliding`). Times are microseconds, of one clock.
package struct RateWindow: Sendable {
    static let minute: Int64 = 60_000_000

    package struct Permit: Equatable {
        package let isGranted: Bool
        package let remaining: Int
        /// Seconds until a request is free again, rounded up.
        package let resetSeconds: Int

        package init(isGranted: Bool, remaining: Int, resetSeconds: Int) {
            self.isGranted = isGranted
            self.remaining = remaining
            self.resetSeconds = resetSeconds
        }
    }

    let perMinute: Int
    let isSliding: Bool
    /// When the counted requests came, oldest first; in a fixed window only their number counts.
    private var times: [Int64] = []
    private var start: Int64 = 0

    package init(perMinute: Int, isSliding: Bool) {
        self.perMinute = perMinute
        self.isSliding = isSliding
    }

    package mutating func take(at now: Int64) -> Permit {
        if isSliding {
            times.removeAll { $0 <= now - Self.minute }
        } else if now - start >= Self.minute || times.isEmpty {
            times.removeAll()
            start = now
        }
        let isGranted = times.count < perMinute
        if isGranted { times.append(now) }
        let free = (isSliding ? times.first ?? now : start) + Self.minute
        let seconds = Int((free - now + 999_999) / 1_000_000)
        return Permit(isGranted: isGranted, remaining: perMinute - times.count, resetSeconds: max(seconds, 0))
    }
}
