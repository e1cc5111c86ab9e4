internal import Glibc
internal import StateStore

/// How long whoever failed to sign in has to wait before the next try: nothing at first, then twice as long each time.
/// Counted by name, known or not, and by address.
struct LoginThrottle: Sendable, Hashable {
    /// Failures that cost nothing.
    var nameFree = 5
    /// More than for a name: an office has one address.
    var addressFree = 20
    var waitMaxMilliseconds: Int64 = 15 * 60_000
    /// Failures are forgotten this long after the last one.
    var memoryMilliseconds: Int64 = 24 * 3_600_000

    /// From when on the next try is looked at, after so many failures of which the last was at `lastAt`.
    func nextTry(failures: Int, lastAt: Moment, free: Int, now: Moment) -> Moment? {
        guard failures >= free else { return nil }
        let doublings = min(failures - free, 30)
        let wait = min(1_000 << Int64(doublings), waitMaxMilliseconds)
        // A clock that was set back may not lock anybody out for longer than the wait.
        let next = Moment(milliseconds: min(lastAt.milliseconds, now.milliseconds) + wait)
        return next > now ? next : nil
    }

    static func locked(until next: Moment, now: Moment) -> RunError {
        let seconds = max(1, (next.milliseconds - now.milliseconds + 999) / 1_000)
        let wait =
            seconds < 60
            ? Wording.counted(Int(seconds), "second") : Wording.counted(Int((seconds + 59) / 60), "minute")
        return RunError(
            code: "login_locked", message: "There were too many failed attempts to sign in.",
            hint: "Try again in \(wait).")
    }

    /// Whoever has an IPv6 address usually has all that begin with the same 64 bits.
    static func addressGroup(_ address: String) -> String {
        let bare = address.split(separator: "%", maxSplits: 1).first.map(String.init) ?? ""
        var bytes = in6_addr()
        guard unsafe inet_pton(AF_INET6, bare, &bytes) == 1 else { return bare }
        let sixteen = unsafe withUnsafeBytes(of: &bytes) { unsafe [UInt8]($0) }
        let isMapped = sixteen.prefix(10).allSatisfy { $0 == 0 } && sixteen[10] == 0xFF && sixteen[11] == 0xFF
        if isMapped { return sixteen.suffix(4).map(String.init).joined(separator: ".") }
        return sixteen.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") + "/64"
    }
}
