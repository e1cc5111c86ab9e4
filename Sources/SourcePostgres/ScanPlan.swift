internal import ConnectorKit
internal import Records

/// How one scan is done: which columns come, how each is read, and the statement that delivers them.
struct ScanPlan: Sendable {
    static let queryAlias = "sluice_query"

    var columns: [Column]
    var rules: [ColumnRule]
    var copySQL: String

    static func make(_ request: ScanRequest, _ catalog: SourceCatalog) throws -> ScanPlan {
        let origin: String
        let available: [SourceCatalog.ReadColumn]
        switch request.relation {
        case .table(let schema, let name):
            let relation = try table(schema: schema, name: name, catalog)
            origin = relation.quoted
            let raw = try catalog.rawColumns(of: [relation.oid])[relation.oid] ?? []
            available = try catalog.readColumns(raw)
        case .query(let sql):
            let statement = try singleStatement(sql)
            // The newlines keep a comment at the statement's end from swallowing what follows.
            origin = "(\n\(statement)\n) as \(SQLText.quoted(queryAlias))"
            available = try catalog.readColumns(describe(statement, catalog.connection))
        }
        let chosen = try choose(request.columns, from: available)
        let list = chosen.map { read in
            SQLText.quoted(read.column.name) + (read.rule.cast.map { "::" + $0 } ?? "")
        }
        let limit = request.rowsMax.map { " limit \(max($0, 0))" } ?? ""
        let select = "select \(list.joined(separator: ", ")) from \(origin)\(limit)"
        return ScanPlan(
            columns: chosen.map(\.column), rules: chosen.map(\.rule),
            copySQL: "copy (\(select)) to stdout (format binary)")
    }

    private static func table(
        schema: String?, name: String, _ catalog: SourceCatalog
    ) throws -> SourceCatalog.Relation {
        guard let relation = try catalog.relation(schema: schema, name: name) else {
            throw try notFound(schema: schema, name: name, catalog)
        }
        guard relation.mayUseSchema, relation.maySelect || relation.maySelectSome else {
            throw MissingGrants.error([relation], role: catalog.connection.user)
        }
        return relation
    }

    static func notFound(schema: String?, name: String, _ catalog: SourceCatalog) throws -> ConnectorError {
        let relations = try catalog.userRelations()
        let typed = schema.map { "\($0).\(name)" } ?? name
        let elsewhere = relations.first { $0.name == name }
        let known = relations.map { "\($0.schema).\($0.name)" } + (schema == nil ? relations.map(\.name) : [])
        var hint = "`sluice tables` lists what this role can read."
        if let near = elsewhere?.shown ?? NearestName.among(known, to: typed) {
            hint = "Did you mean \(near)? \(hint)"
        }
        return ConnectorError(
            code: "table_not_found",
            message: "The database \(catalog.connection.database) has no table or view \(typed).", hint: hint,
            disposition: .fixConfiguration)
    }

    private static func singleStatement(_ sql: String) throws -> String {
        do {
            return try SQLText.singleStatement(sql)
        } catch {
            var message = "The query is empty."
            switch error {
            case .empty: break
            case .zeroByte: message = "The query contains a zero byte."
            case .secondStatement(let position):
                let (line, column) = SQLText.lineAndColumn(of: position, in: sql)
                message = "The query has a second statement at line \(line), column \(column); one is allowed."
            }
            throw ConnectorError(
                code: "sql_error", message: message, hint: "Write one SELECT.", disposition: .fixConfiguration)
        }
    }

    private static func describe(
        _ sql: String, _ connection: PostgresConnection
    ) throws -> [SourceCatalog.RawColumn] {
        let description = try connection.describe(sql)
        guard description.parameterCount == 0 else {
            throw ConnectorError(
                code: "sql_error", message: "The query has parameters ($1), and there is nothing to put there.",
                hint: "Write the values into the query.", disposition: .fixConfiguration)
        }
        guard description.fieldCount > 0 else {
            throw StatementErrors.notReadOnly("the statement returns no columns")
        }
        let columns = (0..<description.fieldCount).map { field in
            SourceCatalog.RawColumn(
                name: description.fieldName(field), type: description.fieldType(field),
                modifier: description.fieldModifier(field))
        }
        if let twice = firstDuplicate(columns.map(\.name)) {
            throw ConnectorError(
                code: "duplicate_column", message: "The query returns two columns named \(SQLText.quoted(twice)).",
                hint: "Give one of them another name: select ... as another_name.", disposition: .fixConfiguration)
        }
        return columns
    }

    private static func firstDuplicate(_ names: [String]) -> String? {
        var seen: Set<String> = []
        return names.first { !seen.insert($0).inserted }
    }

    private static func choose(
        _ names: [String]?, from available: [SourceCatalog.ReadColumn]
    ) throws -> [SourceCatalog.ReadColumn] {
        guard let names else {
            guard !available.isEmpty else { throw noColumns() }
            return available
        }
        guard !names.isEmpty else { throw noColumns() }
        let known = available.map(\.column.name)
        return try names.map { name in
            if let found = available.first(where: { $0.column.name == name }) { return found }
            let near = NearestName.among(known, to: name).map { "Did you mean \($0)? " } ?? ""
            throw ConnectorError(
                code: "column_not_found", message: "There is no column \(SQLText.quoted(name)).",
                hint: near + "There are: \(known.prefix(20).joined(separator: ", ")).",
                disposition: .fixConfiguration)
        }
    }

    private static func noColumns() -> ConnectorError {
        ConnectorError(
            code: "no_columns", message: "There are no columns to read.",
            hint: "Read a table with at least one column.",
            disposition: .fixConfiguration)
    }
}
