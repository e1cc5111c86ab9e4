internal import GRDB

/// How long history is kept. Unfinished runs keep everything.
package struct Retention: Sendable, Hashable {
    /// Plans and exchanges.
    package var planDays = 14
    package var outcomeDays = 90
    /// The records of runs themselves; the newest run of a sync and its last complete one always stay.
    package var runDays = 730

    package init(planDays: Int = 14, outcomeDays: Int = 90, runDays: Int = 730) {
        self.planDays = planDays
        self.outcomeDays = outcomeDays
        self.runDays = runDays
    }

    /// What a sweep did and what is left for the caller to do.
    package struct Swept: Sendable, Hashable {
        /// Runs whose plan files are to be deleted now; say so with `plansRemoved`, or the next sweep names them again.
        package var planRuns: [Int64] = []
        package var exchanges = 0
        package var outcomes = 0
        package var runs = 0
    }

    /// Rows removed in one transaction: other processes wait no longer than for that.
    package static let rowsPerTransaction = 5_000
    /// An exchange has two bodies.
    package static let exchangesPerTransaction = 200
    private static let isFinal = "state NOT IN ('queued', 'running', 'closing', 'interrupted')"

    /// Removes what is too old. Safe beside running syncs, and to be killed at any moment.
    package func sweep(_ database: ControlDatabase, now: Moment) throws(StateError) -> Swept {
        var swept = Swept()
        swept.planRuns = try database.read { database in
            let sql = "SELECT id FROM runs WHERE has_plan AND started_at < ? AND \(Self.isFinal) ORDER BY id"
            return try Int64.fetchAll(database, sql: sql, arguments: [now.minus(days: planDays).milliseconds])
        }
        let exchanges = Kind(table: "exchanges", order: "number", perTransaction: Self.exchangesPerTransaction)
        swept.exchanges = try remove(exchanges, before: now.minus(days: planDays), database)
        let outcomes = Kind(table: "outcomes", order: "sequence", perTransaction: Self.rowsPerTransaction)
        swept.outcomes = try remove(outcomes, before: now.minus(days: outcomeDays), database)
        swept.runs = try removeRuns(before: now.minus(days: runDays), database)
        return swept
    }

    /// The plan files of these runs are gone.
    package static func plansRemoved(_ runs: [Int64], _ database: ControlDatabase) throws(StateError) {
        try database.write { database in
            let statement = try database.cachedStatement(sql: "UPDATE runs SET has_plan = 0 WHERE id = ?")
            for run in runs { try statement.execute(arguments: [run]) }
        }
    }

    /// A table whose rows go with their run's age.
    private struct Kind {
        var table: String
        var order: String
        var perTransaction: Int
    }

    private func remove(_ kind: Kind, before limit: Moment, _ database: ControlDatabase) throws(StateError) -> Int {
        var removed = 0
        var last: Int64 = 0
        while let run = try nextRun(in: kind.table, after: last, database) {
            last = run.id
            guard run.startedAt < limit else { break }
            guard run.isFinal else { continue }
            let sql = """
                DELETE FROM \(kind.table) WHERE run = ?1 AND \(kind.order) IN (
                    SELECT \(kind.order) FROM \(kind.table) WHERE run = ?1 LIMIT \(kind.perTransaction))
                """
            removed += try drain(sql, run.id, database)
        }
        return removed
    }

    /// The next run that has rows in the table: one step in its index, however many rows the run has.
    private func nextRun(
        in table: String, after run: Int64, _ database: ControlDatabase
    ) throws(StateError) -> (id: Int64, startedAt: Moment, isFinal: Bool)? {
        let sql = """
            SELECT id, started_at, \(Self.isFinal) FROM runs WHERE id = (SELECT min(run) FROM \(table) WHERE run > ?)
            """
        return try database.read { database in
            try Row.fetchOne(database, sql: sql, arguments: [run]).map {
                (id: $0[0], startedAt: Moment(milliseconds: $0[1]), isFinal: $0[2])
            }
        }
    }

    private func removeRuns(before limit: Moment, _ database: ControlDatabase) throws(StateError) -> Int {
        let sql = """
            DELETE FROM runs WHERE id IN (
                SELECT id FROM runs AS old WHERE started_at < ? AND \(Self.isFinal) AND NOT has_plan
                    AND id NOT IN (SELECT last_complete_run FROM syncs WHERE last_complete_run IS NOT NULL)
                    AND EXISTS (SELECT 1 FROM runs WHERE sync = old.sync AND id > old.id)
                LIMIT \(Self.rowsPerTransaction))
            """
        return try drain(sql, limit.milliseconds, database)
    }

    /// Executes a limited DELETE until it finds nothing, a transaction each time, so that runs can write in between.
    private func drain(_ sql: String, _ argument: Int64, _ database: ControlDatabase) throws(StateError) -> Int {
        var removed = 0
        var count = 0
        repeat {
            count = try database.write { database in
                try database.execute(sql: sql, arguments: [argument])
                return database.changesCount
            }
            removed += count
        } while count > 0
        return removed
    }
}
