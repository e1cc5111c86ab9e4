import SourceSQLite
import Testing

@Suite struct SQLiteTextChecksTests {
    private func firstInvalid(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { UTF8Check.firstInvalid($0) } }

    @Test func validTextOfEveryLengthPasses() {
        for text in ["", "a", "é", "日", "🙂", "\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}", "\u{D7FF}\u{E000}"] {
            for padding in 0...17 {
                #expect(firstInvalid(Array((String(repeating: "x", count: padding) + text + "yz").utf8)) == nil)
            }
        }
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3], [0xE6, 0x97], [0xF0, 0x9F, 0x99],
            [0xC3, 0x41], [0xE6, 0x97, 0x41], [0xF0, 0x9F, 0x99, 0x41], [0xF1, 0x80, 0xFF, 0x80],
        ] as [[UInt8]])
    func invalidSequenceIsFoundWhereverItStands(bytes: [UInt8]) {
        for padding in 0...17 {
            let before = [UInt8](repeating: 0x61, count: padding)
            #expect(firstInvalid(before + bytes) == padding)
            #expect(firstInvalid(before + [0xC3, 0xA9] + bytes) == padding + 2)
        }
    }

    /// The standard library's own decoder is the oracle.
    @Test func randomBytesAreJudgedAsTheStandardLibraryDoes() {
        var random = SystemRandomNumberGenerator()
        let pieces: [[UInt8]] = [
            [0x61], [0xC3, 0xA9], [0xE6, 0x97, 0xA5], [0xF0, 0x9F, 0x99, 0x82], [0xED], [0xA0], [0xF4, 0x90],
        ]
        for _ in 0..<5_000 {
            let count = Int.random(in: 0...12, using: &random)
            let bytes = (0..<count).flatMap { _ in pieces.randomElement(using: &random) ?? [] }
            #expect((firstInvalid(bytes) == nil) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func hintListsTheFirstFewNames() {
        let names = (1...10).map { "table number \($0)" }
        let hint = NameHint.text("quite different", in: names, none: "Nothing.")
        #expect(hint.contains("\"table number 8\"") && hint.hasSuffix("and 2 more."))
        #expect(NameHint.text("a", in: [], none: "Nothing.") == "Nothing.")
    }
}
