internal import GRDB
internal import Glibc

/// Puts a backup in the place of a state directory, or asks the server that holds it to.
///
/// Every byte of the backup is proved, and all of it lies in the directory, synced, before anything that was there is
/// touched. A kill before that changes nothing; a kill after it leaves a mark, and the state is refused
/// (`restore_unfinished`) until the restore was finished by the next start of a server, or was run again.
package struct StateRestore: Sendable {
    package struct Report: Sendable, Hashable {
        package var generation: Int64
        package var madeAt: Moment
        package var files: Int
        /// Whether it holds secrets, which open only with the key they were sealed with.
        package var hasSecrets: Bool

        package init(_ ticket: RestoreTicket) {
            generation = ticket.generation
            madeAt = ticket.madeAt
            files = ticket.files
            hasSecrets = ticket.hasSecrets
        }
    }

    package enum Beginning: Sendable {
        case restored(Report)
        /// A server holds the state, and was asked.
        case asked(AskedRestore)
    }

    private let path: String
    /// Told before each step that changes the directory; a test stops the restore there.
    private let before: @Sendable (String) throws -> Void

    package init(path: String, before: @escaping @Sendable (String) throws -> Void = { _ in }) {
        self.path = path
        self.before = before
    }

    /// Throws `backup_missing`, `backup_damaged`, `backup_newer`, `state_newer`, `state_in_use` while a process that is no
    /// server has the state open, or another restore goes on, `state_not_empty` where there is a state and `isForced` is
    /// false, and `state_unwritable` where a server of another user has the state. Cancelled before it begins, it changes
    /// nothing. Sessions end, and the link for a first admin: what was revoked since the backup may not come back.
    package func begin(from backup: String, isForced: Bool, noting entry: AuditRecord) throws -> Beginning {
        let reader = try BackupReader(backup)
        try reader.read { _ in
            try Task.checkCancellation()
            return nil
        }
        let state = try StateDirectory(path: path)
        // What is refused leaves nothing there that the owner of the state could not remove.
        if !isForced && !RestoreMark(state).isThere { try requireEmpty(state) }
        if try state.isServed() { try requireSameUser(state) }
        let handover = RestoreHandover(state, before: before)
        guard let turn = try state.lockRestore() else { throw Self.busy(state) }
        if let alone = try UseLock.aloneIfFree(state.databasePath) {
            defer { withExtendedLifetime((alone, turn)) {} }
            if !isForced && !RestoreMark(state).isThere { try requireEmpty(state) }
            return .restored(Report(try replace(reader, handover, noting: entry)))
        }
        guard try state.isServed() else { throw UseLock.busy(state.databasePath) }
        if !isForced { try requireEmpty(state) }
        try requireSameUser(state)
        let ticket = try stage(reader, handover, noting: entry)
        return .asked(try AskedRestore(ticket, handover, turn: turn))
    }

    private static func busy(_ state: StateDirectory) -> StateError {
        StateError(
            code: "state_in_use", message: "Another sluice restore works on the state in \(state.path).",
            hint: "Wait until it has ended, then try again.")
    }

    /// For whoever has the state alone.
    private func replace(
        _ reader: BackupReader, _ handover: RestoreHandover, noting entry: AuditRecord
    ) throws -> RestoreTicket {
        let ticket = try stage(reader, handover, noting: entry)
        let mark = RestoreMark(handover.state)
        try before("mark")
        try mark.set(ticket)
        try RestoreSwap(state: handover.state, ticket: ticket, before: before).run()
        try before("done")
        try mark.clear()
        try handover.tidy()
        return ticket
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

    /// The server would meet files that it may not read.
    private func requireSameUser(_ state: StateDirectory) throws {
        var status = stat()
        guard unsafe stat(state.databasePath, &status) == 0 else {
            // Another restore is putting it there at this moment.
            if errno == ENOENT { return }
            throw StateError.system(errno, "look at", state.databasePath)
        }
        guard status.st_uid != geteuid() else { return }
        throw StateError(
            code: "state_unwritable",
            message: "The state in \(state.path) belongs to another user, whose server could not use what this one "
                + "puts there.", hint: "Restore as the user that runs sluice serve.")
    }

    /// Lays all of the backup down, on the disk when it returns. What an earlier restore has begun stays until this one
    /// takes its place.
    private func stage(
        _ reader: BackupReader, _ handover: RestoreHandover, noting entry: AuditRecord
    ) throws -> RestoreTicket {
        try handover.tidy()
        var ticket = RestoreTicket(
            id: RestoreTicket.newID(), generation: reader.generation, madeAt: reader.madeAt, files: 0,
            hasSecrets: false, roles: [], schema: 0)
        let staging = ticket.folder(handover.state)
        do {
            for folder in ["", "/syncs", "/plans"] { try StateFolder.create(staging + folder) }
            ticket.files = try reader.read { name in
                try Task.checkCancellation()
                let target = staging + "/" + name
                try StateFolder.create(StateFolder.parent(target))
                return try StateFile.open(target, .create)
            }
            try prove(reader, staging, noting: entry, &ticket)
            try synchronize(staging)
            try Task.checkCancellation()
        } catch {
            // It may have filled a disk that a server writes to.
            try FrozenState.remove(staging)
            throw error
        }
        return ticket
    }

    /// Opens the database that was staged, which refuses one of a newer program, and brings it up to date.
    private func prove(
        _ reader: BackupReader, _ staging: String, noting entry: AuditRecord, _ ticket: inout RestoreTicket
    ) throws {
        let path = staging + "/" + BackupFile.databaseName
        let database = try ControlDatabase.open(path: path)
        guard try database.mark(StateBackup.mark) == String(reader.generation) else {
            throw BackupFile.damaged(reader.path, "its database is of another generation")
        }
        ticket.roles = try database.write { database in
            guard try String.fetchOne(database, sql: "PRAGMA quick_check") == "ok" else {
                throw BackupFile.damaged(reader.path, "its database is damaged")
            }
            try database.execute(sql: "DELETE FROM sessions")
            try database.execute(sql: "DELETE FROM login_attempts")
            try MarkTable.set(database, "first_link", nil)
            try AuditTable.insert(database, entry)
            return try String.fetchAll(database, sql: "SELECT DISTINCT role FROM people ORDER BY role")
        }
        ticket.hasSecrets = try SecretStore(database).count() > 0
        ticket.schema = ControlMigration.all.count
        // The file alone is moved to its place.
        try database.takeIn()
        try database.close()
    }

    /// The names in a folder and in those below.
    private func synchronize(_ folder: String) throws {
        for name in try StateFolder.names(folder) where StateFolder.isFolder(folder + "/" + name) {
            try synchronize(folder + "/" + name)
        }
        try StateFolder.synchronize(folder)
    }
}
