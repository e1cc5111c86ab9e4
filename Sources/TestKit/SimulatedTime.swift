internal import Synchronization

/// A clock that only sleepers move, and chance from a seed. Sleeping takes no real time.
public final class SimulatedTime: Sendable {
    private struct State {
        var milliseconds: Int64
        var slept: [Duration] = []
        var random: SeededRandom
    }

    private let state: Mutex<State>

    /// - Parameter milliseconds: where the clock starts, since 1970-01-01T00:00:00Z.
    public init(milliseconds: Int64 = 1_795_000_000_000, seed: UInt64 = 1) {
        state = Mutex(State(milliseconds: milliseconds, random: SeededRandom(seed: seed)))
    }

    public var milliseconds: Int64 { state.withLock { $0.milliseconds } }

    /// Every wait there was, in order.
    public var slept: [Duration] { state.withLock { $0.slept } }

    public func advance(by duration: Duration) {
        state.withLock { $0.milliseconds += Self.milliseconds(duration) }
    }

    /// Moves the clock at once. Throws `CancellationError` if the task is cancelled.
    public func sleep(_ duration: Duration) async throws {
        try Task.checkCancellation()
        await Task.yield()
        state.withLock {
            $0.milliseconds += Self.milliseconds(duration)
            $0.slept.append(duration)
        }
        try Task.checkCancellation()
    }

    public func fraction() -> Double { state.withLock { $0.random.fraction() } }
    public func bits() -> UInt64 { state.withLock { $0.random.next() } }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
    }
}
