internal import ConnectorKit
package import ProjectConfig
internal import Records
package import StateStore

/// What a sync's `renamed_from` comes to: where its state lies now, and whether it is still to be moved.
///
/// Memory and runs are in the control database, fingerprints in a folder, and both move or neither does: the database
/// first, then the folder. A kill between the two leaves a folder of the old name of which the database knows nothing,
/// which the next start moves after it.
struct RenamedSync {
    enum Step: Equatable {
        /// There is nothing to move: it was moved long ago, or the sync has begun anew.
        case stay
        /// The state of the old name becomes that of the new one.
        case move
    }

    let definition: SyncDefinition
    let environment: RunEnvironment

    init(_ definition: SyncDefinition, _ environment: RunEnvironment) {
        self.definition = definition
        self.environment = environment
    }

    /// Throws `sync_state_exists` where both names have state.
    func step() throws -> Step {
        guard let old = definition.renamedFrom, old != definition.name else { return .stay }
        let (files, database) = (environment.state.sync(definition.name), environment.database)
        let (former, own) = (try database.known(old), try database.known(definition.name))
        let hasFiles = try files.hasState()
        if try environment.state.sync(old).hasState() {
            // Where the database has no old name, it may have been killed before the folder was moved.
            if hasFiles || former != nil && own.isRemembered { throw StateError.bothHaveState(old, definition.name) }
            return .move
        }
        guard let former else { return .stay }
        if !own.hasHistory { return .move }
        guard !own.isRemembered else { return .stay }
        // Runs that sent nothing are in nobody's way. Files that were moved without their memory are known by its mark.
        if hasFiles { return try isMark(of: former, on: files) ? .move : .stay }
        return former.isRemembered ? .stay : .move
    }

    /// Whether the state of the old name is still to be moved and can be. Where both names have state it cannot: the run says so.
    func isToMove() throws -> Bool {
        do {
            return try step() == .move
        } catch let error as StateError where error.code == "sync_state_exists" {
            return false
        }
    }

    private func isMark(of former: KnownSync, on files: SyncFiles) throws -> Bool {
        guard let memory = former.memory, let snapshot = try Snapshot.open(files).snapshot else { return false }
        return snapshot.header.seedMark == SeedMark.of(memory.seed)
    }

    /// Where what is known of the sync lies until its next run.
    func places() throws -> (memory: String, files: String) {
        guard let old = definition.renamedFrom, try step() == .move else { return (definition.name, definition.name) }
        return (
            try environment.database.known(old) == nil ? definition.name : old,
            try environment.state.sync(old).hasState() ? old : definition.name
        )
    }

    /// Moves what is to be moved, while nobody runs either name. Returns the runs of the new name that were interrupted: what
    /// they planned is of no use now, and they are closed.
    ///
    /// Throws `sync_state_exists`, and `sync_already_running` where one of the two is running.
    func carryOut() throws -> [RunRecord] {
        guard let old = definition.renamedFrom, try step() == .move else { return [] }
        var closed: [RunRecord] = []
        try environment.state.rename(sync: old, to: definition.name) {
            // Another process may have done it before the locks were taken.
            guard try step() == .move else { return false }
            guard try environment.database.known(old) != nil else { return true }
            for run in try environment.database.unfinishedRuns(sync: definition.name) where run.state != .queued {
                closed.append(try close(run))
            }
            try environment.database.rename(sync: old, to: definition.name)
            return true
        }
        return closed
    }

    // MARK: A name that nobody has heard of

    /// What is to be said of a `renamed_from` of which nothing is known, while nothing is known of the sync either and there
    /// is one that it may mean: a sync that has state and is defined nowhere any more. Else it was carried out long ago, or
    /// nothing has run here yet.
    ///
    /// Throws `renamed_from_unknown` where that would send rows a second time, and `sync_state_exists`.
    func warning() throws -> Reason? {
        guard let old = definition.renamedFrom, old != definition.name, try isUnheard(old) else { return nil }
        let meant = try namesLeft()
        guard !meant.isEmpty else { return nil }
        let near = NearestName.among(meant, to: old).map { "Did you mean \($0)? " } ?? ""
        let listed = meant.prefix(10).joined(separator: ", ") + (meant.count > 10 ? ", …" : "")
        let reason = Reason(
            code: "renamed_from_unknown",
            message: "Sync \(definition.name) says `renamed_from: \(old)`, and no sync of that name is known.",
            hint: near + "Write the name that the sync had, or take `renamed_from` out if it is to begin anew. "
                + "Known, and defined nowhere any more: \(listed).")
        guard try isSentOnce() else { return reason }
        throw RunError(
            code: reason.code, message: reason.message + " All that it has sent before would be sent again.",
            hint: reason.hint)
    }

    /// Whether neither name has anything: no files, nothing that was accepted, and no run that ever brought something there.
    private func isUnheard(_ old: String) throws -> Bool {
        guard try step() == .stay, try environment.database.known(old) == nil,
            try !environment.state.sync(definition.name).hasState()
        else { return false }
        let own = try environment.database.known(definition.name)
        return !own.isRemembered && own?.hasArrived != true
    }

    /// The syncs that have state, are not in the project, and by whose name no sync of it went.
    private func namesLeft() throws -> [String] {
        let project = environment.connections.syncs
        let taken = Set(project.map(\.name) + project.compactMap(\.renamedFrom) + [definition.name])
        return try environment.database.all().filter { memory in
            guard !taken.contains(memory.name) else { return false }
            return try memory.hasAccepted || environment.state.sync(memory.name).hasState()
        }.map(\.name)
    }

    /// Whether a row that was sent is one more record when it is sent again.
    private func isSentOnce() throws -> Bool {
        try definition.behavior == .send
            || environment.connections.object(definition).written(by: definition.behavior).repeatable == .never
    }

    // MARK: Runs of the new name

    private func close(_ run: RunRecord) throws -> RunRecord {
        guard run.state == .closing else { return try environment.closeUnplanned(run, ResumeRun.interrupted) }
        var record = run
        let noted = try environment.database.memory(definition.name)?.extra[CloseRun.closingState]
        record.state = noted.flatMap { RunState(rawValue: $0) } ?? CloseRun.state(run)
        try environment.database.close(record, memory: nil)
        environment.progress(.ended(record))
        return record
    }
}

extension KnownSync {
    /// Whether the sync was ever begun, be it by a run that failed.
    fileprivate var hasHistory: Bool { memory != nil || hasRuns }

    /// Whether there is something to lose: what was accepted, or is remembered as if it had been.
    fileprivate var isRemembered: Bool {
        memory.map { $0.hasAccepted || $0.extra[CloseRun.hasFingerprints] != nil } ?? false
    }
}

extension KnownSync? {
    fileprivate var hasHistory: Bool { self?.hasHistory ?? false }
    fileprivate var isRemembered: Bool { self?.isRemembered ?? false }
}

extension RunEnvironment {
    /// What the history says of each sync, by its name of now: also of those whose state is still kept under the name that they
    /// had before.
    package func pasts(of syncs: [SyncDefinition]) throws -> [String: SyncPast] {
        var pasts = try RunHistory(database).pasts()
        for sync in syncs {
            guard let old = sync.renamedFrom, var past = pasts[old], try RenamedSync(sync, self).isToMove() else {
                continue
            }
            past.isPaused = past.isPaused || pasts[sync.name]?.isPaused == true
            pasts[sync.name] = past
        }
        return pasts
    }

    /// The syncs that somebody has paused.
    package func paused(_ syncs: [SyncDefinition]) throws -> Set<String> {
        Set(try pasts(of: syncs).filter { $0.value.isPaused }.keys)
    }

    /// Closes a run that ended before it had a plan: nothing was sent, nothing moved.
    func closeUnplanned(_ begun: RunRecord, _ error: any Error) throws -> RunRecord {
        var record = begun
        try state.removePlan(run: record.id)
        try database.discardOutcomes(run: record.id)
        record.rows = RowLedger()
        record.operations = OperationLedger()
        record.reasons = []
        record.endedAt = time.now()
        record.effort = meter.end(record.id, at: time.now()) ?? record.effort
        record.state = error is CancellationError ? .cancelled : .failed
        record.error = error is CancellationError ? nil : RunError(error).failure
        try database.close(record, memory: nil)
        progress(.ended(record))
        return record
    }
}
