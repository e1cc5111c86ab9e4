internal import Synchronization

/// What a thread tells the task that waits for it, once; later answers are dropped.
final class FirstAnswer<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Result<Value, any Error>, Never>)
        case given(Result<Value, any Error>)
    }

    private let state = Mutex(State.open)

    func give(_ answer: Result<Value, any Error>) {
        let waiting: CheckedContinuation<Result<Value, any Error>, Never>? = state.withLock { state in
            switch state {
            case .open:
                state = .given(answer)
                return nil
            case .awaited(let waiting):
                state = .given(answer)
                return waiting
            case .given:
                return nil
            }
        }
        waiting?.resume(returning: answer)
    }

    /// Waits for the answer; one task, once. The thread must give one, also when it is stopped.
    func wait() async -> Result<Value, any Error> {
        await withCheckedContinuation { continuation in
            let given: Result<Value, any Error>? = state.withLock { state in
                if case .given(let answer) = state { return answer }
                state = .awaited(continuation)
                return nil
            }
            if let given { continuation.resume(returning: given) }
        }
    }
}
