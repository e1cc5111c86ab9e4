import ConnectorKit
import DestinationPlanhat
import Foundation
import Records
import TestKit
import Testing

struct RateLimitTests {
    private func notice(_ status: Int, _ headers: [String: String]) async throws -> (
        RateLimitNotice?, DestinationError?
    ) {
        let watch = ContextWatch()
        let body = status == 200 ? envelope(created: 2) : ""
        let error = try await writeError(.answer(status, body, headers: headers), watch: watch)
        return (watch.notices.first, error)
    }

    @Test(arguments: ["X-RateLimit-", "x-ratelimit-", "X-Rate-Limit-", "RateLimit-"])
    func quotaIsReadInEverySpelling(_ prefix: String) async throws {
        let (notice, _) = try await notice(
            200, [prefix + "Limit": "200", prefix + "Remaining": "17", prefix + "Reset": "42"])
        #expect(notice == RateLimitNotice(limit: 200, remaining: 17, wait: .seconds(42)))
    }

    @Test func retryAfterInSecondsIsHonoured() async throws {
        let (notice, error) = try await notice(429, ["Retry-After": "7", "X-RateLimit-Reset": "60"])
        #expect(error?.disposition == .retry(after: .seconds(7)))
        #expect(notice?.isRefusal == true && notice?.wait == .seconds(7))
    }

    @Test func retryAfterAsADateIsHonoured() async throws {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let (_, error) = try await notice(429, ["Retry-After": formatter.string(from: Date() + 100)])
        guard case .retry(let wait?)? = error?.disposition else {
            Issue.record("no wait")
            return
        }
        #expect(wait > .seconds(80) && wait <= .seconds(100))
    }

    @Test func resetMayBeATimeSince1970() async throws {
        for factor in [1.0, 1_000.0] {
            let reset = "\(Int((Date().timeIntervalSince1970 + 90) * factor))"
            let (notice, _) = try await notice(200, ["X-RateLimit-Reset": reset])
            #expect(notice?.wait.map { $0 > .seconds(70) && $0 <= .seconds(91) } == true)
        }
    }

    @Test func refusalWithoutHeadersWaitsFifteenSeconds() async throws {
        let (notice, error) = try await notice(429, [:])
        #expect(notice == RateLimitNotice(isRefusal: true))
        #expect(error?.disposition == .retry(after: .seconds(15)))
    }

    @Test func overloadedServerMaySayWhenToComeBack() async throws {
        #expect(try await notice(503, ["Retry-After": "5"]).1?.disposition == .retry(after: .seconds(5)))
    }

    /// Every answer names the quota; a server that failed is not asked again only when a minute is over.
    @Test(arguments: [408, 500, 503]) func failedServerIsNotWaitedForAsAQuotaIs(_ status: Int) async throws {
        let headers = ["X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "150", "X-RateLimit-Reset": "60"]
        #expect(try await notice(status, headers).1?.disposition == .retry(after: nil))
        #expect(try await notice(429, headers).1?.disposition == .retry(after: .seconds(60)))
    }

    @Test(arguments: [("-5", Duration.zero), ("999999999", .seconds(3_600)), ("0", .zero)])
    func absurdWaitsAreBounded(_ text: String, _ wait: Duration) async throws {
        let found = try await notice(429, ["Retry-After": text]).0?.wait
        #expect(found == wait)
    }

    @Test(arguments: ["soon", "", "nan"]) func unreadableWaitIsLeftOut(_ text: String) async throws {
        #expect(try await notice(429, ["Retry-After": text]).1?.disposition == .retry(after: .seconds(15)))
    }

    @Test func answerWithoutHeadersSaysNothing() async throws { #expect(try await notice(200, [:]).0 == nil) }
}
