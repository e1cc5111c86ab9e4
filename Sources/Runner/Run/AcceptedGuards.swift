internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// The guards that somebody accepted for a run. Whoever does so has looked at the plan that they stopped, and exactly that
/// goes on. Where it cannot, they stop what the run plans anew as well, until they are accepted for it. Where no run of the
/// sync stands stopped, they were accepted beforehand, for whatever the run plans.
struct AcceptedGuards {
    /// What goes on: the plan, and what is remembered of the sync.
    private(set) var plan: (stopped: StoppedPlan, memory: SyncMemory)?
    private let names: Set<String>
    /// The run that was looked at, where its plan does not go on.
    private var seen: RunRecord?
    private var obstacle = Obstacle.notKept

    /// Why a plan that a guard stopped does not go on.
    private enum Obstacle {
        case notKept, notLatest, old, otherDefinition, otherState, notFull, notAllAccepted

        var words: String {
            switch self {
            case .notKept: "is not kept any more"
            case .notLatest: "was made before another run"
            case .old: "is more than 24 hours old"
            case .otherDefinition: "was made for another definition of the sync"
            case .otherState: "was made before the state of the sync changed"
            case .notFull: "is not that of a full run"
            case .notAllAccepted: "was stopped by other guards too"
            }
        }
    }

    init(
        _ prepared: PreparedSync, _ options: RunOptions, files: SyncFiles, before run: Int64,
        environment: RunEnvironment
    ) throws {
        names = options.acceptedGuards
        // A reviewed plan was looked at by itself. A limited run removes nothing, and one of chosen records asks no guard.
        guard !names.isEmpty, options.reviewed == nil, options.limit == nil, !options.isSelective,
            let (stopped, isLatest) = try Self.stopped(prepared.definition.name, before: run, environment)
        else { return }
        seen = stopped
        guard isLatest else {
            obstacle = .notLatest
            return
        }
        guard let kept = try StoppedPlan.of(stopped, environment: environment) else { return }
        let memory = try environment.database.memory(prepared.definition.name)
        // From the stop: a run that was interrupted before it had a plan may have begun long before that.
        let stoppedAt = stopped.endedAt ?? stopped.startedAt
        if environment.time.now().milliseconds - stoppedAt.milliseconds >= StoppedPlan.ageMax {
            obstacle = .old
        } else if kept.summary.definition != prepared.definitionText {
            obstacle = .otherDefinition
        } else if try memory == nil || !kept.isOf(files, memory) {
            obstacle = .otherState
        } else if options.isFull && (!kept.summary.full || kept.isLimited) {
            obstacle = .notFull
        } else if !names.isSuperset(of: kept.summary.guards) {
            obstacle = .notAllAccepted
        } else {
            plan = memory.map { (kept, $0) }
        }
    }

    private static let runsMax = 100

    /// The newest run of the sync that got as far as a plan of the whole, if a guard stopped it, and whether it is the newest
    /// of all.
    private static func stopped(
        _ sync: String, before run: Int64, _ environment: RunEnvironment
    ) throws -> (run: RunRecord, isLatest: Bool)? {
        let runs = try RunHistory(environment.database).runs(sync: sync, limit: runsMax).filter {
            // What never began has changed nothing: under a schedule such runs stand between all others.
            $0.id != run && $0.state != .skipped && $0.state != .queued
        }
        guard let found = runs.first(where: { $0.state == .stoppedByGuard || saysOfTheWhole($0) }),
            found.state == .stoppedByGuard
        else { return nil }
        return (found, found.id == runs.first?.id)
    }

    private static func saysOfTheWhole(_ run: RunRecord) -> Bool {
        if run.limited || !run.state.isFinal { return false }
        switch run.state {
        case .skipped: return false
        case .failed, .cancelled: return run.operations.planned + run.operations.removals > 0
        default: return true
        }
    }

    /// Those that stop the run. One that was accepted for a plan that does not go on says so.
    func stopping(_ verdicts: [GuardVerdict]) -> [GuardVerdict] {
        verdicts.compactMap { verdict in
            guard names.contains(verdict.name.rawValue) else { return verdict }
            guard let seen, let told = seen.guard?.all.first(where: { $0.name == verdict.name.rawValue }) else {
                return nil
            }
            // What was looked at is the same still; it is the others that stop the run.
            let isSame = told.message == verdict.message || told.message.hasPrefix(verdict.message + Self.but)
            if obstacle == .notAllAccepted && isSame { return nil }
            var again = verdict
            again.message += "\(Self.but) run \(seen.id), whose plan \(obstacle.words). "
            again.message += "Look at these figures and accept it again."
            return again
        }
    }

    private static let but = " It was accepted for"
}
