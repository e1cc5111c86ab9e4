import Runner
import StateStore
import Synchronization

/// A clock that only the test moves. Who sleeps wakes when it has moved far enough.
final class ManualTime: Sendable {
    private struct State {
        var now: Moment
        var number = 0
        var sleepers: [Int: (until: Moment, wake: CheckedContinuation<Void, any Error>)] = [:]
    }

    private let state: Mutex<State>

    init(_ now: Moment) { state = Mutex(State(now: now)) }

    var now: Moment { state.withLock { $0.now } }

    var runTime: RunTime {
        RunTime(
            now: { self.now }, sleep: { try await self.sleep($0) }, chance: { 0.5 },
            seed: { UInt64.random(in: 1 ... .max) })
    }

    func advance(to moment: Moment) {
        let due = state.withLock { state in
            state.now = moment
            let due = state.sleepers.filter { $0.value.until <= moment }
            for number in due.keys { state.sleepers[number] = nil }
            return due.values.sorted { $0.until < $1.until }.map(\.wake)
        }
        for wake in due { wake.resume() }
    }

    func advance(seconds: Int64) { advance(to: now.plus(seconds: seconds)) }

    private func sleep(_ duration: Duration) async throws {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (wake: CheckedContinuation<Void, any Error>) in
                let parts = duration.components
                let length = parts.seconds * 1_000 + parts.attoseconds / 1_000_000_000_000_000
                let isOver: Bool? = state.withLock { state in
                    if Task.isCancelled { return nil }
                    let until = Moment(milliseconds: state.now.milliseconds + length)
                    if until <= state.now { return true }
                    state.sleepers[number] = (until, wake)
                    return false
                }
                if isOver == nil { wake.resume(throwing: CancellationError()) }
                if isOver == true { wake.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: number)?.wake }?.resume(throwing: CancellationError())
        }
    }
}
