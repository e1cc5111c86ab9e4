import Runner
import StateStore
import Synchronization
import TestKit

/// Where one start of the program is killed, if at all: at a durable step, whole, torn or not at all written, or while
/// a request is on its way. And from which step on, and for how long, its disk is full.
final class CrashPlan: Sendable {
    private struct State {
        var stepsLeft: Int
        var requestsLeft: Int
        var isDead = false
        var death: Happening?
        var stepsUntilFull: Int
        var stepsFull: Int
        var wasFull = false
        var steps: [StepName] = []
    }

    private let state: Mutex<State>
    private let bytes: Int?
    private let only: StepName?

    /// Nothing is killed.
    ///
    /// - Parameter only: which steps are counted; nil counts all.
    init(
        step: Int = .max, only: StepName? = nil, request: Int = .max, bytes: Int? = nil, fullAt: Int = .max,
        fullFor: Int = 0
    ) {
        state = Mutex(
            State(stepsLeft: step, requestsLeft: request, stepsUntilFull: fullAt, stepsFull: fullFor))
        self.bytes = bytes
        self.only = only
    }

    convenience init(_ random: inout SeededRandom) {
        let bytes: Int? = [nil, 0, random.number(1...100), .max][random.number(0...3)]
        switch random.number(0...10) {
        case 0...2: self.init(step: random.number(0...12), bytes: bytes)
        case 3...4: self.init(step: random.number(0...120), bytes: bytes)
        case 5: self.init(request: random.number(0...8))
        case 6:
            let length = random.chance(percent: 50) ? random.number(1...4) : Int.max
            self.init(bytes: random.number(0...200), fullAt: random.number(0...30), fullFor: length)
        default: self.init()
        }
    }

    /// The steps that were begun, the one that it was killed at included.
    var steps: [StepName] { state.withLock { $0.steps } }

    var isDead: Bool { state.withLock { $0.isDead } }
    /// How it was killed; nil where it was not.
    var death: Happening? { state.withLock { $0.death } }
    /// Whether anything was refused for want of space.
    var wasFull: Bool { state.withLock { $0.wasFull } }

    /// A request arrives; from the kill on nothing is written any more.
    func request() {
        state.withLock { state in
            state.requestsLeft -= 1
            guard state.requestsLeft < 0, !state.isDead else { return }
            (state.isDead, state.death) = (true, .killedAtARequest)
        }
    }

    private enum Fate { case none, kill, full }

    var hook: FileSteps {
        FileSteps { [self] step in
            let fate = try state.withLock { state in
                if state.isDead { throw SimulatedKill() }
                state.steps.append(step)
                state.stepsUntilFull -= 1
                if state.stepsUntilFull < 0 && state.stepsFull > 0 {
                    state.stepsFull -= 1
                    state.wasFull = true
                    return Fate.full
                }
                guard only == nil || only == step else { return .none }
                state.stepsLeft -= 1
                guard state.stepsLeft < 0 else { return .none }
                (state.isDead, state.death) = (true, bytes == nil ? .killedBeforeAStep : .killedInAWrite)
                return .kill
            }
            switch fate {
            case .none: return .proceed
            case .full: return .full(bytes: bytes ?? 0)
            case .kill:
                guard let bytes else { throw SimulatedKill() }
                return .torn(bytes: bytes)
            }
        }
    }
}
