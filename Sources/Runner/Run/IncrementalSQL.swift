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
            case .query(let sql): "(\n\(StatementText(sql).withoutEnd)\n)"
            }
        return rows + " as " + alias
    }

    private static let alias = "sluice_dataset"

    /// Qualified: SQLite reads a bare "name" that is no column as a text.
    private static func named(_ column: String) -> String { alias + "." + quoted(column) }

    private static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
}

/// A statement as a person wrote it, which is to stand within another one.
private struct StatementText {
    private let bytes: [UInt8]

    init(_ sql: String) { bytes = Array(sql.utf8) }

    /// Without the semicolon that ends it, behind which there may be blanks and comments.
    var withoutEnd: String {
        var end: Int?
        var at = 0
        while at < bytes.count {
            switch bytes[at] {
            case 9...13, 32: at += 1
            case UInt8(ascii: "-") where starts("--", at): at = after("\n", at)
            case UInt8(ascii: "/") where starts("/*", at): at = after("*/", at + 2)
            case UInt8(ascii: ";"):
                end = end ?? at
                at += 1
            case UInt8(ascii: "'"):
                end = nil
                at = after("'", at + 1)
            case UInt8(ascii: "\""):
                end = nil
                at = after("\"", at + 1)
            default:
                end = nil
                at += 1
            }
        }
        return String(decoding: bytes[..<(end ?? bytes.count)], as: UTF8.self)
    }

    private func starts(_ text: String, _ at: Int) -> Bool { bytes[at...].starts(with: text.utf8) }

    /// The place behind the next occurrence; the end where there is none.
    private func after(_ text: String, _ from: Int) -> Int {
        var at = min(from, bytes.count)
        while at < bytes.count && !starts(text, at) { at += 1 }
        return min(at + text.utf8.count, bytes.count)
    }
}
