internal import ConnectorKit
package import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// Takes a person's word that records in doubt did arrive: their fingerprints move as if they had been accepted.
package struct ConfirmRecords: Sendable {
    /// What its runs say of who asked for them.
    static let trigger = "confirm"

    private let definition: SyncDefinition
    private let environment: RunEnvironment

    package init(_ definition: SyncDefinition, environment: RunEnvironment) {
        self.definition = definition
        self.environment = environment
    }

    /// - Parameter keys: nil means all that are in doubt.
    /// - Returns: how many were confirmed, and the given keys that are not in doubt.
    package func confirm(_ keys: [String]?) throws -> (confirmed: Int, unknown: [String]) {
        _ = try RenamedSync(definition, environment).carryOut()
        let files = environment.state.sync(definition.name)
        guard let lock = try SyncLock.acquire(files) else {
            throw RunError(
                code: "sync_already_running", message: "Sync \(definition.name) is running.",
                hint: "Wait for it or stop it with sluice cancel, then confirm.")
        }
        defer { lock.release() }
        guard try environment.database.unfinishedRuns(sync: definition.name).isEmpty else {
            throw RunError(
                code: "run_unfinished", message: "An interrupted run of \(definition.name) has to be finished first.",
                hint: "Use sluice run \(definition.name), then confirm.")
        }
        let (entries, unknown) = try chosen(keys, files)
        guard !entries.isEmpty else { return (0, unknown) }
        try settle(entries, files)
        return (entries.count, unknown)
    }

    /// The same for those who cannot go on with a key that is not in doubt: throws `not_in_doubt` once the others are
    /// confirmed.
    package func confirmAll(of keys: [String]) throws {
        let (confirmed, unknown) = try confirm(keys)
        guard let first = unknown.first else { return }
        let names = unknown.prefix(Self.namesMax).joined(separator: ", ")
        let more = unknown.count > Self.namesMax ? " and \(unknown.count - Self.namesMax) more" : ""
        let others = confirmed == 0 ? "Nothing was" : "\(confirmed) other\(confirmed == 1 ? " was" : "s were")"
        throw RunError(
            code: "not_in_doubt",
            message: "Not in doubt: \(names)\(more). \(others) confirmed.",
            hint: "It was decided meanwhile, or never in doubt: the life of the record \(first) says what became of it."
        )
    }

    /// Keys that an error names.
    private static let namesMax = 10

    private func chosen(_ keys: [String]?, _ files: SyncFiles) throws -> ([PendingEntry], [String]) {
        let pending = try PendingFile.open(files)
        guard let keys else {
            var all: [PendingEntry] = []
            for entry in pending.entries where entry.kind == .inDoubt { all.append(entry) }
            return (all, [])
        }
        let dataset = try Dataset(definition, environment: environment)
        var found: [PendingEntry] = []
        var unknown: [String] = []
        for key in keys {
            if let entry = pending.find(dataset.hash(ofKey: key)), entry.kind == .inDoubt {
                found.append(entry)
            } else {
                unknown.append(key)
            }
        }
        return (found, unknown)
    }

    /// The same way as an accepted batch: journal, snapshot, pending file, in a run of its own.
    private func settle(_ entries: [PendingEntry], _ files: SyncFiles) throws {
        let known = try environment.database.memory(definition.name)
        let snapshot = try Fingerprints.require(files, known)
        let now = environment.time.now()
        var run = try environment.database.createRun(
            sync: definition.name, trigger: Self.trigger, full: false, limited: true, startedAt: now, state: .running)
        let journal = try AcceptanceJournal.open(files, run: run.id)
        let opened = entries.enumerated().map {
            OpenEntry(sequence: $0.offset, keyHash: $0.element.keyHash, rowHash: $0.element.rowHash)
        }
        _ = try journal.append(open: OpenFrame(batch: 0, entries: opened))
        _ = try journal.append(
            settled: SettleFrame(batch: 0, effects: Array(repeating: .set, count: entries.count)))
        try journal.synchronize()
        journal.close()
        let memory = known ?? Opening.newMemory(definition, environment)
        // Only now: of a run that asked for something and has no plan the next start would say that it broke off.
        count(entries.count, in: &run)
        try CloseRun(environment: environment, files: files).close(
            run, CloseRun.Ending(state: .succeeded), memory: memory, snapshot: snapshot, summary: nil)
        do {
            try name(entries, run: run.id, at: now)
        } catch {
            environment.progress(.notSwept(RunError(error)))
        }
    }

    /// What is confirmed was read and sent by an earlier run, and has arrived.
    private func count(_ confirmed: Int, in run: inout RunRecord) {
        run.rows.carried = confirmed
        run.rows.planned = confirmed
        run.operations.planned = confirmed
        run.operations.accepted = confirmed
        if definition.behavior == .send {
            run.operations.sent = confirmed
        } else {
            run.operations.alreadyEqual = confirmed
        }
    }

    /// Keeps which records they were, by the hashes of their keys, where the plans of other runs lie: for the life of a
    /// record. Nothing depends on it, so it comes last.
    private func name(_ entries: [PendingEntry], run: Int64, at now: Moment) throws {
        let header = PlanHeader(run: run, sync: definition.name, keyField: "", madeAt: now)
        var writer = try PlanWriter(
            path: environment.state.planPath(run: run), header: header.encoded(), steps: environment.state.steps)
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        for entry in entries {
            _ = unsafe try writer.append(
                kind: .remember, isNew: false, keyHash: entry.keyHash, rowHash: entry.rowHash, key: nothing,
                payload: nothing)
        }
        try writer.seal(summary: PlanSummary().encoded())
    }
}
