internal import Dispatch
internal import Foundation
internal import Glibc

/// Turns Ctrl-C and SIGTERM into the cancellation of what runs: the first asks politely, the second ends at once.
enum Interruption {
    static func watch<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let (signals, continuation) = AsyncStream<Int32>.makeStream()
        let sources = [SIGINT, SIGTERM].map { number in source(number, continuation) }
        defer { for source in sources { source.cancel() } }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                var arrivals = signals.makeAsyncIterator()
                if await arrivals.next() != nil {
                    Output.note("Stopping: waiting for the request in flight. Press Ctrl-C again to stop at once.")
                }
                return nil
            }
            return try await first(&group, signals: continuation)
        }
    }

    /// The body's result. A signal, the other child's end, cancels the body, whose own end is then awaited.
    private static func first<Result: Sendable>(
        _ group: inout ThrowingTaskGroup<Result?, any Error>, signals: AsyncStream<Int32>.Continuation
    ) async throws -> Result {
        while let ended = try await group.next() {
            if let result = ended {
                group.cancelAll()
                return result
            }
            // From here on a further signal finds nobody who is polite.
            for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(ExitStatus.cancelled.rawValue) } }
            group.cancelAll()
        }
        throw CancellationError()
    }

    private static func source(
        _ number: Int32, _ continuation: AsyncStream<Int32>.Continuation
    ) -> any DispatchSourceSignal {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { continuation.yield(number) }
        source.resume()
        return source
    }
}
