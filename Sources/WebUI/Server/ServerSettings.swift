package import Runner

/// Where the server listens and who may reach it.
package struct ServerSettings: Sendable, Hashable {
    package var host: String
    package var port: Int
    /// Files in PEM form; both or neither.
    package var certificate: String?
    package var key: String?
    /// A proxy on the way does TLS and says who asks (`X-Forwarded-For`).
    package var isBehindProxy = false
    /// A form that takes longer to arrive is answered 408.
    package var formTime = Duration.seconds(15)
    /// A connection that has not brought a whole request head, or that is silent, for so long is closed.
    package var silenceTime = Duration.seconds(60)

    /// Reads `host:port`; an IPv6 address stands in brackets. Throws `listen_address_invalid`.
    package init(listen: String) throws(RunError) {
        let parts = listen.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 2, let last = parts.last, let port = Int(last), (0...65_535).contains(port) else {
            throw Self.invalid(listen)
        }
        var host = parts.dropLast().joined(separator: ":")
        if host.hasPrefix("[") && host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, parts.count == 2 || listen.hasPrefix("[") else { throw Self.invalid(listen) }
        self.host = host
        self.port = port
    }

    private static func invalid(_ listen: String) -> RunError {
        RunError(
            code: "listen_address_invalid", message: "\(listen) is no address to listen on.",
            hint: "Write host and port, such as 127.0.0.1:8470.")
    }

    package var isLoopback: Bool { host == "localhost" || host == "::1" || Self.isLoopback(host) }

    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Whether requests to that host are meant for this server. On loopback only the machine's own names are answered: a
    /// page of another site, whose name was made to point here, must not be able to read anything.
    package func answers(to authority: String?) -> Bool {
        guard isLoopback, !isBehindProxy else { return true }
        guard let authority else { return false }
        var name = authority[...]
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") { name = name[..<colon] }
        return name == "localhost" || name == "[::1]" || Self.isLoopback(String(name))
    }

    package var usesTLS: Bool { certificate != nil }

    /// Whether the browser's connection is encrypted, so that its cookies must be.
    package var isSecure: Bool { usesTLS || isBehindProxy }

    /// The address as a person opens it.
    package func address(port: Int) -> String {
        let shown = host == "0.0.0.0" || host == "::" ? "localhost" : host.contains(":") ? "[\(host)]" : host
        return "\(usesTLS ? "https" : "http")://\(shown):\(port)"
    }

    /// Throws where others could reach a server that nobody guards, or could listen to what is typed.
    ///
    /// - Parameter hasAdmin: whether there is somebody who can sign in.
    package func check(hasAdmin: Bool) throws(RunError) {
        if (certificate == nil) != (key == nil) {
            throw RunError(
                code: "tls_incomplete", message: "A certificate and its key belong together.",
                hint: "Give both --certificate and --key.")
        }
        guard !isLoopback else { return }
        guard hasAdmin else {
            throw RunError(
                code: "listen_needs_admin",
                message: "\(host) can be reached by others, and there is nobody yet who can sign in.",
                hint: "Start on 127.0.0.1:\(port) first and open the link that is printed, then listen on \(host).")
        }
        guard isSecure else {
            throw RunError(
                code: "listen_needs_tls",
                message: "\(host) can be reached by others, and passwords would be sent unencrypted.",
                hint: "Give --certificate and --key, or --behind-proxy if a proxy does TLS.")
        }
    }
}
