internal import AsyncHTTPClient
package import ConnectorKit
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Puts requests on the wire: one permit and one place (of the main API's) and one exchange for each, never a second try.
package struct PlanhatClient: Sendable {
    /// An answer to 5,000 rows has about 0.5 MB, a page of records a few.
    static let answerBytesMax = 64 << 20

    let address: String
    private let analyticsAddress: String
    private let authorization: Secret
    private let tenant: Secret?
    private let timeout: Duration
    private let context: DestinationContext
    private let scrubber: SecretScrubber

    package init(_ settings: PlanhatSettings, context: DestinationContext) {
        address = settings.address
        analyticsAddress = settings.analyticsAddress
        authorization = settings.apiKey
        tenant = settings.tenantUUID
        timeout = settings.timeout
        self.context = context
        // A server may write a UUID in its usual form, whatever the form in which it was given.
        let tenants = Set(settings.tenantUUID.map { [$0, Secret($0.reveal().lowercased())] } ?? [])
        scrubber = SecretScrubber([settings.apiKey] + tenants)
    }

    /// So many requests to one host are on their way at most, whichever syncs and connections of a process they are of, and
    /// so many with one key, whichever processes send them; further ones wait. Planhat takes 50 at once, which leaves some
    /// to other programs.
    package static let requestsAtOnceMax = 40

    /// One client for the whole process: it owns no thread but NIO's, keeps no credentials (they travel with each
    /// request), and lets go of idle connections by itself, so there is nothing to shut down.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        // Bodies are few and large; HTTP/2 would cost CPU and win nothing.
        configuration.httpVersion = .http1Only
        // A redirect would carry the key to somebody else.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        // Whether to try again is the engine's decision, which counts and records each try.
        configuration.connectionPool.retryConnectionEstablishment = false
        // One request at a time goes over a connection of HTTP/1.1.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = requestsAtOnceMax
        // Shorter than the five seconds after which common servers close, so that none is reused as it closes.
        configuration.connectionPool.idleTimeout = .seconds(4)
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()

    /// Sends `request` once and hands the answer to `understand`. The exchange is recorded whatever happens, with
    /// the code of what `understand` throws. An answer of more than `answerBytesMax` is not read to its end.
    package func exchange<Result>(
        _ request: PlanhatRequest, answerBytesMax: Int = Self.answerBytesMax,
        _ understand: (PlanhatAnswer) throws(DestinationError) -> Result
    ) async throws(DestinationError) -> Result {
        let url = try url(of: request)
        let ended = try await permit(for: request.host)
        defer { ended() }
        let start = ContinuousClock.now
        let answer: PlanhatAnswer
        do {
            answer = try await send(request, to: url, answerBytesMax)
        } catch {
            let address = request.host == .main ? address : analyticsAddress
            let failure = TransportFailure(address: address, timeout: timeout, host: request.host).error(from: error)
            record(request, nil, since: start, error: failure.code)
            throw failure
        }
        if request.host == .main, let notice = answer.limits?.notice(status: answer.status) {
            context.observeLimit(notice)
        }
        do throws(DestinationError) {
            let result = try understand(answer)
            record(request, answer, since: start, error: nil)
            return result
        } catch {
            record(request, answer, since: start, error: error.code)
            throw error
        }
    }

    private func url(of request: PlanhatRequest) throws(DestinationError) -> String {
        guard request.host == .analytics else { return address + request.path }
        guard let tenant else { throw AnalyticsErrors.tenantMissing }
        let word = PlanhatRequest.encoded(tenant.reveal())
        return analyticsAddress + request.path.replacing(PlanhatRequest.tenantMark, with: word)
    }

    /// What it returns is called when the request has ended.
    private func permit(for host: PlanhatHost) async throws(DestinationError) -> @Sendable () -> Void {
        guard host == .main else {
            // Waiting for a permit is where a cancelled run ends otherwise.
            if Task.isCancelled { throw PlanhatErrors.cancelled(isKnownUnsent: true) }
            return {}
        }
        do {
            try await context.permit()
            return try await context.place()
        } catch let error as DestinationError {
            throw error
        } catch is CancellationError {
            throw PlanhatErrors.cancelled(isKnownUnsent: true)
        } catch {
            throw DestinationError(
                code: "permit_refused", message: "The request was not allowed to leave: \(error)",
                hint: "Run the sync again.", disposition: .stop, isKnownUnsent: true)
        }
    }

    /// The whole answer within the timeout; the library's own deadline ends with the head.
    private func send(
        _ request: PlanhatRequest, to url: String, _ answerBytesMax: Int
    ) async throws -> PlanhatAnswer {
        let timeout = timeout
        return try await withThrowingTaskGroup(of: PlanhatAnswer.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await perform(request, at: url, answerBytesMax) }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw TransportFailure.DeadlinePassed()
            }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }

    private func perform(
        _ request: PlanhatRequest, at url: String, _ answerBytesMax: Int
    ) async throws -> PlanhatAnswer {
        var wire = HTTPClientRequest(url: url)
        wire.method = HTTPMethod(rawValue: request.method.rawValue)
        if request.host == .main {
            wire.headers.add(name: "Authorization", value: "Bearer " + authorization.reveal())
        }
        wire.headers.add(name: "Accept", value: "application/json")
        wire.headers.add(name: "User-Agent", value: "sluice")
        if let body = request.body {
            wire.headers.add(name: "Content-Type", value: "application/json")
            wire.body = .bytes(body)
        }
        let response = try await Self.http.execute(wire, deadline: .distantFuture)
        var collected = try await response.body.collect(upTo: answerBytesMax)
        // A body that ends because the task was cancelled looks complete.
        try Task.checkCancellation()
        let bytes = collected.readBytes(length: collected.readableBytes) ?? []
        let limits = RateLimitHeaders { response.headers.first(name: $0) }
        let status = Int(response.status.code)
        var answer = PlanhatAnswer(status: status, body: scrubber.clean(bytes), wait: limits.wait(status: status))
        answer.limits = limits
        return answer
    }

    private func record(
        _ request: PlanhatRequest, _ answer: PlanhatAnswer?, since start: ContinuousClock.Instant, error: String?
    ) {
        let elapsed = ContinuousClock.now - start
        // A little more than is kept, so that the cut falls between two characters.
        let head = request.body.flatMap { body in
            body.getBytes(at: body.readerIndex, length: min(body.readableBytes, Exchange.bodyBytesMax + 4))
        }
        context.record(
            Exchange(
                method: request.method.rawValue, path: scrubber.clean(request.path), status: answer?.status,
                milliseconds: Int(elapsed / .milliseconds(1)), requestBytes: request.body?.readableBytes ?? 0,
                responseBytes: answer?.body.count ?? 0, requestBody: Self.text(scrubber.clean(head ?? [])),
                responseBody: Self.text(answer?.body ?? []), error: error, isWrite: request.isWrite))
    }

    /// The beginning of `bytes` as text of at most `Exchange.bodyBytesMax` bytes, cut between two characters.
    static func text(_ bytes: [UInt8]) -> String {
        var end = min(bytes.count, Exchange.bodyBytesMax)
        while end < bytes.count, end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        let text = String(decoding: bytes[..<end], as: UTF8.self)
        // Bytes that are no UTF-8 grow as they are replaced.
        return text.utf8.count <= Exchange.bodyBytesMax ? text : String(text.prefix(Exchange.bodyBytesMax / 4))
    }
}
