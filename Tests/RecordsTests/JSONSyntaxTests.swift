import Records
import Testing

@Suite struct JSONSyntaxTests {
    private func isJSON(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes { JSONSyntax.isDocument($0) } }

    @Test(arguments: [
        "{}", "[]", " [1, 2.5, -0, 1e9, 1.5E-3, 0] ", "\"\"", "\"\\u00e9\\n\\\"\"", "true", "false", "null", "-1",
        "{\"a\": {\"b\": []}, \"a\": 1}", "\t\n\r 0", "\"é🙂\"",
    ])
    func documentIsRecognized(text: String) { #expect(isJSON(text)) }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "01", "1.", ".5", "1e", "+1",
        "--1", "nul", "True", "NaN", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"",
        "1 2", "[1] x", "[1}", "\u{FEFF}1",
        "tru", "\"\\", "-",
    ])
    func otherTextIsNoDocument(text: String) { #expect(!isJSON(text)) }

    @Test func nestingHasALimit() {
        let limit = JSONSyntax.depthMax
        #expect(isJSON(String(repeating: "[", count: limit) + String(repeating: "]", count: limit)))
        #expect(!isJSON(String(repeating: "[", count: limit + 1) + String(repeating: "]", count: limit + 1)))
        #expect(!isJSON(String(repeating: "[", count: 1_000_000)))
    }
}
