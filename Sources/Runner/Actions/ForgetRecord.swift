package import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// Drops what is kept of one record: for a person who asks to be forgotten.
///
/// What the destination has and what the source says is not touched. Unless the source's row is gone, the next change of
/// it is sent again.
package struct ForgetRecord: Sendable {
    package struct Report: Sendable, Hashable {
        package var outcomes = 0
        package var exchanges = 0
        /// Plans that had the record; they are dropped whole.
        package var plans = 0
        /// Kept journals that named it; dropped whole.
        package var journals = 0
        /// Whether it waited for another try, which is dropped.
        package var wasPending = false
        /// Whether it is in doubt: it stays so, as a hash, unless the fingerprint was to go too.
        package var wasInDoubt = false
        /// Whether the fingerprint was forgotten too: only where it was asked for, and there was one.
        package var hadFingerprint = false

        package init() {}
    }

    private let definition: SyncDefinition
    private let environment: RunEnvironment

    package init(_ definition: SyncDefinition, environment: RunEnvironment) {
        self.definition = definition
        self.environment = environment
    }

    /// - Parameter includingFingerprint: also what is believed to be at the destination. Then the row is sent again as new
    ///   if the source still has it, also where nobody knows whether it arrived; without it, the hash of key and row
    ///   stays, which is no use to anybody who does not know them, and with it that the record is in doubt.
    /// Throws `sync_already_running`, `run_unfinished`. May be asked again after a kill.
    package func forget(_ typed: String, includingFingerprint: Bool, by actor: Actor) throws -> Report {
        _ = try RenamedSync(definition, environment).carryOut()
        let files = environment.state.sync(definition.name)
        guard let lock = try SyncLock.acquire(files) else {
            throw RunError(
                code: "sync_already_running", message: "Sync \(definition.name) is running.",
                hint: "Wait for it or stop it with sluice cancel, then forget.")
        }
        defer { lock.release() }
        guard try environment.database.unfinishedRuns(sync: definition.name).isEmpty else {
            throw RunError(
                code: "run_unfinished", message: "An interrupted run of \(definition.name) has to be finished first.",
                hint: "Use sluice run \(definition.name), then forget.")
        }
        let dataset = try Dataset(definition, environment: environment)
        let (key, hash) = (dataset.normalized(key: typed), dataset.hash(ofKey: typed))
        var report = Report()
        // Before the fingerprint goes, by a run that takes what is settled off the pending ones.
        let waited = try PendingFile.open(files).find(hash)
        report.wasInDoubt = waited?.kind == .inDoubt
        if includingFingerprint {
            report.hadFingerprint = try forgetFingerprint(hash, files)
            // While the fingerprint stays, the removal that it may need stays possible too, which takes the key's name.
            _ = try KeyFile.remove(hash, from: files)
        }
        // A doubt is hashes only. Without it the row would count as never sent, and go a second time unasked.
        if waited != nil && (includingFingerprint || !report.wasInDoubt) {
            report.wasPending = true
            try forgetPending(hash, files)
        }
        // What is not pending any more is not carried either.
        try forgetCarried(files)
        let plans = try plans(with: hash)
        let audit = AuditLog(database: environment.database, time: environment.time)
        let forgotten = try ForgetStore(environment.database).forget(
            sync: definition.name, key: key, keyHash: hash, sequences: plans.compactMapValues { $0 },
            noting: audit.entry(.recordForgotten, by: actor, subject: "sync \(definition.name)"))
        report.outcomes = forgotten.outcomes
        report.exchanges = forgotten.exchanges
        // Last, because they say which exchanges carried the record.
        for run in plans.keys { try environment.state.removePlan(run: run) }
        try Retention.plansRemoved(Array(plans.keys), environment.database)
        report.plans = plans.count
        report.journals = try KeptJournals.remove(files, naming: key)
        return report
    }

    /// Of a damaged file nothing can be kept: then the next scan has to be complete, which reads the other rows again.
    private func forgetCarried(_ files: SyncFiles) throws {
        guard try files.hasCarried() else { return }
        let carried = CarriedRecords(files: files, environment: environment)
        if try carried.isWhole() {
            try carried.close(run: 0) { try ScanScope.forget(definition.name, environment.database) }
        } else {
            try ScanScope.forget(definition.name, environment.database)
            try files.removeCarried()
        }
    }

    /// The plans of the sync that have the record, and its place in them; those that cannot be read too, without a place.
    private func plans(with hash: Hash128) throws -> [Int64: Int?] {
        var found: [Int64: Int?] = [:]
        for run in try environment.state.plannedRuns() {
            guard try environment.database.run(run)?.sync == definition.name else { continue }
            do {
                let plan = try PlanReader(path: environment.state.planPath(run: run))
                guard plan.isSealed else {
                    found[run] = .some(nil)
                    continue
                }
                try plan.visit { operation in
                    if operation.keyHash == hash { found[run] = operation.sequence }
                }
            } catch let error as StateError where error.code == "plan_corrupt" {
                found[run] = .some(nil)
            }
        }
        return found
    }

    private func forgetPending(_ hash: Hash128, _ files: SyncFiles) throws {
        let pending = try PendingFile.open(files)
        try PendingFile.write(files, pending.entries.filter { $0.keyHash != hash })
    }

    /// The same way as an accepted removal: journal and snapshot, in a run of its own.
    private func forgetFingerprint(_ hash: Hash128, _ files: SyncFiles) throws -> Bool {
        guard let snapshot = try EndRun.snapshot(files) else { return false }
        var probes = [Probe.unknown]
        snapshot.probe([hash], into: &probes)
        guard probes[0].index >= 0, let memory = try environment.database.memory(definition.name) else { return false }
        let run = try environment.database.createRun(
            sync: definition.name, trigger: "forget", full: false, limited: true, startedAt: environment.time.now(),
            state: .running)
        let journal = try AcceptanceJournal.open(files, run: run.id)
        _ = try journal.append(
            open: OpenFrame(batch: 0, entries: [OpenEntry(sequence: 0, keyHash: hash, rowHash: hash)]))
        _ = try journal.append(settled: SettleFrame(batch: 0, effects: [.remove]))
        try journal.synchronize()
        journal.close()
        try CloseRun(environment: environment, files: files).close(
            run, CloseRun.Ending(state: .succeeded), memory: memory, snapshot: snapshot, summary: nil)
        return true
    }
}
