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

    /// The fingerprints, unless they say nothing about what this run writes to.
    var usable: Snapshot? { full.forgetsState ? nil : snapshot }

    static func open(
        _ prepared: PreparedSync, files: SyncFiles, environment: RunEnvironment, options: RunOptions
    ) throws -> Opening {
        let known = try environment.database.memory(prepared.definition.name)
        var memory = known ?? newMemory(prepared.definition, environment)
        let (snapshot, isLost) = try snapshot(files, prepared)
        let full = try FullRun.decide(prepared, memory: memory, snapshot: snapshot, isLost: isLost, options: options)
        if full.forgetsState { memory.hasAccepted = false }
        return Opening(
            memory: memory, snapshot: snapshot, pending: try PendingFile.open(files), full: full, isNew: known == nil)
    }

    static func newMemory(_ definition: SyncDefinition, _ environment: RunEnvironment) -> SyncMemory {
        SyncMemory(name: definition.name, seed: environment.time.seed())
    }

    private static func snapshot(_ files: SyncFiles, _ prepared: PreparedSync) throws -> (Snapshot?, isLost: Bool) {
        switch try Snapshot.open(files) {
        case .none: return (nil, false)
        case .current(let snapshot): return (snapshot, false)
        case .fellBack(let snapshot, _): return (snapshot, false)
        case .lost(let reason):
            // What was sent once must not be sent again because a file was damaged.
            guard prepared.shape.behavior == .updateOrCreate || prepared.shape.behavior == .updateOnly else {
                throw StateError(
                    code: "state_lost", message: "The fingerprints of this sync cannot be read: \(reason)",
                    hint: "Restore a backup of the state directory, or use sluice reset to start over.")
            }
            return (nil, true)
        }
    }
}

/// The newest plan of a sync, if a guard stopped it and it may still be accepted.
struct StoppedPlan {
    static let ageMax: Int64 = 24 * 60 * 60 * 1_000

    var run: Int64
    var summary: PlanSummary

    static func find(_ sync: String, before run: Int64, environment: RunEnvironment) throws -> StoppedPlan? {
        let history = RunHistory(environment.database)
        guard let last = try history.runs(sync: sync, limit: 2).first(where: { $0.id != run }),
            last.state == .stoppedByGuard,
            environment.time.now().milliseconds - last.startedAt.milliseconds < ageMax,
            try environment.state.plannedRuns().contains(last.id)
        else { return nil }
        let reader = try PlanReader(path: environment.state.planPath(run: last.id))
        guard reader.isSealed else { return nil }
        return StoppedPlan(run: last.id, summary: try PlanSummary.decode(reader.summary))
    }

    /// Makes the plan that of `run`, and names the rows that it leaves out there too.
    func hand(to run: Int64, environment: RunEnvironment) throws {
        try environment.database.copyOutcomes(from: self.run, to: run)
        try environment.state.movePlan(from: self.run, to: run)
    }
}
