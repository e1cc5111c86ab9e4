/// Reading and writing of SQL text, no further than needed to wrap a user's statement.
package enum SQLText {
    package enum Fault: Error, Hashable {
        case empty
        /// A second statement begins at this character, counted from 1.
        case secondStatement(position: Int)
        case zeroByte
    }

    /// An identifier in double quotes, exactly as it is spelled.
    package static func quoted(_ identifier: String) -> String {
        "\"" + identifier.replacing("\"", with: "\"\"") + "\""
    }

    /// An identifier as a person would type it: quoted only where it must be.
    package static func shown(_ identifier: String) -> String {
        let isPlain =
            !identifier.isEmpty && identifier.utf8.first.map { !isDigit($0) && $0 != UInt8(ascii: "$") } == true
            && identifier.utf8.allSatisfy { isDigit($0) || ($0 >= 97 && $0 <= 122) || $0 == 95 || $0 == 36 }
            && !reserved.contains(identifier)
        return isPlain ? identifier : quoted(identifier)
    }

    /// The one statement of a text, without the semicolon that ends it and what follows.
    package static func singleStatement(_ sql: String) throws(Fault) -> String {
        var scanner = SQLScanner(Array(sql.utf8))
        var hasContent = false
        var end: Int?
        while let token = scanner.next() {
            switch token.kind {
            case .blank: continue
            case .zero: throw .zeroByte
            case .semicolon:
                if hasContent && end == nil { end = token.start }
            case .word, .quotedName, .other:
                if end != nil { throw .secondStatement(position: scanner.characters(before: token.start) + 1) }
                hasContent = true
            }
        }
        guard hasContent else { throw .empty }
        guard let end else { return sql }
        return String(decoding: scanner.bytes[..<end], as: UTF8.self)
    }

    /// Every name in the text as the server would read it: bare words in lower case, quoted ones as they are.
    package static func names(in sql: String) -> Set<String> {
        var scanner = SQLScanner(Array(sql.utf8))
        var names: Set<String> = []
        while let token = scanner.next() {
            let text = String(decoding: scanner.bytes[token.start..<token.end], as: UTF8.self)
            if token.kind == .word { names.insert(text.lowercased()) }
            if token.kind == .quotedName {
                names.insert(String(text.dropFirst().dropLast()).replacing("\"\"", with: "\""))
            }
        }
        return names
    }

    /// The line and column of a character position counted from 1.
    package static func lineAndColumn(of position: Int, in sql: String) -> (line: Int, column: Int) {
        var line = 1
        var column = 1
        for scalar in sql.unicodeScalars.prefix(max(position - 1, 0)) {
            column += 1
            if scalar == "\n" {
                line += 1
                column = 1
            }
        }
        return (line, column)
    }

    /// The parts of the name (`schema.table`) that begins at a character position counted from 1.
    package static func dottedName(at position: Int, in sql: String) -> [String] {
        let rest = String(String.UnicodeScalarView(sql.unicodeScalars.dropFirst(max(position - 1, 0))))
        var scanner = SQLScanner(Array(rest.utf8))
        var parts: [String] = []
        while let token = scanner.next() {
            let text = String(decoding: scanner.bytes[token.start..<token.end], as: UTF8.self)
            switch token.kind {
            case .word: parts.append(text.lowercased())
            case .quotedName: parts.append(String(text.dropFirst().dropLast()).replacing("\"\"", with: "\""))
            default: return parts
            }
            guard let dot = scanner.next(), scanner.bytes[dot.start] == UInt8(ascii: ".") else { return parts }
        }
        return parts
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

    private static let reserved: Set<String> = [
        "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "both", "case", "cast", "check", "collate",
        "column", "constraint", "create", "default", "desc", "distinct", "do", "else", "end", "except", "false",
        "fetch", "for", "foreign", "from", "grant", "group", "having", "in", "initially", "intersect", "into",
        "leading", "limit", "not", "null", "offset", "on", "only", "or", "order", "placing", "primary", "references",
        "returning", "select", "some", "symmetric", "table", "then", "to", "trailing", "true", "union", "unique",
        "user", "using", "variadic", "when", "where", "window", "with",
    ]
}

/// Cuts SQL text into the few kinds of tokens that tell where a statement ends.
struct SQLScanner {
    enum Kind { case blank, semicolon, word, quotedName, other, zero }

    struct Token {
        var kind: Kind
        var start: Int
        var end: Int
    }

    let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func characters(before offset: Int) -> Int {
        String(decoding: bytes[..<offset], as: UTF8.self).unicodeScalars.count
    }

    mutating func next() -> Token? {
        guard at < bytes.count else { return nil }
        let start = at
        let kind = advance()
        return Token(kind: kind, start: start, end: at)
    }

    private func byte(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    private mutating func advance() -> Kind {
        let first = bytes[at]
        switch first {
        case 0:
            at += 1
            return .zero
        case 9...13, 32:
            at += 1
            return .blank
        case UInt8(ascii: "-") where byte(at + 1) == first:
            while at < bytes.count, bytes[at] != 10, bytes[at] != 13 { at += 1 }
            return .blank
        case UInt8(ascii: "/") where byte(at + 1) == UInt8(ascii: "*"):
            skipBlockComment()
            return .blank
        case UInt8(ascii: ";"):
            at += 1
            return .semicolon
        case UInt8(ascii: "'"):
            skipQuoted(first, backslashes: false)
            return .other
        case UInt8(ascii: "\""):
            skipQuoted(first, backslashes: false)
            return .quotedName
        case UInt8(ascii: "$"):
            skipDollarQuoted()
            return .other
        case let letter where isWordStart(letter):
            return takeWord()
        default:
            at += 1
            return .other
        }
    }

    private func isWordStart(_ byte: UInt8) -> Bool {
        (byte | 32 >= 97 && byte | 32 <= 122) || byte == 95 || byte >= 128
    }

    private func isWordPart(_ byte: UInt8) -> Bool { isWordStart(byte) || (byte >= 48 && byte <= 57) || byte == 36 }

    private mutating func takeWord() -> Kind {
        if bytes[at] | 32 == UInt8(ascii: "e"), byte(at + 1) == UInt8(ascii: "'") {
            at += 1
            skipQuoted(UInt8(ascii: "'"), backslashes: true)
            return .other
        }
        while at < bytes.count, isWordPart(bytes[at]) { at += 1 }
        return .word
    }

    private mutating func skipQuoted(_ quote: UInt8, backslashes: Bool) {
        at += 1
        while at < bytes.count {
            if backslashes, bytes[at] == UInt8(ascii: "\\") {
                at = min(at + 2, bytes.count)
            } else if bytes[at] != quote {
                at += 1
            } else if byte(at + 1) == quote {
                at += 2
            } else {
                at += 1
                return
            }
        }
    }

    private mutating func skipBlockComment() {
        var depth = 0
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "/"), byte(at + 1) == UInt8(ascii: "*") {
                depth += 1
                at += 2
            } else if bytes[at] == UInt8(ascii: "*"), byte(at + 1) == UInt8(ascii: "/") {
                depth -= 1
                at += 2
                if depth == 0 { return }
            } else {
                at += 1
            }
        }
        at = min(at, bytes.count)
    }

    /// `$$text$$` or `$tag$text$tag$`; a parameter such as `$1` is passed over.
    private mutating func skipDollarQuoted() {
        var tagEnd = at + 1
        if isWordStart(byte(tagEnd)) {
            while tagEnd < bytes.count, isWordPart(bytes[tagEnd]), bytes[tagEnd] != 36 { tagEnd += 1 }
        }
        guard byte(tagEnd) == 36 else {
            at += 1
            return
        }
        let tag = bytes[at...tagEnd]
        var from = tagEnd + 1
        while from + tag.count <= bytes.count {
            if bytes[from] == 36, bytes[from..<from + tag.count] == tag {
                at = from + tag.count
                return
            }
            from += 1
        }
        at = bytes.count
    }
}
