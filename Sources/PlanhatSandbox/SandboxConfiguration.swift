/// What the sandbox is started with.
package struct SandboxConfiguration: Sendable {
    package static let defaultToken = "sandbox-token"
    package static let defaultTenantUUID = "5a6b8c0d-0e00-4000-8000-000000000001"

    /// A loopback address: the sandbox serves nobody else.
    package var host = "127.0.0.1"
    /// 0 takes a free one.
    package var port = 0
    /// What `Authorization` must carry.
    package var token = SandboxConfiguration.defaultToken
    package var tenantUUID = SandboxConfiguration.defaultTenantUUID
    package var switches = SandboxSwitches()
    /// Waited before each answer of the API.
    package var latency = Duration.zero
    /// More requests in a minute are answered 429; nil for no limit.
    package var requestsPerMinute: Int?
    package var failRules: [FailRule] = []
    /// Where the state is kept across restarts; nil for memory only.
    package var dataFile: String?

    package init() {}

    /// Reads `--fail` texts.
    /// - Throws: `sandbox_fail_rule_invalid`, with what is wrong and where.
    package static func failRules(_ texts: [String]) throws(SandboxError) -> [FailRule] {
        var rules: [FailRule] = []
        for text in texts { rules.append(try FailRuleParser.rule(text)) }
        return rules
    }

    /// Reads an address such as `127.0.0.1:8471`, `localhost:0`, `[::1]:8471` or `:8471` into host and port.
    /// - Throws: `sandbox_address_invalid`, also where it is not a loopback address.
    package mutating func listen(on address: String) throws(SandboxError) {
        let hint = "write it as 127.0.0.1:8471; the port may be 0 for a free one"
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]),
            (0...65_535).contains(port)
        else { throw SandboxError(.addressInvalid, "\"\(address)\" is not an address with a port", hint: hint) }
        let name = String(address[..<colon])
        switch name {
        case "": host = "127.0.0.1"
        case "[::1]": host = "::1"
        case "127.0.0.1", "localhost", "::1": host = name
        default:
            throw SandboxError(
                .addressInvalid, "the sandbox listens on this machine only, not on \"\(name)\"", hint: hint)
        }
        self.port = port
    }
}
