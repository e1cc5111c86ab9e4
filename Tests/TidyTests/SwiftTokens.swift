/// The tokens of a Swift file, as far as the rules need them: words, texts and symbols, without comments.
struct SwiftTokens {
    struct Token {
        enum Kind { case word, text, symbol }
        var kind: Kind
        /// A word with its `@` or `#`, the contents of a text, or one character.
        var text: String
        var line: Int
        var hasSpaceBefore: Bool
        var isFirstOnLine: Bool
    }

    private(set) var tokens: [Token] = []
    private var bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var lineOfLastToken = 0
    private var sawSpace = false

    init(_ source: String) {
        bytes = Array(source.utf8)
        scanCode(untilParenthesis: false)
        bytes = []
    }

    private func peek(_ offset: Int = 0) -> UInt8 { at + offset < bytes.count ? bytes[at + offset] : 0 }

    private mutating func scanCode(untilParenthesis: Bool) {
        var depth = 0
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                at += 1
                sawSpace = true
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                at += 1
                sawSpace = true
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"): skipLineComment()
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): skipBlockComment()
            case UInt8(ascii: "\""): scanText(pounds: 0)
            case UInt8(ascii: "#") where startsRawText(): scanRawText()
            case UInt8(ascii: ")") where untilParenthesis && depth == 0:
                at += 1
                return
            default:
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
                if isWordByte(byte) || isPrefix(byte) { scanWord() } else { scanSymbol() }
            }
        }
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "`"), 0x80...:
            true
        default: false
        }
    }

    private func isPrefix(_ byte: UInt8) -> Bool {
        (byte == UInt8(ascii: "@") || byte == UInt8(ascii: "#")) && isWordByte(peek(1))
    }

    private mutating func append(_ kind: Token.Kind, _ text: String, line: Int) {
        tokens.append(
            Token(
                kind: kind, text: text, line: line, hasSpaceBefore: sawSpace || tokens.isEmpty,
                isFirstOnLine: line != lineOfLastToken))
        lineOfLastToken = line
        sawSpace = false
    }

    private mutating func scanWord() {
        let start = at
        at += 1
        while at < bytes.count, isWordByte(bytes[at]) { at += 1 }
        append(.word, String(decoding: bytes[start..<at], as: UTF8.self).filter { $0 != "`" }, line: line)
    }

    private mutating func scanSymbol() {
        append(.symbol, String(decoding: [bytes[at]], as: UTF8.self), line: line)
        at += 1
    }

    private mutating func skipLineComment() {
        while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
        sawSpace = true
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if peek() == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                depth += 1
                at += 2
            } else if peek() == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                depth -= 1
                at += 2
            } else {
                if peek() == UInt8(ascii: "\n") { line += 1 }
                at += 1
            }
        } while depth > 0 && at < bytes.count
        sawSpace = true
    }

    private func startsRawText() -> Bool {
        var offset = 0
        while peek(offset) == UInt8(ascii: "#") { offset += 1 }
        return peek(offset) == UInt8(ascii: "\"")
    }

    private mutating func scanRawText() {
        var pounds = 0
        while peek() == UInt8(ascii: "#") {
            pounds += 1
            at += 1
        }
        scanText(pounds: pounds)
    }

    /// Stands on the opening quote. The code within an interpolation becomes tokens of its own.
    private mutating func scanText(pounds: Int) {
        let quotes = peek(1) == UInt8(ascii: "\"") && peek(2) == UInt8(ascii: "\"") ? 3 : 1
        let firstLine = line
        var contents: [UInt8] = []
        let place = tokens.count
        append(.text, "", line: firstLine)
        at += quotes
        while at < bytes.count {
            if peek() == UInt8(ascii: "\""), endsText(quotes: quotes, pounds: pounds) {
                at += quotes + pounds
                break
            }
            if peek() == UInt8(ascii: "\\"), (0..<pounds).allSatisfy({ peek(1 + $0) == UInt8(ascii: "#") }) {
                let escaped = peek(1 + pounds)
                at += 2 + pounds
                if escaped == UInt8(ascii: "(") {
                    scanCode(untilParenthesis: true)
                } else {
                    contents.append(escaped)
                    if escaped == UInt8(ascii: "\n") { line += 1 }
                }
                continue
            }
            if peek() == UInt8(ascii: "\n") { line += 1 }
            contents.append(peek())
            at += 1
        }
        tokens[place].text = String(decoding: contents, as: UTF8.self)
        lineOfLastToken = line
        sawSpace = false
    }

    private func endsText(quotes: Int, pounds: Int) -> Bool {
        (0..<quotes).allSatisfy { peek($0) == UInt8(ascii: "\"") }
            && (0..<pounds).allSatisfy { peek(quotes + $0) == UInt8(ascii: "#") }
    }
}
