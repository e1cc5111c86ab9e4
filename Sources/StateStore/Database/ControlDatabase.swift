internal import GRDB
package import Records
internal import Synchronization

/// The control database of a state directory: syncs, runs, outcomes that are not plain success, exchanges.
///
/// One SQLite file in WAL mode, mode 0600, used by several processes at once. Every method is one transaction and is on
/// the disk when it returns, so a process may be killed between any two calls. Methods block for as long as SQLite
/// takes (milliseconds; at most the busy timeout). Reading for people is `RunHistory`'s.
package final class ControlDatabase: Sendable {
    package static let busyTimeoutMilliseconds = 10_000

    package let path: String
    private let pool: DatabasePool
    /// Held for as long as the database is open.
    private let use: UseLock
    /// Whether the writing connection is at `PRAGMA synchronous = NORMAL`; changed by whoever writes, one at a time.
    private let isWritingAhead = Atomic(false)

    private init(path: String, pool: DatabasePool, use: UseLock) {
        self.path = path
        self.pool = pool
        self.use = use
    }

    /// Opens the database, makes it where there is none (its directory must exist) and brings it up to date.
    ///
    /// Throws `state_newer` for a file of a newer program and `state_not_ours` for another kind of database, both
    /// before anything was written to it; `state_corrupt`, `state_busy`, `state_unwritable`, `disk_full`,
    /// `state_io` or `state_database_failed`; `state_in_use` and `restore_unfinished` while, and after, a restore did not
    /// come to its end. `migrations` is the schema; another list is for tests of upgrading.
    package static func open(
        path: String, busyTimeoutMilliseconds: Int = busyTimeoutMilliseconds,
        migrations: [ControlMigration] = ControlMigration.all
    ) throws(StateError) -> ControlDatabase {
        try OpeningLock.with(path: path, timeoutMilliseconds: busyTimeoutMilliseconds) { () throws(StateError) in
            let use = try UseLock.share(path)
            try RestoreMark(database: path).refuse()
            try PrivateFile.prepare(path)
            do {
                let configuration = configuration(path, busyTimeoutMilliseconds, known: migrations.count)
                let pool = try DatabasePool(path: path, configuration: configuration)
                // In WAL mode GRDB chooses NORMAL, which may lose the last commits with the power. The closing
                // sequence drops the journal because this file says so, so it has to be on the disk.
                try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
                if try pool.writeWithoutTransaction({ try version(of: $0) }) < migrations.count {
                    try ControlMigration.migrator(migrations).migrate(pool)
                }
                return ControlDatabase(path: path, pool: pool, use: use)
            } catch {
                throw DatabaseFailure.stateError(error, path: path)
            }
        }
    }

    private static func configuration(_ path: String, _ timeout: Int, known: Int) -> Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(Double(timeout) / 1_000)
        configuration.maximumReaderCount = 4
        configuration.label = "control"
        configuration.prepareDatabase { database in
            let found = try version(of: database)
            guard found <= known else { throw DatabaseFailure.newer(path, version: found, known: known) }
            guard try Int.fetchOne(database, sql: "PRAGMA application_id") != ControlMigration.applicationID else {
                return
            }
            // What the migrator makes before its first step is all that an opening left that then broke off.
            let others = "SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'grdb_migrations'"
            let isEmpty = try Int.fetchOne(database, sql: others) == 0
            guard isEmpty && found == 0 else { throw DatabaseFailure.foreign(path) }
        }
        return configuration
    }

    private static func version(of database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    }

    func write<Result>(_ body: (Database) throws -> Result) throws(StateError) -> Result {
        try write(isAhead: false, body)
    }

    /// A write that a power cut may take back, but never a kill: for what the journal, which is on the disk, can say
    /// again. The next ordinary write makes it durable too.
    func writeAhead<Result>(_ body: (Database) throws -> Result) throws(StateError) -> Result {
        try write(isAhead: true, body)
    }

    private func write<Result>(
        isAhead: Bool, _ body: (Database) throws -> Result
    ) throws(StateError) -> Result {
        do {
            return try pool.writeWithoutTransaction { database in
                // SQLite ignores the setting within a transaction, so it is made before, and only where it changes.
                if isWritingAhead.load(ordering: .relaxed) != isAhead {
                    try database.execute(sql: "PRAGMA synchronous = \(isAhead ? "NORMAL" : "FULL")")
                    isWritingAhead.store(isAhead, ordering: .relaxed)
                }
                var result: Result?
                try database.inTransaction {
                    result = try body(database)
                    return .commit
                }
                guard let result else { throw CancellationError() }
                return result
            }
        } catch {
            throw DatabaseFailure.stateError(error, path: path)
        }
    }

    /// Writes all of the log into the file and empties it: what was overwritten is then nowhere any more. Others that
    /// read meanwhile may keep some of it for a moment.
    func emptyLog() throws(StateError) {
        do {
            _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        } catch {
            // Somebody reads: what is left goes with the next checkpoint.
            if (error as? DatabaseError)?.resultCode == .SQLITE_BUSY { return }
            throw DatabaseFailure.stateError(error, path: path)
        }
    }

    /// Takes all that was written into the file itself, so that it is whole without its log.
    func takeIn() throws(StateError) {
        do {
            _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        } catch {
            throw DatabaseFailure.stateError(error, path: path)
        }
    }

    /// Closes the database before its owner goes. Nothing may be asked of it afterwards.
    func close() throws(StateError) {
        do { try pool.close() } catch { throw DatabaseFailure.stateError(error, path: path) }
    }

    func read<Result>(_ body: (Database) throws -> Result) throws(StateError) -> Result {
        do { return try pool.read(body) } catch { throw DatabaseFailure.stateError(error, path: path) }
    }
}

// MARK: - Syncs

extension ControlDatabase {
    /// What is remembered of the sync; nil before the first `save`.
    package func memory(_ sync: String) throws(StateError) -> SyncMemory? {
        try read { try SyncTable.memory($0, name: sync) }
    }

    /// Every sync that has a memory, by name.
    package func all() throws(StateError) -> [SyncMemory] {
        try read { try SyncTable.all($0) }
    }

    /// Stores all of it but `isPaused`.
    package func save(_ memory: SyncMemory) throws(StateError) {
        try write { try SyncTable.save($0, memory) }
    }

    /// Nil where the database has never heard of the sync.
    package func known(_ sync: String) throws(StateError) -> KnownSync? {
        try read { try SyncTable.known($0, sync) }
    }

    /// Gives memory, runs and pause of the sync `old` the name `new`. What was remembered of `new` is dropped, and its runs
    /// are kept with the others. False, and nothing changes, where there is no `old`; so it may be asked again.
    @discardableResult
    package func rename(sync old: String, to new: String) throws(StateError) -> Bool {
        try write { try SyncTable.rename($0, old, new) }
    }

    package func setPaused(_ sync: String, _ isPaused: Bool) throws(StateError) {
        try write { try SyncTable.setPaused($0, sync, isPaused) }
    }

    package func isPaused(_ sync: String) throws(StateError) -> Bool {
        try pausedSyncs().contains(sync)
    }

    package func pausedSyncs() throws(StateError) -> Set<String> {
        try read { try SyncTable.paused($0) }
    }
}

// MARK: - Runs

extension ControlDatabase {
    /// Stores a new run under the next number.
    package func createRun(
        sync: String, trigger: String, full: Bool, limited: Bool, startedAt: Moment, state: RunState
    ) throws(StateError) -> RunRecord {
        try write { database in
            var run = RunRecord(
                id: 0, sync: sync, state: state, full: full, limited: limited, trigger: trigger, startedAt: startedAt)
            run.id = try RunTable.create(database, run)
            return run
        }
    }

    /// Stores state and figures. Number and sync stay. Throws `unknown_run`.
    package func update(_ run: RunRecord) throws(StateError) {
        try write { try RunTable.update($0, run) }
    }

    /// Stores figures and state, and that the run's plan is complete: from now on it may be delivered.
    package func seal(_ run: RunRecord, definition: String, at moment: Moment) throws(StateError) {
        try write { database in
            try RunTable.update(database, run)
            try RunTable.seal(database, run.id, definition: definition, at: moment)
        }
    }

    /// The last act of a run: its final record and what its sync remembers of it, in one transaction.
    package func close(_ run: RunRecord, memory: SyncMemory?) throws(StateError) {
        try write { database in
            try RunTable.update(database, run)
            if let memory { try SyncTable.save(database, memory) }
        }
    }

    package func run(_ id: Int64) throws(StateError) -> RunRecord? {
        try read { try RunTable.run($0, id) }
    }

    /// Runs in a state that is not final, oldest first; of one sync or of all.
    package func unfinishedRuns(sync: String? = nil) throws(StateError) -> [RunRecord] {
        try read { try RunTable.unfinished($0, sync: sync) }
    }

    package func lastRun(sync: String) throws(StateError) -> RunRecord? {
        try read { try RunTable.runs($0, sync: sync, limit: 1, offset: 0).first }
    }

    /// The newest run of the sync whose plan was sealed, whatever became of it.
    package func latestSealedPlan(sync: String) throws(StateError) -> SealedPlan? {
        try read { try RunTable.latestSealed($0, sync: sync) }
    }

    /// Asks the process that has the run to stop it, and returns the state it was found in: where that is final,
    /// nothing was asked. Throws `unknown_run`.
    package func requestCancel(run: Int64, at moment: Moment) throws(StateError) -> RunState {
        try write { try RunTable.requestCancel($0, run, at: moment) }
    }

    package func isCancelRequested(run: Int64) throws(StateError) -> Bool {
        try read { try RunTable.isCancelRequested($0, run) }
    }
}

// MARK: - Outcomes and exchanges

extension ControlDatabase {
    /// Stores outcomes found while planning (or while closing); one that is there already under the same run and
    /// sequence is replaced. Give at most some 10,000 at once: other processes wait meanwhile.
    package func record(outcomes: [OutcomeRecord]) throws(StateError) {
        guard !outcomes.isEmpty else { return }
        try write { try OutcomeTable.insert($0, outcomes) }
    }

    /// Removes the run's outcomes of these keys and stores others instead: for duplicates, which are known only after
    /// the scan. Returns how many of each kind were removed.
    package func replaceOutcomes(
        run: Int64, of keys: Set<Hash128>, with outcomes: [OutcomeRecord]
    ) throws(StateError) -> [OutcomeKind: Int] {
        try write { database in
            let removed = try OutcomeTable.remove(database, run: run, keys: keys)
            try OutcomeTable.insert(database, outcomes)
            return removed
        }
    }

    /// Forgets what was found while planning: the run scans anew.
    package func discardOutcomes(run: Int64) throws(StateError) {
        try write { try OutcomeTable.removeAll($0, run: run) }
    }

    /// Notes of the rows of a run what was noted of another, whose plan it takes over.
    ///
    /// - Parameter code: the reason of rows that are left out.
    package func copyOutcomes(from old: Int64, to new: Int64, except code: String = "") throws(StateError) {
        try write { try OutcomeTable.copy($0, from: old, to: new, except: code) }
    }

    /// Forgets what was noted of the run's operations from `first` on: they are about to be delivered after all.
    package func discardOutcomes(run: Int64, fromSequence first: Int) throws(StateError) {
        try write { try OutcomeTable.remove($0, run: run, fromSequence: first) }
    }

    /// Stores exchanges; one that is there already under the same run and number is left as it is.
    package func record(exchanges: [ExchangeRecord]) throws(StateError) {
        guard !exchanges.isEmpty else { return }
        try write { try ExchangeTable.insert($0, exchanges) }
    }

    /// Takes over one settle frame of the run's journal: its outcomes, the exchanges of its batch and the figures of
    /// the run so far, together with the frame's position. False, and nothing changes, where that position or a later
    /// one was applied before. Throws `unknown_run`.
    package func apply(
        run: Int64, position: Int, outcomes: [OutcomeRecord], exchanges: [ExchangeRecord] = [], figures: RunRecord
    ) throws(StateError) -> Bool {
        try writeAhead { database in
            guard try RunTable.isUpdated(database, figures, appliedPosition: position) else {
                // Throws where there is no such run.
                _ = try RunTable.appliedPosition(database, run)
                return false
            }
            try OutcomeTable.insert(database, outcomes)
            try ExchangeTable.insert(database, exchanges)
            return true
        }
    }

    /// Forgets what frames after `position`, and operations from `sequence` on, have said: a power cut took them out of the
    /// journal, which says it once more, or says something else. Throws `unknown_run`.
    package func rewind(run: Int64, toPosition position: Int, sequence: Int) throws(StateError) {
        try discardOutcomes(run: run, fromSequence: sequence)
        try write { try RunTable.setAppliedPosition($0, run, position) }
    }

    /// The position of the last frame that `apply` took; -1 before the first. Throws `unknown_run`.
    package func lastAppliedPosition(run: Int64) throws(StateError) -> Int {
        try read { try RunTable.appliedPosition($0, run) }
    }
}
