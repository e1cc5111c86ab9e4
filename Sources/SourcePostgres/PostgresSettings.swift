internal import ConnectorKit
internal import Foundation

/// The settings of one connection. What is nil is left to libpq, which looks at the service file, the `PG*`
/// environment and `.pgpass`, as psql does.
struct PostgresSettings: Sendable {
    static let connectTimeoutSecondsDefault = 10

    var name: String
    var parameters: [Parameter]
    var password: Secret?
    /// Zero waits for ever; nil is what the environment or the service file says, or the default.
    var connectTimeoutSeconds: Int?
    /// Zero leaves the server's own setting.
    var statementTimeoutSeconds: Int

    /// A connection parameter in libpq's own words.
    struct Parameter: Sendable, Hashable {
        var keyword: String
        var value: String
    }

    init(_ settings: ConnectorSettings) throws(ConnectorError) {
        name = settings.name
        var parameters: [Parameter] = []
        for (setting, keyword) in Self.keywords {
            guard let value = settings.text(setting), !value.isEmpty else { continue }
            guard !value.utf8.contains(0) else { throw Self.invalid(setting) }
            parameters.append(Parameter(keyword: keyword, value: value))
        }
        self.parameters = Self.pinned(parameters, settings.addresses)
        password = settings.secret("password").flatMap { $0.isEmpty ? nil : $0 }
        if let password, password.reveal().utf8.contains(0) { throw Self.invalid("password") }
        connectTimeoutSeconds = settings.integer("connect_timeout_seconds")
        statementTimeoutSeconds = settings.integer("statement_timeout_seconds") ?? 0
    }

    private static let keywords = [
        ("service", "service"), ("host", "host"), ("port", "port"), ("database", "dbname"), ("user", "user"),
        ("sslmode", "sslmode"), ("sslrootcert", "sslrootcert"), ("sslcert", "sslcert"), ("sslkey", "sslkey"),
    ]

    /// The same, with the addresses that the hosts were found to have.
    private static func pinned(_ parameters: [Parameter], _ addresses: [String: [String]]) -> [Parameter] {
        guard !addresses.isEmpty, let host = parameters.first(where: { $0.keyword == "host" }) else {
            return parameters
        }
        let hasPort = parameters.contains { $0.keyword == "port" }
        let mayFindPortList = PinnedHosts.mayFindPortList(
            hasService: parameters.contains { $0.keyword == "service" },
            environment: ProcessInfo.processInfo.environment)
        let pinned = PinnedHosts(host.value, addresses, hasPortList: !hasPort && mayFindPortList)
        return parameters.map { one in
            one.keyword == "host" ? Parameter(keyword: "host", value: pinned.hosts) : one
        } + [Parameter(keyword: "hostaddr", value: pinned.addresses)]
    }

    /// What is said before all parameters, and in the form in which a setting can be empty: a host that is configured is
    /// not to be replaced by the address of the environment (`PGHOSTADDR`). Given always, because libpq reads the first
    /// name of a database as such a text, which the setting must not be.
    var firstWords: String { "application_name=sluice" + (value("host") == nil ? "" : " hostaddr=''") }

    private static func invalid(_ setting: String) -> ConnectorError {
        ConnectorError(
            code: "invalid_setting", message: "The setting \(setting) contains a zero byte.",
            hint: "Correct \(setting) in the project file.", disposition: .fixConfiguration, isKnownUnsent: true,
            setting: setting)
    }

    func value(_ keyword: String) -> String? { parameters.first { $0.keyword == keyword }?.value }

    static let declaration = ConnectorDeclaration(
        type: "postgres", displayName: "PostgreSQL",
        settings: [
            SettingDeclaration(
                "host", .text, help: "Host name or address of the server, or the folder of its socket.",
                example: "db.example.com"),
            SettingDeclaration("port", .integer(1...65_535), help: "Port of the server.", example: "5432"),
            SettingDeclaration("database", .text, help: "The database to read.", example: "analytics"),
            SettingDeclaration(
                "user", .text, help: "The role to log in as; one that may only read.", example: "sluice"),
            SettingDeclaration("password", .secret, help: "Its password.", example: "${WAREHOUSE_PASSWORD}"),
            SettingDeclaration(
                "sslmode", .choice(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
                help: "Whether the connection is encrypted and the server's certificate checked.",
                example: "verify-full"),
            SettingDeclaration(
                "sslrootcert", .path, help: "Certificates of the authorities that may vouch for the server (PEM).",
                example: "certs/root.pem"),
            SettingDeclaration("sslcert", .path, help: "Client certificate (PEM).", example: "certs/sluice.pem"),
            SettingDeclaration("sslkey", .path, help: "Key of the client certificate.", example: "certs/sluice.key"),
            SettingDeclaration(
                "service", .text, help: "A section of the connection service file, read by libpq.",
                example: "warehouse"),
            SettingDeclaration(
                "connect_timeout_seconds", .integer(0...3_600),
                help: "Seconds to wait for a connection, 10 unless PGCONNECT_TIMEOUT says otherwise; 0 waits for ever.",
                example: "30"),
            SettingDeclaration(
                "statement_timeout_seconds", .integer(0...86_400), defaultValue: "0",
                help: "Seconds one scan may take; 0 leaves what the server sets for the role.", example: "600"),
        ])
}
