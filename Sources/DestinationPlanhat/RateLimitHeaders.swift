internal import ConnectorKit
internal import Foundation

/// What an answer's headers say of the rate limit, in every spelling that was documented or seen.
struct RateLimitHeaders: Sendable {
    /// Nobody waits longer because of a header.
    static let waitMax = Duration.seconds(3_600)

    var limit: Int?
    var remaining: Int?
    /// From `Retry-After`.
    var retryAfter: Duration?
    /// Until the quota is full again.
    var reset: Duration?

    /// `value` gives the first header of a name, ignoring case.
    init(now: Date = Date(), _ value: (String) -> String?) {
        func first(_ word: String) -> String? {
            for prefix in ["X-RateLimit-", "X-Rate-Limit-", "RateLimit-"] {
                if let text = value(prefix + word) { return text }
            }
            return nil
        }
        limit = first("Limit").flatMap(Self.count)
        remaining = first("Remaining").flatMap(Self.count)
        reset = first("Reset").flatMap { Self.seconds($0, now: now) ?? Self.date($0, now: now) }
        retryAfter = value("Retry-After").flatMap { Self.seconds($0, now: now) ?? Self.date($0, now: now) }
    }

    var wait: Duration? { retryAfter ?? reset }

    /// How long an answer of that status asks to wait. The quota is named on every answer, so that its end means something
    /// only where the quota was the trouble.
    func wait(status: Int) -> Duration? { [425, 429].contains(status) ? wait : retryAfter }

    /// Nil where the headers say nothing and the answer is no refusal.
    func notice(status: Int) -> RateLimitNotice? {
        let isRefusal = status == 429
        if limit == nil, remaining == nil, wait == nil, !isRefusal { return nil }
        return RateLimitNotice(limit: limit, remaining: remaining, wait: wait, isRefusal: isRefusal)
    }

    /// `200`, or `200, 200;w=60` as the later drafts write it.
    private static func count(_ text: String) -> Int? {
        let digits = text.trimmed().prefix { $0.isASCII && $0.isNumber }
        return Int(digits)
    }

    /// Seconds from now; a large number is a time since 1970, in seconds or milliseconds.
    private static func seconds(_ text: String, now: Date) -> Duration? {
        guard let number = Double(text.trimmed()), number.isFinite else { return nil }
        let fromNow =
            switch number {
            case 100_000_000_000...: number / 1_000 - now.timeIntervalSince1970
            case 1_000_000_000...: number - now.timeIntervalSince1970
            default: number
            }
        return clamped(fromNow)
    }

    /// An HTTP date (`Wed, 21 Oct 2026 07:28:00 GMT`).
    private static func date(_ text: String, now: Date) -> Duration? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return formatter.date(from: text.trimmed()).map { clamped($0.timeIntervalSince(now)) }
    }

    private static func clamped(_ seconds: Double) -> Duration {
        min(max(.milliseconds(Int64(max(min(seconds, 1e9), -1) * 1_000)), .zero), waitMax)
    }
}
