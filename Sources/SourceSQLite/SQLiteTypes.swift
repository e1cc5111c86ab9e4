internal import Records

/// How the cells of one column are read beyond what SQLite itself says of each value.
enum CellRule: UInt8 {
    case plain
    /// 0 and 1 are false and true; other numbers stay numbers.
    case boolean
    /// ISO 8601 text becomes a date or a timestamp; other text stays text.
    case temporal
    /// Text that is a JSON document becomes one; other text stays text.
    case json
}

/// What a declared type says. SQLite promises nothing by it: any column but a strict one may hold any value, so the
/// value decides and this only adds what SQLite has no storage class for.
struct DeclaredType {
    var type: ColumnType
    var rule: CellRule
    /// As declared, without what a generated column adds to it.
    var text: String

    /// - Parameter text: as SQLite tells it; empty for an expression or a column without a type.
    init(_ text: String) {
        let generated = " GENERATED ALWAYS"
        self.text = text.uppercased().hasSuffix(generated) ? String(text.dropLast(generated.count)) : text
        let upper = self.text.uppercased()
        let words = upper.split(separator: "(", maxSplits: 1)[safe: 0]?.split(separator: " ") ?? []
        let isZoned = upper.hasSuffix("WITH TIME ZONE") || words.first == "TIMESTAMPTZ"
        switch words.first ?? "" {
        case "BOOLEAN", "BOOL": (type, rule) = (.boolean, .boolean)
        case "DATE": (type, rule) = (.date, .temporal)
        case "DATETIME", "TIMESTAMP", "TIMESTAMPTZ": (type, rule) = (isZoned ? .timestamp : .localTimestamp, .temporal)
        case "JSON": (type, rule) = (.json, .json)
        case "DECIMAL", "NUMERIC", "DEC": (type, rule) = (.decimal, .plain)
        default: (type, rule) = (Self.affinity(upper), .plain)
        }
    }

    /// The rules of https://www.sqlite.org/datatype3.html#determination_of_column_affinity, in their order.
    private static func affinity(_ upper: String) -> ColumnType {
        let holds = { (part: String) in upper.contains(part) }
        if holds("INT") { return .integer }
        if holds("CHAR") || holds("CLOB") || holds("TEXT") { return .text }
        if holds("BLOB") { return .bytes }
        if holds("REAL") || holds("FLOA") || holds("DOUB") { return .double }
        return .any
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
