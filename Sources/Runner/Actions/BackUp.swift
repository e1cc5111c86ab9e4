package import StateStore

/// Copies the whole state into one file while the server and its runs go on.
package struct BackUp: Sendable {
    private let state: StateDirectory
    private let database: ControlDatabase
    private let time: RunTime

    package init(state: StateDirectory, database: ControlDatabase, time: RunTime) {
        self.state = state
        self.database = database
        self.time = time
    }

    /// Throws `backup_in_state`, `backup_busy`, `state_busy`, `disk_full`. A kill leaves an older backup of that name.
    package func backUp(to path: String, by actor: Actor) throws -> StateBackup.Report {
        let entry = AuditLog(database: database, time: time).entry(.backupMade, by: actor)
        return try StateBackup(state: state, database: database).write(to: path, at: time.now(), noting: entry)
    }
}

/// Puts a backup in the place of a state directory that nobody uses.
package struct RestoreState: Sendable {
    private let path: String
    private let time: RunTime
    private let before: @Sendable (String) throws -> Void

    /// - Parameter before: told of each step, for tests that stop it there.
    package init(path: String, time: RunTime, before: @escaping @Sendable (String) throws -> Void = { _ in }) {
        self.path = path
        self.time = time
        self.before = before
    }

    /// See `StateRestore`.
    package func restore(from backup: String, isForced: Bool, by actor: Actor) throws -> StateRestore.Report {
        let entry = AuditRecord(
            at: time.now(), who: AuditLog.plain(actor.name), address: AuditLog.plain(actor.address),
            action: AuditAction.stateRestored.rawValue)
        return try StateRestore(path: path, before: before).restore(from: backup, isForced: isForced, noting: entry)
    }
}
