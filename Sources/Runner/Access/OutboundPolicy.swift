package import ConnectorKit
internal import ProjectConfig

/// Which hosts the connections that are defined in the pages may reach. Whoever writes the project's files may name any.
///
/// Without a list every host is allowed but those at which clouds keep a machine's credentials, and other addresses that
/// lead to no server of anybody's. With a list only what it names is. What a name leads to is looked up each time before
/// a connection is used, since it may lead elsewhere the next time, and every address of it has to be one that is allowed.
package struct OutboundPolicy: Sendable {
    /// What is written in the list, in small letters; nil where there is none.
    package let rules: [String]?
    /// Those that are addresses.
    private let blocks: [AddressBlock]
    private let lookup: HostLookup

    /// - Parameter list: names, addresses and ranges of addresses with commas between them; nil or blank for no list.
    package init(_ list: String?, lookup: HostLookup = .system) {
        let rules = (list ?? "").split { $0 == "," || $0.isWhitespace }.map { Self.bare(String($0)) }
        self.rules = rules.isEmpty ? nil : rules
        blocks = rules.compactMap { AddressBlock($0) }
        self.lookup = lookup
    }

    // MARK: What is written

    /// Whether a host may be reached, as a name, an address in any spelling that the system takes, or a socket's folder.
    /// Of a name only how it is written is looked at.
    package func allows(_ host: String) -> Bool { verdict(host) == .allowed }

    private enum Verdict {
        case allowed
        case refused
        /// The list does not have the name: it may have all that the name leads to.
        case asItsAddresses
    }

    private func verdict(_ host: String) -> Verdict {
        let name = Self.isSocket(host) ? "localhost" : Self.bare(host)
        let address = AddressBlock.bytes(name)
        guard let rules else {
            guard address == nil else { return isForbidden(name) ? .refused : .allowed }
            return name == "metadata.google.internal" ? .refused : .allowed
        }
        if let address { return blocks.contains { $0.contains(address) } ? .allowed : .refused }
        let isNamed = rules.contains { rule in
            rule == name || (rule.hasPrefix("*.") && name.hasSuffix(rule.dropFirst()) && name.count >= rule.count)
        }
        return isNamed ? .allowed : blocks.isEmpty || name.isEmpty ? .refused : .asItsAddresses
    }

    private func isForbidden(_ address: String) -> Bool {
        HostLookup.numeric(address, isAddress: true).contains { AddressRange(of: $0) == .forbidden }
    }

    /// Throws `host_not_allowed` where a source's settings lead elsewhere by what is written in them.
    func check(
        source: ConnectionDefinition, _ settings: ConnectorSettings, _ declaration: ConnectorDeclaration
    ) throws(RunError) {
        // A section of libpq's own file names a host that is not told here.
        if rules != nil, settings.text("service")?.isEmpty == false {
            throw Self.refusal("source \(source.name)", "a connection service file", source.location)
        }
        let isDeclared = declaration.settings.contains { $0.name == "host" }
        guard isDeclared || settings.text("host") != nil else { return }
        for host in Self.hosts(settings) {
            let name = String(host.drop { $0.isWhitespace })
            // Where no host is given the environment or the machine's own socket is used.
            if rules != nil && name.isEmpty {
                throw Self.refusal("source \(source.name)", "no host by name", source.location)
            }
            guard verdict(name) != .refused else {
                throw Self.refusal("source \(source.name)", "the host \(name)", source.location)
            }
        }
    }

    /// Throws `host_not_allowed` where a destination's settings lead elsewhere, for any of its objects, by what is written
    /// in them.
    func check(
        destination: ConnectionDefinition, _ settings: ConnectorSettings, _ type: DestinationType
    ) throws {
        for host in try Self.hosts(settings, type) where !allows(host) {
            throw Self.refusal("destination \(destination.name)", "the host \(host)", destination.location)
        }
    }

    // MARK: What it leads to

    /// Whether what is written says nothing of the address: it is looked up before each use.
    func looksUp(_ host: String) -> Bool {
        let name = String(host.drop { $0.isWhitespace })
        return !name.isEmpty && !Self.isSocket(name) && AddressBlock.bytes(Self.bare(name)) == nil
    }

    /// Every host of a source's settings with the addresses that it may be connected to. Throws `host_not_allowed` where
    /// one of them is not to be reached, and `host_not_found` where they cannot be learned: it is connected to no address
    /// that was not looked at.
    package func addresses(source name: String, _ settings: ConnectorSettings) async throws(ConnectorError) -> [String:
        [String]]
    {
        var all: [String: [String]] = [:]
        for host in Self.hosts(settings) where looksUp(host) {
            all[host] = try await addresses(of: host, "source \(name)", allowsUnnamed: true)
        }
        return all
    }

    /// Throws `host_not_allowed` where one of the hosts leads to an address that is not to be reached, and `host_not_found`
    /// where that cannot be learned: the destination, which asks once more, might get an answer that nobody looked at.
    package func check(destination name: String, hosts: [String]) async throws(ConnectorError) {
        // It looks the name up once more for itself, so a name that the list does not have is not taken at its word.
        for host in hosts where looksUp(host) {
            _ = try await addresses(of: host, "destination \(name)", allowsUnnamed: false)
        }
    }

    private func addresses(
        of host: String, _ who: String, allowsUnnamed: Bool
    ) async throws(ConnectorError) -> [String] {
        let verdict = verdict(host)
        let isNamed = verdict == .allowed
        guard isNamed || (allowsUnnamed && verdict == .asItsAddresses) else {
            throw Self.refused(who, "the host \(Self.bare(host))")
        }
        let found = await lookup.addresses(Self.bare(host))
        guard let found, !found.isEmpty else { throw Self.unknown(host, isLate: found == nil) }
        let isRefused = found.contains { address in
            let bytes = AddressBlock.bytes(address)
            if let bytes, blocks.contains(where: { $0.contains(bytes) }) { return false }
            return !isNamed || AddressRange(of: address) == .forbidden
        }
        // The address is not told: whoever asks may not be meant to know this network.
        guard !isRefused else { throw Self.refused(who, "an address by the name \(Self.bare(host))") }
        return found
    }

    // MARK: Words

    private static func message(_ who: String, _ what: String) -> String {
        "The \(who) leads to \(what), which connections of the pages may not use."
    }

    private static let hint =
        "Whoever runs the server can name the host in SLUICE_ALLOW_HOSTS, or define the connection in a file."

    private static func refusal(_ who: String, _ what: String, _ place: Location) -> RunError {
        RunError(code: "host_not_allowed", message: message(who, what), hint: hint, place: place)
    }

    private static func refused(_ who: String, _ what: String) -> ConnectorError {
        ConnectorError(
            code: "host_not_allowed", message: message(who, what), hint: hint, disposition: .fixConfiguration,
            isKnownUnsent: true)
    }

    private static func unknown(_ host: String, isLate: Bool) -> ConnectorError {
        ConnectorError(
            code: "host_not_found",
            message: isLate
                ? "The name service did not say in time what the host name \"\(host)\" leads to."
                : "The host name \"\(host)\" cannot be resolved.",
            hint: "Check the spelling of host and that this machine's name service knows it.",
            disposition: .retry(after: nil), isKnownUnsent: true)
    }

    // MARK: Spelling

    private static func isSocket(_ host: String) -> Bool { host.hasPrefix("/") || host.hasPrefix("@") }

    private static func bare(_ host: String) -> String {
        var name = host.lowercased().filter { !$0.isWhitespace && $0 != "[" && $0 != "]" }
        while name.hasSuffix(".") { name.removeLast() }
        return name
    }

    /// As they are written, of a setting that may hold several.
    private static func hosts(_ settings: ConnectorSettings) -> [String] {
        (settings.text("host") ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// Those that the objects of a destination are written to.
    static func hosts(_ settings: ConnectorSettings, _ type: DestinationType) throws(ConnectorError) -> [String] {
        guard let account = type.account else { return [] }
        var addresses: Set<String> = []
        for object in type.objects { addresses.insert(try account(settings, object)) }
        return addresses.map { host(of: $0) }.sorted()
    }

    /// `db.example.com` of `https://db.example.com:443/path`.
    private static func host(of address: String) -> String {
        let rest = address.split(separator: "://", maxSplits: 1).last ?? ""
        let authority = rest.prefix { $0 != "/" }
        if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
        return String(authority.prefix { $0 != ":" })
    }
}
