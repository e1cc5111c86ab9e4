public import ConnectorKit
internal import Synchronization

/// Counts what a destination does with the context it was lent: permits taken, exchanges and limits reported.
public final class ContextWatch: Sendable {
    private struct State {
        var permits = 0
        var exchanges: [Exchange] = []
        var notices: [RateLimitNotice] = []
    }

    private let state = Mutex(State())
    private let refusesPermits: Bool

    /// `refusesPermits` makes every permit throw `CancellationError`, as a cancelled run does.
    public init(refusesPermits: Bool = false) { self.refusesPermits = refusesPermits }

    public var permits: Int { state.withLock { $0.permits } }
    public var exchanges: [Exchange] { state.withLock { $0.exchanges } }
    public var notices: [RateLimitNotice] { state.withLock { $0.notices } }

    public var context: DestinationContext {
        DestinationContext(
            permit: { [self] in
                if refusesPermits { throw CancellationError() }
                state.withLock { $0.permits += 1 }
            },
            observeLimit: { [self] notice in state.withLock { $0.notices.append(notice) } },
            record: { [self] exchange in state.withLock { $0.exchanges.append(exchange) } })
    }
}
