internal import Glibc

/// The errors of the state directory's files. Messages name paths, never what is inside a file.
extension StateError {
    /// The error of a system call; `action` completes "could not ...".
    static func system(_ number: Int32, _ action: String, _ path: String) -> StateError {
        let cause = unsafe String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT:
            return diskFull(path)
        case EFBIG:
            return StateError(
                code: "disk_full", message: "The file \(path) may not grow any more: \(cause).",
                hint: "Raise the limit of the size of files (ulimit -f, LimitFSIZE), then run again. What was settled "
                    + "stays settled.")
        case EROFS, EACCES, EPERM:
            return StateError(
                code: "state_unwritable", message: "Could not \(action) \(path): \(cause).",
                hint: "Give the user that runs sluice the right to read and write there, or choose another place "
                    + "with --state.")
        default:
            return StateError(
                code: "state_io", message: "Could not \(action) \(path): \(cause).",
                hint: "Look at the disk and its mount (dmesg, df), then run again; what was settled stays settled.")
        }
    }

    static func diskFull(_ path: String) -> StateError {
        StateError(
            code: "disk_full", message: "The disk that holds \(path) is full.",
            hint: "Free some space, shorten the retention, or move the state to a larger disk with --state; then run "
                + "again. What was settled stays settled.")
    }

    static func corrupt(_ path: String, _ detail: String) -> StateError {
        StateError(
            code: "state_corrupt", message: "The state file \(path) is damaged: \(detail).",
            hint: "Restore the state directory from a backup, or forget this sync's state with `sluice reset`.")
    }

    static func planCorrupt(_ path: String, _ detail: String) -> StateError {
        StateError(
            code: "plan_corrupt", message: "The plan \(path) is damaged: \(detail).",
            hint: "Run the sync again: it plans anew. If this repeats, look at the disk.")
    }

    static func newer(_ path: String, version: UInt32) -> StateError {
        StateError(
            code: "state_newer",
            message: "The state file \(path) was written by a newer sluice (format \(version)).",
            hint: "Use the version of sluice that wrote it, or a later one.")
    }

    package static func bothHaveState(_ old: String, _ new: String) -> StateError {
        StateError(
            code: "sync_state_exists",
            message: "Sync \(new) says `renamed_from: \(old)`, but both names have state, so it cannot be moved.",
            hint: "Take `renamed_from` out of \(new) to go on with its own; or, if nothing has arrived by it, forget "
                + "that with `sluice reset \(new)`, and the next run takes over what \(old) knows.")
    }

    static func busy(_ sync: String) -> StateError {
        StateError(
            code: "sync_already_running", message: "Another run of \(sync) is using its state.",
            hint: "Wait until it has ended, or cancel it with `sluice cancel`.")
    }

    static func tooManyRecords(_ path: String) -> StateError {
        StateError(
            code: "too_many_records", message: "\(path) cannot hold more than 2,147,483,647 fingerprints.",
            hint: "Split the dataset into several syncs.")
    }
}
