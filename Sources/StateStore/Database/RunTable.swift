internal import GRDB
internal import Records

/// The rows of `runs`.
enum RunTable {
    /// What `record` reads, in its order: asked for by number, since looking each column up by its name takes longer than
    /// all the rest. `latestSealed` reads the last ones by name.
    static let select: String = {
        let columns = [
            "id", "state", "is_full", "full_reason", "is_limited", "started_by", "started_at", "ended_at", "requests",
            "bytes_sent", "reasons", "guard", "error",
        ]
        let last = ledgerColumns.map(\.name) + ["sealed_at", "plan_definition", "applied_position"]
        let own = { (names: [String]) in names.map { "runs." + $0 } }
        return """
            SELECT syncs.name, \((own(columns) + ["efforts.effort"] + own(last)).joined(separator: ", "))
            FROM runs JOIN syncs ON syncs.id = runs.sync LEFT JOIN efforts ON efforts.run = runs.id
            """
    }()
    private static let ledgersFrom = 15
    static let unfinishedStates = "state IN ('queued', 'running', 'closing', 'interrupted')"

    // MARK: Writing

    static func create(_ database: Database, _ run: RunRecord) throws -> Int64 {
        let sync = try SyncTable.identifier(database, run.sync)
        let sql = """
            INSERT INTO runs (sync, state, is_full, is_limited, started_by, started_at) VALUES (?, ?, ?, ?, ?, ?)
            """
        try database.cachedStatement(sql: sql).execute(
            arguments: [sync, run.state.rawValue, run.full, run.limited, run.trigger, run.startedAt.milliseconds])
        return database.lastInsertedRowID
    }

    private static let update: String = {
        let columns =
            [
                "state", "is_full", "full_reason", "is_limited", "started_by", "started_at", "ended_at", "requests",
                "bytes_sent", "reasons", "guard", "error",
            ] + ledgerColumns.map(\.name)
        // The first two parameters are the position and the run.
        let settings = columns.enumerated().map { "\($1) = ?\($0 + 3)" }.joined(separator: ", ")
        return """
            UPDATE runs SET \(settings), applied_position = coalesce(?1, applied_position)
            WHERE id = ?2 AND applied_position < coalesce(?1, applied_position + 1)
            """
    }()

    /// `appliedPosition` stays as it is where it is not given.
    static func update(_ database: Database, _ run: RunRecord, appliedPosition: Int? = nil) throws {
        guard try isUpdated(database, run, appliedPosition: appliedPosition) else {
            throw DatabaseFailure.unknownRun(run.id)
        }
    }

    /// The same; false, and nothing changes, where there is no such run or that position or a later one was applied.
    static func isUpdated(_ database: Database, _ run: RunRecord, appliedPosition: Int?) throws -> Bool {
        var values: [DatabaseValue] = [
            appliedPosition?.databaseValue ?? .null, run.id.databaseValue, run.state.rawValue.databaseValue,
            run.full.databaseValue, run.fullReason?.databaseValue ?? .null, run.limited.databaseValue,
            run.trigger.databaseValue, run.startedAt.milliseconds.databaseValue,
            run.endedAt?.milliseconds.databaseValue ?? .null, run.requests.databaseValue,
            run.bytesSent.databaseValue,
            run.reasons.isEmpty ? "[]".databaseValue : try StoredText.encode(run.reasons).databaseValue,
            try run.guard.map { try StoredText.encode($0).databaseValue } ?? .null,
            try run.error.map { try StoredText.encode($0).databaseValue } ?? .null,
        ]
        for column in ledgerColumns { values.append(run[keyPath: column.path].databaseValue) }
        let statement = try database.cachedStatement(sql: update)
        statement.setUncheckedArguments(StatementArguments(values))
        try statement.execute()
        guard database.changesCount == 1 else { return false }
        if let effort = run.effort { try EffortTable.save(database, effort, run: run.id) }
        return true
    }

    static func seal(_ database: Database, _ run: Int64, definition: String, at moment: Moment) throws {
        try database.cachedStatement(sql: "UPDATE runs SET sealed_at = ?, plan_definition = ? WHERE id = ?")
            .execute(arguments: [moment.milliseconds, definition, run])
    }

    static func appliedPosition(_ database: Database, _ run: Int64) throws -> Int {
        let statement = try database.cachedStatement(sql: "SELECT applied_position FROM runs WHERE id = ?")
        guard let position = try Int.fetchOne(statement, arguments: [run]) else {
            throw DatabaseFailure.unknownRun(run)
        }
        return position
    }

    static func setAppliedPosition(_ database: Database, _ run: Int64, _ position: Int) throws {
        try database.cachedStatement(sql: "UPDATE runs SET applied_position = ? WHERE id = ?")
            .execute(arguments: [position, run])
    }

    static func requestCancel(_ database: Database, _ id: Int64, at moment: Moment) throws -> RunState {
        guard let run = try run(database, id) else { throw DatabaseFailure.unknownRun(id) }
        guard !run.state.isFinal else { return run.state }
        try database.execute(
            sql: "UPDATE runs SET cancel_requested_at = coalesce(cancel_requested_at, ?) WHERE id = ?",
            arguments: [moment.milliseconds, id])
        return run.state
    }

    // MARK: Reading

    static func isCancelRequested(_ database: Database, _ id: Int64) throws -> Bool {
        let sql = "SELECT cancel_requested_at IS NOT NULL FROM runs WHERE id = ?"
        let statement = try database.cachedStatement(sql: sql)
        return try Bool.fetchOne(statement, arguments: [id]) ?? false
    }

    static func run(_ database: Database, _ id: Int64) throws -> RunRecord? {
        let statement = try database.cachedStatement(sql: "\(select) WHERE runs.id = ?")
        return try Row.fetchOne(statement, arguments: [id]).map(record)
    }

    /// Newest first. The page is found in an index before its rows are read, so a far page costs no rows before it.
    static func runs(_ database: Database, sync: String?, limit: Int, offset: Int) throws -> [RunRecord] {
        let filter = sync == nil ? "" : "WHERE sync = (SELECT id FROM syncs WHERE name = ?)"
        let sql = """
            \(select) WHERE runs.id IN (SELECT id FROM runs \(filter) ORDER BY id DESC LIMIT ? OFFSET ?)
            ORDER BY runs.id DESC
            """
        let arguments: StatementArguments = sync.map { [$0, limit, offset] } ?? [limit, offset]
        return try records(database, sql, arguments)
    }

    static func unfinished(_ database: Database, sync: String?) throws -> [RunRecord] {
        let sql = "\(select) WHERE runs.\(unfinishedStates) ORDER BY runs.id"
        return try records(database, sql).filter { sync == nil || $0.sync == sync }
    }

    static func latestSealed(_ database: Database, sync: String) throws -> SealedPlan? {
        let sql = """
            \(select) WHERE runs.id = (SELECT max(id) FROM runs
                WHERE sync = (SELECT id FROM syncs WHERE name = ?) AND sealed_at IS NOT NULL)
            """
        guard let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [sync]) else { return nil }
        return SealedPlan(
            run: try record(row), sealedAt: Moment(milliseconds: row["sealed_at"]),
            definition: row["plan_definition"], appliedPosition: row["applied_position"])
    }

    static func lastOfEachSync(_ database: Database) throws -> [RunRecord] {
        let sql = """
            \(select) WHERE runs.id IN (SELECT (SELECT max(id) FROM runs WHERE sync = syncs.id) FROM syncs)
            ORDER BY syncs.name
            """
        return try records(database, sql)
    }

    /// One row after the other, none of them copied.
    static func records(
        _ database: Database, _ sql: String, _ arguments: StatementArguments = StatementArguments()
    ) throws -> [RunRecord] {
        try Array(Row.fetchCursor(database.cachedStatement(sql: sql), arguments: arguments).map(record))
    }

    static func record(_ row: Row) throws -> RunRecord {
        let word: String = row[2]
        guard let state = RunState(rawValue: word) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "no such state of a run: \(word)")
        }
        var run = RunRecord(
            id: row[1], sync: row[0], state: state, full: row[3], limited: row[5], trigger: row[6],
            startedAt: Moment(milliseconds: row[7]))
        run.fullReason = row[4]
        run.endedAt = (row[8] as Int64?).map(Moment.init(milliseconds:))
        run.requests = row[9]
        run.bytesSent = row[10]
        let reasons: String = row[11]
        if reasons != "[]" { run.reasons = try StoredText.decode([ReasonCount].self, reasons) }
        run.guard = try (row[12] as String?).map { try StoredText.decode(GuardRecord.self, $0) }
        run.error = try (row[13] as String?).map { try StoredText.decode(RunFailure.self, $0) }
        run.effort = try (row[14] as String?).map { try StoredText.decode(RunEffort.self, $0) }
        for (index, column) in ledgerColumns.enumerated() { run[keyPath: column.path] = row[ledgersFrom + index] }
        return run
    }

    // MARK: Columns

    struct LedgerColumn: Sendable {
        var name: String
        var path: any WritableKeyPath<RunRecord, Int> & Sendable
    }

    static let ledgerColumns = [
        LedgerColumn(name: "rows_scanned", path: \.rows.scanned),
        LedgerColumn(name: "rows_carried", path: \.rows.carried),
        LedgerColumn(name: "rows_unchanged", path: \.rows.unchanged),
        LedgerColumn(name: "rows_invalid", path: \.rows.invalid),
        LedgerColumn(name: "rows_held", path: \.rows.held),
        LedgerColumn(name: "rows_skipped", path: \.rows.skipped),
        LedgerColumn(name: "rows_deferred", path: \.rows.deferred),
        LedgerColumn(name: "rows_planned", path: \.rows.planned),
        LedgerColumn(name: "operations_planned", path: \.operations.planned),
        LedgerColumn(name: "operations_removals", path: \.operations.removals),
        LedgerColumn(name: "operations_accepted", path: \.operations.accepted),
        LedgerColumn(name: "operations_rejected", path: \.operations.rejected),
        LedgerColumn(name: "operations_undelivered", path: \.operations.undelivered),
        LedgerColumn(name: "operations_in_doubt", path: \.operations.inDoubt),
        LedgerColumn(name: "operations_created", path: \.operations.created),
        LedgerColumn(name: "operations_updated", path: \.operations.updated),
        LedgerColumn(name: "operations_already_equal", path: \.operations.alreadyEqual),
        LedgerColumn(name: "operations_sent", path: \.operations.sent),
        LedgerColumn(name: "operations_removed", path: \.operations.removed),
    ]
}
