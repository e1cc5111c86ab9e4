internal import AsyncHTTPClient
internal import ConnectorKit
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Runner

/// Posts notices. One client for the process: it owns no thread but NIO's and lets go of idle connections by itself.
enum WebhookClient {
    static let timeout = Duration.seconds(15)
    private static let answerBytesMax = 64 << 10

    static let sender = NoticeSender { address, body in try await post(body, to: address) }

    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        // A redirect would carry what a run did to somebody whom the project does not name.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.idleTimeout = .seconds(4)
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()

    /// The status that was answered. The error of one that was not names the host and nothing else of the address.
    private static func post(_ body: [UInt8], to address: WebhookAddress) async throws -> Int {
        var request = HTTPClientRequest(url: address.url.reveal())
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "sluice")
        request.body = .bytes(body)
        do {
            let response = try await http.execute(request, timeout: .seconds(timeout.components.seconds))
            // Read, so that the connection can be used again; a long answer is of no interest.
            do { _ = try await response.body.collect(upTo: answerBytesMax) } catch is NIOTooManyBytesError {}
            return Int(response.status.code)
        } catch {
            try Task.checkCancellation()
            throw RunError(
                code: "notice_not_sent", message: "A notice could not be sent to \(address.host).",
                hint: "Check the webhook's address, and that this machine can reach it.")
        }
    }
}
