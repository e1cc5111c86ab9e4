package import Runner
package import StateStore
internal import Synchronization

/// What a run that goes on in this process is doing at the moment; the history has only what is settled.
package struct LiveRun: Sendable, Hashable {
    package enum Doing: Sendable, Hashable {
        case starting
        case reading(rows: Int)
        case planned(operations: Int)
        case sending(done: Int, of: Int)
        case waiting(reason: String, until: Moment)
    }

    package var run: Int64
    package var sync: String
    package var doing: Doing
    /// Grows with every change.
    package var revision: Int64
}

/// The runs of this process, told by their progress.
package final class LiveBoard: Sendable {
    private struct State {
        var runs: [Int64: LiveRun] = [:]
        var revision: Int64 = 0
    }

    /// More runs than this are not followed.
    private static let runsMax = 1_000

    private let state = Mutex(State())

    package init() {}

    package func run(_ id: Int64) -> LiveRun? { state.withLock { $0.runs[id] } }

    package var running: [LiveRun] { state.withLock { $0.runs.values.sorted { $0.run < $1.run } } }

    /// A listener for one run after another: give each `RunEnvironment` that runs beside others one of its own, because
    /// progress does not say whose it is.
    package func listener(now: @escaping @Sendable () -> Moment) -> @Sendable (RunProgress) -> Void {
        let current = CurrentNumber()
        return { [self] progress in
            switch progress {
            case .started(let run, let sync, _):
                current.set(run)
                note(run, sync: sync, .starting)
            case .scanning(let rows): note(current.value, .reading(rows: rows))
            case .planned(let operations): note(current.value, .planned(operations: operations))
            case .delivering(let done, let total): note(current.value, .sending(done: done, of: total))
            case .waiting(let reason, let duration):
                let until = Moment(milliseconds: now().milliseconds + Int64(duration / .milliseconds(1)))
                note(current.value, .waiting(reason: reason, until: until))
            case .ended(let run): _ = state.withLock { $0.runs.removeValue(forKey: run) }
            case .stage, .gone, .notSwept, .warned: break
            }
        }
    }

    private func note(_ run: Int64?, sync: String? = nil, _ doing: LiveRun.Doing) {
        guard let run else { return }
        state.withLock { state in
            guard let name = sync ?? state.runs[run]?.sync else { return }
            guard state.runs[run] != nil || state.runs.count < Self.runsMax else { return }
            state.revision += 1
            state.runs[run] = LiveRun(run: run, sync: name, doing: doing, revision: state.revision)
        }
    }
}

private final class CurrentNumber: Sendable {
    private let number = Mutex<Int64?>(nil)

    var value: Int64? { number.withLock { $0 } }

    func set(_ value: Int64) { number.withLock { $0 = value } }
}
