internal import Foundation
package import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
internal import NIOCore
package import Runner
package import StateStore

/// The HTTP server of `sluice serve`.
package struct WebServer: Sendable {
    private let site: Site
    private let settings: ServerSettings
    /// Nil where TLS is somebody else's.
    private let certificate: ServerCertificate?

    /// Throws `tls_unreadable`.
    package init(site: Site, settings: ServerSettings) throws(RunError) {
        self.site = site
        self.settings = settings
        guard let file = settings.certificate, let key = settings.key else {
            certificate = nil
            return
        }
        certificate = try ServerCertificate(certificate: file, key: key)
    }

    /// Reads certificate and key again, for connections from now on. Throws `tls_unreadable`; the ones of before stay.
    package func reloadCertificate() throws(RunError) { try certificate?.reload() }

    /// When the certificate is not valid any more; nil where there is none.
    package var certificateEndsAt: Moment? { certificate?.endsAt }

    /// Serves until the task is cancelled.
    ///
    /// Throws `listen_address_in_use`, `listen_failed`.
    ///
    /// - Parameter onReady: called once, with the port, when connections are taken.
    package func run(onReady: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        let application = try application(onReady: onReady)
        let work = site.work
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                group.addTask { await work.run() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as IOError {
            throw Self.failure(error, settings)
        } catch is CancellationError {
            // Being stopped is how a server ends.
        }
    }

    /// The application, for tests too.
    package func application(
        onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) throws -> Application<WebResponder> {
        var logger = Logger(label: "web")
        logger.logLevel = .critical
        return Application(
            responder: WebResponder(site: site, settings: settings), server: try server(),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(1_000)),
            onServerRunning: { await onReady($0.localAddress?.port ?? 0) },
            logger: logger)
    }

    /// Limits of a connection: the headers of a request, and how long it may be silent.
    private func server() throws -> HTTPServerBuilder {
        let plain = HTTP1Channel.Configuration(
            idleTimeout: TimeAmount(settings.silenceTime),
            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                maxHeaderFieldSize: 16 * 1_024, maxHeaderListSize: 32 * 1_024, maxHeaderFieldCount: 100))
        guard let certificate else { return .http1(configuration: plain) }
        return try .tls(.http1(configuration: plain), tlsConfiguration: certificate.configuration)
    }

    private static func failure(_ error: IOError, _ settings: ServerSettings) -> RunError {
        let place = "\(settings.host):\(settings.port)"
        if error.errnoCode == EADDRINUSE {
            return RunError(
                code: "listen_address_in_use", message: "\(place) is in use.",
                hint: "Stop what listens there, or choose another port with --listen.")
        }
        return RunError(
            code: "listen_failed", message: "\(place) cannot be listened on: \(error).",
            hint: "Choose an address of this machine with --listen; ports below 1024 need more rights.")
    }
}
