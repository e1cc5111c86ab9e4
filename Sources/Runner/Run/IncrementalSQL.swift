internal import ConnectorKit
internal import SyncCore

/// The two questions of incremental reading, in SQL that every database of ours understands.
enum IncrementalSQL {
    static func rows(of relation: Relation, _ column: String, _ since: Watermark) -> Relation {
        .query("select * from \(origin(relation)) where \(named(column)) >= \(since.literal)")
    }

    /// - Parameter last: what lies after it is passed over.
    static func newest(of relation: Relation, _ column: String, notAfter last: Watermark? = nil) -> Relation {
        let condition = last.map { " where \(named(column)) <= \($0.literal)" } ?? ""
        return .query("select max(\(named(column))) as newest from \(origin(relation))\(condition)")
    }

    private static func origin(_ relation: Relation) -> String {
        let rows =
            switch relation {
            case .table(let schema, let name): (schema.map { quoted($0) + "." } ?? "") + quoted(name)
            // The newlines keep a comment at the statement's end from swallowing what follows.
            case .query(let sql): "(\n\(withoutSemicolon(sql))\n)"
            }
        return rows + " as " + alias
    }

    private static let alias = "sluice_dataset"

    /// Qualified: SQLite reads a bare "name" that is no column as a text.
    private static func named(_ column: String) -> String { alias + "." + quoted(column) }

    private static func withoutSemicolon(_ sql: String) -> String {
        var text = Substring(sql)
        while let last = text.last, last == ";" || last.isWhitespace { text.removeLast() }
        return String(text)
    }

    private static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
}
