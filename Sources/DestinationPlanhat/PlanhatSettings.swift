package import ConnectorKit
package import Records

/// The settings of one connection to Planhat, understood and checked.
package struct PlanhatSettings: Sendable {
    package var apiKey: Secret
    package var tenantUUID: Secret?
    /// Scheme, host and perhaps a path; no slash at the end.
    package var address: String
    package var analyticsAddress: String
    package var timeout: Duration
    /// What works but deserves a look; shown by `check`.
    package var warnings: [Reason]

    /// Planhat's keys are longer than this.
    static let apiKeyCharactersMin = 340

    /// Planhat's hard limit of 150 a second. Its other one, 50 at once, is `PlanhatClient.requestsAtOnceMax`.
    static let requestsPerMinuteMax = 9_000

    package static let declaration = ConnectorDeclaration(
        type: "planhat",
        displayName: "Planhat",
        settings: [
            SettingDeclaration(
                "api_key", .secret, isRequired: true,
                help: "The API access token of a service account or private app in Planhat.",
                example: "${PLANHAT_API_KEY}"),
            SettingDeclaration(
                "region", .text, defaultValue: "default",
                help: "`default`, the region in your Planhat address, or that whole address pasted.", example: "us3"),
            SettingDeclaration(
                "tenant_uuid", .secret,
                help: "The tenant token, in Planhat under App Center, Developer (in the original app: Settings, "
                    + "Developer), tokens; only activities and metrics need it.",
                example: "${PLANHAT_TENANT_UUID}"),
            SettingDeclaration(
                "base_url", .text,
                help: "Another address of the API, for a proxy or the sandbox; replaces `region`.",
                example: "http://127.0.0.1:8471"),
            SettingDeclaration(
                "analytics_url", .text, help: "Another address for activities and metrics.",
                example: "http://127.0.0.1:8471"),
            SettingDeclaration(
                "requests_per_minute", .integer(1...requestsPerMinuteMax), defaultValue: "200",
                help: "Planhat's soft quota; shared by every sync of this destination.", example: "200"),
            SettingDeclaration(
                "timeout_seconds", .integer(1...3_600), defaultValue: "180",
                help: "How long one request may take; 5,000 rows take Planhat a while.", example: "180"),
        ])

    /// Throws `api_key_missing`, `api_key_malformed`, `region_not_understood` or `address_not_understood`.
    package init(_ settings: ConnectorSettings) throws(ConnectorError) {
        let key = try PlanhatKey(settings.secret("api_key"))
        apiKey = key.secret
        warnings = key.warnings
        let tenant = settings.secret("tenant_uuid")?.reveal().trimmed() ?? ""
        tenantUUID = tenant.isEmpty ? nil : Secret(tenant)
        address = try Self.mainAddress(settings)
        analyticsAddress = try Self.analyticsAddress(settings)
        timeout = .seconds(settings.integer("timeout_seconds") ?? 180)
    }

    /// What identifies the account that an object is written to, however the settings write it: the address of the host
    /// that takes the object. Needs no key.
    static func account(_ settings: ConnectorSettings, _ object: DestinationObject) throws(ConnectorError) -> String {
        let isSent = AnalyticsEndpoint(object) != nil
        return canonical(try isSent ? analyticsAddress(settings) : mainAddress(settings))
    }

    /// Planhat counts by the host and the key, whichever way they are written.
    static func rateLimitKey(_ settings: ConnectorSettings) throws(ConnectorError) -> Secret {
        let key = try PlanhatKey(settings.secret("api_key")).secret
        return Secret(canonical(try mainAddress(settings)) + "\n" + key.reveal())
    }

    private static func mainAddress(_ settings: ConnectorSettings) throws(ConnectorError) -> String {
        let own = settings.text("base_url")?.trimmed() ?? ""
        if own.isEmpty { return try PlanhatRegion.address(settings.text("region")) }
        return try address(own, setting: "base_url")
    }

    private static func analyticsAddress(_ settings: ConnectorSettings) throws(ConnectorError) -> String {
        let own = settings.text("analytics_url")?.trimmed() ?? ""
        return own.isEmpty ? "https://analytics.planhat.com" : try address(own, setting: "analytics_url")
    }

    /// An address as `address` returns it, with the host in small letters and without the port that its scheme has anyway.
    private static func canonical(_ address: String) -> String {
        let parts = address.split(separator: "://", maxSplits: 1)
        guard parts.count == 2 else { return address }
        var host = parts[1].prefix { $0 != "/" }.lowercased()
        let path = parts[1].drop { $0 != "/" }
        let usual = parts[0] == "https" ? ":443" : ":80"
        if host.hasSuffix(usual) { host.removeLast(usual.count) }
        return parts[0] + "://" + host + path
    }

    /// An http or https address without credentials, query and trailing slash.
    private static func address(_ text: String, setting: String) throws(ConnectorError) -> String {
        var address = text.trimmed()
        while address.hasSuffix("/") { address.removeLast() }
        let scheme = ["https://", "http://"].first { address.lowercased().hasPrefix($0) }
        let rest = address.dropFirst(scheme?.count ?? 0)
        let host = rest.prefix { $0 != "/" }
        let allowed = rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard let scheme, !host.isEmpty, host.first != ":", !host.contains("%"), allowed,
            !rest.contains(where: { "?#@\\\"<>".contains($0) })
        else {
            throw ConnectorError(
                code: "address_not_understood",
                message: "`\(setting)` is not an address that can be used.",
                hint: "Write scheme, host and perhaps port and path, without user, password and query, such as "
                    + "`http://127.0.0.1:8471`.",
                disposition: .fixConfiguration, isKnownUnsent: true, setting: setting)
        }
        return scheme + rest
    }
}

/// An API key as pasted: what people copy along with it is taken off and told, never held against them.
struct PlanhatKey {
    var secret: Secret
    var warnings: [Reason] = []

    init(_ given: Secret?) throws(ConnectorError) {
        let pasted = given?.reveal() ?? ""
        let key = Self.bare(pasted)
        guard !key.isEmpty else {
            throw ConnectorError(
                code: "api_key_missing", message: "The Planhat API key is empty.",
                hint: "Make a service account in Planhat (Settings, Service Accounts), copy its token, which is shown "
                    + "once, and set `api_key` to it.",
                disposition: .fixConfiguration, isKnownUnsent: true, setting: "api_key")
        }
        guard key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ConnectorError(
                code: "api_key_malformed",
                message: "The Planhat API key has a space, a line end or a character in it that no key has.",
                hint: "Copy the key again, as one line and without what surrounds it.",
                disposition: .fixConfiguration, isKnownUnsent: true, setting: "api_key")
        }
        secret = Secret(key)
        if key != pasted {
            warnings.append(
                Reason(
                    code: "api_key_trimmed",
                    message: "The API key had spaces, line ends, quotes or \"Bearer\" around it; they were left out.",
                    hint: "Store the key alone."))
        }
        if key.utf8.count <= PlanhatSettings.apiKeyCharactersMin {
            warnings.append(
                Reason(
                    code: "api_key_short",
                    message: "The API key has \(key.utf8.count) character\(key.utf8.count == 1 ? "" : "s"); "
                        + "Planhat's have more than \(PlanhatSettings.apiKeyCharactersMin).",
                    hint: "If Planhat does not accept it, it was probably cut off when it was pasted: copy it again."))
        }
    }

    private static func bare(_ pasted: String) -> String {
        var key = pasted.trimmed()
        var before: String
        repeat {
            before = key
            for quote in ["\"", "'", "`"] where key.count >= 2 && key.hasPrefix(quote) && key.hasSuffix(quote) {
                key = key.dropFirst().dropLast().trimmed()
            }
            for prefix in ["authorization:", "bearer "] where key.lowercased().hasPrefix(prefix) {
                key = key.dropFirst(prefix.count).trimmed()
            }
        } while key != before
        return key.lowercased() == "bearer" ? "" : key
    }
}
