import DestinationPlanhat
import Testing

struct JSONReaderTests {
    private func read(_ text: String) -> JSONValue? { JSONReader.valueIfAny(Array(text.utf8)) }

    @Test func valuesAreReadAsTheyStand() {
        #expect(
            read(" [1, -2.50e+3, 12345678901234567890] ")
                == .array([
                    .number("1"), .number("-2.50e+3"), .number("12345678901234567890"),
                ]))
        #expect(
            read(#"{"a":{"b":[null,true,false,""]}}"#)?["a"]?["b"]
                == .array([.null, .boolean(true), .boolean(false), .string("")]))
        #expect(read(#""\u00e5\ud83d\ude00\/\\\"\b\f\n\r\t""#) == .string("å😀/\\\"\u{8}\u{c}\n\r\t"))
        #expect(read(#""\ud83d x""#) == .string("\u{FFFD} x"))
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "\"abc", "\"\\u12\"",
        "\"\\x\"", "tru", "nul", "1 2", "-", "1.", "1e", "[1]]", "<html>", "'a'", "\"\\", "[1 2]", "{\"a\":1 \"b\":2}",
    ])
    func whatIsNotJSONIsRefused(_ text: String) { #expect(read(text) == nil) }

    @Test func everyBeginningOfATextIsRefused() throws {
        let text = Array(#"{"created":1,"createdErrors":[{"m":"x\"y"}],"n":{"k":[1.5,null,true]}}"#.utf8)
        #expect(JSONReader.valueIfAny(text) != nil)
        for length in 0..<text.count {
            #expect(JSONReader.valueIfAny(Array(text[..<length])) == nil)
            var reader = JSONReader(Array(text[..<length]))
            #expect(throws: JSONFault.self) { try reader.skipValue() }
        }
        var reader = JSONReader(text)
        try reader.skipValue()
        #expect(reader.position == text.count)
    }

    @Test func deepNestingIsRefusedInsteadOfExhaustingTheStack() {
        #expect(read(String(repeating: "[", count: 100_000)) == nil)
        #expect(read(String(repeating: "[", count: 64) + String(repeating: "]", count: 64)) != nil)
        #expect(read(String(repeating: "[", count: 65) + String(repeating: "]", count: 65)) == nil)
    }
}
