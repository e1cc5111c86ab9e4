internal import GRDB

/// The rows of `exchanges`.
enum ExchangeTable {
    static func insert(_ database: Database, _ exchanges: [ExchangeRecord]) throws {
        guard !exchanges.isEmpty else { return }
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO exchanges (run, number, batch, attempt, at, method, path, status, milliseconds,
                    request_bytes, response_bytes, error, is_write, first_sequence, last_sequence, request_body,
                    response_body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, number) DO NOTHING
                """)
        for exchange in exchanges {
            statement.setUncheckedArguments(StatementArguments(values(exchange)))
            try statement.execute()
        }
    }

    /// As values of the database, which spares asking each of them for its kind.
    private static func values(_ exchange: ExchangeRecord) -> [DatabaseValue] {
        [
            exchange.run.databaseValue, exchange.number.databaseValue, exchange.batch?.databaseValue ?? .null,
            exchange.attempt.databaseValue, exchange.at.milliseconds.databaseValue, exchange.method.databaseValue,
            exchange.path.databaseValue, exchange.status?.databaseValue ?? .null, exchange.milliseconds.databaseValue,
            exchange.requestBytes.databaseValue, exchange.responseBytes.databaseValue,
            exchange.error?.databaseValue ?? .null, exchange.isWrite.databaseValue,
            exchange.firstSequence?.databaseValue ?? .null, exchange.lastSequence?.databaseValue ?? .null,
            exchange.requestBody.databaseValue, exchange.responseBody.databaseValue,
        ]
    }

    /// In the order of their numbers. `condition` is about the run's exchanges.
    static func page(
        _ database: Database, run: Int64, where condition: String = "1", _ arguments: StatementArguments = [],
        limit: Int, offset: Int = 0
    ) throws -> [ExchangeRecord] {
        let sql = "SELECT * FROM exchanges WHERE run = ? AND \(condition) ORDER BY number LIMIT ? OFFSET ?"
        let all: StatementArguments = [run] + arguments + [limit, offset]
        return try Row.fetchAll(database, sql: sql, arguments: all).map(record)
    }

    static func nextNumber(_ database: Database, run: Int64) throws -> Int {
        let sql = "SELECT coalesce(max(number) + 1, 0) FROM exchanges WHERE run = ?"
        return try Int.fetchOne(database, sql: sql, arguments: [run]) ?? 0
    }

    static func record(_ row: Row) -> ExchangeRecord {
        var exchange = ExchangeRecord(
            run: row["run"], number: row["number"], batch: row["batch"], attempt: row["attempt"],
            at: Moment(milliseconds: row["at"]), method: row["method"], path: row["path"])
        exchange.status = row["status"]
        exchange.milliseconds = row["milliseconds"]
        exchange.requestBytes = row["request_bytes"]
        exchange.responseBytes = row["response_bytes"]
        exchange.requestBody = row["request_body"]
        exchange.responseBody = row["response_body"]
        exchange.error = row["error"]
        exchange.isWrite = row["is_write"]
        exchange.firstSequence = row["first_sequence"]
        exchange.lastSequence = row["last_sequence"]
        return exchange
    }
}
