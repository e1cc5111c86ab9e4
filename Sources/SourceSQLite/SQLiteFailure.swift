internal import CSQLite
package import ConnectorKit

/// One of SQLite's result codes as an error for the owner of the data.
/// The codes: https://www.sqlite.org/rescode.html.
package struct SQLiteFailure {
    /// An extended result code.
    package var code: Int32
    /// SQLite's own words; they quote the SQL, never a value of a row.
    package var message: String
    package var path: String
    /// Whether the file itself was being opened.
    package var isOpening: Bool

    package init(code: Int32, message: String, path: String, isOpening: Bool) {
        self.code = code
        self.message = message
        self.path = path
        self.isOpening = isOpening
    }

    /// An unfinished transaction of a program that crashed (SQLITE_READONLY_ROLLBACK).
    private static let readOnlyRollback: Int32 = 776

    package var error: SourceError {
        switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: return locked
        case SQLITE_NOTADB: return DatabaseFile.notADatabase(path)
        case SQLITE_CORRUPT, SQLITE_FORMAT: return corrupt
        case SQLITE_READONLY: return code == Self.readOnlyRollback ? needsRecovery : walUnavailable
        case SQLITE_CANTOPEN: return isOpening ? cannotOpen : walUnavailable
        case SQLITE_PERM, SQLITE_AUTH: return DatabaseFile.permission(path)
        case SQLITE_IOERR, SQLITE_NOLFS: return readFailed
        case SQLITE_NOMEM, SQLITE_FULL: return noRoom
        case SQLITE_INTERRUPT: return Self.interrupted(path)
        default: return sql
        }
    }

    private var locked: SourceError {
        SourceError(
            code: "source_locked", message: "\(path) stayed locked by another program.",
            hint: "Try again when that program has finished writing, raise busy_timeout_seconds, or put the database "
                + "into WAL mode (PRAGMA journal_mode=WAL), where readers and a writer do not wait for each other.",
            disposition: .retry(after: nil))
    }

    private var corrupt: SourceError {
        SourceError(
            code: "source_corrupt", message: "\(path) is damaged: \(message).",
            hint: "See what is left with sqlite3 FILE \"PRAGMA integrity_check\"; restore a copy, or recover with "
                + "sqlite3 FILE .recover.",
            disposition: .stop)
    }

    private var needsRecovery: SourceError {
        SourceError(
            code: "source_needs_recovery",
            message: "A program was stopped while it wrote to \(path); its change must be undone first.",
            hint: "Open the database once with a program that may write to it, for example: sqlite3 FILE .tables.",
            disposition: .fixConfiguration)
    }

    private var walUnavailable: SourceError {
        SourceError(
            code: "source_wal_unavailable",
            message: "\(path) is in WAL mode, and the files FILE-wal and FILE-shm beside it cannot be used or made.",
            hint: "Give the user that runs sluice the right to write in that directory, keep the program that writes "
                + "running, or read a copy made with VACUUM INTO.",
            disposition: .fixConfiguration)
    }

    private var cannotOpen: SourceError {
        SourceError(
            code: "source_read_failed", message: "\(path) cannot be opened: \(message).",
            hint: "See whether the path is too long, and whether this process has too many files open.",
            disposition: .retry(after: nil))
    }

    private var readFailed: SourceError {
        SourceError(
            code: "source_read_failed", message: "Reading \(path) failed: \(message).",
            hint: "See whether the disk or the network share is in order; databases on network shares are unreliable.",
            disposition: .retry(after: nil))
    }

    private var noRoom: SourceError {
        SourceError(
            code: "source_out_of_space", message: "There was not enough memory or temporary disk space: \(message).",
            hint: "Make room where TMPDIR points to, or sort and group less in the query.",
            disposition: .retry(after: nil))
    }

    static func interrupted(_ path: String) -> SourceError {
        SourceError(
            code: "source_interrupted", message: "The reading of \(path) was interrupted.", hint: "Run it again.",
            disposition: .retry(after: nil))
    }

    private var sql: SourceError {
        SourceError(
            code: "sql_error", message: "SQLite says: \(message).",
            hint: "Try the statement with: sqlite3 FILE. Values are in 'single' quotes, names in \"double\" quotes.",
            disposition: .fixConfiguration)
    }
}
