internal import GRDB
internal import Glibc

/// A copy of a whole state directory in one file, taken while runs go on.
///
/// It is the state of one moment: as if the machine had lost its power then. The database is read in one transaction;
/// the files of every sync get second names before anything else is copied, and if one was replaced between the two the
/// moment is chosen anew. Its generation number is in the file and in the database within.
package struct StateBackup: Sendable {
    static let mark = "backup_generation"
    private static let triesMax = 200
    private static let pauseMicroseconds: UInt32 = 20_000

    package struct Report: Sendable, Hashable {
        package var generation: Int64
        package var files: Int
        package var bytes: Int
        package var madeAt: Moment
    }

    private let state: StateDirectory
    private let database: ControlDatabase

    package init(state: StateDirectory, database: ControlDatabase) {
        self.state = state
        self.database = database
    }

    /// Writes the backup aside, mode 0600, and then gives it its name; an old backup of that name is replaced, a kill
    /// leaves it. Throws `backup_file_unwritable` where something else is there, `backup_in_state` for a path in the state
    /// directory, `backup_busy` where syncs close without a pause, `state_busy` while another backup is made.
    package func write(to named: String, at moment: Moment, noting entry: AuditRecord) throws -> Report {
        let path = try Self.place(named)
        let folder = StateFolder.parent(path)
        let (within, own) = (StateFolder.real(folder) ?? folder, StateFolder.real(state.path) ?? state.path)
        guard within != own, !within.hasPrefix(own + "/") else {
            throw StateError(
                code: "backup_in_state", message: "\(path) lies in the state directory.",
                hint: "Write the backup somewhere else, best to another disk.")
        }
        let aside = try Self.place(path + ".new", or: String(repeating: "\0", count: BackupFile.magic.utf8.count))
        return try SecretKeyFile.whileAlone(state.path + "/backup") {
            let generation = (try database.mark(Self.mark).flatMap { Int64($0) } ?? 0) + 1
            try database.setMark(Self.mark, String(generation))
            try database.record(audit: entry)
            let copy = state.path + "/" + FrozenState.folderName + ".db"
            defer {
                _ = unsafe unlink(copy)
                _ = unsafe unlink(aside)
            }
            let frozen = try copyDatabase(to: copy)
            let report = try pack(frozen, copy: copy, into: aside, generation, moment)
            try StateFolder.rename(aside, to: path)
            try StateFolder.synchronize(folder)
            // What an error leaves of the second names the next backup removes.
            try FrozenState.remove(frozen.folder)
            return report
        }
    }

    /// - Parameter torn: what else may be replaced: a power cut may have taken the head of one that was being written.
    private static func place(_ path: String, or torn: String? = nil) throws -> String {
        do {
            return try NamedFile.place(path, for: .backup(or: torn))
        } catch {
            throw StateError(
                code: "backup_file_unwritable", message: "The backup could not be written: \(error.why).",
                hint: "Name a file that is not there yet, or an older backup.")
        }
    }

    private func pack(
        _ frozen: FrozenState, copy: String, into aside: String, _ generation: Int64, _ moment: Moment
    ) throws -> Report {
        var writer = try BackupWriter(aside, generation: generation, at: moment)
        let file = try StateFile.open(copy, .read)
        var bytes = try file.size()
        try writer.append(BackupFile.databaseName, from: file, size: bytes)
        for one in frozen.files {
            let source = try StateFile.open(frozen.folder + "/" + one.name, .read)
            try writer.append(one.name, from: source, size: one.size)
            bytes += one.size
        }
        try writer.finish()
        return Report(generation: generation, files: frozen.files.count + 1, bytes: bytes, madeAt: moment)
    }

    /// Copies the database, and freezes the files in the same moment.
    private func copyDatabase(to path: String) throws -> FrozenState {
        for _ in 0..<Self.triesMax {
            try StateFolder.remove(path)
            try PrivateFile.prepare(path)
            if let frozen = try tryCopy(to: path) { return frozen }
            usleep(Self.pauseMicroseconds)
        }
        throw StateError(
            code: "backup_busy", message: "Syncs ended and began so often that no moment could be caught.",
            hint: "Try again, or pause the syncs that run most often meanwhile.")
    }

    private func tryCopy(to path: String) throws -> FrozenState? {
        let before = try FrozenState.list(state)
        let target = try DatabaseQueue(path: path)
        let frozen = try database.read { database -> FrozenState? in
            // The first read fixes what this transaction sees.
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM syncs")
            guard let frozen = try FrozenState.freeze(state), FrozenState.isSame(before, frozen.files) else {
                return nil
            }
            try target.writeWithoutTransaction { try database.backup(to: $0) }
            return frozen
        }
        try target.close()
        return frozen
    }
}
