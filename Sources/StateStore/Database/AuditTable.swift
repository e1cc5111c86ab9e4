internal import GRDB

/// The rows of `audit`, which the database itself refuses to change or to remove.
enum AuditTable {
    static func insert(_ database: Database, _ entry: AuditRecord) throws {
        let sql = "INSERT INTO audit (at, who, address, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)"
        try database.cachedStatement(sql: sql).execute(
            arguments: [entry.at.milliseconds, entry.who, entry.address, entry.action, entry.subject, entry.detail])
    }

    /// Newest first, those with a smaller number than `before`.
    static func page(
        _ database: Database, before: Int64?, subject: String?, limit: Int
    ) throws -> [AuditRecord] {
        var conditions = ["id < ?"]
        var arguments: StatementArguments = [before ?? Int64.max]
        if let subject {
            conditions.append("subject = ?")
            arguments += [subject]
        }
        let sql = "SELECT * FROM audit WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?"
        return try Row.fetchAll(database, sql: sql, arguments: arguments + [limit]).map(entry)
    }

    /// The newest entry about a subject that says one of these acts.
    static func newest(_ database: Database, subject: String, actions: [String]) throws -> AuditRecord? {
        let places = actions.map { _ in "?" }.joined(separator: ", ")
        let sql = "SELECT * FROM audit WHERE subject = ? AND action IN (\(places)) ORDER BY id DESC LIMIT 1"
        return try Row.fetchOne(database, sql: sql, arguments: StatementArguments([subject] + actions)).map(entry)
    }

    private static func entry(_ row: Row) -> AuditRecord {
        var entry = AuditRecord(
            at: Moment(milliseconds: row["at"]), who: row["who"], address: row["address"], action: row["action"],
            subject: row["subject"], detail: row["detail"])
        entry.id = row["id"]
        return entry
    }
}

extension ControlDatabase {
    package func record(audit entry: AuditRecord) throws(StateError) {
        try write { try AuditTable.insert($0, entry) }
    }

    /// Newest first, those with a smaller number than `before`; about one subject or all.
    package func audit(before: Int64? = nil, subject: String? = nil, limit: Int) throws(StateError) -> [AuditRecord] {
        try read { try AuditTable.page($0, before: before, subject: subject, limit: limit) }
    }

    /// The newest entry about a subject that says one of these acts.
    package func newestAudit(subject: String, actions: [String]) throws(StateError) -> AuditRecord? {
        try read { try AuditTable.newest($0, subject: subject, actions: actions) }
    }
}
