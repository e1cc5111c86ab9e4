internal import Glibc

/// Moves what a ticket stages to the place of the state, whose mark is set.
///
/// What was moved is not in the staging folder any more. So whoever comes after a kill, wherever it was, goes on with what
/// is still there, and needs neither a journal nor the backup.
struct RestoreSwap {
    let state: StateDirectory
    let ticket: RestoreTicket
    /// Told before each step that changes the directory; a test stops it there.
    let before: @Sendable (String) throws -> Void

    /// Throws `restore_unfinished` where nothing can be gone on with.
    func run() throws {
        let staging = ticket.folder(state)
        for name in ["syncs", "plans"] where StateFolder.isFolder("\(staging)/\(name)") {
            try before("remove \(name)")
            try FrozenState.remove("\(state.path)/\(name)")
            try before("move \(name)")
            try StateFolder.rename("\(staging)/\(name)", to: "\(state.path)/\(name)")
        }
        try StateFolder.synchronize(state.path)
        // The database goes last: without it nothing else counts.
        if Self.isThere("\(staging)/\(BackupFile.databaseName)") {
            for path in [state.databasePath + "-wal", state.databasePath + "-shm", state.databasePath] {
                try before("remove \(path.dropFirst(state.path.count + 1))")
                try StateFolder.remove(path)
            }
            try before("move database")
            try StateFolder.rename("\(staging)/\(BackupFile.databaseName)", to: state.databasePath)
        }
        try StateFolder.synchronize(state.path)
        guard Self.isThere(state.databasePath) else { throw RestoreMark.unfinished }
    }

    private static func isThere(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0
    }
}
