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

    /// What goes on at a rate.
    package enum Stage: Sendable, Hashable { case reading, sending }

    package var run: Int64
    package var sync: String
    package var doing: Doing
    /// Grows with every change.
    package var revision: Int64
    /// What it reads or sends, since when, and how much of it was done then; a wait is part of it.
    package var stage: Stage?
    package var since = Moment(milliseconds: 0)
    package var doneBefore = 0

    /// How much it has read or sent since the stage began, each second; nil before a second is over.
    func perSecond(now: Moment) -> Double? {
        guard let progress = doing.progress, progress.stage == stage else { return nil }
        let milliseconds = now.milliseconds - since.milliseconds
        guard milliseconds >= 1_000, progress.done > doneBefore else { return nil }
        return Double(progress.done - doneBefore) * 1_000 / Double(milliseconds)
    }
}

extension LiveRun.Doing {
    var progress: (stage: LiveRun.Stage, done: Int)? {
        switch self {
        case .reading(let rows): (.reading, rows)
        case .sending(let done, _): (.sending, done)
        case .starting, .planned, .waiting: nil
        }
    }
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
        let note: @Sendable (Int64?, String?, LiveRun.Doing) -> Void = { [self] run, sync, doing in
            self.note(run, sync: sync, doing, at: now())
        }
        return { [self] progress in
            switch progress {
            case .started(let run, let sync, _):
                current.set(run)
                note(run, sync, .starting)
            case .scanning(let rows): note(current.value, nil, .reading(rows: rows))
            case .planned(let operations): note(current.value, nil, .planned(operations: operations))
            case .delivering(let done, let total): note(current.value, nil, .sending(done: done, of: total))
            case .waiting(let reason, let duration):
                let until = Moment(milliseconds: now().milliseconds + Int64(duration / .milliseconds(1)))
                note(current.value, nil, .waiting(reason: reason, until: until))
            case .ended(let run): _ = state.withLock { $0.runs.removeValue(forKey: run.id) }
            case .stage, .gone, .notSwept, .warned: break
            }
        }
    }

    private func note(_ run: Int64?, sync: String?, _ doing: LiveRun.Doing, at now: Moment) {
        guard let run else { return }
        state.withLock { state in
            guard let name = sync ?? state.runs[run]?.sync else { return }
            guard state.runs[run] != nil || state.runs.count < Self.runsMax else { return }
            state.revision += 1
            var new = state.runs[run] ?? LiveRun(run: run, sync: name, doing: doing, revision: 0)
            (new.sync, new.doing, new.revision) = (name, doing, state.revision)
            if let progress = doing.progress, progress.stage != new.stage {
                (new.stage, new.since, new.doneBefore) = (progress.stage, now, progress.done)
            }
            state.runs[run] = new
        }
    }
}

private final class CurrentNumber: Sendable {
    private let number = Mutex<Int64?>(nil)

    var value: Int64? { number.withLock { $0 } }

    func set(_ value: Int64) { number.withLock { $0 = value } }
}
