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
        let found = options.startsOver ? .nothing : try Fingerprints.of(files, known)
        var snapshot: Snapshot?
        var isForeign = false
        switch found {
        case .nothing: break
        case .known(let fingerprints): snapshot = fingerprints
        case .lost(let reason, let isOfOther):
            try requireSendable(prepared, reason, of: isOfOther ? owner(of: files, environment) : nil)
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

    /// The sync of this control database whose fingerprints lie in another's folder: a renaming moved them and not their
    /// memory, as earlier versions could.
    private static func owner(of files: SyncFiles, _ environment: RunEnvironment) throws -> String? {
        guard let mark = try Snapshot.open(files).snapshot?.header.seedMark else { return nil }
        return try environment.database.all().first { SeedMark.of($0.seed) == mark }?.name
    }

    /// What was sent once must not be sent again, and nothing removed, because a file was lost.
    private static func requireSendable(_ prepared: PreparedSync, _ reason: String, of owner: String?) throws {
        guard prepared.shape.behavior != .updateOrCreate, prepared.shape.behavior != .updateOnly else { return }
        throw Fingerprints.unusable(reason, of: owner)
    }
}

/// The plan of a run that a guard stopped.
struct StoppedPlan {
    static let ageMax: Int64 = 24 * 60 * 60 * 1_000

    var run: Int64
    var summary: PlanSummary
    /// Whether rows may have been left out of it: whoever sends it has not taken up the whole.
    var isLimited: Bool

    /// Changes with everything that a plan is made from but the source: a plan is sent for the state it was made for, and for
    /// no other.
    static func stamp(_ snapshot: SnapshotHeader?, _ pending: PendingFile, _ memory: SyncMemory?) -> String {
        let seed = memory.map { String(SeedMark.of($0.seed), radix: 16) } ?? ""
        return PlanOrigin.stamp(snapshot, pending, memory) + " " + seed
    }

    /// Whether nothing has changed in the state of the sync since the plan was made: no `reset`, no other memory.
    func isOf(_ files: SyncFiles, _ memory: SyncMemory?) throws -> Bool {
        try summary.stamp == Self.stamp(Snapshot.open(files).snapshot?.header, PendingFile.open(files), memory)
    }

    /// Nil where it is not kept, or not whole.
    static func of(_ run: RunRecord, environment: RunEnvironment) throws -> StoppedPlan? {
        guard try environment.state.plannedRuns().contains(run.id) else { return nil }
        let reader = try PlanReader(path: environment.state.planPath(run: run.id))
        guard reader.isSealed else { return nil }
        return StoppedPlan(run: run.id, summary: try PlanSummary.decode(reader.summary), isLimited: run.limited)
    }

    /// Makes the plan that of `run`, and names the rows that it leaves out there too.
    func hand(to run: Int64, environment: RunEnvironment) throws {
        try environment.database.copyOutcomes(from: self.run, to: run, except: SecondHalf.stoppedByGuard)
        try environment.state.movePlan(from: self.run, to: run)
    }
}
