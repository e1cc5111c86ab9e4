internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// A dataset while somebody makes it.
struct DatasetDraft: Sendable {
    /// Nil for a new one.
    var existing: String?
    var revision: Int?
    var name: String
    var source: String
    /// As the project file names it; empty where there is a query.
    var table: String
    var sql: String
    var incremental: IncrementalForm
    /// What the definition says besides; the form leaves it alone.
    private var rest = DefinitionValue.mapping([])
    var problems: [FormProblem] = []

    init(_ fields: Fields) {
        source = fields["source"] ?? ""
        table = fields["table"] ?? ""
        sql = fields["sql"] ?? ""
        incremental = IncrementalForm(fields)
        name = fields["name"] ?? ""
        if name.isEmpty { name = Self.suggested(table) }
    }

    init(_ editing: Editing, name: String) throws {
        let entry = try editing.made(.dataset, name)
        let value = entry.part.value
        existing = name
        revision = entry.record?.revision
        self.name = name
        source = value["source"]?.scalar ?? ""
        table = value["table"]?.scalar ?? ""
        sql = value["sql"]?.scalar ?? ""
        incremental = IncrementalForm(value)
        rest = value
    }

    /// What was typed; the source and the name stay, and so does the revision that the form was opened with.
    mutating func take(_ form: Fields) {
        if existing != nil { revision = form.number("revision") ?? revision }
        table = form["table"] ?? ""
        sql = form["sql"] ?? ""
        incremental = IncrementalForm(form)
    }

    /// A table's name as a name of the project: `public.accounts` is accounts.
    private static func suggested(_ table: String) -> String {
        guard let relation = try? TableName.parse(table), case .table(_, let name) = relation else { return "" }
        let word = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "_" }
        return String(word.prefix(60))
    }

    var relation: Relation? {
        if !sql.isEmpty { return .query(sql) }
        return table.isEmpty ? nil : try? TableName.parse(table)
    }

    var definition: DefinitionValue {
        var value = rest
        value["source"] = .text(source)
        value["table"] = sql.isEmpty ? .text(table) : nil
        value["sql"] = sql.isEmpty ? nil : .text(sql)
        incremental.write(into: &value)
        return value
    }

    static func input(_ problem: FieldProblem) -> String? {
        if problem.diagnostic.code == "invalid_name" { return "name" }
        switch problem.field.first {
        case "table", "sql", "source": return problem.field.first
        default: return IncrementalForm.input(problem.field)
        }
    }

    /// A table as the project file names it.
    static func text(_ table: TableInfo) -> String {
        let name = quoted(table.name)
        return table.schema.map { quoted($0) + "." + name } ?? name
    }

    private static func quoted(_ part: String) -> String {
        let isPlain = !part.contains(".") && !part.contains("\"") && !part.allSatisfy(\.isWhitespace)
        return isPlain ? part : "\"" + part.replacing("\"", with: "\"\"") + "\""
    }
}

/// Rows of a source as a table, with the columns' types in its head.
enum SampleView {
    static let columnsMax = 30

    static func html(_ rows: ReadSample.Rows) -> HTML {
        let shown = rows.columns.prefix(columnsMax)
        let head = shown.html { column in
            "<th scope=\"col\"><span class=\"key\">\(column.name)</span><span class=\"detail\">\(column.type.rawValue)</span></th>"
        }
        let body = rows.rows.html { row in
            let cells = row.prefix(columnsMax).html { cell in
                let text: HTML = cell.map { HTML(ReasonView.cut($0, 60)) } ?? "<span class=\"nought\">null</span>"
                return "<td>\(text)</td>"
            }
            return "<tr>\(cells)</tr>\n"
        }
        let more: HTML =
            rows.columns.count > columnsMax
            ? "<p class=\"detail\">and \(Wording.counted(rows.columns.count - columnsMax, "more column"))</p>" : .empty
        guard !rows.rows.isEmpty else {
            let names = shown.map(\.name).joined(separator: ", ")
            return "<p class=\"empty\">It has no rows. Its columns: \(names).</p>"
        }
        return """
            <div class="scroll sample" role="region" aria-label="First rows" tabindex="0"><table><caption class="hidden">First rows</caption><thead><tr>\(head)</tr></thead><tbody>
            \(body)</tbody></table></div>\(more)
            """
    }
}

/// The first rows, or why they cannot be read.
enum Sampled: Sendable {
    case rows(ReadSample.Rows)
    case failed(RunError)

    static func read(_ site: Site, source: String, _ relation: Relation) async -> Sampled {
        do {
            let connection = try site.connections().source(named: source)
            return .rows(
                try await KnownMetadata.patiently {
                    try await ReadSample(connection).rows(of: relation, max: 20)
                })
        } catch {
            return .failed(RunError(error))
        }
    }

    func html() -> HTML {
        switch self {
        case .rows(let rows): SampleView.html(rows)
        case .failed(let error): ReasonView.box(error.code, error.message, error.hint, tone: "bad")
        }
    }
}
