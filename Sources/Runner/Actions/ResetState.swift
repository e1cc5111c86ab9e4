package import ProjectConfig
internal import Records
internal import StateStore

/// Forgets what is believed to be at the destination; the next run sends every row again.
package struct ResetState: Sendable {
    private let sync: String
    private let definition: SyncDefinition?
    private let environment: RunEnvironment

    /// - Parameter sync: its name; it may be defined nowhere any more.
    package init(_ sync: String, environment: RunEnvironment) {
        self.sync = sync
        self.definition = nil
        self.environment = environment
    }

    package init(_ definition: SyncDefinition, environment: RunEnvironment) {
        sync = definition.name
        self.definition = definition
        self.environment = environment
    }

    /// As `knownCount`; nil where the state is damaged.
    package func knownCountIfWhole() throws -> Int? {
        do {
            return try knownCount()
        } catch let error where ["state_corrupt", "state_lost"].contains(RunError(error).code) {
            return nil
        }
    }

    /// As `rowsToSend`; nil where the state is damaged.
    package func rowsToSendIfWhole(_ definition: SyncDefinition) async throws -> Int? {
        do {
            return try await rowsToSend(definition)
        } catch let error where ["state_corrupt", "state_lost"].contains(RunError(error).code) {
            return nil
        }
    }

    /// How many records are believed to be at the destination: those in the fingerprints, and those that an
    /// interrupted run had accepted since.
    package func knownCount() throws -> Int {
        let files = environment.state.sync(sync)
        let snapshot = try Fingerprints.require(files, environment.database.memory(sync))
        var isThere: [Hash128: Bool] = [:]
        _ = try AcceptanceJournal.replay(files) { frame in
            guard case .settled(let settled, let opened) = frame else { return }
            for (entry, effect) in zip(opened.entries, settled.effects) where effect == .set || effect == .remove {
                isThere[entry.keyHash] = effect == .set
            }
        }
        let keys = Array(isThere.keys)
        var probes = [Probe](repeating: .unknown, count: keys.count)
        snapshot?.probe(keys, into: &probes)
        var count = snapshot?.count ?? 0
        for (key, probe) in zip(keys, probes) {
            let wasThere = probe.index >= 0
            if isThere[key] == true && !wasThere { count += 1 }
            if isThere[key] == false && wasThere { count -= 1 }
        }
        return count
    }

    /// How many rows the next run will send once the state is forgotten: the dataset is read for it.
    package func rowsToSend(_ definition: SyncDefinition) async throws -> Int {
        var options = RunOptions()
        options.startsOver = true
        return try await PlanSync(definition, options: options, environment: environment).plan(examplesMax: 0)
            .operations.planned
    }

    /// Throws `sync_already_running` while a run holds the sync.
    package func reset() throws {
        // What still lies under a former name would come back with the next run. Where both names have state the reset is
        // what frees the new one.
        if let renamed = definition.map({ RenamedSync($0, environment) }), try renamed.isToMove() {
            _ = try renamed.carryOut()
        }
        let files = environment.state.sync(sync)
        guard let lock = try SyncLock.acquire(files) else {
            throw RunError(
                code: "sync_already_running", message: "Sync \(sync) is running.",
                hint: "Wait for it or stop it with sluice cancel, then reset.")
        }
        defer { lock.release() }
        // In this order, so that a kill in between leaves a run without a plan or without a journal, which the next start
        // closes, and never a journal whose run has ended.
        let unfinished = try environment.database.unfinishedRuns(sync: sync)
        for run in unfinished { try environment.state.removePlan(run: run.id) }
        try files.removeState()
        for run in unfinished { try close(run) }
        guard var memory = try environment.database.memory(sync) else { return }
        memory.definition = ""
        memory.mappingRevision = ""
        memory.keyRevision = ""
        memory.destination = ""
        memory.columns = ""
        memory.hasAccepted = false
        memory.lastCompleteRun = nil
        memory.extra = [:]
        try environment.database.save(memory)
    }

    private func close(_ unfinished: RunRecord) throws {
        var run = unfinished
        // What an interrupted scan had named is read anew; of a run that had its plan it stays.
        if run.rows == RowLedger() { try environment.database.discardOutcomes(run: run.id) }
        var figures = DeliveryFigures(planned: run.rows.planned, removals: run.operations.removals)
        figures.operations = run.operations
        figures.operations.planned = run.rows.planned
        figures.close(code: "state_reset")
        let known = Dictionary(run.reasons.map { ($0.code, $0.count) }, uniquingKeysWith: +)
        figures.requests = run.requests
        figures.bytesSent = run.bytesSent
        figures.write(to: &run, planReasons: known)
        run.state = .failed
        run.endedAt = environment.time.now()
        run.error = RunFailure(
            code: "state_reset", message: "The sync's state was reset while this run was interrupted.",
            hint: "Nothing to do: the next run sends every row.")
        try environment.database.close(run, memory: nil)
    }
}
