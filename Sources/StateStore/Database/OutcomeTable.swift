internal import GRDB
internal import Records

/// The rows of `outcomes`.
enum OutcomeTable {
    /// How many keys a reason shows.
    static let examplesMax = 3

    // MARK: Writing

    static func insert(_ database: Database, _ outcomes: [OutcomeRecord]) throws {
        guard !outcomes.isEmpty else { return }
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO outcomes (run, sequence, key, key_high, key_low, outcome, code, message, hint, batch, at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (run, sequence) DO UPDATE SET key = excluded.key, key_high = excluded.key_high,
                    key_low = excluded.key_low, outcome = excluded.outcome, code = excluded.code,
                    message = excluded.message, hint = excluded.hint, batch = excluded.batch, at = excluded.at
                """)
        for outcome in outcomes {
            statement.setUncheckedArguments(StatementArguments(values(outcome)))
            try statement.execute()
        }
    }

    /// What is known of one run's rows is known of those of another too.
    static func copy(_ database: Database, from old: Int64, to new: Int64, except code: String) throws {
        let columns = "sequence, key, key_high, key_low, outcome, code, message, hint, batch, at"
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO outcomes (run, \(columns))
                SELECT ?, \(columns) FROM outcomes WHERE run = ? AND code <> ?
                """, arguments: [new, old, code])
    }

    private static func values(_ outcome: OutcomeRecord) -> [DatabaseValue] {
        [
            outcome.run.databaseValue, outcome.sequence.databaseValue, outcome.key.databaseValue,
            Int64(bitPattern: outcome.keyHash.high).databaseValue, Int64(bitPattern: outcome.keyHash.low).databaseValue,
            outcome.outcome.rawValue.databaseValue, outcome.reason.code.databaseValue,
            outcome.reason.message.databaseValue, outcome.reason.hint.databaseValue,
            outcome.batch.databaseValue, outcome.at.milliseconds.databaseValue,
        ]
    }

    /// One pass over the run's outcomes; there is no index of hashes, because only this asks for one.
    static func remove(_ database: Database, run: Int64, keys: Set<Hash128>) throws -> [OutcomeKind: Int] {
        guard !keys.isEmpty else { return [:] }
        var found: [Int] = []
        var removed: [OutcomeKind: Int] = [:]
        let sql = "SELECT sequence, key_high, key_low, outcome FROM outcomes WHERE run = ?"
        let cursor = try Row.fetchCursor(database, sql: sql, arguments: [run])
        while let row = try cursor.next() {
            let hash = Hash128(
                high: UInt64(bitPattern: row[1] as Int64), low: UInt64(bitPattern: row[2] as Int64))
            guard keys.contains(hash) else { continue }
            found.append(row[0])
            removed[try kind(row[3]), default: 0] += 1
        }
        let statement = try database.cachedStatement(sql: "DELETE FROM outcomes WHERE run = ? AND sequence = ?")
        for sequence in found { try statement.execute(arguments: [run, sequence]) }
        return removed
    }

    static func removeAll(_ database: Database, run: Int64) throws {
        try database.execute(sql: "DELETE FROM outcomes WHERE run = ?", arguments: [run])
    }

    static func remove(_ database: Database, run: Int64, fromSequence first: Int) throws {
        try database.execute(sql: "DELETE FROM outcomes WHERE run = ? AND sequence >= ?", arguments: [run, first])
    }

    // MARK: Reading

    /// Without `outcome` in the order of the sequence; with it, in the order of code and sequence.
    static func page(
        _ database: Database, run: Int64, outcome: OutcomeKind?, code: String?, limit: Int, offset: Int
    ) throws -> [OutcomeRecord] {
        var filter = "run = ?"
        var arguments: StatementArguments = [run]
        if let outcome {
            filter += " AND outcome = ?"
            arguments += [outcome.rawValue]
        }
        if let code {
            filter += " AND code = ?"
            arguments += [code]
        }
        let order = outcome == nil ? "sequence" : "code, sequence"
        let sql = """
            SELECT * FROM outcomes WHERE run = ? AND sequence IN (
                SELECT sequence FROM outcomes WHERE \(filter) ORDER BY \(order) LIMIT ? OFFSET ?) ORDER BY \(order)
            """
        arguments = [run] + arguments + [limit, offset]
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map(record)
    }

    /// The texts of keys as the run's outcomes have them; one pass over them.
    static func keys(_ database: Database, run: Int64, hashes: Set<Hash128>) throws -> [Hash128: String] {
        var found: [Hash128: String] = [:]
        let sql = "SELECT key_high, key_low, key FROM outcomes WHERE run = ?"
        let cursor = try Row.fetchCursor(database, sql: sql, arguments: [run])
        while let row = try cursor.next() {
            let hash = Hash128(
                high: UInt64(bitPattern: row[0] as Int64), low: UInt64(bitPattern: row[1] as Int64))
            if hashes.contains(hash) { found[hash] = row[2] as String }
        }
        return found
    }

    static func counts(_ database: Database, run: Int64) throws -> [OutcomeKind: Int] {
        let sql = "SELECT outcome, count(*) FROM outcomes WHERE run = ? GROUP BY outcome"
        var counts: [OutcomeKind: Int] = [:]
        let rows = try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [run])
        for row in rows { counts[try kind(row[0])] = row[1] }
        return counts
    }

    /// Newest first.
    static func life(_ database: Database, sync: String, key: String, limit: Int) throws -> [OutcomeRecord] {
        // `key <> ''` is what makes the index of keys usable.
        let sql = """
            SELECT outcomes.* FROM outcomes JOIN runs ON runs.id = outcomes.run
            WHERE outcomes.key = ? AND outcomes.key <> '' AND runs.sync = (SELECT id FROM syncs WHERE name = ?)
            ORDER BY outcomes.run DESC, outcomes.sequence LIMIT ?
            """
        return try Row.fetchAll(database, sql: sql, arguments: [key, sync, limit]).map(record)
    }

    static func record(_ row: Row) throws -> OutcomeRecord {
        OutcomeRecord(
            run: row["run"], sequence: row["sequence"], key: row["key"],
            keyHash: Hash128(
                high: UInt64(bitPattern: row["key_high"] as Int64), low: UInt64(bitPattern: row["key_low"] as Int64)),
            outcome: try kind(row["outcome"]),
            reason: Reason(code: row["code"], message: row["message"], hint: row["hint"]),
            batch: row["batch"], at: Moment(milliseconds: row["at"]))
    }

    private static func kind(_ word: String) throws -> OutcomeKind {
        guard let kind = OutcomeKind(rawValue: word) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "no such outcome: \(word)")
        }
        return kind
    }
}
