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

    /// Throws `backup_file_unwritable`, `backup_in_state`, `backup_busy`, `state_busy`, `disk_full`. A kill leaves an older
    /// backup of that name.
    package func backUp(to path: String, by actor: Actor) throws -> StateBackup.Report {
        let entry = AuditLog(database: database, time: time).entry(.backupMade, by: actor)
        return try StateBackup(state: state, database: database).write(to: path, at: time.now(), noting: entry)
    }
}
