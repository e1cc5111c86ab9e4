internal import AsyncHTTPClient
internal import ConnectorKit
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Runner

/// Posts notices, to addresses that may be posted to.
enum WebhookClient {
    static let timeout = Duration.seconds(15)
    private static let answerBytesMax = 64 << 10

    static let sender = NoticeSender { webhook in try await post(webhook) }

    /// One client for each notice, which knows no other address than the one that was looked at: notices are rare, and a
    /// client that looked the name up for itself might be told another address.
    private static func client(_ name: String, at address: String) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        // A redirect would carry what a run did to somebody whom the project does not name.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        configuration.dnsOverride = [name: address]
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }

    /// The status that was answered. The error of one that was not names the host and nothing else of the address.
    private static func post(_ webhook: WebhookPost) async throws -> Int {
        let address = webhook.address
        let (name, port) = (address.name, address.port)
        do {
            let found = try await NIOThreadPool.singleton.runIfActive {
                try SocketAddress.makeAddressResolvingHost(name, port: port)
            }
            try webhook.check(found.ipAddress ?? "")
            let client = client(name, at: found.ipAddress ?? "")
            let status: Result<Int, any Error>
            do { status = .success(try await send(webhook, client)) } catch { status = .failure(error) }
            try await client.shutdown()
            return try status.get()
        } catch let error as RunError {
            throw error
        } catch {
            try Task.checkCancellation()
            throw RunError(
                code: "notice_not_sent", message: "A notice could not be sent to \(address.host).",
                hint: "Check the webhook's address, and that this machine can reach it.")
        }
    }

    private static func send(_ webhook: WebhookPost, _ client: HTTPClient) async throws -> Int {
        var request = HTTPClientRequest(url: webhook.address.url.reveal())
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "sluice")
        for header in webhook.headers { request.headers.add(name: header.name, value: header.value) }
        request.body = .bytes(webhook.body)
        let response = try await client.execute(request, timeout: .seconds(timeout.components.seconds))
        // Read, so that the other side is not cut off; a long answer is of no interest.
        do { _ = try await response.body.collect(upTo: answerBytesMax) } catch is NIOTooManyBytesError {}
        return Int(response.status.code)
    }
}
