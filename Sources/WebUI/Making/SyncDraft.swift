internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// A sync while somebody makes it: what the steps before said, and the rows of the mapping as they were typed.
struct SyncDraft: Sendable {
    /// More rows than a project may have mappings are not read.
    static let rowsMax = 300
    /// What the select of a row says for a constant.
    static let constant = "=constant"

    struct Row: Sendable, Hashable {
        var field = ""
        /// A column, `SyncDraft.constant`, or empty where nothing is mapped.
        var from = ""
        var constant = ""
        var lookup = ""
        var skipsNulls = false

        var isMapped: Bool { !field.isEmpty && !from.isEmpty }
    }

    var existing: String?
    var revision: Int?
    var name: String
    /// The dataset.
    var from: String
    /// Destination and object: `crm.company`.
    var to: String
    var behavior: Behavior?
    var keyColumns: [String]
    var keyField: String
    var within: String
    var rows: [Row] = []
    /// Whether the mapping was typed already, so that nothing is suggested over it.
    var hasRows = false
    /// What the definition says besides; the form leaves it alone.
    private var rest = DefinitionValue.mapping([])
    var problems: [FormProblem] = []
    var warnings: [FormProblem] = []

    init(_ fields: Fields) {
        name = ConnectionForm.trimmed(fields["name"] ?? "")
        from = fields["from"] ?? ""
        to = fields["to"] ?? ""
        behavior = fields["behavior"].flatMap { Behavior(rawValue: $0) }
        keyColumns = fields.all("column").filter { !$0.isEmpty }
        keyField = fields["field"] ?? ""
        within = fields["within"] ?? ""
        takeRows(fields)
    }

    init(_ editing: Editing, name: String) throws {
        let entry = try editing.made(.sync, name)
        let value = entry.part.value
        existing = name
        revision = entry.record?.revision
        self.name = name
        from = value["from"]?.scalar ?? ""
        to = value["to"]?.scalar ?? ""
        behavior = value["behavior"]?.scalar.flatMap { Behavior(rawValue: $0) }
        let key = value["key"]
        keyColumns = key?["column"]?.scalar.map { [$0] } ?? Self.texts(key?["columns"])
        keyField = key?["field"]?.scalar ?? ""
        within = key?["within"]?.scalar ?? ""
        rows = (value["mappings"]?.entries ?? []).map { Self.row($0.key, $0.value) }
        hasRows = true
        rest = value
    }

    /// What was typed over a sync that there is; its dataset and object stay, and so does the revision that the form was
    /// opened with.
    mutating func take(_ form: Fields) {
        if existing != nil { revision = form.number("revision") ?? revision }
        behavior = form["behavior"].flatMap { Behavior(rawValue: $0) } ?? behavior
        keyColumns = form.all("column").filter { !$0.isEmpty }
        keyField = form["field"] ?? ""
        within = form["within"] ?? ""
        rows = []
        takeRows(form)
    }

    private mutating func takeRows(_ form: Fields) {
        for index in 0..<min(form.number("rows") ?? 0, Self.rowsMax) {
            hasRows = true
            let field = ConnectionForm.trimmed(form["m\(index)-field"] ?? "")
            let from = form["m\(index)-from"] ?? ""
            let constant = form["m\(index)-constant"] ?? ""
            guard !field.isEmpty else { continue }
            rows.append(
                Row(
                    field: field, from: from, constant: constant, lookup: form["m\(index)-lookup"] ?? "",
                    skipsNulls: form["m\(index)-nulls"] == "skip"))
        }
    }

    mutating func addRows(_ count: Int) {
        guard count > 0, rows.count + count <= Self.rowsMax else { return }
        rows += (0..<count).map { _ in Row() }
    }

    // MARK: As a definition

    private static func texts(_ value: DefinitionValue?) -> [String] {
        if case .list(let items) = value { return items.compactMap(\.scalar) }
        return value?.scalar.map { [$0] } ?? []
    }

    private static func row(_ field: String, _ value: DefinitionValue) -> Row {
        if let column = value.scalar { return Row(field: field, from: column) }
        if let constant = value["constant"] {
            return Row(
                field: field, from: Self.constant, constant: constant.scalar ?? texts(constant).joined(separator: ", "))
        }
        return Row(
            field: field, from: value["column"]?.scalar ?? "", lookup: value["lookup"]?.scalar ?? "",
            skipsNulls: value["nulls"]?.scalar == "skip")
    }

    var definition: DefinitionValue {
        var value = rest
        value["from"] = value["from"]?.scalar == nil && existing != nil ? value["from"] : .text(from)
        value["to"] = .text(to)
        value["behavior"] = behavior.map { .text($0.rawValue) }
        value["key"] = key
        value["mappings"] = .mapping(rows.filter(\.isMapped).map { .init($0.field, mapping($0)) })
        return value
    }

    private var key: DefinitionValue {
        var key = DefinitionValue.mapping([])
        if keyColumns.count > 1 {
            key["columns"] = .list(keyColumns.map { .text($0) })
        } else {
            key["column"] = .text(keyColumns.first ?? "")
        }
        if !keyField.isEmpty { key["field"] = .text(keyField) }
        if !within.isEmpty, !keyField.isEmpty { key["within"] = .text(within) }
        return key
    }

    private func mapping(_ row: Row) -> DefinitionValue {
        if row.from == Self.constant {
            // A constant that the form did not change stays the list or object that it was.
            if let old = rest["mappings"]?[row.field], Self.row(row.field, old) == row { return old }
            return .mapping([.init("constant", .typed(row.constant))])
        }
        guard !row.lookup.isEmpty || row.skipsNulls else { return .text(row.from) }
        var value = DefinitionValue.mapping([.init("column", .text(row.from))])
        if !row.lookup.isEmpty { value["lookup"] = .text(row.lookup) }
        if row.skipsNulls { value["nulls"] = .text("skip") }
        return value
    }

    /// The input that shows a problem of the definition.
    func input(_ problem: FieldProblem) -> String? {
        if problem.diagnostic.code == "invalid_name" { return "name" }
        switch problem.field.first {
        case "key": return "field"
        case "behavior": return "behavior"
        case "mappings":
            guard problem.field.count > 1, let index = rows.firstIndex(where: { $0.field == problem.field[1] }) else {
                return nil
            }
            return "m\(index)-from"
        default: return nil
        }
    }

    // MARK: The steps' addresses

    /// The address of a step with what is chosen so far; what comes after it is left out.
    func link(_ change: (inout SyncDraft) -> Void = { _ in }) -> String {
        var draft = self
        change(&draft)
        var query: [(String, String?)] = [
            ("from", draft.from.isEmpty ? nil : draft.from), ("to", draft.to.isEmpty ? nil : draft.to),
            ("behavior", draft.behavior?.rawValue), ("field", draft.keyField.isEmpty ? nil : draft.keyField),
        ]
        query += draft.keyColumns.map { ("column", $0) }
        query.append(("within", draft.within.isEmpty ? nil : draft.within))
        return Place.making(.newSync).link(query)
    }

    var destination: String { String(to.prefix { $0 != "." }) }
    var objectName: String { String(to.drop { $0 != "." }.dropFirst()) }
}

/// The two ends of a sync as far as they are chosen.
struct SyncEnds: Sendable {
    let dataset: DatasetDefinition?
    let object: DestinationObject?
    let destinationType: DestinationType?

    init(_ draft: SyncDraft, _ project: Project, _ catalog: ConnectorCatalog, existing: SyncDefinition? = nil) {
        dataset = existing?.dataset ?? project.datasets[draft.from]
        destinationType = project.destinations[draft.destination].flatMap { catalog.destination($0.type) }
        let name = draft.objectName
        object = destinationType?.objects.first { $0.name == name }
    }
}

/// Which column goes to which field, proposed by name and type.
enum Suggestions {
    /// Rows for what fits, then for what a new record needs and nothing fits.
    static func rows(
        _ columns: [Column], _ object: DestinationObject, _ discovered: [DestinationField], _ draft: SyncDraft
    ) -> [SyncDraft.Row] {
        let fields = (object.fields + discovered).filter { $0.isWritable && object.key($0.name)?.canCreate != false }
        let keyName = object.key(draft.keyField)?.name ?? draft.keyField
        var rows: [SyncDraft.Row] = []
        var used = Set(draft.keyColumns)
        if let parent = object.key(draft.keyField)?.uniqueWithin, !draft.within.isEmpty {
            rows.append(row(parent, draft.within, object.field(parent)?.type))
        }
        for field in fields where field.name != keyName && !rows.contains(where: { $0.field == field.name }) {
            guard let column = columns.first(where: { !used.contains($0.name) && fits($0, field) }) else {
                if field.isRequiredOnCreate { rows.append(SyncDraft.Row(field: field.name)) }
                continue
            }
            used.insert(column.name)
            rows.append(row(field.name, column.name, field.type))
        }
        return rows
    }

    private static func row(_ field: String, _ column: String, _ type: FieldType?) -> SyncDraft.Row {
        var row = SyncDraft.Row(field: field, from: column)
        guard case .reference(_, let forms) = type else { return row }
        let words = forms.compactMap(\.lookup)
        let plain = simple(column)
        if plain.hasSuffix("email"), words.contains("email") {
            row.lookup = "email"
        } else if let word = words.first(where: { plain.hasSuffix(simple($0)) }) {
            row.lookup = word
        } else if words.contains("externalId") {
            row.lookup = "externalId"
        }
        return row
    }

    /// Whether a column's name says the field's, or one of its other names.
    static func fits(_ column: Column, _ field: DestinationField) -> Bool {
        let name = simple(column.name)
        let bare = field.name.split(separator: ".", maxSplits: 1).last.map(String.init) ?? field.name
        var names = [simple(field.name), simple(bare)] + field.aliases.map(simple)
        if case .reference(let object, _) = field.type { names += [simple(object) + "id", simple(bare) + "email"] }
        if field.name == "companyId" { names.append("accountid") }
        if field.name == "ownerId" { names += ["owneremail", "owner"] }
        if field.name == "sourceId" { names.append("crmid") }
        return names.contains(name) && suits(column.type, field.type)
    }

    /// Whether values of the column's type can be what the field takes at all.
    static func suits(_ column: ColumnType, _ field: FieldType) -> Bool {
        switch (column, field) {
        case (.bytes, _): false
        case (.json, .text), (.json, .number), (.array, .number), (.array, .text): false
        case (.boolean, .number), (.boolean, .date), (.boolean, .email), (.boolean, .integer): false
        case (.date, .number), (.timestamp, .number), (.date, .boolean), (.timestamp, .boolean): false
        default: true
        }
    }

    private static func simple(_ name: String) -> String {
        String(name.lowercased().filter { $0.isLetter || $0.isNumber })
    }
}
