internal import GRDB

/// Puts a backup in the place of a state directory.
///
/// Every byte of the backup is proved, and all of it lies in the directory, synced, before anything that was there is
/// touched. A kill before that changes nothing; a kill after it leaves a mark, and the state is refused
/// (`restore_unfinished`) until the restore was run again.
package struct StateRestore: Sendable {
    private static let stagingName = "restore.new"

    package struct Report: Sendable, Hashable {
        package var generation: Int64
        package var madeAt: Moment
        package var files: Int
        /// Whether it holds secrets, which open only with the key they were sealed with.
        package var hasSecrets: Bool
    }

    private let path: String
    /// Told before each step that changes the directory; a test stops the restore there.
    private let before: @Sendable (String) throws -> Void

    package init(path: String, before: @escaping @Sendable (String) throws -> Void = { _ in }) {
        self.path = path
        self.before = before
    }

    /// Throws `backup_missing`, `backup_damaged`, `backup_newer`, `state_newer`, `state_in_use` while any process has the
    /// state open, and `state_not_empty` where there is a state and `isForced` is false. Sessions end, and the link for a
    /// first admin: what was revoked since the backup may not come back.
    package func restore(from backup: String, isForced: Bool, noting entry: AuditRecord) throws -> Report {
        let reader = try BackupReader(backup)
        try reader.read { _ in nil }
        let state = try StateDirectory(path: path)
        let alone = try UseLock.alone(state.databasePath)
        defer { withExtendedLifetime(alone) {} }
        let mark = RestoreMark(database: state.databasePath)
        if !isForced && !mark.isThere { try requireEmpty(state) }
        let staging = state.path + "/" + Self.stagingName
        try FrozenState.remove(staging)
        try stage(reader, in: staging)
        let (files, hasSecrets) = try prove(reader, staging, noting: entry)
        try before("mark")
        try mark.set()
        try clear(state)
        try move(staging, to: state)
        try before("done")
        try mark.clear()
        try FrozenState.remove(staging)
        return Report(
            generation: reader.generation, madeAt: reader.madeAt, files: files, hasSecrets: hasSecrets)
    }

    private func requireEmpty(_ state: StateDirectory) throws {
        let syncs = try StateFolder.names(state.path + "/syncs")
        let hasState = try syncs.contains { name in
            try StateFolder.names(state.path + "/syncs/" + name).contains { $0 != SyncFiles.lockName }
        }
        let names = try StateFolder.names(state.path)
        let hasPlans = try !state.plannedRuns().isEmpty
        guard hasState || hasPlans || names.contains("sluice.db") else { return }
        throw StateError(
            code: "state_not_empty", message: "There is a state in \(state.path) already.",
            hint: "Restore into an empty directory (--state), or with --force, which removes what is there.")
    }

    private func stage(_ reader: BackupReader, in staging: String) throws {
        try StateFolder.create(staging)
        try reader.read { name in
            let target = staging + "/" + name
            try StateFolder.create(StateFolder.parent(target))
            return try StateFile.open(target, .create)
        }
    }

    /// Opens the database that was staged, which refuses one of a newer program, and brings it up to date.
    private func prove(
        _ reader: BackupReader, _ staging: String, noting entry: AuditRecord
    ) throws -> (files: Int, hasSecrets: Bool) {
        let database = try ControlDatabase.open(path: staging + "/" + BackupFile.databaseName)
        guard try database.mark(StateBackup.mark) == String(reader.generation) else {
            throw BackupFile.damaged(reader.path, "its database is of another generation")
        }
        try database.write { database in
            guard try String.fetchOne(database, sql: "PRAGMA quick_check") == "ok" else {
                throw BackupFile.damaged(reader.path, "its database is damaged")
            }
            try database.execute(sql: "DELETE FROM sessions")
            try database.execute(sql: "DELETE FROM login_attempts")
            try MarkTable.set(database, "first_link", nil)
            try AuditTable.insert(database, entry)
        }
        let hasSecrets = try SecretStore(database).count() > 0
        // The file alone is moved to its place.
        try database.takeIn()
        try database.close()
        return (try reader.read { _ in nil }, hasSecrets)
    }

    private func clear(_ state: StateDirectory) throws {
        for name in ["sluice.db", "sluice.db-wal", "sluice.db-shm"] {
            try before("remove \(name)")
            try StateFolder.remove(state.path + "/" + name)
        }
        for folder in ["syncs", "plans"] {
            try before("remove \(folder)")
            try FrozenState.remove(state.path + "/" + folder)
            try StateFolder.create(state.path + "/" + folder)
        }
    }

    /// The database goes last: without it nothing else counts.
    private func move(_ staging: String, to state: StateDirectory) throws {
        for folder in ["syncs", "plans"] {
            for name in try StateFolder.names(staging + "/" + folder).sorted() {
                try before("move \(folder)/\(name)")
                try StateFolder.rename("\(staging)/\(folder)/\(name)", to: "\(state.path)/\(folder)/\(name)")
            }
            try StateFolder.synchronize(state.path + "/" + folder)
        }
        try before("move database")
        try StateFolder.rename(staging + "/" + BackupFile.databaseName, to: state.databasePath)
        try StateFolder.synchronize(state.path)
    }
}
