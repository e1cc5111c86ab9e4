internal import Records

/// The folder in which sluice keeps everything it knows, mode 0700, files 0600: they hold people's data.
///
///     sluice.db      the control database
///     syncs/NAME/    the files of one sync, see `SyncFiles`
///     plans/RUN.plan the work list of one run
///     notices/NAME   what was told of a sync
///     server/lock    held by the server
///     restore/       of a restore that is going on, see `RestoreHandover`
///     identity       the directory's name; plans that were saved elsewhere say it
package struct StateDirectory: Sendable {
    package let path: String
    package let steps: FileSteps

    /// Makes the directory where it is not there. An existing one keeps its mode; what is in it is private anyway.
    package init(path: String, steps: FileSteps = .none) throws {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        self.path = path
        self.steps = steps
        for folder in [path, path + "/syncs", path + "/plans"] { try StateFolder.create(folder) }
    }

    /// A name that no other state directory has: `name` from the first call on.
    package func identity(making name: @autoclosure () -> String) throws -> String {
        let path = path + "/identity"
        if let known = try Self.text(path) { return known }
        let made = name()
        try FileCopy.write(Array(made.utf8), at: path)
        return try Self.text(path) ?? made
    }

    private static func text(_ path: String) throws -> String? {
        guard let file = try StateFile.openIfPresent(path, .read) else { return nil }
        return String(decoding: try file.bytes(at: 0, count: 64), as: UTF8.self)
    }

    package var databasePath: String { path + "/sluice.db" }

    package func planPath(run: Int64) -> String { "\(path)/plans/\(run).plan" }

    /// The runs that have a plan file, oldest first.
    package func plannedRuns() throws -> [Int64] {
        try StateFolder.names(path + "/plans").compactMap { name in
            name.hasSuffix(".plan") ? Int64(name.dropLast(5)) : nil
        }.sorted()
    }

    /// Removes a run's plan; one that is not there is fine.
    package func removePlan(run: Int64) throws { try StateFolder.remove(planPath(run: run)) }

    /// Makes the plan of one run that of another, later one.
    package func movePlan(from old: Int64, to new: Int64) throws {
        try StateFolder.rename(planPath(run: old), to: planPath(run: new))
        try StateFolder.synchronize(path + "/plans")
    }

    /// The file in which all who write to a connection share its rate limit.
    package func limitPath(connection: String) throws -> String {
        try StateFolder.create(path + "/limits")
        return path + "/limits/" + Self.fileName(connection)
    }

    /// The file whose lock whoever writes to an object of a connection holds meanwhile.
    package func turnPath(connection: String, object: String) throws -> String {
        try limitPath(connection: connection) + "." + Self.fileName(object) + ".lock"
    }

    private var serverFiles: SyncFiles { SyncFiles(name: "server", folder: path + "/server", steps: steps) }

    /// Held by the one server of this directory; nil where another has it.
    package func lockServer() throws -> SyncLock? { try SyncLock.acquire(serverFiles) }

    /// Whether a server has the directory at this moment.
    package func isServed() throws -> Bool { try SyncLock.isHeld(serverFiles) }

    var restoreFolder: String { path + "/restore" }

    /// Held by the one command that restores into this directory; nil where another has it.
    func lockRestore() throws -> SyncLock? {
        try SyncLock.acquire(SyncFiles(name: "restore", folder: restoreFolder, steps: steps))
    }

    /// The folder of what was told of each sync.
    var noticeFolder: String { path + "/notices" }

    func noticePath(sync: String) -> String { noticeFolder + "/" + Self.fileName(sync) }

    /// The files of a sync; its folder is made when the first of them is.
    package func sync(_ name: String) -> SyncFiles {
        SyncFiles(name: name, folder: path + "/syncs/" + Self.fileName(name), steps: steps)
    }

    /// Throws `disk_full` where less than `bytes` can be written to the directory's disk.
    package func requireFreeSpace(bytes: Int64) throws {
        let free = try steps.freeBytes(path)
        guard free < bytes else { return }
        throw StateError(
            code: "disk_full",
            message: "The run needs about \(Self.mebibytes(bytes)) MiB in \(path), "
                + "where \(Self.mebibytes(free)) MiB are free.",
            hint: "Free some space, shorten the retention, or move the state to a larger disk with --state.")
    }

    private static func mebibytes(_ bytes: Int64) -> Int64 { max(bytes, 0) / 1_048_576 }

    /// Gives the files of `old` to `new` in one step, after `first`, which may do what else belongs to it: whoever asks again
    /// after a kill between the two finds files that are still to be moved. False where `old` has no files (they were moved
    /// before) or `first` says that nothing is to be done. Takes both locks meanwhile, so call it before taking the lock of
    /// `new`: throws `sync_already_running` where one is taken, and `sync_state_exists` where both syncs have files.
    @discardableResult
    package func rename(sync old: String, to new: String, first: () throws -> Bool = { true }) throws -> Bool {
        let (source, target) = (sync(old), sync(new))
        guard old != new else { return false }
        guard let sourceLock = try SyncLock.acquire(source) else { throw StateError.busy(old) }
        defer { sourceLock.release() }
        guard let targetLock = try SyncLock.acquire(target) else { throw StateError.busy(new) }
        defer { targetLock.release() }
        let hasFiles = try source.hasState()
        guard try !hasFiles || !target.hasState() else { throw StateError.bothHaveState(old, new) }
        guard try first(), hasFiles else {
            if !hasFiles { try removeLockOnly(source) }
            return false
        }
        try steps.reach(.stateRenamed)
        try StateFolder.remove(target.lockPath)
        try StateFolder.removeFolder(target.folder)
        try StateFolder.rename(source.folder, to: target.folder)
        try StateFolder.synchronize(path + "/syncs")
        return true
    }

    /// Takes the folder away that a lock alone has made. The caller holds the lock.
    private func removeLockOnly(_ files: SyncFiles) throws {
        try StateFolder.remove(files.lockPath)
        try StateFolder.removeFolder(files.folder)
        try StateFolder.synchronize(path + "/syncs")
    }

    /// Forgets a sync, its folder included. Throws `sync_already_running` where its lock is taken.
    package func remove(sync name: String) throws {
        let files = sync(name)
        guard StateFolder.isFolder(files.folder) else { return }
        guard let lock = try SyncLock.acquire(files) else { throw StateError.busy(name) }
        defer { lock.release() }
        try files.removeState()
        try removeLockOnly(files)
    }

    private static let nameBytesMax = 150

    /// A file name that no other sync's name gives: letters, digits, `-` and `_` stay, all else is written `%XX`; a
    /// very long name is cut and ends with its hash.
    static func fileName(_ name: String) -> String {
        var text = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.count == 1 ? "%0" + digits : "%" + digits
            }
        }
        if text.utf8.count <= nameBytesMax && !text.isEmpty { return text }
        return text.prefix(nameBytesMax - 36) + "%%" + Hash128.of(name, seed: 0).hexadecimal
    }
}
