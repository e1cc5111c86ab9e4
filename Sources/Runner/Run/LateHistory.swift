internal import ConnectorKit
internal import StateStore
internal import Synchronization

/// What is in the run's journal and not yet in the history: batches that went through are handed over together, a few
/// times a second, for a transaction of its own costs as much as sending one (decision 32). A batch of which anything was not
/// accepted is never late.
///
/// What a killed process had not handed over the next start takes from the journal; only the requests of those batches, all
/// of them answered with success, are not listed then (they are counted).
package final class LateHistory: Sendable {
    private struct State {
        /// The run as it is after the last frame that was added, and that frame's place in the journal.
        var latest: (run: RunRecord, position: Int)?
        var outcomes: [OutcomeRecord] = []
        var exchanges: [ExchangeRecord] = []
        var toldAt: Moment?
    }

    /// So many requests are handed over at the latest: their bodies lie in memory.
    private static let exchangesMax = 64

    private let lag: Duration
    private let state = Mutex(State())

    /// - Parameter lag: how late the history may be; nothing: it has each batch at once.
    init(lag: Duration) { self.lag = lag }

    var isEmpty: Bool { state.withLock { $0.latest == nil } }

    /// Takes a settle frame's rows, with the figures as they are after it.
    func add(position: Int, outcomes: [OutcomeRecord], exchanges: [ExchangeRecord], figures: RunRecord) {
        state.withLock { state in
            state.latest = (figures, position)
            state.outcomes += outcomes
            state.exchanges += exchanges
        }
    }

    /// Hands over what has gathered, where it is time to. A clock that was set back makes it so.
    func tellIfDue(_ database: ControlDatabase, at now: Moment) throws {
        let isDue = state.withLock { state in
            guard let toldAt = state.toldAt, state.outcomes.isEmpty, state.exchanges.count < Self.exchangesMax else {
                return true
            }
            return !(0..<Int64(lag / .milliseconds(1))).contains(now.milliseconds - toldAt.milliseconds)
        }
        if isDue { try tell(database, at: now) }
    }

    /// Hands over all of it. Others wait meanwhile: the history hears of frames in their order.
    func tell(_ database: ControlDatabase, at now: Moment) throws {
        try state.withLock { state in
            guard let (run, position) = state.latest else { return }
            _ = try database.apply(
                run: run.id, position: position, outcomes: state.outcomes, exchanges: state.exchanges, figures: run)
            state = State(toldAt: now)
        }
    }
}
