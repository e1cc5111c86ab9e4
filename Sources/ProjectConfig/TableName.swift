package import ConnectorKit

/// `name`, `schema.name`, and either part in double quotes (`"My Schema"."t"`, a quote inside doubled).
package enum TableName {
    package struct Malformed: Error, Sendable, Hashable {
        package var message: String
    }

    package static func parse(_ text: String) throws(Malformed) -> Relation {
        var parts: [String] = []
        var rest = text[...]
        while true {
            parts.append(try part(&rest))
            guard let dot = rest.first else { break }
            guard dot == "." else {
                throw Malformed(message: "`\(rest.prefix(20))` follows the closing quote")
            }
            rest = rest.dropFirst()
        }
        switch parts.count {
        case 1: return .table(schema: nil, name: parts[0])
        case 2: return .table(schema: parts[0], name: parts[1])
        default: throw Malformed(message: "it has \(parts.count) parts; a table is `name` or `schema.name`")
        }
    }

    private static func part(_ rest: inout Substring) throws(Malformed) -> String {
        var name = ""
        if rest.first == "\"" {
            rest = rest.dropFirst()
            while true {
                guard let quote = rest.firstIndex(of: "\"") else { throw Malformed(message: "a quote is not closed") }
                name += rest[..<quote]
                rest = rest[rest.index(after: quote)...]
                guard rest.first == "\"" else { break }
                name += "\""
                rest = rest.dropFirst()
            }
        } else {
            let end = rest.firstIndex(of: ".") ?? rest.endIndex
            name = String(rest[..<end])
            rest = rest[end...]
            if name.contains("\"") { throw Malformed(message: "there is a quote in the middle of `\(name)`") }
        }
        guard !name.isEmpty, !name.allSatisfy(\.isWhitespace) else { throw Malformed(message: "a part is empty") }
        return name
    }
}
