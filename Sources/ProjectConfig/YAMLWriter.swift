/// Writes values so that the project's own reader, and any other, reads the same again: block style, two spaces, texts
/// quoted where they could be taken for something else, SQL and the like as they stand.
package enum YAMLWriter {
    /// The document of a value; always ends with a line end.
    package static func text(_ value: DefinitionValue) -> String {
        switch value {
        case .mapping(let entries) where !entries.isEmpty: return lines(entries, indent: 0)
        case .list(let items) where !items.isEmpty && !isShort(items): return lines(items, indent: 0)
        default: return inline(value) + "\n"
        }
    }

    private static func lines(_ entries: [DefinitionValue.Entry], indent: Int) -> String {
        entries.map { spaces(indent) + scalar($0.key) + ":" + after($0.value, indent: indent) }.joined()
    }

    private static func lines(_ items: [DefinitionValue], indent: Int) -> String {
        items.map { spaces(indent) + "-" + after($0, indent: indent) }.joined()
    }

    /// What follows a key's colon or an item's dash.
    private static func after(_ value: DefinitionValue, indent: Int) -> String {
        switch value {
        case .mapping(let entries) where !entries.isEmpty:
            return isReference(entries) ? " " + inline(value) + "\n" : "\n" + lines(entries, indent: indent + 2)
        case .list(let items) where !items.isEmpty && !isShort(items):
            return "\n" + lines(items, indent: indent + 2)
        case .text(let text) where isBlock(text):
            let rows = text.split(separator: "\n", omittingEmptySubsequences: false)
            let body = (text.hasSuffix("\n") ? rows.dropLast() : rows[...])
                .map { $0.isEmpty ? "" : spaces(indent + 2) + $0 }
            return (text.hasSuffix("\n") ? " |\n" : " |-\n") + body.joined(separator: "\n") + "\n"
        default: return " " + inline(value) + "\n"
        }
    }

    private static func inline(_ value: DefinitionValue) -> String {
        switch value {
        case .text(let text): scalar(text)
        case .plain(let text): text
        case .list(let items): "[" + items.map(inline).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { scalar($0.key) + ": " + inline($0.value) }.joined(separator: ", ") + "}"
        }
    }

    private static func isShort(_ items: [DefinitionValue]) -> Bool {
        items.allSatisfy { $0.scalar != nil } && items.reduce(0) { $0 + ($1.scalar?.utf8.count ?? 0) + 2 } <= 100
    }

    private static func isReference(_ entries: [DefinitionValue.Entry]) -> Bool {
        entries.count == 1 && entries.allSatisfy { ["secret", "file"].contains($0.key) && $0.value.scalar != nil }
    }

    private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

    // MARK: Texts

    /// Whether a text of several lines can stand as it is.
    private static func isBlock(_ text: String) -> Bool {
        guard text.unicodeScalars.contains("\n"), let first = text.unicodeScalars.first, first != " ", first != "\n",
            first != "\t", !text.hasSuffix("\n\n")
        else { return false }
        return text.unicodeScalars.allSatisfy { $0 == "\n" || isPrintable($0) }
            && text.split(separator: "\n").allSatisfy { $0.contains { $0 != " " } }
    }

    static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

    private static let words: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first.isASCII, first.properties.isAlphabetic || first == "_" else {
            return false
        }
        let allowed = text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "/", "-", " ": true
            default: false
            }
        }
        guard allowed, !text.hasSuffix(" "), !words.contains(text.lowercased()) else { return false }
        if case .text = CoreScalar(plain: text) { return true }
        return false
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xF900...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where isPrintable(scalar): quoted.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            }
        }
        return quoted + "\""
    }
}
