internal import AsyncHTTPClient
internal import ConnectorKit
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Turns what the network threw into an error that says whether the request may have been carried out.
struct TransportFailure: Sendable {
    var address: String
    var timeout: Duration
    var host = PlanhatHost.main

    /// The answer did not come within the connection's timeout.
    struct DeadlinePassed: Error {}

    func error(from thrown: any Error) -> DestinationError {
        switch thrown {
        case let error as DestinationError: error
        case is CancellationError: PlanhatErrors.cancelled(isKnownUnsent: false)
        case is DeadlinePassed: PlanhatErrors.timedOut(timeout)
        case let error as HTTPClientError: clientError(error)
        case let error as NIOConnectionError:
            error.connectionErrors.isEmpty ? addressNotFound : cannotConnect(Self.cause(error))
        case let error as NIOSSLError: tlsError(error)
        case is NIOSSLExtraError: tlsFailed("the certificate is for another name")
        case HTTPParserError.invalidEOFState: connectionLost
        case is HTTPParserError: garbage
        case let error as IOError where Self.cause(errno: error.errnoCode) != nil:
            cannotConnect(Self.cause(errno: error.errnoCode) ?? "")
        case is NIOTooManyBytesError: tooLarge
        case ChannelError.connectTimeout: cannotConnect("no answer in time")
        default: connectionLost
        }
    }

    private func clientError(_ error: HTTPClientError) -> DestinationError {
        switch error {
        case .cancelled: PlanhatErrors.cancelled(isKnownUnsent: false)
        case .deadlineExceeded, .readTimeout, .writeTimeout: PlanhatErrors.timedOut(timeout)
        case .connectTimeout, .getConnectionFromPoolTimeout: cannotConnect("no answer in time")
        case .tlsHandshakeTimeout: cannotConnect("the TLS handshake did not end in time")
        case .remoteConnectionClosed, .uncleanShutdown: connectionLost
        default: connectionLost
        }
    }

    private func tlsError(_ error: NIOSSLError) -> DestinationError {
        switch error {
        case .uncleanShutdown: connectionLost
        case .handshakeFailed(.sslError(let stack)):
            tlsFailed(
                stack.contains { "\($0)".contains("CERTIFICATE") }
                    ? "its certificate is not trusted" : "it does not speak TLS as expected")
        case .handshakeFailed: cannotConnect("the connection ended during the TLS handshake")
        case .unableToValidateCertificate, .noCertificateToValidate: tlsFailed("its certificate is not trusted")
        default: tlsFailed("TLS could not be set up")
        }
    }

    private var addressNotFound: DestinationError {
        DestinationError(
            code: "address_not_found", message: "The host of \(address) has no address.",
            hint: "Check \(host.settingWords), and that this machine can look up names.",
            disposition: .retry(after: nil), isKnownUnsent: true)
    }

    private func cannotConnect(_ cause: String) -> DestinationError {
        DestinationError(
            code: "cannot_connect", message: "No connection to \(address): \(cause).",
            hint: "Check the address, and that a firewall lets this machine out.",
            disposition: .retry(after: nil), isKnownUnsent: true)
    }

    private func tlsFailed(_ cause: String) -> DestinationError {
        DestinationError(
            code: "tls_failed", message: "No secure connection to \(address): \(cause).",
            hint: "Check the address, this machine's clock and CA certificates, and whether a proxy opens TLS.",
            disposition: .fixConfiguration, isKnownUnsent: true)
    }

    private var connectionLost: DestinationError {
        DestinationError(
            code: "connection_lost", message: "The connection to \(address) ended before the answer was complete.",
            hint: "It is tried again. The request may have been carried out.", disposition: .retry(after: nil))
    }

    private var garbage: DestinationError {
        DestinationError(
            code: "unreadable_answer", message: "What \(address) answered is not HTTP, or was cut off.",
            hint: "It is tried again. Check \(host.settingWords), and whether a proxy stands in between.",
            disposition: .retry(after: nil))
    }

    private var tooLarge: DestinationError {
        DestinationError(
            code: "answer_too_large",
            message: "The answer is larger than \(PlanhatClient.answerBytesMax >> 20) MiB.",
            hint: "Check \(host.settingWords): Planhat's answers are far smaller.", disposition: .stop)
    }

    private static func cause(_ error: NIOConnectionError) -> String {
        for failure in error.connectionErrors.map(\.error) {
            if let error = failure as? IOError, let cause = cause(errno: error.errnoCode) { return cause }
            if case ChannelError.connectTimeout = failure { return "no answer in time" }
        }
        return "the network did not let it through"
    }

    /// Nil for what can also befall a connection that was made.
    private static func cause(errno code: CInt) -> String? {
        switch code {
        case ECONNREFUSED: "it was refused"
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL: "the network does not lead there"
        default: nil
        }
    }
}
