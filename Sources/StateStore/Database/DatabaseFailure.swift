internal import GRDB

/// Says in the owner's words what SQLite could not do. SQLite's own texts name tables and columns, never values.
enum DatabaseFailure {
    static func stateError(_ error: any Error, path: String) -> StateError {
        if let known = error as? StateError { return known }
        guard let failure = error as? DatabaseError else {
            return StateError(
                code: "state_database_failed", message: "The control database \(path) failed: \(error).",
                hint: reportHint)
        }
        let detail = failure.message.map { " (\($0))" } ?? ""
        switch failure.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: return busy(path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return corrupt(path, detail)
        case .SQLITE_FULL:
            return StateError(
                code: "disk_full", message: "There is no space left for the control database \(path).",
                hint: "Make room on that disk, then run again; what was stored before is safe.")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: return unwritable(path, detail)
        case .SQLITE_IOERR:
            return StateError(
                code: "state_io", message: "Reading or writing the control database \(path) failed\(detail).",
                hint: "Look at the disk and its file system (a network file system cannot hold the state).")
        default:
            return StateError(
                code: "state_database_failed", message: "The control database \(path) failed\(detail).",
                hint: reportHint)
        }
    }

    static func busy(_ path: String) -> StateError {
        StateError(
            code: "state_busy",
            message: "Another process kept the control database \(path) busy for too long.",
            hint: "Try again; if it stays so, see which process has the file open (lsof) and end it.")
    }

    static func corrupt(_ path: String, _ detail: String) -> StateError {
        StateError(
            code: "state_corrupt", message: "The control database \(path) is damaged\(detail).",
            hint: "Put back a copy of the state directory, or move the file away: the run history is lost "
                + "then, the next run of each sync that updates sends every row, and those that mirror, delete, create only or "
                + "send refuse until sluice reset.")
    }

    static func unwritable(_ path: String, _ detail: String) -> StateError {
        StateError(
            code: "state_unwritable", message: "The control database \(path) cannot be opened or written\(detail).",
            hint: "The user that runs sluice must own the state directory and may not be out of rights or space in it.")
    }

    static func newer(_ path: String, version: Int, known: Int) -> StateError {
        StateError(
            code: "state_newer",
            message: "The control database \(path) was written by a newer sluice "
                + "(version \(version) of the file, this program knows \(known)).",
            hint: "Run the newer program, or give another state directory with --state.")
    }

    static func foreign(_ path: String) -> StateError {
        StateError(
            code: "state_not_ours", message: "\(path) is an SQLite database, but not one of sluice.",
            hint: "Give another state directory with --state, or move that file away.")
    }

    static func unknownRun(_ run: Int64) -> StateError {
        StateError(
            code: "unknown_run", message: "There is no run \(run).", hint: "See `sluice runs` for the runs there are.")
    }

    private static let reportHint = "Please report this with the text above: it should not happen."
}
