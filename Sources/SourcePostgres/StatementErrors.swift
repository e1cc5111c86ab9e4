internal import ConnectorKit

/// What a failed statement means for its user, by SQLSTATE
/// (https://www.postgresql.org/docs/15/errcodes-appendix.html).
struct StatementErrors {
    /// The user's own statement, where the failure is in one: positions count in it.
    var sql: String?
    var statementTimeoutSeconds: Int

    func error(_ failure: ServerFailure) -> ConnectorError {
        if failure.isConnectionLost || failure.sqlState.isEmpty { return connectionLost(failure) }
        switch failure.sqlState {
        case "57P01", "57P02", "57P03", "57P05", "25P03", "25P04": return connectionLost(failure)
        case "57014": return canceled(failure)
        case "55P03", "40P01":
            return make("lock_timeout", failure, "Another session holds a lock: try again later.", .retry(after: nil))
        case "40001":
            return make(
                "snapshot_conflict", failure,
                "On a standby server, raise max_standby_streaming_delay or read from the primary; or try again.",
                .retry(after: nil))
        case "53300":
            return make("too_many_connections", failure, "Try again later.", .retry(after: nil))
        case "42P01", "3F000":
            return make("table_not_found", failure, "`sluice tables` lists what this role can read.")
        case "42703": return make("column_not_found", failure, notEmpty(failure.hint, "Check the column's name."))
        case "42501": return make("permission_denied", failure, "Grant the role what is missing.")
        case "25006": return Self.notReadOnly(failure.message)
        case "0A000" where failure.message.contains("data-modifying"): return Self.notReadOnly(failure.message)
        case let state where state.hasPrefix("08"): return connectionLost(failure)
        case let state where state.hasPrefix("53") || state.hasPrefix("58"):
            return make(
                "server_resources", failure, "The server ran out of something: read its log.", .retry(after: nil))
        default: return make("sql_error", failure, notEmpty(failure.hint, "Try the statement in psql as this role."))
        }
    }

    static func notReadOnly(_ message: String) -> ConnectorError {
        ConnectorError(
            code: "query_not_read_only",
            message: "The query would change data, and a source is only ever read: \(message).",
            hint: "Write a SELECT (or WITH ... SELECT, VALUES, TABLE) that changes nothing.",
            disposition: .fixConfiguration)
    }

    private func connectionLost(_ failure: ServerFailure) -> ConnectorError {
        let said = failure.message.split(separator: "\n").first.map(String.init) ?? "no reason was given"
        return ConnectorError(
            code: "connection_lost", message: "The connection to the server broke: \(said)",
            hint: "Nothing was planned from this scan. Run again; if it happens often, read the server's log.",
            disposition: .retry(after: nil))
    }

    private func canceled(_ failure: ServerFailure) -> ConnectorError {
        // The server has one SQLSTATE for its own timeout and for an administrator's pg_cancel_backend.
        if statementTimeoutSeconds > 0 || failure.message.contains("timeout") {
            let limit = statementTimeoutSeconds > 0 ? " of \(statementTimeoutSeconds) s" : ""
            return ConnectorError(
                code: "statement_timeout", message: "The query took longer than its time limit\(limit).",
                hint: "Raise statement_timeout_seconds (or the role's statement_timeout), or make the query cheaper.",
                disposition: .fixConfiguration)
        }
        return make("query_cancelled", failure, "Somebody cancelled it at the server: run again.", .retry(after: nil))
    }

    private func make(
        _ code: String, _ failure: ServerFailure, _ hint: String, _ disposition: Disposition = .fixConfiguration
    ) -> ConnectorError {
        var message = Self.withoutData(failure)
        if let place = place(failure) { message += " at \(place)" }
        message += " [SQLSTATE \(failure.sqlState)]"
        return ConnectorError(code: code, message: message, hint: hint, disposition: disposition)
    }

    /// What the server says of bad data (class 22) quotes the data: `invalid input syntax for type integer: "..."`.
    static func withoutData(_ failure: ServerFailure) -> String {
        guard failure.sqlState.hasPrefix("22") || failure.sqlState.hasPrefix("23") else {
            return failure.detail.isEmpty ? failure.message : "\(failure.message) (\(failure.detail))"
        }
        return failure.message.firstRange(of: "\"").map { start in
            failure.message[..<start.lowerBound] + "(the value is not shown)"
        } ?? failure.message
    }

    private func place(_ failure: ServerFailure) -> String? {
        guard let sql, let position = failure.position, position > 0 else { return nil }
        let (line, column) = SQLText.lineAndColumn(of: position, in: sql)
        return "line \(line), column \(column) of the query"
    }

    private func notEmpty(_ text: String, _ other: String) -> String { text.isEmpty ? other : text }
}
