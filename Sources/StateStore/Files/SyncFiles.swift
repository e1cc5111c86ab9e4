/// The names of one sync's files in its folder:
///
///     lock                 held by the process that runs the sync
///     journal              what the open run was answered; there only between a run's first batch and its close
///     snapshot.G           the fingerprints after generation G; the newest two are kept
///     journal.G            the journal that made generation G from the one before, for when snapshot.G is damaged
///     closed               the last run that closed without changing a fingerprint
///     pending              operations that were not accepted
///     carried              refused operations in full, for datasets that are read incrementally
///     keys                 the text and id of each key, for syncs that remove records
///     keys.log             what the open run adds to it
package struct SyncFiles: Sendable {
    package let name: String
    package let folder: String
    package let steps: FileSteps

    package init(name: String, folder: String, steps: FileSteps = .none) {
        self.name = name
        self.folder = folder
        self.steps = steps
    }

    static let lockName = "lock"

    var lockPath: String { folder + "/" + Self.lockName }
    var journalPath: String { folder + "/journal" }
    var closedPath: String { folder + "/closed" }
    var pendingPath: String { folder + "/pending" }
    var keysPath: String { folder + "/keys" }
    var keyLogPath: String { folder + "/keys.log" }
    var newSnapshotPath: String { folder + "/snapshot.new" }

    func snapshotPath(_ generation: Int) -> String { "\(folder)/snapshot.\(generation)" }
    func keptJournalPath(_ generation: Int) -> String { "\(folder)/journal.\(generation)" }

    /// Refused operations that an incremental scan does not read again; a file like a plan.
    package var carriedPath: String { folder + "/carried" }

    package func hasCarried() throws -> Bool { try StateFolder.names(folder).contains("carried") }

    package func removeCarried() throws { try StateFolder.remove(carriedPath) }

    /// Puts a complete file in the place of the carried operations.
    package func replaceCarried(with path: String) throws {
        try steps.reach(.carriedRenamed)
        try StateFolder.rename(path, to: carriedPath)
        try synchronizeFolder()
    }

    /// Makes the folder if it is not there; its name is on the disk then.
    func prepare() throws {
        if StateFolder.isFolder(folder) { return }
        try StateFolder.create(folder)
        try StateFolder.synchronize(StateFolder.parent(folder))
    }

    /// Makes a rename or a removal in the folder durable.
    func synchronizeFolder() throws { try StateFolder.synchronize(folder) }

    /// Whether anything is known of this sync but a lock.
    package func hasState() throws -> Bool {
        try StateFolder.names(folder).contains { $0 != Self.lockName }
    }

    /// The generations that have a file `kind.G`, newest first.
    func generations(_ kind: String) throws -> [Int] {
        try StateFolder.names(folder).compactMap { name in
            guard name.hasPrefix(kind + ".") else { return nil }
            return Int(name.dropFirst(kind.count + 1)).flatMap { $0 > 0 ? $0 : nil }
        }.sorted(by: >)
    }

    /// Writes a small or middling file aside and puts it in the place of `path`; a reader sees the old or the new one.
    func replace(_ path: String, with bytes: UnsafeRawBufferPointer, written: StepName, renamed: StepName) throws {
        try prepare()
        let aside = path + ".new"
        do {
            let file = try StateFile.open(aside, .create)
            try unsafe steps.write(bytes, to: file, at: 0, as: written)
            try file.synchronize()
            try steps.reach(renamed)
            try StateFolder.rename(aside, to: path)
            try synchronizeFolder()
        } catch let error as StateError {
            try StateFolder.remove(aside)
            throw error
        }
    }

    /// Forgets all that is known of this sync but keeps the lock, which the caller holds. The newest snapshot goes
    /// last: a kill before that leaves what was known, a kill after it nothing.
    package func removeState() throws {
        let snapshots = try generations("snapshot")
        var paths = [journalPath]
        paths += try generations("journal").map(keptJournalPath)
        paths += snapshots.dropFirst().reversed().map(snapshotPath)
        paths += [pendingPath, closedPath, keyLogPath, keysPath, carriedPath]
        paths += snapshots.prefix(1).map(snapshotPath)
        for path in paths {
            try steps.reach(.stateRemoved)
            try StateFolder.remove(path)
        }
        for name in try StateFolder.names(folder) where name != Self.lockName {
            try StateFolder.remove(folder + "/" + name)
        }
        if StateFolder.isFolder(folder) { try synchronizeFolder() }
    }
}
