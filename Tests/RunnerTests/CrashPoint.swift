import Runner
import StateStore
import Synchronization

/// Kills the run at one durable step: before it, or after so many bytes of it.
final class CrashPoint: Sendable {
    private struct State {
        var left: Int
        var isDead = false
        var steps: [StepName] = []
    }

    private let state: Mutex<State>
    private let bytes: Int?
    private let only: StepName?

    /// - Parameters:
    ///   - number: the step's number from 0, of those named `only`.
    ///   - bytes: how much of the step is still written; nil kills before it.
    init(at number: Int = 0, only: StepName? = nil, bytes: Int? = nil) {
        state = Mutex(State(left: number))
        self.bytes = bytes
        self.only = only
    }

    var isDead: Bool { state.withLock { $0.isDead } }
    var steps: [StepName] { state.withLock { $0.steps } }

    var hook: FileSteps {
        FileSteps { [self] step in
            let isNow = try state.withLock { state in
                if state.isDead { throw SimulatedKill() }
                state.steps.append(step)
                guard only == nil || only == step else { return false }
                state.left -= 1
                state.isDead = state.left < 0
                return state.isDead
            }
            guard isNow else { return .proceed }
            guard let bytes else { throw SimulatedKill() }
            return .torn(bytes: bytes)
        }
    }
}
