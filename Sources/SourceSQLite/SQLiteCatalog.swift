internal import ConnectorKit
internal import Records

/// What a database says of itself: its tables and their columns.
struct SQLiteCatalog {
    let connection: SQLiteConnection

    struct Listed {
        var name: String
        var kind: String
    }

    /// The tables and views of the database, by name, without SQLite's own and without those that full-text and
    /// other virtual tables keep for themselves.
    func listed() throws -> [Listed] {
        let sql = """
            SELECT name, type FROM pragma_table_list
            WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND lower(substr(name, 1, 7)) <> 'sqlite_'
            ORDER BY name
            """
        return try rows(sql) { row in
            Listed(name: row.text(0), kind: row.text(1) == "virtual" ? "virtual table" : row.text(1))
        }
    }

    func tables() throws -> [TableInfo] {
        let estimates = try rowsEstimates()
        return try listed().map { table in
            TableInfo(
                schema: nil, name: table.name, kind: table.kind, columns: try columnsIfReadable(table.name),
                rowsEstimate: estimates[table.name])
        }
    }

    /// A view can name a table that is gone, a virtual table a module this program does not have: it is listed
    /// without columns and does not hide the others. Reading it tells what is wrong.
    private func columnsIfReadable(_ table: String) throws -> [Column] {
        do {
            return try SQLiteQuery(table: table, columns: nil, in: self).columns
        } catch let error as SourceError where ["sql_error", "table_not_found"].contains(error.code) {
            return []
        }
    }

    /// The rows of each table when ANALYZE last counted them.
    private func rowsEstimates() throws -> [String: Int] {
        guard try !rows("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'", { _ in true }).isEmpty else {
            return [:]
        }
        let counts = try rows("SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl") { row in
            (row.text(0), row.integer(1))
        }
        return Dictionary(counts) { first, _ in first }
    }

    struct TableColumn {
        var name: String
        var isNullable: Bool
    }

    /// The columns that `SELECT *` delivers; empty if there is no such table or view. Throws `sql_error` for a view
    /// that cannot be read.
    func columns(ofTable name: String) throws -> [TableColumn] {
        guard !name.utf8.contains(0) else { return [] }
        let table = Self.quoted(name, "'")
        let sql = "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(\(table), 'main') WHERE hidden <> 1"
        let found = try rows(sql) { row in
            (name: row.text(0), type: row.text(1), isNotNull: row.integer(2) != 0, keyPlace: row.integer(3))
        }
        // An INTEGER PRIMARY KEY is the row's number and never null, unlike SQLite's other primary keys. It has no
        // index of its own; INTEGER PRIMARY KEY DESC has one and is an ordinary column.
        let keys = found.filter { $0.keyPlace > 0 }
        var rowNumber: String?
        if keys.count == 1, keys[0].type.uppercased() == "INTEGER" {
            let indexes = "SELECT 1 FROM pragma_index_list(\(table), 'main') WHERE origin = 'pk'"
            if try rows(indexes, { _ in true }).isEmpty { rowNumber = keys[0].name }
        }
        return found.map { TableColumn(name: $0.name, isNullable: !$0.isNotNull && $0.name != rowNumber) }
    }

    private func rows<Row>(_ sql: String, _ read: (SQLiteStatement) -> Row) throws -> [Row] {
        guard let statement = try connection.prepare(sql).statement else { return [] }
        var rows: [Row] = []
        while try statement.step() { rows.append(read(statement)) }
        return rows
    }

    /// A name or text as SQL; the quote within it is doubled.
    static func quoted(_ text: String, _ quote: String = "\"") -> String {
        quote + text.split(separator: quote, omittingEmptySubsequences: false).joined(separator: quote + quote) + quote
    }
}
