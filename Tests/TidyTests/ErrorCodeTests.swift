import Testing

/// docs/errors.md and the sources name the same codes.
@Suite struct ErrorCodeTests {
    static let rules = [undocumented, unused]
    static let page = "docs/errors.md"

    static func isCode(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.last != UInt8(ascii: "_") else { return false }
        return (97...122).contains(first)
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }

    /// The first cell of each table row that is a code in backticks.
    static func documented(_ tree: SourceTree) -> [(code: String, line: Int)] {
        (tree.text(page) ?? "").split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .compactMap { number, line in
                guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
                let code = String(line.dropFirst(3)[..<end])
                return isCode(code) ? (code, number + 1) : nil
            }
    }

    /// Every `code: "…"` in the sources.
    static func written(_ file: SourceTree.SwiftFile) -> [(code: String, line: Int)] {
        let tokens = file.tokens
        return tokens.indices.dropFirst(2).filter { index in
            tokens[index].kind == .text && tokens[index - 1].text == ":" && tokens[index - 2].text == "code"
                && tokens[index - 2].kind == .word && isCode(tokens[index].text)
        }.map { (tokens[$0].text, tokens[$0].line) }
    }

    static let undocumented = Rule("undocumented-codes") { tree in
        let known = Set(Self.documented(tree).map(\.code))
        return tree.sources.filter { $0.target != "TestKit" }.flatMap { file in
            Self.written(file).filter { !known.contains($0.code) }.map {
                Rule.Violation(path: file.path, line: $0.line, detail: "\($0.code) is not in \(Self.page)")
            }
        }
    }

    static let unused = Rule("unused-codes") { tree in
        let texts = Set(tree.sources.flatMap(\.texts))
        let words = Set(tree.sources.flatMap { file in file.tokens.filter { $0.kind == .word }.map(\.text) })
        // Codes that are put together: `"unknown_\(kind)"`.
        let beginnings = texts.filter { $0.hasSuffix("_") && Self.isCode(String($0.dropLast())) }
        return Self.documented(tree).filter { found in
            !texts.contains(found.code) && !words.contains(found.code)
                && !beginnings.contains { found.code.hasPrefix($0) }
        }.map {
            Rule.Violation(path: Self.page, line: $0.line, detail: "\($0.code) is nowhere in the sources")
        }
    }

    @Test func everyCodeInTheSourcesIsDocumented() { Self.undocumented.expectKept() }
    @Test func everyDocumentedCodeIsInTheSources() { Self.unused.expectKept() }

    @Test func noCodeIsDocumentedTwice() {
        let codes = Self.documented(.shared).map(\.code)
        let twice = Dictionary(grouping: codes, by: { $0 }).filter { $0.value.count > 1 }.keys.sorted()
        #expect(twice.isEmpty)
    }
}
