internal import StateStore

/// What is in the run's journal and not yet in the history: batches that went through are handed over together, a few
/// times a second, for a transaction of its own costs as much as sending one (decision 32). A batch of which anything was not
/// accepted is never late.
///
/// What a killed process had not handed over the next start takes from the journal; only the requests of those batches, all
/// of them answered with success, are not listed then (they are counted).
struct LateHistory {
    /// So many requests are handed over at the latest: their bodies lie in memory.
    private static let exchangesMax = 64

    private let lag: Duration
    private var position: Int?
    private var outcomes: [OutcomeRecord] = []
    private var exchanges: [ExchangeRecord] = []
    private var writtenAt: Moment?

    init(lag: Duration) { self.lag = lag }

    var isEmpty: Bool { position == nil }

    /// Takes a settle frame's rows.
    mutating func add(position: Int, outcomes: [OutcomeRecord], exchanges: [ExchangeRecord]) {
        self.position = position
        self.outcomes += outcomes
        self.exchanges += exchanges
    }

    /// Whether what has gathered is to be written now. A clock that was set back makes it due.
    func isDue(at now: Moment) -> Bool {
        guard let writtenAt, outcomes.isEmpty, exchanges.count < Self.exchangesMax else { return true }
        return !(0..<Int64(lag / .milliseconds(1))).contains(now.milliseconds - writtenAt.milliseconds)
    }

    /// Hands all of it over, with the figures as they are after its last frame.
    mutating func write(to database: ControlDatabase, figures run: RunRecord, at now: Moment) throws {
        guard let position else { return }
        _ = try database.apply(
            run: run.id, position: position, outcomes: outcomes, exchanges: exchanges, figures: run)
        self.position = nil
        outcomes.removeAll()
        exchanges.removeAll()
        writtenAt = now
    }
}
