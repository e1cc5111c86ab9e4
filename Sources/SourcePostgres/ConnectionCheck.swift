internal import ConnectorKit
internal import Records

/// The connection test: one attempt to connect, told as the steps that people know.
struct ConnectionCheck {
    /// Major versions that this source is written for.
    static let versions = 12...17

    let settings: PostgresSettings
    let told: CheckProgress

    /// Throws only what `stop` throws.
    func run(stop: @escaping () throws -> Void) throws -> ConnectionReport {
        var first = ConnectionReport(address: "")
        first.begin(Self.name(.address), told)
        do {
            let attempt = ConnectionAttempt(settings: settings, stop: stop) { stage, look in
                var report = Self.report(before: stage, look)
                report.begin(Self.name(stage), told)
            }
            let connection = try attempt.open()
            defer { connection.close() }
            return try connected(connection)
        } catch let failure as ConnectionAttempt.Failure {
            let error = ConnectErrors.error(failure)
            let stage = ConnectErrors.stage(of: error.code)
            var report = Self.report(before: stage, failure)
            report.end(Step(step: Self.name(stage), isOK: false, message: error.message, hint: error.hint))
            return report
        }
    }

    private typealias Step = ConnectionReport.Step
    private typealias Stage = ConnectErrors.Stage

    private static func name(_ stage: Stage) -> String {
        switch stage {
        case .address: "address resolves"
        case .answer: "server answers"
        case .encryption: "encryption"
        case .login: "login accepted"
        case .database: "database opens"
        case .transaction: "read-only transaction"
        }
    }

    /// The steps that an attempt had behind it when it came to a stage.
    private static func report(before stage: Stage, _ look: ConnectionAttempt.Failure) -> ConnectionReport {
        var report = ConnectionReport(address: look.address.description)
        for earlier in Stage.allCases where earlier.rawValue < stage.rawValue {
            report.end(
                passed(earlier, look.address, look.hostAddress, look.user, look.isEncrypted ? "encrypted" : nil))
        }
        return report
    }

    /// - Parameter encryption: nil where there is none.
    private static func passed(
        _ stage: Stage, _ address: ConnectionAddress, _ hostAddress: String, _ user: String, _ encryption: String?
    ) -> Step {
        let isLocalSocket = address.host.isEmpty || address.host.hasPrefix("/") || address.host.hasPrefix("@")
        let message =
            switch stage {
            case .address: isLocalSocket ? "local socket" : hostAddress.isEmpty ? address.host : hostAddress
            case .answer: address.server
            case .login: "as \(user)"
            case .encryption where encryption != nil: encryption ?? ""
            case .encryption where isLocalSocket || isLoopback(hostAddress):
                "not needed: the connection does not leave this machine"
            case .encryption: "not encrypted"
            case .database, .transaction: address.database
            }
        let isOpen = stage == .encryption && encryption == nil && !isLocalSocket && !isLoopback(hostAddress)
        let warnings = isOpen ? [notEncrypted(address.host)] : []
        return Step(step: name(stage), isOK: true, message: message, warnings: warnings)
    }

    private func connected(_ connection: PostgresConnection) throws -> ConnectionReport {
        var report = ConnectionReport(address: connection.address.description)
        let encryption =
            connection.isEncrypted
            ? "\(connection.tlsAttribute("protocol")), \(connection.tlsAttribute("cipher"))" : nil
        for stage in Stage.allCases where stage != .transaction {
            var step = Self.passed(
                stage, connection.address, connection.hostAddress, connection.user, encryption)
            if stage == .database { step.message += ", PostgreSQL \(connection.parameter("server_version"))" }
            step.warnings += warnings(stage, connection)
            report.end(step)
        }
        report.begin(Self.name(.transaction), told)
        report.end(try transaction(connection))
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

    private static func notEncrypted(_ host: String) -> Reason {
        Reason(
            code: "connection_not_encrypted", message: "The connection to \(host) is not encrypted.",
            hint: "Set sslmode: verify-full (or require).")
    }

    private func warnings(_ stage: Stage, _ connection: PostgresConnection) -> [Reason] {
        var warnings: [Reason] = []
        if stage == .login, connection.parameter("is_superuser") == "on" {
            warnings.append(
                Reason(
                    code: "superuser_credentials", message: "The role \(connection.user) is a superuser.",
                    hint: "Use a role that may only read: create role sluice login password '...'; "
                        + "grant usage on schema and select on tables to it."))
        }
        if stage == .database, !Self.versions.contains(connection.serverVersion / 10_000) {
            warnings.append(
                Reason(
                    code: "server_version_untested",
                    message: "The server is version \(connection.parameter("server_version")); "
                        + "\(Self.versions.lowerBound) to \(Self.versions.upperBound) are supported.",
                    hint: "It may well work; compare a preview with what psql shows."))
        }
        if stage == .database, connection.parameter("server_encoding") == "SQL_ASCII" {
            warnings.append(
                Reason(
                    code: "database_encoding_unknown",
                    message: "The database's encoding is SQL_ASCII: it knows no characters.",
                    hint: "Rows whose text is not UTF-8 will be told as unreadable."))
        }
        return warnings
    }

    private static func isLoopback(_ address: String) -> Bool { address.hasPrefix("127.") || address == "::1" }
}
