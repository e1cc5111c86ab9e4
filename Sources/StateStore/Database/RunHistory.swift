internal import GRDB
package import Records

/// The read side for people: the pages of the history. Each page costs milliseconds, however much history there is.
package struct RunHistory: Sendable {
    package static let pageMax = 1_000

    let database: ControlDatabase

    package init(_ database: ControlDatabase) {
        self.database = database
    }

    /// Newest first; of one sync or of all. `limit` is cut to `pageMax`, here and below.
    package func runs(sync: String? = nil, limit: Int, offset: Int = 0) throws(StateError) -> [RunRecord] {
        try database.read { try RunTable.runs($0, sync: sync, limit: page(limit), offset: max(0, offset)) }
    }

    package func run(_ id: Int64) throws(StateError) -> RunRecord? {
        try database.run(id)
    }

    /// The newest run of each sync that has one, by the sync's name.
    package func lastRunPerSync() throws(StateError) -> [RunRecord] {
        try database.read { try RunTable.lastOfEachSync($0) }
    }

    /// The run's rows that did not simply arrive, in the order of the plan; those of one outcome by code first.
    package func outcomes(
        run: Int64, outcome: OutcomeKind? = nil, code: String? = nil, limit: Int, offset: Int = 0
    ) throws(StateError) -> [OutcomeRecord] {
        try database.read {
            try OutcomeTable.page(
                $0, run: run, outcome: outcome, code: code, limit: page(limit), offset: max(0, offset))
        }
    }

    /// The texts of those keys that the run's outcomes name, by hash.
    package func keys(run: Int64, of hashes: Set<Hash128>) throws(StateError) -> [Hash128: String] {
        try database.read { try OutcomeTable.keys($0, run: run, hashes: hashes) }
    }

    package func outcomeCounts(run: Int64) throws(StateError) -> [OutcomeKind: Int] {
        try database.read { try OutcomeTable.counts($0, run: run) }
    }

    /// In the order they were made.
    package func exchanges(run: Int64, limit: Int, offset: Int = 0) throws(StateError) -> [ExchangeRecord] {
        try database.read { try ExchangeTable.page($0, run: run, limit: page(limit), offset: max(0, offset)) }
    }

    /// The number that the next exchange of the run gets.
    package func nextExchangeNumber(run: Int64) throws(StateError) -> Int {
        try database.read { try ExchangeTable.nextNumber($0, run: run) }
    }

    /// The tries of one batch.
    package func exchanges(run: Int64, batch: Int) throws(StateError) -> [ExchangeRecord] {
        try database.read { try ExchangeTable.page($0, run: run, where: "batch = ?", [batch], limit: Self.pageMax) }
    }

    /// The requests that carried one operation.
    package func exchanges(run: Int64, sequence: Int) throws(StateError) -> [ExchangeRecord] {
        let condition = "first_sequence <= ? AND last_sequence >= ?"
        return try database.read {
            try ExchangeTable.page($0, run: run, where: condition, [sequence, sequence], limit: Self.pageMax)
        }
    }

    /// What became of one record over the runs, newest first, as far as it did not simply arrive.
    package func life(sync: String, key: String, limit: Int = pageMax) throws(StateError) -> [OutcomeRecord] {
        try database.read { try OutcomeTable.life($0, sync: sync, key: key, limit: page(limit)) }
    }

    private func page(_ limit: Int) -> Int { min(max(0, limit), Self.pageMax) }
}
