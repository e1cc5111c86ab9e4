internal import ConnectorKit
internal import Records

/// What a query in a project file may be: one statement that only reads.
enum SQLiteStatementRules {
    /// Throws `sql_not_a_query`, `sql_several_statements`, `sql_parameters`, `table_not_found`, `column_not_found` or
    /// `sql_error`.
    static func prepare(_ sql: String, in catalog: SQLiteCatalog) throws -> SQLiteStatement {
        guard !sql.utf8.contains(0) else {
            throw error("sql_error", "The statement contains a NUL character.", "Take it out.")
        }
        let (prepared, rest) = try prepareNamed(sql, in: catalog)
        guard let statement = prepared else {
            throw error("sql_not_a_query", "There is no SQL statement.", "Write one SELECT.")
        }
        guard try isEmpty(rest, catalog.connection) else {
            throw error(
                "sql_several_statements", "There is more than one SQL statement.",
                "Keep one SELECT; what prepares it can be a WITH clause or a view.")
        }
        guard statement.isReadOnly, statement.columnCount > 0 else {
            throw error(
                "sql_not_a_query", "The SQL statement is not one that only reads rows.",
                "Write a SELECT; the database is never changed by a source.")
        }
        guard statement.parameterCount == 0 else {
            throw error(
                "sql_parameters", "The SQL statement has parameters (?, :name, @name or $name).",
                "Write the values themselves; ${NAME} in the project file is replaced before the statement is read.")
        }
        return statement
    }

    /// Whether SQLite finds nothing but white space, comments and semicolons.
    private static func isEmpty(_ text: String, _ connection: SQLiteConnection) throws -> Bool {
        var text = text
        while !text.isEmpty {
            do {
                let (statement, rest) = try connection.prepare(text)
                if statement != nil { return false }
                text = rest
            } catch is SourceError {
                return false
            }
        }
        return true
    }

    /// SQLite's error for a name that is not there becomes the one that a table or column has elsewhere.
    private static func prepareNamed(
        _ sql: String, in catalog: SQLiteCatalog
    ) throws -> (statement: SQLiteStatement?, rest: String) {
        do {
            return try catalog.connection.prepare(sql)
        } catch let failure as SourceError where failure.code == "sql_error" {
            if let name = quotedName(failure.message, after: "no such table: ") {
                let names = try catalog.listed().map(\.name)
                throw error(
                    "table_not_found", "There is no table or view \"\(name)\" in the database.",
                    NameHint.text(name, in: names, none: "The database has no tables and no views."))
            }
            if let name = quotedName(failure.message, after: "no such column: ") {
                let names = Set(try catalog.tables().flatMap { $0.columns.map(\.name) }).sorted()
                let bare = name.split(separator: ".").last.map(String.init) ?? name
                let near = NearestName.among(names, to: bare).map { "Did you mean \"\($0)\"? " } ?? ""
                throw error(
                    "column_not_found", "There is no column \"\(name)\" where the query looks for it.",
                    near + "sluice tables SOURCE lists the columns of each table.")
            }
            throw failure
        }
    }

    private static func quotedName(_ message: String, after words: String) -> String? {
        guard let start = message.firstRange(of: words)?.upperBound else { return nil }
        return String(message[start...].dropLast(message.hasSuffix(".") ? 1 : 0))
    }

    private static func error(_ code: String, _ message: String, _ hint: String) -> SourceError {
        SourceError(code: code, message: message, hint: hint, disposition: .fixConfiguration)
    }
}
