internal import GRDB
package import Records

/// A run as one bar of a small chart.
package struct RunBar: Sendable, Hashable {
    package var id: Int64
    package var state: RunState
    package var startedAt: Moment
    package var endedAt: Moment?
    package var scanned: Int
    package var accepted: Int
    /// Invalid, held, rejected, undelivered and in doubt.
    package var notArrived: Int
}

/// Which outcomes of a run a page shows, and where it goes on.
package struct OutcomeFilter: Sendable, Hashable {
    package var outcome: OutcomeKind?
    /// Only together with an outcome.
    package var code: String?
    /// What the key begins with.
    package var keyPrefix: String?
    /// The last row of the page before.
    package var after: Cursor?
    /// The first row of the page behind; then the rows come backwards. Not together with `after` or a search.
    package var before: Cursor?

    package struct Cursor: Sendable, Hashable {
        package var code: String
        package var sequence: Int

        package init(code: String, sequence: Int) {
            self.code = code
            self.sequence = sequence
        }
    }

    package init() {}
}

/// Pages that go on behind the last row of the page before: as quick on the thousandth page as on the first.
extension RunHistory {
    /// Newest first, older than `before`; of one sync or of all, in one of `states` or in any. Where states are asked
    /// for, the newest `reach` runs are looked at.
    package func runs(
        sync: String?, states: [RunState]?, before: Int64?, limit: Int, reach: Int = 10_000
    ) throws(StateError) -> [RunRecord] {
        try database.read { database in
            var conditions = ["id < ?"]
            var arguments: StatementArguments = [before ?? .max]
            if let sync {
                conditions.append("sync = (SELECT id FROM syncs WHERE name = ?)")
                arguments += [sync]
            }
            if let states {
                conditions.append("id > (SELECT coalesce(max(id), 0) FROM runs) - ?")
                conditions.append("state IN (\(states.map { "'\($0.rawValue)'" }.joined(separator: ", ")))")
                arguments += [reach]
            }
            arguments += [min(max(0, limit), Self.pageMax)]
            return try RunTable.runs(database, where: conditions.joined(separator: " AND "), arguments)
        }
    }

    /// The newest runs of each of these syncs, oldest first.
    package func bars(of syncs: [String], each limit: Int) throws(StateError) -> [String: [RunBar]] {
        try database.read { database in
            var bars: [String: [RunBar]] = [:]
            for sync in syncs.prefix(Self.pageMax) {
                bars[sync] = try RunTable.bars(database, sync: sync, limit: min(limit, Self.pageMax)).reversed()
            }
            return bars
        }
    }

    /// When the last complete run of each sync ended, by the sync's name.
    package func completeRuns() throws(StateError) -> [String: Moment] {
        let sql = """
            SELECT syncs.name, runs.ended_at FROM syncs JOIN runs ON runs.id = syncs.last_complete_run
            WHERE runs.ended_at IS NOT NULL
            """
        return try database.read { database in
            let rows = try Row.fetchAll(database, sql: sql)
            return Dictionary(
                rows.map { ($0[0], Moment(milliseconds: $0[1])) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// When complete runs of a sync ended, oldest first: those of runs that started at `begin` or later, at most `limit` and
    /// then the newest, and the last one before them, if it is among the `reach` runs before. A run every minute for 30 days
    /// fits in; neither a long history nor one of failures only makes it slow.
    package func completeTimes(
        sync: String, since begin: Moment, limit: Int = 45_000, reach: Int = 5_000
    ) throws(StateError) -> [Moment] {
        let complete = """
            NOT is_limited AND ended_at IS NOT NULL
            AND state IN ('\(RunState.succeeded.rawValue)', '\(RunState.completedWithRejections.rawValue)')
            """
        let within = """
            SELECT id, ended_at FROM runs WHERE sync = ? AND id >= ? AND \(complete) ORDER BY id DESC LIMIT ?
            """
        let before = """
            SELECT ended_at FROM (
                SELECT id, state, is_limited, ended_at FROM runs WHERE sync = ? AND id < ? ORDER BY id DESC LIMIT ?
            ) WHERE \(complete) ORDER BY id DESC LIMIT 1
            """
        return try database.read { database in
            guard
                let id = try Int64.fetchOne(database, sql: "SELECT id FROM syncs WHERE name = ?", arguments: [sync])
            else { return [] }
            let first = try Int64.fetchOne(
                database, sql: "SELECT id FROM runs WHERE started_at >= ? ORDER BY started_at LIMIT 1",
                arguments: [begin.milliseconds])
            var found: [Int64] = []
            var oldest = first ?? Int64.max
            if let first {
                let rows = try Row.fetchCursor(database, sql: within, arguments: [id, first, limit])
                while let row = try rows.next() {
                    oldest = row[0]
                    found.append(row[1])
                }
                if found.count < limit { oldest = first }
            }
            if let last = try Int64.fetchOne(database, sql: before, arguments: [id, oldest, reach]) {
                found.append(last)
            }
            return found.reversed().map { Moment(milliseconds: $0) }
        }
    }

    /// When the run's plan was complete, so that sending could begin.
    package func sealedAt(run: Int64) throws(StateError) -> Moment? {
        try database.read { database in
            let sql = "SELECT sealed_at FROM runs WHERE id = ?"
            guard let at = try Int64?.fetchOne(database, sql: sql, arguments: [run]) else { return nil }
            return at.map { Moment(milliseconds: $0) }
        }
    }

    /// Rows of the run that did not simply arrive: with an outcome by code and sequence, else by sequence; by key where
    /// a key is sought. Of a search the first `reach` keys that begin so, in all runs, are looked at.
    package func outcomes(
        run: Int64, _ filter: OutcomeFilter, limit: Int, reach: Int = 20_000
    ) throws(StateError) -> [OutcomeRecord] {
        let limit = min(max(0, limit), Self.pageMax)
        return try database.read { database in
            if let prefix = filter.keyPrefix {
                return try OutcomeTable.search(
                    database, run: run, keyPrefix: prefix, filter, limit: limit, reach: reach)
            }
            return try OutcomeTable.page(database, run: run, filter, limit: limit)
        }
    }

    /// Why rows of the run did not arrive, with up to three keys each, most frequent first. Of each reason at most
    /// `countMax` rows are counted, so that the page of a run takes no longer the more rows did not arrive. Where the run
    /// has counted more, because of very many rows only some are kept, it is as many as that.
    package func boundedReasons(run: Int64, countMax: Int = 10_000) throws(StateError) -> [ReasonSummary] {
        try database.read { database in
            var found: [ReasonSummary] = []
            var last = ("", "")
            while found.count < Self.reasonsMax,
                let next = try OutcomeTable.nextReason(database, run: run, after: last)
            {
                found.append(
                    try OutcomeTable.summary(database, run: run, next.outcome, next.code, countMax: countMax))
                last = (next.outcome.rawValue, next.code)
            }
            let told = try RunTable.run(database, run)?.reasons ?? []
            for index in found.indices {
                let code = found[index].reason.code
                guard found.count(where: { $0.reason.code == code }) == 1 else { continue }
                found[index].count = max(found[index].count, told.first { $0.code == code }?.count ?? 0)
            }
            return found.sorted {
                ($1.count, $0.outcome.rawValue, $0.reason.code) < ($0.count, $1.outcome.rawValue, $1.reason.code)
            }
        }
    }

    /// Kinds of reasons that a run's page shows.
    private static var reasonsMax: Int { 100 }

    package func exchange(run: Int64, number: Int) throws(StateError) -> ExchangeRecord? {
        try database.read { try ExchangeTable.page($0, run: run, where: "number = ?", [number], limit: 1).first }
    }

    /// In the order they were made, behind number `after`, without their bodies.
    package func exchangeHeads(run: Int64, after: Int?, limit: Int) throws(StateError) -> [ExchangeRecord] {
        try database.read {
            try ExchangeTable.heads($0, run: run, after: after ?? -1, limit: min(max(0, limit), Self.pageMax))
        }
    }

    /// How many requests the run made in each minute, by the minute's number since 1970; the first 10,000 requests.
    package func requestsPerMinute(run: Int64) throws(StateError) -> [(minute: Int64, requests: Int, refused: Int)] {
        let sql = """
            SELECT at / 60000 AS minute, count(*), sum(status IS 429)
            FROM (SELECT at, status FROM exchanges WHERE run = ? AND at > 0 ORDER BY number LIMIT 10000)
            GROUP BY minute ORDER BY minute
            """
        return try database.read { database in
            try Row.fetchAll(database, sql: sql, arguments: [run]).map { ($0[0], $0[1], $0[2]) }
        }
    }
}

extension RunTable {
    /// The newest first. `condition` is about the columns of `runs`.
    static func runs(
        _ database: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [RunRecord] {
        let sql = """
            \(select) WHERE runs.id IN (SELECT id FROM runs WHERE \(condition) ORDER BY id DESC LIMIT ?)
            ORDER BY runs.id DESC
            """
        return try records(database, sql, arguments)
    }

    /// Newest first.
    static func bars(_ database: Database, sync: String, limit: Int) throws -> [RunBar] {
        let sql = """
            SELECT id, state, started_at, ended_at, rows_scanned, operations_accepted,
                rows_invalid + rows_held + operations_rejected + operations_undelivered + operations_in_doubt
            FROM runs WHERE sync = (SELECT id FROM syncs WHERE name = ?) ORDER BY id DESC LIMIT ?
            """
        let statement = try database.cachedStatement(sql: sql)
        return try Row.fetchAll(statement, arguments: [sync, limit]).map { row in
            RunBar(
                id: row[0], state: RunState(rawValue: row[1]) ?? .failed, startedAt: Moment(milliseconds: row[2]),
                endedAt: (row[3] as Int64?).map(Moment.init(milliseconds:)), scanned: row[4], accepted: row[5],
                notArrived: row[6])
        }
    }
}

extension OutcomeTable {
    static func page(
        _ database: Database, run: Int64, _ filter: OutcomeFilter, limit: Int
    ) throws -> [OutcomeRecord] {
        var conditions = ["run = ?"]
        var arguments: StatementArguments = [run]
        if let outcome = filter.outcome {
            conditions.append("outcome = ?")
            arguments += [outcome.rawValue]
            if let code = filter.code {
                conditions.append("code = ?")
                arguments += [code]
            }
        }
        if let edge = filter.after ?? filter.before {
            let sign = filter.after == nil ? "<" : ">"
            // With the code given, the pair would keep the index from being used.
            let isPair = filter.outcome != nil && filter.code == nil
            conditions.append(isPair ? "(code, sequence) \(sign) (?, ?)" : "sequence \(sign) ?")
            arguments += isPair ? [edge.code, edge.sequence] : [edge.sequence]
        }
        let turn = filter.after == nil && filter.before != nil ? " DESC" : ""
        let order = filter.outcome == nil ? "sequence\(turn)" : "code\(turn), sequence\(turn)"
        let sql = """
            SELECT * FROM outcomes WHERE \(conditions.joined(separator: " AND ")) ORDER BY \(order) LIMIT ?
            """
        return try Row.fetchAll(database, sql: sql, arguments: arguments + [limit]).map(record)
    }

    /// The index of keys holds all that the search looks at; only what it finds is read. Written as a join whose order
    /// SQLite may not change: as a condition it would walk through all rows of the run.
    static func search(
        _ database: Database, run: Int64, keyPrefix: String, _ filter: OutcomeFilter, limit: Int, reach: Int
    ) throws -> [OutcomeRecord] {
        // Without a further condition the first keys found are those shown, and no others need be read.
        let isAll = filter.outcome == nil && filter.code == nil
        let sql = """
            SELECT outcomes.* FROM (
                SELECT sequence AS sought FROM (
                    SELECT run, sequence FROM outcomes
                    WHERE key <> '' AND key >= ? AND key < ? ORDER BY key, run LIMIT ?)
                WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?) AS found
            CROSS JOIN outcomes ON outcomes.run = ? AND outcomes.sequence = found.sought
            WHERE (? IS NULL OR outcome = ?) AND (? IS NULL OR code = ?) ORDER BY outcomes.sequence LIMIT ?
            """
        let end = keyPrefix + "\u{10FFFF}"
        let after = filter.after?.sequence ?? Int.min
        let outcome = filter.outcome?.rawValue
        return try Row.fetchAll(
            database, sql: sql,
            arguments: [
                keyPrefix, end, reach, run, after, isAll ? limit : reach, run, outcome, outcome, filter.code,
                filter.code,
                limit,
            ]
        ).map(record)
    }
}

extension OutcomeTable {
    /// The next pair of outcome and code in the order of the index: one look-up, whatever lies between.
    static func nextReason(
        _ database: Database, run: Int64, after last: (String, String)
    ) throws -> (outcome: OutcomeKind, code: String)? {
        let sql = """
            SELECT outcome, code FROM outcomes WHERE run = ? AND (outcome, code, sequence) > (?, ?, ?)
            ORDER BY outcome, code, sequence LIMIT 1
            """
        let statement = try database.cachedStatement(sql: sql)
        guard let row = try Row.fetchOne(statement, arguments: [run, last.0, last.1, Int64.max]) else { return nil }
        let word: String = row[0]
        guard let kind = OutcomeKind(rawValue: word) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "no such outcome: \(word)")
        }
        return (kind, row[1])
    }

    static func summary(
        _ database: Database, run: Int64, _ outcome: OutcomeKind, _ code: String, countMax: Int
    ) throws -> ReasonSummary {
        let sql = """
            SELECT count(*) FROM (SELECT 1 FROM outcomes WHERE run = ? AND outcome = ? AND code = ? LIMIT ?)
            """
        let arguments: StatementArguments = [run, outcome.rawValue, code, countMax]
        let count = try Int.fetchOne(database, sql: sql, arguments: arguments) ?? 0
        let first = try page(database, run: run, outcome: outcome, code: code, limit: examplesMax, offset: 0)
        return ReasonSummary(
            outcome: outcome, reason: first.first?.reason ?? Reason(code: code, message: ""), count: count,
            examples: first.map(\.key))
    }
}

extension ExchangeTable {
    static func heads(_ database: Database, run: Int64, after: Int, limit: Int) throws -> [ExchangeRecord] {
        let sql = """
            SELECT run, number, batch, attempt, at, method, path, status, milliseconds, request_bytes, response_bytes,
                error, is_write, first_sequence, last_sequence, '' AS request_body, '' AS response_body
            FROM exchanges WHERE run = ? AND number > ? ORDER BY number LIMIT ?
            """
        return try Row.fetchAll(database, sql: sql, arguments: [run, after, limit]).map(record)
    }
}
