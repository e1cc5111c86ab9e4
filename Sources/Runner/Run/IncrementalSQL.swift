internal import ConnectorKit
internal import SyncCore

/// The two questions of incremental reading, in SQL that every database of ours understands.
enum IncrementalSQL {
    static func rows(of relation: Relation, _ column: String, _ since: Watermark) -> Relation {
        .query("select * from \(origin(relation)) where \(quoted(column)) >= \(since.literal)")
    }

    /// - Parameter last: what lies after it is passed over.
    static func newest(of relation: Relation, _ column: String, notAfter last: Watermark? = nil) -> Relation {
        let condition = last.map { " where \(quoted(column)) <= \($0.literal)" } ?? ""
        return .query("select max(\(quoted(column))) as newest from \(origin(relation))\(condition)")
    }

    private static func origin(_ relation: Relation) -> String {
        switch relation {
        case .table(let schema, let name): (schema.map { quoted($0) + "." } ?? "") + quoted(name)
        // The newlines keep a comment at the statement's end from swallowing what follows.
        case .query(let sql): "(\n\(withoutSemicolon(sql))\n) as sluice_dataset"
        }
    }

    private static func withoutSemicolon(_ sql: String) -> String {
        var text = Substring(sql)
        while let last = text.last, last == ";" || last.isWhitespace { text.removeLast() }
        return String(text)
    }

    private static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
}
