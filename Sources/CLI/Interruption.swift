internal import Dispatch
internal import Foundation
internal import Glibc
internal import Synchronization

/// Turns Ctrl-C and SIGTERM into the cancellation of what runs: the first asks politely, the second ends at once.
enum Interruption {
    static let waiting = "Stopping: waiting for the request in flight. Press Ctrl-C again to stop at once."

    /// - Parameter note: what the first signal says.
    static func watch<Result: Sendable>(
        note: String = waiting, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let (signals, continuation) = AsyncStream<Void>.makeStream()
        let count = SignalCount()
        let sources = [SIGINT, SIGTERM].map { number in source(number) { count.arrived(continuation) } }
        defer { for source in sources { source.cancel() } }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                var arrivals = signals.makeAsyncIterator()
                if await arrivals.next() != nil {
                    Output.note(note)
                }
                return nil
            }
            return try await first(&group)
        }
    }

    /// The body's result. A signal, the other child's end, cancels the body, whose own end is then awaited.
    private static func first<Result: Sendable>(
        _ group: inout ThrowingTaskGroup<Result?, any Error>
    ) async throws -> Result {
        while let ended = try await group.next() {
            if let result = ended {
                group.cancelAll()
                return result
            }
            group.cancelAll()
        }
        throw CancellationError()
    }

    /// Calls `arrived` whenever that signal comes; it then does nothing else.
    static func source(
        _ number: Int32, _ arrived: @escaping @Sendable () -> Void
    ) -> any DispatchSourceSignal {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler(handler: arrived)
        source.resume()
        return source
    }
}

/// How many signals have arrived. The second ends the program where it arrives, on a thread that waits for nothing:
/// a handler of `signal` would not do, since Dispatch blocks the signals that it watches.
private final class SignalCount: Sendable {
    private let count = Mutex(0)

    func arrived(_ polite: AsyncStream<Void>.Continuation) {
        let count = count.withLock { count in
            count += 1
            return count
        }
        if count > 1 { _exit(ExitStatus.cancelled.rawValue) }
        polite.yield()
    }
}
