internal import Foundation
internal import Synchronization

/// A flag that asks blocking work on another thread to end; looked at between waits.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }

    func check() throws {
        if isSet { throw CancellationError() }
    }
}

/// A value that one thread makes and one task waits for. Fulfilled once; later results are ignored.
final class Promised<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waited(CheckedContinuation<Value, any Error>)
        case done(Result<Value, any Error>)
    }

    private let state = Mutex(State.empty)

    func fulfil(_ result: Result<Value, any Error>) {
        let waiting: CheckedContinuation<Value, any Error>? = state.withLock { state in
            defer { if case .done = state {} else { state = .done(result) } }
            if case .waited(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume(with: result)
    }

    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let ready: Result<Value, any Error>? = state.withLock { state in
                if case .done(let result) = state { return result }
                state = .waited(continuation)
                return nil
            }
            if let ready { continuation.resume(with: ready) }
        }
    }
}

/// Runs `body`, which blocks, on a thread of its own: a blocked thread of the cooperative pool would stop the whole
/// program. A cancelled caller sets the flag and still waits until `body` has let go of everything.
func runBlocking<Value: Sendable>(
    _ name: String, _ body: @escaping @Sendable (StopFlag) throws -> Value
) async throws -> Value {
    let stop = StopFlag()
    let promised = Promised<Value>()
    let thread = Thread { promised.fulfil(Result { try body(stop) }) }
    thread.name = name
    thread.stackSize = 1 << 20
    thread.start()
    return try await withTaskCancellationHandler {
        try await promised.value()
    } onCancel: {
        stop.set()
    }
}
