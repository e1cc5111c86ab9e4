internal import ConnectorKit
internal import Records

/// A relation as a statement that is ready to run, with the columns it delivers.
struct SQLiteQuery {
    let statement: SQLiteStatement
    let columns: [Column]
    /// The place of each of `columns` among the statement's.
    private let places: [Int]

    /// Throws `SourceError` or `CancellationError`; reads no rows.
    init(_ request: ScanRequest, on connection: SQLiteConnection) throws {
        try self.init(request.relation, columns: request.columns, on: connection)
    }

    init(_ relation: Relation, columns: [String]?, on connection: SQLiteConnection) throws {
        if let columns { try Self.judge(columns) }
        let catalog = SQLiteCatalog(connection: connection)
        switch relation {
        case .table(let schema, let name):
            guard schema == nil || schema?.lowercased() == "main" else {
                throw Self.noSuchSchema(schema ?? "", name)
            }
            try self.init(table: name, columns: columns, in: catalog)
        case .query(let sql):
            try self.init(sql: sql, columns: columns, in: catalog)
        }
    }

    init(table name: String, columns chosen: [String]?, in catalog: SQLiteCatalog) throws {
        let known = try catalog.columns(ofTable: name)
        guard !known.isEmpty else {
            throw Self.noSuchTable(name, try catalog.listed().map(\.name))
        }
        let wanted = try Self.choose(chosen, from: known.map(\.name), of: "the table \(name)").map { known[$0] }
        // Qualified: SQLite reads a bare "name" that is no column as a text.
        let list = wanted.map { "s." + SQLiteCatalog.quoted($0.name) }.joined(separator: ", ")
        let sql = "SELECT \(list) FROM main.\(SQLiteCatalog.quoted(name)) AS s"
        guard let statement = try catalog.connection.prepare(sql).statement else {
            throw Self.noSuchTable(name, [])
        }
        self.statement = statement
        places = Array(wanted.indices)
        columns = wanted.enumerated().map { place, column in
            Self.column(statement, place, name: column.name, isNullable: column.isNullable)
        }
    }

    /// The user's own SQL. It runs as it stands, and chosen columns are picked from its result: a statement inside
    /// another may be run another way, and its rows come in another order.
    private init(sql: String, columns chosen: [String]?, in catalog: SQLiteCatalog) throws {
        let statement = try SQLiteStatementRules.prepare(sql, in: catalog)
        let names = (0..<statement.columnCount).map { statement.columnName($0) }
        if let twice = Self.firstRepeated(names) { throw Self.duplicate(twice) }
        self.statement = statement
        places = try Self.choose(chosen, from: names, of: "the query")
        columns = places.map { Self.column(statement, $0, name: names[$0], isNullable: true) }
    }

    var rows: SQLiteRows {
        let slots = zip(places, columns).map { place, column in
            SQLiteRows.Slot(index: Int32(place), rule: DeclaredType(column.declaredType).rule)
        }
        return SQLiteRows(statement: statement, slots: slots, columns: columns)
    }

    private static func column(_ statement: SQLiteStatement, _ place: Int, name: String, isNullable: Bool) -> Column {
        let declared = DeclaredType(statement.declaredType(place))
        return Column(name: name, type: declared.type, declaredType: declared.text, isNullable: isNullable)
    }

    // MARK: Columns by name

    private static func choose(_ chosen: [String]?, from names: [String], of place: String) throws -> [Int] {
        guard let chosen else { return Array(names.indices) }
        return try chosen.map { name in
            if let index = names.firstIndex(of: name) { return index }
            throw SourceError(
                code: "column_not_found", message: "There is no column \"\(name)\" in \(place).",
                hint: NameHint.text(name, in: names, none: "It has no columns."), disposition: .fixConfiguration)
        }
    }

    private static func judge(_ chosen: [String]) throws {
        if let twice = firstRepeated(chosen) { throw duplicate(twice) }
        if chosen.isEmpty {
            throw SourceError(
                code: "no_columns", message: "No column is asked for.", hint: "Map at least one column.",
                disposition: .fixConfiguration)
        }
    }

    private static func firstRepeated(_ names: [String]) -> String? {
        var seen: Set<String> = []
        return names.first { !seen.insert($0).inserted }
    }

    private static func duplicate(_ name: String) -> SourceError {
        SourceError(
            code: "duplicate_column", message: "Two columns of the result are called \"\(name)\".",
            hint: "Name the columns one by one and give one of the two another name: SELECT … AS other_name.",
            disposition: .fixConfiguration)
    }

    private static func noSuchTable(_ name: String, _ names: [String]) -> SourceError {
        SourceError(
            code: "table_not_found", message: "There is no table or view \"\(name)\" in the database.",
            hint: NameHint.text(name, in: names, none: "The database has no tables and no views."),
            disposition: .fixConfiguration)
    }

    private static func noSuchSchema(_ schema: String, _ name: String) -> SourceError {
        SourceError(
            code: "table_not_found", message: "There is no schema \"\(schema)\": an SQLite database has only main.",
            hint: "Write the table's name alone: \(name).", disposition: .fixConfiguration)
    }
}
