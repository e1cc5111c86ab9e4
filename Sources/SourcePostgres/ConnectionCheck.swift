internal import ConnectorKit
internal import Records

/// The connection test: one attempt to connect, told as the steps that people know.
struct ConnectionCheck {
    /// Major versions that this source is written for.
    static let versions = 12...17

    let settings: PostgresSettings

    /// Throws only what `stop` throws.
    func run(stop: @escaping () throws -> Void) throws -> ConnectionReport {
        do {
            let connection = try ConnectionAttempt(settings: settings, stop: stop).open()
            defer { connection.close() }
            return try connected(connection, stop: stop)
        } catch let failure as ConnectionAttempt.Failure {
            return refused(failure)
        }
    }

    private typealias Step = ConnectionReport.Step

    private static func name(_ stage: ConnectErrors.Stage) -> String {
        switch stage {
        case .address: "address resolves"
        case .answer: "server answers"
        case .encryption: "encryption"
        case .login: "login accepted"
        case .database: "database opens"
        case .transaction: "read-only transaction"
        }
    }

    private func refused(_ failure: ConnectionAttempt.Failure) -> ConnectionReport {
        let error = ConnectErrors.error(failure, settings: settings)
        let stage = ConnectErrors.stage(of: error.code)
        var report = ConnectionReport(address: failure.address.description)
        for earlier in ConnectErrors.Stage.allCases where earlier.rawValue < stage.rawValue {
            let message =
                switch earlier {
                case .address: failure.address.host.isEmpty ? "local socket" : failure.address.host
                case .answer: failure.address.server
                case .encryption: failure.isEncrypted ? "encrypted" : "not encrypted"
                default: failure.user
                }
            report.steps.append(Step(step: Self.name(earlier), isOK: true, message: message))
        }
        report.steps.append(Step(step: Self.name(stage), isOK: false, message: error.message, hint: error.hint))
        return report
    }

    private func connected(
        _ connection: PostgresConnection, stop: () throws -> Void
    ) throws -> ConnectionReport {
        let address = connection.address
        let numeric = connection.hostAddress
        var report = ConnectionReport(address: address.description)
        let add = { (stage: ConnectErrors.Stage, message: String) in
            Step(step: Self.name(stage), isOK: true, message: message)
        }
        let encryption =
            connection.isEncrypted
            ? "\(connection.tlsAttribute("protocol")), \(connection.tlsAttribute("cipher"))" : "not encrypted"
        report.steps = [
            add(.address, connection.usesSocketFile ? "local socket" : numeric.isEmpty ? address.host : numeric),
            add(.answer, address.server), add(.encryption, encryption), add(.login, "as \(connection.user)"),
            add(.database, "\(connection.database), PostgreSQL \(connection.parameter("server_version"))"),
        ]
        report.steps.append(try transaction(connection))
        report.warnings = warnings(connection)
        return report
    }

    private func transaction(_ connection: PostgresConnection) throws -> Step {
        let session = PostgresSession(settings: settings, connection: connection)
        do {
            try session.begin()
            let isReadOnly = try connection.query("show transaction_read_only").first?.first == "on"
            return Step(
                step: Self.name(.transaction), isOK: isReadOnly,
                message: isReadOnly ? "repeatable read, read only" : "The server would not promise to change nothing.",
                hint: isReadOnly ? "" : "Check that it is PostgreSQL and no proxy rewrites statements.")
        } catch let failure as ServerFailure {
            let error = session.errors(sql: nil).error(failure)
            return Step(step: Self.name(.transaction), isOK: false, message: error.message, hint: error.hint)
        }
    }

    private func warnings(_ connection: PostgresConnection) -> [Reason] {
        var warnings: [Reason] = []
        if connection.parameter("is_superuser") == "on" {
            warnings.append(
                Reason(
                    code: "superuser_credentials", message: "The role \(connection.user) is a superuser.",
                    hint: "Use a role that may only read: create role sluice login password '...'; "
                        + "grant usage on schema and select on tables to it."))
        }
        if !connection.isEncrypted, !connection.usesSocketFile, !isLoopback(connection.hostAddress) {
            warnings.append(
                Reason(
                    code: "connection_not_encrypted", message: "The connection to \(connection.host) is not encrypted.",
                    hint: "Set sslmode: verify-full (or require)."))
        }
        if !Self.versions.contains(connection.serverVersion / 10_000) {
            warnings.append(
                Reason(
                    code: "server_version_untested",
                    message: "The server is version \(connection.parameter("server_version")); "
                        + "\(Self.versions.lowerBound) to \(Self.versions.upperBound) are supported.",
                    hint: "It may well work; compare a preview with what psql shows."))
        }
        if connection.parameter("server_encoding") == "SQL_ASCII" {
            warnings.append(
                Reason(
                    code: "database_encoding_unknown",
                    message: "The database's encoding is SQL_ASCII: it knows no characters.",
                    hint: "Rows whose text is not UTF-8 will be told as unreadable."))
        }
        return warnings
    }

    private func isLoopback(_ address: String) -> Bool { address.hasPrefix("127.") || address == "::1" }
}
