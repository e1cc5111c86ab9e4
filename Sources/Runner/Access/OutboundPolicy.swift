internal import ConnectorKit
internal import Glibc
internal import ProjectConfig

/// Which hosts the connections that are defined in the pages may reach. Whoever writes the project's files may name any.
///
/// Without a list every host is allowed but those at which clouds keep a machine's credentials, and other addresses that
/// lead to no server of anybody's. With a list only what it names is. What the name of a host leads to is not looked at:
/// a list is of names that are trusted.
package struct OutboundPolicy: Sendable, Hashable {
    /// In small letters; `*.` before a name means every name below it. Nil where there is no list.
    private let allowed: [String]?

    /// - Parameter list: names and addresses with commas between them; nil or blank for no list.
    package init(_ list: String?) {
        let names = (list ?? "").split { $0 == "," || $0.isWhitespace }.map { Self.bare(String($0)) }
        allowed = names.isEmpty ? nil : names
    }

    /// Throws `host_not_allowed` where a source's settings lead elsewhere.
    func check(
        source: ConnectionDefinition, _ settings: ConnectorSettings, _ declaration: ConnectorDeclaration
    ) throws(RunError) {
        // A section of libpq's own file names a host that is not told here.
        if allowed != nil, settings.text("service")?.isEmpty == false {
            throw Self.refusal("source \(source.name)", "a connection service file", source.location)
        }
        let isDeclared = declaration.settings.contains { $0.name == "host" }
        guard isDeclared || settings.text("host") != nil else { return }
        for host in (settings.text("host") ?? "").split(separator: ",", omittingEmptySubsequences: false) {
            let name = String(host.drop { $0.isWhitespace })
            // Where no host is given the environment or the machine's own socket is used.
            if allowed != nil && name.isEmpty {
                throw Self.refusal("source \(source.name)", "no host by name", source.location)
            }
            try check(name, "source \(source.name)", source.location)
        }
    }

    /// Throws `host_not_allowed` where a destination's settings lead elsewhere, for any of its objects.
    func check(
        destination: ConnectionDefinition, _ settings: ConnectorSettings, _ type: DestinationType
    ) throws {
        guard let account = type.account else { return }
        for address in Set(try type.objects.map { try account(settings, $0) }) {
            try check(Self.host(of: address), "destination \(destination.name)", destination.location)
        }
    }

    /// Whether a host may be reached, as a name, an address in any spelling that the system takes, or a socket's folder.
    package func allows(_ host: String) -> Bool {
        let name = host.hasPrefix("/") || host.hasPrefix("@") ? "localhost" : Self.bare(host)
        let address = Self.address(name)
        guard let allowed else {
            return name != "metadata.google.internal" && address.map { AddressRange(of: $0) != .forbidden } ?? true
        }
        return allowed.contains { one in
            if one.hasPrefix("*.") {
                return address == nil && name.hasSuffix(one.dropFirst()) && name.count >= one.count
            }
            return one == name || (address != nil && Self.address(one) == address)
        }
    }

    private func check(_ host: String, _ who: String, _ place: Location) throws(RunError) {
        guard allows(host) else { throw Self.refusal(who, "the host \(host)", place) }
    }

    private static func refusal(_ who: String, _ what: String, _ place: Location) -> RunError {
        RunError(
            code: "host_not_allowed",
            message: "The \(who) leads to \(what), which connections of the pages may not use.",
            hint:
                "Whoever runs the server can name the host in SLUICE_ALLOW_HOSTS, or define the connection in a file.",
            place: place)
    }

    // MARK: Spelling

    private static func bare(_ host: String) -> String {
        var name = host.lowercased().filter { !$0.isWhitespace && $0 != "[" && $0 != "]" }
        while name.hasSuffix(".") { name.removeLast() }
        return name
    }

    /// `db.example.com` of `https://db.example.com:443/path`.
    private static func host(of address: String) -> String {
        let rest = address.split(separator: "://", maxSplits: 1).last ?? ""
        let authority = rest.prefix { $0 != "/" }
        if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
        return String(authority.prefix { $0 != ":" })
    }

    /// An address in the one spelling that `AddressRange` reads; nil for a name. Asks no name server.
    private static func address(_ text: String) -> String? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(text, nil, &hints, &found) == 0, let first = unsafe found else { return nil }
        defer { unsafe freeaddrinfo(first) }
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let length = socklen_t(name.count)
        let status = unsafe getnameinfo(
            first.pointee.ai_addr, first.pointee.ai_addrlen, &name, length, nil, 0, NI_NUMERICHOST)
        guard status == 0 else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
