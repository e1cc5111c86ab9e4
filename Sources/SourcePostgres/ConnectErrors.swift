internal import ConnectorKit

/// What a failed attempt to connect means for its user.
struct ConnectErrors {
    /// The step of a connection test at which an error belongs, in order.
    enum Stage: Int, CaseIterable { case address, answer, encryption, login, database, transaction }

    static func stage(of code: String) -> Stage {
        switch code {
        case "host_not_found": .address
        case "connection_refused", "connect_timeout", "connection_failed", "server_unavailable": .answer
        case "tls_failed", "tls_required": .encryption
        case "database_not_found": .database
        default: .login
        }
    }

    static func error(_ failure: ConnectionAttempt.Failure) -> ConnectorError {
        if let seconds = failure.waitedSeconds { return timeout(failure, seconds) }
        if let error = stated(failure) { return error }
        return failure.needsPassword ? passwordMissing(failure) : unstated(failure)
    }

    private static func make(
        _ code: String, _ message: String, _ hint: String, _ disposition: Disposition = .fixConfiguration
    ) -> ConnectorError {
        ConnectorError(code: code, message: message, hint: hint, disposition: disposition, isKnownUnsent: true)
    }

    private static func timeout(_ failure: ConnectionAttempt.Failure, _ seconds: Int) -> ConnectorError {
        make(
            "connect_timeout",
            "\(failure.address.server) did not answer within \(seconds) s.",
            "Check host and port, and that a firewall lets this machine through; connect_timeout_seconds waits longer.",
            .retry(after: nil))
    }

    /// What the server said itself, by its SQLSTATE.
    private static func stated(_ failure: ConnectionAttempt.Failure) -> ConnectorError? {
        let sentence = serverSentence(failure)
        switch failure.sqlState {
        case "28P01": return passwordRefused(failure)
        case "28000": return loginRefused(failure, sentence)
        case "3D000":
            return make(
                "database_not_found", "The server has no database \"\(failure.address.database)\".",
                "Correct the setting database; psql -l lists what is there.")
        case "42501":
            let grant =
                "grant connect on database \(SQLText.shown(failure.address.database)) "
                + "to \(SQLText.shown(failure.user))"
            return make(
                "permission_denied",
                "The role \(failure.user) may not connect to the database \(failure.address.database).",
                "Have the database's owner run: \(grant);")
        case "53300":
            return make(
                "too_many_connections", "The server has no free connection: \(sentence)",
                "Try again later, or raise max_connections or the role's connection limit.", .retry(after: nil))
        case "57P03", "57P01", "57P02":
            return make(
                "server_unavailable", "The server is not ready: \(sentence)", "Try again in a moment.",
                .retry(after: nil))
        case "": return nil
        default:
            return make(
                "connection_failed", "The server refused the connection: \(sentence) (SQLSTATE \(failure.sqlState))",
                "Read the server's log for the reason.")
        }
    }

    private static func passwordRefused(_ failure: ConnectionAttempt.Failure) -> ConnectorError {
        make(
            "authentication_failed", "The server refused the password of the role \(failure.user).",
            "Check user and password; where none is given they come from PGPASSWORD or .pgpass.")
    }

    private static func passwordMissing(_ failure: ConnectionAttempt.Failure) -> ConnectorError {
        make(
            "authentication_failed",
            "The server asks for a password of the role \(failure.user), and none was given.",
            "Set password, for example ${WAREHOUSE_PASSWORD}, or put it into PGPASSWORD or .pgpass.")
    }

    /// 28000 covers a role that does not exist and an address that pg_hba.conf does not let in.
    private static func loginRefused(_ failure: ConnectionAttempt.Failure, _ sentence: String) -> ConnectorError {
        if !failure.isEncrypted, sentence.contains("no encryption") || sentence.contains("SSL off") {
            return make(
                "tls_required", "The server does not take unencrypted connections from here: \(sentence)",
                "Set sslmode: require, or better verify-full; if it still refuses, pg_hba.conf has no line for us.")
        }
        return make(
            "authentication_failed", "The server refused the login: \(sentence)",
            "Check that the role exists, may log in, and that pg_hba.conf lets it in from this machine.")
    }

    /// What never reached a server that speaks: there is only libpq's text, English in the C locale.
    private static func unstated(_ failure: ConnectionAttempt.Failure) -> ConnectorError {
        let text = lastLine(failure.text)
        let lower = failure.text.lowercased()
        if lower.contains("could not translate host name") {
            return make(
                "host_not_found", "The host name \"\(failure.address.host)\" cannot be resolved.",
                "Check the spelling of host and that this machine's name service knows it.", .retry(after: nil))
        }
        if lower.contains("ssl") || lower.contains("certificate") || lower.contains("tls") {
            return wasCutOff(lower) ? cutOff(failure, text) : encryption(text, lower)
        }
        if lower.contains("connection refused") || lower.contains("no such file or directory") {
            return make(
                "connection_refused", "Nothing listens at \(failure.address.server).",
                "Check host and port, and that the server runs and listens on that address.", .retry(after: nil))
        }
        if lower.contains("timeout expired") || lower.contains("timed out") {
            return make(
                "connect_timeout", "\(failure.address.server) did not answer: \(text)",
                "Check host and port, and that a firewall lets this machine through.", .retry(after: nil))
        }
        if lower.contains("fe_sendauth") || lower.contains("authentication") || lower.contains("scram") {
            return make(
                "authentication_failed", "The login failed: \(text)",
                "Check user, password and the authentication method in pg_hba.conf.")
        }
        if lower.contains("definition of service") || lower.contains("service file") || lower.contains("invalid") {
            return make("invalid_setting", "The connection's settings do not fit: \(text)", "Correct the settings.")
        }
        return make(
            "connection_failed", "No connection to \(failure.address.server): \(text)",
            "Check that a PostgreSQL server answers there.", .retry(after: nil))
    }

    /// A server that goes away while the connection is being encrypted says nothing about its encryption.
    private static func wasCutOff(_ lower: String) -> Bool {
        let ends = [
            "unexpected eof", "ssl syscall error", "closed unexpectedly", "closed the connection",
            "could not send ssl negotiation", "connection reset",
        ]
        return !lower.contains("certificate") && ends.contains { lower.contains($0) }
    }

    private static func cutOff(_ failure: ConnectionAttempt.Failure, _ text: String) -> ConnectorError {
        make(
            "connection_failed",
            "\(failure.address.server) closed the connection while it was being encrypted: \(text)",
            "Try again in a moment; if it happens each time, look into the server's log and at its TLS settings.",
            .retry(after: nil))
    }

    private static func encryption(_ text: String, _ lower: String) -> ConnectorError {
        var hint = "Check the server's TLS settings and its log."
        if lower.contains("does not support ssl") {
            hint = "Switch TLS on at the server (ssl = on), or set sslmode: prefer on a network you trust."
        } else if lower.contains("root certificate file") {
            hint = "Set sslrootcert to a file with the certificate of the authority that vouches for the server."
        } else if lower.contains("does not match host name") {
            hint = "Set host to a name that the certificate is made out to, or use sslmode: verify-ca."
        } else if lower.contains("certificate verify failed") {
            hint = "Set sslrootcert to the authority that signed the server's certificate."
        }
        return make("tls_failed", "No encrypted connection: \(text)", hint)
    }

    /// The server's own sentence without severity, SQLSTATE and source line.
    private static func serverSentence(_ failure: ConnectionAttempt.Failure) -> String {
        let mark = failure.sqlState + ": "
        for line in failure.text.split(separator: "\n") {
            guard let at = line.firstRange(of: mark) else { continue }
            return String(line[at.upperBound...])
        }
        return lastLine(failure.text)
    }

    private static func lastLine(_ text: String) -> String {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("\t") && !$0.hasPrefix("LOCATION:") }
        return lines.last.map(String.init) ?? "no reason was given"
    }
}
