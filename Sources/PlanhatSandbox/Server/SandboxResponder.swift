internal import Foundation
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import Synchronization

/// What a request brings beside itself: the connection it came on.
struct SandboxContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Answers every request, in this order: the pages and `/_sandbox` (for this machine's own), then for the API the
/// token, the rate limit, the fail rules, the route.
struct SandboxResponder: HTTPResponder {
    typealias Context = SandboxContext

    /// Bytes of a request's body; more is answered 413.
    static let bodyBytesMax = 32 << 20

    private let sandbox: Sandbox
    private let clock: @Sendable () -> Int64
    private let routes: ApiRoutes
    private let analytics: AnalyticsRoutes
    private let inside: InsideRoutes
    private let rules: FailRules
    private let window: RateLimit?

    init(sandbox: Sandbox, clock: @escaping @Sendable () -> Int64) {
        let configuration = sandbox.configuration
        self.sandbox = sandbox
        self.clock = clock
        routes = ApiRoutes(store: sandbox.store)
        analytics = AnalyticsRoutes(store: sandbox.store, tenant: configuration.tenantUUID)
        inside = InsideRoutes(sandbox: sandbox)
        rules = FailRules(configuration.failRules)
        window = configuration.requestsPerMinute.map {
            RateLimit(RateWindow(perMinute: $0, isSliding: configuration.switches.window == .sliding))
        }
    }

    func respond(to request: Request, context: SandboxContext) async throws -> Response {
        let target = RequestTarget(request)
        if let answer = inside.answer(target, request, context.channel) { return answer }
        let start = clock()
        var attempt = await answer(target, request)
        attempt.answer = attempt.answer.said(in: sandbox.configuration.switches.bodies)
        if sandbox.configuration.latency > .zero { try await Task.sleep(for: sandbox.configuration.latency) }
        let isDropped = attempt.ending == .dropped || attempt.ending == .cut
        sandbox.log.add(
            RequestLog.Entry(
                at: start, method: target.method, path: target.path, status: isDropped ? 0 : attempt.answer.status,
                rows: attempt.answer.totals, microseconds: clock() - start))
        return try await finish(attempt, context.channel)
    }

    private func answer(_ target: RequestTarget, _ request: Request) async -> Attempt {
        // The analytics API knows no token, and has no limit but the size of a request: its headers are there all the
        // same, and count nothing.
        if AnalyticsRoutes.call(target) != nil {
            var attempt = await carryOut(target, request)
            attempt.headers += rateHeaders(uncounted)
            return attempt
        }
        guard isAuthorized(request.headers) else {
            // Nobody's quota is counted: the headers come all the same.
            return Attempt(answer: .message(401, "Unauthorized"), headers: rateHeaders(uncounted))
        }
        let permit = window?.take(at: clock()) ?? uncounted
        let headers = rateHeaders(permit)
        guard permit.isGranted else {
            return Attempt(answer: .message(429, "Too many requests"), headers: headers)
        }
        var attempt = await carryOut(target, request)
        attempt.headers += headers
        return attempt
    }

    /// Applies the fail rule that strikes, if any, around the request.
    private func carryOut(_ target: RequestTarget, _ request: Request) async -> Attempt {
        guard let rule = rules.strike(method: target.method, path: target.path) else {
            return Attempt(answer: await process(target, request))
        }
        switch rule.action {
        case .status(let status, let isProcessed, let message):
            if isProcessed { _ = await process(target, request) }
            let headers = rule.retryAfter.map { [("Retry-After", String($0))] } ?? []
            return Attempt(answer: .message(status, message ?? "Answered by a fail rule"), headers: headers)
        case .html(let status):
            return Attempt(answer: ApiAnswer(status: status, body: .bytes(Array(Self.proxyPage.utf8)), type: .html))
        case .hang(let seconds, let isProcessed):
            let early = isProcessed ? await process(target, request) : nil
            do {
                try await Task.sleep(for: .seconds(seconds))
            } catch {
                return Attempt(answer: .message(503, "The sandbox is stopping"), ending: .dropped)
            }
            if let early { return Attempt(answer: early) }
            return Attempt(answer: await process(target, request))
        case .drop(let isProcessed):
            let answer = isProcessed ? await process(target, request) : .message(503, "")
            return Attempt(answer: answer, ending: .dropped)
        case .cutAnswer: return Attempt(answer: await process(target, request), ending: .cut)
        case .drip(let seconds): return Attempt(answer: await process(target, request), ending: .drip(seconds))
        case .refuse: return Attempt(answer: await process(target, request))
        }
    }

    private func process(_ target: RequestTarget, _ request: Request) async -> ApiAnswer {
        let body: [UInt8]
        do {
            body = Array(buffer: try await request.body.collect(upTo: Self.bodyBytesMax))
        } catch is NIOTooManyBytesError {
            return .message(413, "The body is larger than \(Self.bodyBytesMax) bytes")
        } catch {
            return .message(400, "The body could not be read")
        }
        if let (call, tenant) = AnalyticsRoutes.call(target) {
            return analytics.answer(
                call, tenant: tenant, user: Self.basicUser(request.headers), body,
                rules.eventRefusal(method: target.method, path: target.path))
        }
        let refusal = rules.refusal(method: target.method, path: target.path)
        return routes.answer(target, body, refusal)
    }

    /// `Bearer TOKEN`, or `Basic` with the token as user name and an empty password.
    private func isAuthorized(_ headers: HTTPFields) -> Bool {
        guard let value = headers[.authorization] else { return false }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return false }
        let credential = parts[1].trimmingCharacters(in: .whitespaces)
        switch parts[0].lowercased() {
        case "bearer": return credential == sandbox.configuration.token
        case "basic": return Self.basicUser(headers) == sandbox.configuration.token
        default: return false
        }
    }

    /// The user name of Basic credentials with an empty password.
    private static func basicUser(_ headers: HTTPFields) -> String? {
        let parts = headers[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let data = Data(base64Encoded: parts[1].trimmingCharacters(in: .whitespaces))
        else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        return text.hasSuffix(":") ? String(text.dropLast()) : nil
    }

    /// Planhat's soft quota. Without a limit of its own the sandbox names it on every answer and counts nothing.
    private static let usualPerMinute = 200
    private var perMinute: Int { sandbox.configuration.requestsPerMinute ?? Self.usualPerMinute }
    private var uncounted: RateWindow.Permit {
        RateWindow.Permit(isGranted: true, remaining: max(0, perMinute - 1), resetSeconds: 60)
    }

    private func rateHeaders(_ permit: RateWindow.Permit) -> [(String, String)] {
        var headers: [(String, String)] = []
        let prefixes =
            switch sandbox.configuration.switches.limitHeaders {
            case .both: ["X-RateLimit", "X-Rate-Limit"]
            case .new: ["X-RateLimit"]
            case .old: ["X-Rate-Limit"]
            case .none: [String]()
            }
        for prefix in prefixes {
            headers.append((prefix + "-Limit", String(perMinute)))
            headers.append((prefix + "-Remaining", String(permit.remaining)))
            headers.append((prefix + "-Reset", String(permit.resetSeconds)))
        }
        if !permit.isGranted, sandbox.configuration.switches.retryAfter == .send {
            headers.append(("Retry-After", String(permit.resetSeconds)))
        }
        return headers
    }

    private func finish(_ attempt: Attempt, _ channel: any Channel) async throws -> Response {
        var response = attempt.answer.response(attempt.headers)
        switch attempt.ending {
        case .whole: return response
        case .dropped:
            // Once the channel is closed, writing the answer fails and the connection's task ends.
            try await channel.close()
            return response
        case .cut:
            guard case .bytes(let bytes) = attempt.answer.body else { throw CutAnswer() }
            response.body = ResponseBody(contentLength: bytes.count) { writer in
                try await writer.write(ByteBuffer(bytes: bytes.prefix(bytes.count / 2)))
                try await channel.close()
                throw CutAnswer()
            }
            return response
        case .drip(let seconds):
            let bytes = attempt.answer.bytes
            let size = max(1, bytes.count / Self.dripPieces)
            let pause = Duration.seconds(seconds) / Self.dripPieces
            response.body = ResponseBody(contentLength: bytes.count) { writer in
                for start in stride(from: 0, to: bytes.count, by: size) {
                    try await Task.sleep(for: pause)
                    try await writer.write(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
                }
                try await writer.finish(nil)
            }
            return response
        }
    }

    /// In how many pieces a dripping answer comes.
    private static let dripPieces = 20

    private static let proxyPage = """
        <!DOCTYPE html><html lang="en"><title>Bad gateway</title><p>The server did not answer in time.</p></html>
        """
}

/// The rest of an answer is not sent, by rule.
private struct CutAnswer: Error {}

/// What is to be answered, and how the connection ends.
private struct Attempt {
    enum Ending: Equatable {
        case whole, dropped, cut
        case drip(Double)
    }

    var answer: ApiAnswer
    var headers: [(String, String)] = []
    var ending = Ending.whole
}

/// A rate window that requests share.
private final class RateLimit: Sendable {
    private let window: Mutex<RateWindow>

    init(_ window: RateWindow) { self.window = Mutex(window) }

    func take(at now: Int64) -> RateWindow.Permit { window.withLock { $0.take(at: now) } }
}
