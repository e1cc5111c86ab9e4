internal import GRDB
package import Records

/// The figures of all runs of one sync that ended in one state.
package struct RunTotals: Sendable, Hashable {
    package var sync: String
    package var state: RunState
    package var runs = 0
    package var rows = RowLedger()
    package var operations = OperationLedger()
    package var requests = 0
    package var bytesSent: Int64 = 0
    package var milliseconds: Int64 = 0

    package init(sync: String, state: RunState) {
        self.sync = sync
        self.state = state
    }
}

/// How far somebody has counted the history, so that the next count reads only what is new.
package struct CountedRuns: Sendable, Hashable {
    /// The newest run that was looked at.
    package var newest: Int64 = 0
    /// The runs among them that had not ended.
    package var unfinished: Set<Int64> = []

    package init() {}
}

extension RunHistory {
    /// The totals of the runs that ended since `counted`, which moves on. The first time that is the whole history.
    package func totals(after counted: inout CountedRuns) throws(StateError) -> [RunTotals] {
        let before = counted
        let (totals, after) = try database.read { database in
            var after = CountedRuns()
            after.newest = try Int64.fetchOne(database, sql: "SELECT max(id) FROM runs") ?? 0
            let open = "SELECT id FROM runs WHERE \(RunTable.unfinishedStates) AND id <= ?"
            after.unfinished = try Int64.fetchSet(database, sql: open, arguments: [after.newest])
            let ended = before.unfinished.subtracting(after.unfinished)
            var totals = try RunTotalsTable.sum(
                database, where: "id > ? AND id <= ? AND NOT (\(RunTable.unfinishedStates))",
                [before.newest, after.newest])
            for run in ended { totals += try RunTotalsTable.sum(database, where: "id = ?", [run]) }
            return (totals, after)
        }
        counted = after
        return totals
    }
}

private enum RunTotalsTable {
    static func sum(_ database: Database, where condition: String, _ arguments: StatementArguments) throws
        -> [RunTotals]
    {
        let figures = RunTable.ledgerColumns.map { "sum(\($0.name)) AS \($0.name)" }.joined(separator: ", ")
        let sql = """
            SELECT syncs.name AS sync_name, sums.* FROM (
                SELECT sync, state, count(*) AS runs, sum(requests) AS requests, sum(bytes_sent) AS bytes_sent,
                    sum(coalesce(ended_at, started_at) - started_at) AS milliseconds, \(figures)
                FROM runs WHERE \(condition) GROUP BY sync, state) AS sums
            JOIN syncs ON syncs.id = sums.sync
            """
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map(totals)
    }

    private static func totals(_ row: Row) throws -> RunTotals {
        let word: String = row["state"]
        guard let state = RunState(rawValue: word) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "no such state of a run: \(word)")
        }
        // The ledgers' columns are known by the fields of a run.
        var run = RunRecord(
            id: 0, sync: row["sync_name"], state: state, full: false, limited: false, trigger: "",
            startedAt: Moment(milliseconds: 0))
        for column in RunTable.ledgerColumns { run[keyPath: column.path] = row[column.name] }
        var totals = RunTotals(sync: run.sync, state: state)
        totals.runs = row["runs"]
        totals.rows = run.rows
        totals.operations = run.operations
        totals.requests = row["requests"]
        totals.bytesSent = row["bytes_sent"]
        totals.milliseconds = row["milliseconds"]
        return totals
    }
}
