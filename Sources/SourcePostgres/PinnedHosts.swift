/// A list of hosts with the addresses that they were found to have, in libpq's words: it then looks none up.
package struct PinnedHosts: Sendable, Hashable {
    package let hosts: String
    package let addresses: String

    /// Each host comes once for each of its addresses; one without any, as a socket's folder is, stays as it is.
    ///
    /// - Parameter hasPortList: whether there may be a port for each host: then each comes once, with its first address,
    ///   since libpq takes no list of ports of another length.
    package init(_ list: String, _ found: [String: [String]], hasPortList: Bool) {
        let hosts = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let pairs = hosts.flatMap { host in
            let all = found[host] ?? [""]
            return (hasPortList && hosts.count > 1 ? Array(all.prefix(1)) : all).map { (host: host, address: $0) }
        }
        self.hosts = pairs.map(\.host).joined(separator: ",")
        addresses = pairs.map(\.address).joined(separator: ",")
    }

    /// Whether libpq may find a list of ports where the settings give none: in `PGPORT`, or in a service file.
    package static func mayFindPortList(hasService: Bool, environment: [String: String]) -> Bool {
        hasService || environment["PGSERVICE"]?.isEmpty == false || environment["PGPORT"]?.contains(",") == true
    }
}
