import ConnectorKit
import Foundation
import Records
import SyncCore
import TestKit
import Testing

/// Rows of ordinary length are written without a look for room before each piece; longer ones are not, and must come out
/// the same.
@Suite struct QuickMappingTests {
    private static let fields = [
        "name", "count", "amount", "active", "day", "at", "email", "extra", "custom.a", "custom.\"b\"", "custom.c",
        "custom.a field with a name of more than thirty-two bytes",
    ]
    private static let long = String(repeating: "x", count: 70_000)

    private static func text(_ random: inout SeededRandom) -> String {
        let letters: [String] = ["a", "b", " ", "\"", "\\", "\n", "\u{1}", "\u{1F}", "é", "–", "😀", "\u{7F}", "\u{80}"]
        let length = Int.random(in: 0...70, using: &random)
        // Mostly plain, so that escapes stand at every place of sixteen bytes.
        return (0..<length).map { _ in
            Int.random(in: 0..<8, using: &random) > 0 ? "x" : letters.randomElement(using: &random) ?? ""
        }.joined()
    }

    private static func value(_ random: inout SeededRandom) -> Value {
        switch Int.random(in: 0..<16, using: &random) {
        case 0: .null
        case 1: .boolean(.random(using: &random))
        case 2: .integer(Int64(bitPattern: random.next()) >> Int64.random(in: 0..<64, using: &random))
        case 3: .double(Double.random(in: -1e10...1e10, using: &random))
        case 4: .double([.nan, .infinity, 1e300, -0.1, 12.5].randomElement(using: &random) ?? 0)
        case 5: .decimal(["0", "-12.5", "NaN", "12345678901234567890.5"].randomElement(using: &random) ?? "")
        case 6: .date([0, -719_162, 2_932_896, .max, 3_000_000].randomElement(using: &random) ?? 0)
        case 7: .timestamp([0, -1, 1_700_000_000_123_456, .min].randomElement(using: &random) ?? 0)
        case 8: .localTimestamp(Int64.random(in: -1 << 50...1 << 50, using: &random))
        case 9: .uuid("00000000-0000-4000-8000-000000000001")
        case 10: .json("{\"a\":[1,2]}")
        case 11: .array("[\"a\"]")
        case 12: .time(5)
        case 13: .bytes([1, 2])
        default: .text(text(&random))
        }
    }

    /// Mostly what the field takes, so that most rows are not invalid.
    private static func value(for field: String, _ random: inout SeededRandom) -> Value {
        if Int.random(in: 0..<40, using: &random) == 0 { return value(&random) }
        switch field {
        case "name", "email": return .text(text(&random))
        case "count": return .integer(Int64(bitPattern: random.next()))
        case "amount": return Bool.random(using: &random) ? .decimal("-0.25") : .double(1.5)
        case "day": return .date(Int64.random(in: -700_000...2_900_000, using: &random))
        case "at": return .timestamp(Int64.random(in: -1 << 55...1 << 57, using: &random))
        default:
            while true {
                let value = value(&random)
                switch value {
                case .bytes, .time, .double, .date, .timestamp, .decimal: continue
                default: return value
                }
            }
        }
    }

    private static func mapping(key: String, _ random: inout SeededRandom) -> Mapping {
        let rules = fields.enumerated().map { number, field in
            MappingRule(
                field: field, source: number == 3 ? .constant(.boolean(true)) : .column("c\(number)"),
                nulls: Bool.random(using: &random) ? .clear : .skip)
        }
        let shape = Sample.shape(rules, key: key)
        return Mapping(shape, scanColumns: ["id", "filler"] + fields.indices.map { "c\($0)" })
    }

    /// What came of a row: its payload, or why it has none.
    private static func written(_ mapping: borrowing Mapping, _ row: [Value], after start: String) -> String {
        var writer = ByteWriter(capacity: 64)
        writer.append(start)
        let reason = RowBatch(rows: [row], columnCount: row.count).withRows { mapping.map($0, 0, into: &writer) }
        return writer.text + (reason?.message ?? "")
    }

    @Test(arguments: 1...40, ["externalId", "email"])
    func aLongRowIsWrittenAsAShortOne(seed: UInt64, key: String) throws {
        var random = SeededRandom(seed: seed)
        let mapping = Self.mapping(key: key, &random)
        var valid = 0
        for _ in 0..<100 {
            let id: Value = Bool.random(using: &random) ? .integer(7) : .text("A\"b" + Self.text(&random))
            let values = Self.fields.map { Self.value(for: $0, &random) }
            let quick = Self.written(mapping, [id, .text("")] + values, after: "before")
            #expect(quick == Self.written(mapping, [id, .text(Self.long)] + values, after: "before"))
            guard quick.hasSuffix("}") else { continue }
            valid += 1
            let data = Data(quick.dropFirst("before".count).utf8)
            #expect(try JSONSerialization.jsonObject(with: data) is [String: Any])
        }
        #expect(valid > 20)
    }

    @Test func everyTextComesBackWhateverItsLength() throws {
        var random = SeededRandom(seed: 3)
        for _ in 0..<2_000 {
            let text = Self.text(&random)
            let json = try #require(Sample.map(.text(text), to: "custom.X").json)
            let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
            #expect((object?["custom"] as? [String: String])?["X"] == text)
        }
    }

    /// A text field that every row has at its longest: control characters take six bytes each.
    @Test func manyRowsOfNothingButControlCharactersFitTheirRoom() throws {
        let text = String(repeating: "\u{1}", count: 5_000)
        let rules = ["name", "custom.a", "custom.b"].map { MappingRule(field: $0, source: .column("v")) }
        let shape = Sample.shape(rules)
        let mapping = Mapping(shape, scanColumns: shape.scanColumns)
        var writer = ByteWriter(capacity: 64)
        let rows = RowBatch(rows: Array(repeating: [.text("k"), .text(text)], count: 50), columnCount: 2)
        let before = writer.count
        let reasons = rows.withRows { rows in (0..<50).compactMap { mapping.map(rows, $0, into: &writer) } }
        let one = 6 * 5_000 * 3 + #"{"externalId":"k","name":"","custom":{"a":"","b":""}}"#.utf8.count
        #expect(reasons.isEmpty && before == 0)
        let count = writer.count
        #expect(count == 50 * one)
    }
}
