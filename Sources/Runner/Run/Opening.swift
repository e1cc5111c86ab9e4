internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// What a run finds of its sync when it starts.
struct Opening {
    var memory: SyncMemory
    var snapshot: Snapshot?
    var pending: PendingFile
    var full: FullRun
    /// Whether nothing was remembered of the sync before.
    var isNew: Bool
    /// Whether the sync's folder holds what belongs to another control database, which is of no use.
    var isForeign = false

    /// The fingerprints, unless they say nothing about what this run writes to.
    var usable: Snapshot? { full.forgetsState ? nil : snapshot }

    /// What was known under another key, for records that may now be made a second time.
    var former: Snapshot? { full.reason == FullRun.keyChanged ? snapshot : nil }

    static func open(
        _ prepared: PreparedSync, files: SyncFiles, environment: RunEnvironment, options: RunOptions
    ) throws -> Opening {
        let known = try environment.database.memory(prepared.definition.name)
        var memory = known ?? newMemory(prepared.definition, environment)
        let found = options.startsOver ? .nothing : try find(files, known)
        var snapshot: Snapshot?
        var isForeign = false
        switch found {
        case .nothing: break
        case .known(let fingerprints): snapshot = fingerprints
        case .lost(let reason, let isOfOther):
            try requireSendable(prepared, reason)
            isForeign = isOfOther
        }
        let full = try FullRun.decide(
            prepared, memory: memory, snapshot: snapshot, isLost: found.isLost, options: options)
        if full.forgetsState { memory.hasAccepted = false }
        let pending = isForeign ? PendingFile() : try PendingFile.open(files)
        return Opening(
            memory: memory, snapshot: snapshot, pending: pending, full: full, isNew: known == nil, isForeign: isForeign)
    }

    static func newMemory(_ definition: SyncDefinition, _ environment: RunEnvironment) -> SyncMemory {
        SyncMemory(name: definition.name, seed: environment.time.seed())
    }

    /// Throws `state_lost` where what the sync's folder holds belongs to another control database.
    static func requireOwn(_ files: SyncFiles, _ known: SyncMemory?) throws {
        if case .lost(let reason, isOfOther: true) = try find(files, known) { throw unusable(reason) }
    }

    private static func unusable(_ reason: String) -> StateError {
        StateError(
            code: "state_lost", message: "The fingerprints of this sync cannot be used: \(reason)",
            hint: "Restore a backup of the state directory, or use sluice reset to start over.")
    }

    private enum Found {
        case nothing
        case known(Snapshot)
        case lost(String, isOfOther: Bool)

        var isLost: Bool { if case .lost = self { true } else { false } }
    }

    /// What the sync's folder says, held against what the control database remembers: hashes under another seed would
    /// make every record look new and every known one look vanished.
    private static func find(_ files: SyncFiles, _ known: SyncMemory?) throws -> Found {
        guard let known else {
            guard try files.hasState() else { return .nothing }
            return .lost("the control database knows nothing of them; they belong to another one.", isOfOther: true)
        }
        switch try Snapshot.open(files) {
        case .none where known.hasAccepted || known.extra[CloseRun.hasFingerprints] != nil:
            return .lost("their files are not there.", isOfOther: false)
        case .none: return .nothing
        case .current(let snapshot), .fellBack(let snapshot, _):
            let mark = snapshot.header.seedMark
            guard mark != 0, mark != SeedMark.of(known.seed) else { return .known(snapshot) }
            return .lost("they belong to another control database.", isOfOther: true)
        case .lost(let reason): return .lost(reason.message, isOfOther: false)
        }
    }

    /// What was sent once must not be sent again, and nothing removed, because a file was lost.
    private static func requireSendable(_ prepared: PreparedSync, _ reason: String) throws {
        guard prepared.shape.behavior != .updateOrCreate, prepared.shape.behavior != .updateOnly else { return }
        throw unusable(reason)
    }
}

/// The newest plan of a sync, if a guard stopped it and it may still be accepted.
struct StoppedPlan {
    static let ageMax: Int64 = 24 * 60 * 60 * 1_000

    var run: Int64
    var summary: PlanSummary
    /// Whether rows may have been left out of it: whoever sends it has not taken up the whole.
    var isLimited: Bool

    static func find(_ sync: String, before run: Int64, environment: RunEnvironment) throws -> StoppedPlan? {
        let history = RunHistory(environment.database)
        guard let last = try history.runs(sync: sync, limit: 2).first(where: { $0.id != run }),
            last.state == .stoppedByGuard,
            environment.time.now().milliseconds - last.startedAt.milliseconds < ageMax,
            try environment.state.plannedRuns().contains(last.id)
        else { return nil }
        let reader = try PlanReader(path: environment.state.planPath(run: last.id))
        guard reader.isSealed else { return nil }
        return StoppedPlan(
            run: last.id, summary: try PlanSummary.decode(reader.summary), isLimited: last.limited)
    }

    /// Makes the plan that of `run`, and names the rows that it leaves out there too.
    func hand(to run: Int64, environment: RunEnvironment) throws {
        try environment.database.copyOutcomes(from: self.run, to: run, except: SecondHalf.stoppedByGuard)
        try environment.state.movePlan(from: self.run, to: run)
    }
}
