import PlanhatSandbox
import Testing

@Suite struct JSONReaderTests {
    private func canonical(_ text: String) throws -> String {
        var reader = try JSONReader(Array(text.utf8))
        var out: [UInt8] = []
        try reader.copyValue(into: &out)
        try reader.expectEnd()
        return String(decoding: out, as: UTF8.self)
    }

    @Test(arguments: [
        ("null", "null"), (" true ", "true"), ("[ ]", "[]"), ("{ }", "{}"), ("\"\"", "\"\""),
        ("[1 , 2,\n3]", "[1,2,3]"), ("{\"a\" : [ {\"b\":null} ]}", "{\"a\":[{\"b\":null}]}"),
    ])
    func whiteSpaceIsLeftOut(_ text: String, _ expected: String) throws {
        #expect(try canonical(text) == expected)
    }

    @Test(arguments: [
        "0", "-0", "12.50", "1e5", "1E+05", "-3.25e-10", "123456789012345678901234567890.00000000000000001",
    ])
    func numbersAreKeptAsWritten(_ text: String) throws {
        #expect(try canonical(text) == text)
    }

    @Test(arguments: [
        (#""a\u0062c""#, "\"abc\""), (#""\u00e5""#, "\"å\""), (#""\uD83D\uDE00""#, "\"😀\""), (#""\/""#, "\"/\""),
        (#""\"\\\n\t\r\b\f""#, #""\"\\\n\t\r\b\f""#), (#""\u0001\u001F""#, #""\u0001\u001f""#),
        (#""\uD800x""#, "\"\u{FFFD}x\""), (#""\uD800\u0041""#, "\"\u{FFFD}A\""), (#""\uDC00""#, "\"\u{FFFD}\""),
        (#""\u0000""#, #""\u0000""#),
    ])
    func escapesBecomeTheFewestPossible(_ text: String, _ expected: String) throws {
        #expect(try canonical(text) == expected)
    }

    @Test(arguments: [
        "", " ", "nul", "truth", "tru", "01", "-", "1.", ".5", "+1", "1e", "1e+", "[1,]", "[,1]", "[1 2]", "{\"a\"}",
        "{\"a\":}", "{a:1}", "{\"a\":1,}", "{\"a\":1", "[1", "\"abc", "\"\\x\"", "\"\\u12G4\"", "\"\\u12\"", "\"a\nb\"",
        "1 2", "[] x", "NaN", "'a'", "{\"a\":1]", "[1}",
    ])
    func malformedTextIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try canonical(text) }
    }

    @Test func refusalSaysWhere() {
        let error = #expect(throws: JSONError.self) { try canonical("[1, x]") }
        #expect(error?.offset == 4)
    }

    @Test func textThatIsNotUTF8IsRefused() {
        #expect(throws: JSONError.self) { _ = try JSONReader([0x22, 0xFF, 0x22]) }
    }

    @Test func nestingHasALimit() throws {
        let most = JSONReader.depthMax
        let allowed = String(repeating: "[", count: most) + String(repeating: "]", count: most)
        #expect(try canonical(allowed) == allowed)
        let deeper = String(repeating: "[", count: most + 1) + String(repeating: "]", count: most + 1)
        #expect(throws: JSONError.self) { try canonical(deeper) }
        #expect(throws: JSONError.self) { try canonical(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError.self) { try canonical(String(repeating: "{\"a\":", count: 100_000)) }
    }

    @Test func byteOrderMarkIsSteppedOver() throws {
        var reader = try JSONReader([0xEF, 0xBB, 0xBF, 0x31])
        var out: [UInt8] = []
        try reader.copyValue(into: &out)
        #expect(out == [0x31])
    }

    @Test func writerEscapesAndSeparates() {
        var out = JSONWriter()
        out.open("{")
        out.member("a\"b", "x\u{1}\\")
        out.member("n", 3)
        out.name("l")
        out.open("[")
        out.string("1")
        out.raw("2".utf8)
        out.close("]")
        out.close("}")
        #expect(out.text == #"{"a\"b":"x\u0001\\","n":3,"l":["1",2]}"#)
    }
}
