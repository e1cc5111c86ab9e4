internal import Foundation
public import Records
internal import Synchronization

/// Runs a blocking scan on a thread of its own and hands its batches over to the task that consumes them.
///
/// Database libraries block; a blocked thread of the cooperative pool would stop the whole program. At most
/// `batchesAheadMax` filled batches wait, so memory stays bounded and a slow consumer slows the scan.
public struct ScanThread: Sendable {
    public static let batchesAheadMax = 3

    private let exchange: BatchExchange

    /// Starts `produce` on a new thread. It calls its argument's `send` for each batch and returns after the last;
    /// what it throws is thrown by `next`. It must return soon after `send` has thrown.
    public init(name: String, produce: @escaping @Sendable (BatchSink) throws -> Void) {
        let exchange = BatchExchange()
        self.exchange = exchange
        let thread = Thread {
            do {
                try produce(BatchSink(exchange: exchange))
                exchange.finish(nil)
            } catch {
                exchange.finish(error)
            }
        }
        thread.name = name
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// The next batch, or nil after the last. Throws `CancellationError` if the task is cancelled while it waits.
    public func next() async throws -> RowBatch? {
        try await withTaskCancellationHandler {
            try await exchange.next()
        } onCancel: {
            exchange.cancel()
        }
    }

    /// Makes `send` throw from now on and waits until the thread has ended. `interrupt` should make a call that
    /// blocks in the library return (PQcancel, sqlite3_interrupt); it may be called after the thread has ended.
    public func stop(interrupt: @Sendable () -> Void) async {
        if !exchange.hasEnded {
            exchange.cancel()
            interrupt()
        }
        await exchange.waitForEnd()
    }
}

/// Where the scanning thread puts its batches.
public struct BatchSink: Sendable {
    let exchange: BatchExchange

    /// Waits for room and hands over one batch. Throws `CancellationError` when nobody wants it any more.
    public func send(_ batch: RowBatch) throws { try exchange.put(batch) }

    /// Throws `CancellationError` when the scan is to end; for producers that go long without a batch.
    public func checkWanted() throws {
        if exchange.isCancelled { throw CancellationError() }
    }
}

/// The bounded hand-over between the two.
final class BatchExchange: Sendable {
    private struct State {
        var ready: [RowBatch] = []
        var ended = false
        var error: (any Error)?
        var cancelled = false
        var waiting: CheckedContinuation<RowBatch?, any Error>?
        var endWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    /// Counts the free places; the producer's blocking wait. Made with none and then raised: a semaphore that is
    /// destroyed below the value it was made with ends the process, and a scan may end with batches not taken.
    private let places = DispatchSemaphore(value: 0)

    init() {
        for _ in 0..<ScanThread.batchesAheadMax { places.signal() }
    }

    var isCancelled: Bool { state.withLock { $0.cancelled } }
    var hasEnded: Bool { state.withLock { $0.ended } }

    func put(_ batch: RowBatch) throws {
        places.wait()
        let waiting: CheckedContinuation<RowBatch?, any Error>? = try state.withLock { state in
            if state.cancelled { throw CancellationError() }
            if let waiting = state.waiting {
                state.waiting = nil
                return waiting
            }
            state.ready.append(batch)
            return nil
        }
        if let waiting {
            places.signal()
            waiting.resume(returning: batch)
        }
    }

    func next() async throws -> RowBatch? {
        try await withCheckedThrowingContinuation { continuation in
            let now: Result<RowBatch?, any Error>? = state.withLock { state in
                if state.cancelled { return .failure(CancellationError()) }
                if !state.ready.isEmpty { return .success(state.ready.removeFirst()) }
                if state.ended { return state.error.map { .failure($0) } ?? .success(nil) }
                state.waiting = continuation
                return nil
            }
            guard let now else { return }
            if case .success(.some) = now { places.signal() }
            continuation.resume(with: now)
        }
    }

    func finish(_ error: (any Error)?) {
        let (waiting, waiters, cancelled) = state.withLock { state in
            state.ended = true
            state.error = error
            let taken = (state.waiting, state.endWaiters, state.cancelled)
            state.waiting = nil
            state.endWaiters = []
            return taken
        }
        if let waiting {
            if let error {
                waiting.resume(throwing: cancelled ? CancellationError() : error)
            } else {
                waiting.resume(returning: nil)
            }
        }
        for waiter in waiters { waiter.resume() }
    }

    func cancel() {
        let waiting = state.withLock { state in
            state.cancelled = true
            state.ready = []
            let waiting = state.waiting
            state.waiting = nil
            return waiting
        }
        waiting?.resume(throwing: CancellationError())
        // A producer that waits for a place wakes, sees that it is not wanted and returns.
        places.signal()
    }

    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let ended = state.withLock { state in
                if state.ended { return true }
                state.endWaiters.append(continuation)
                return false
            }
            if ended { continuation.resume() }
        }
    }
}
