import ConnectorKit
import DestinationPlanhat
import Foundation
import Records
import SourcePostgres
import SyncCore
import TestKit
import Testing

/// Rows of a server, cell by cell.
struct RowFuzzTests {
    private static let rules: [ColumnRule] =
        CellDecoder.allCases.filter { $0 != .array }.map { ColumnRule($0) }
        + [
            ColumnRule(.array, element: .int4), ColumnRule(.array, element: .text),
            ColumnRule(.array, element: .numeric),
        ]

    private static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func field(_ bytes: [UInt8]?) -> [UInt8] { big(Int32(bytes?.count ?? -1)) + (bytes ?? []) }

    private static func array(_ element: UInt32, _ cells: [[UInt8]?]) -> [UInt8] {
        big(Int32(1)) + big(Int32(0)) + big(element) + big(Int32(cells.count)) + big(Int32(1))
            + cells.flatMap { field($0) }
    }

    private static let numeric: [UInt8] =
        big(Int16(3)) + big(Int16(1)) + big(UInt16(0)) + big(UInt16(2)) + big(Int16(12))
        + big(Int16(3456)) + big(Int16(7800))

    private static func cell(_ rule: ColumnRule) -> [UInt8] {
        switch rule.decoder {
        case .bool: [1]
        case .int2: big(Int16(-7))
        case .int4, .oid, .date: big(Int32(8_000))
        case .int8, .time, .timestamp, .timestamptz: big(Int64(721_692_800_000_000))
        case .float4: big(Float(1.5).bitPattern)
        case .float8: big(Double(-2.25).bitPattern)
        case .numeric: numeric
        case .text, .paddedText, .json, .bytea: Array("{\"ä\": [1, 2]}  ".utf8)
        case .jsonb: [1] + Array("{\"a\": 1}".utf8)
        case .uuid: Array(0..<16)
        case .interval: big(Int64(3_600_000_000)) + big(Int32(3)) + big(Int32(14))
        case .inet: [2, 24, 0, 4, 192, 168, 1, 7]
        case .array:
            switch rule.element {
            case .int4: array(23, [big(Int32(1)), nil, big(Int32(-3))])
            case .numeric: array(1_700, [numeric, numeric])
            default: array(25, [Array("a\"b".utf8), [], nil])
            }
        }
    }

    private static func copy(rows: Int) -> [UInt8] {
        var bytes: [UInt8] = [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        for row in 0..<rows {
            bytes += big(Int16(rules.count))
            for (index, rule) in rules.enumerated() { bytes += field((row + index) % 9 == 8 ? nil : cell(rule)) }
        }
        return bytes + [0xFF, 0xFF]
    }

    /// A batch whose cells can be read, or `MalformedRow`.
    @Test func copies() throws {
        try Fuzz(name: "copy", corpus: [Self.copy(rows: 1), Self.copy(rows: 3)]).run(usually: 8_000) { bytes, random in
            var decoder = RowDecoder(Self.rules, checksText: random.chance(percent: 30))
            var builder = RowBatchBuilder(columnCount: Self.rules.count)
            do {
                try bytes.withUnsafeBytes { message in
                    var offset = 0
                    while offset < message.count {
                        let next = try decoder.decode(message, at: offset, into: &builder)
                        #expect(next > offset || next == message.count)
                        offset = next
                    }
                }
            } catch is MalformedRow {
                return
            }
            Self.readAll(builder.finish())
        }
    }

    private static func readAll(_ batch: RowBatch) {
        for row in 0..<batch.rowCount {
            for column in 0..<batch.columnCount { _ = batch.value(row: row, column: column).text }
        }
    }

    // MARK: Mapping

    private static let object = DestinationObject(
        name: "thing", displayName: "Thing", path: "things", keys: [KeyField("externalId")],
        behaviors: Behavior.allCases,
        fields: [
            DestinationField("name", .text), DestinationField("count", .integer), DestinationField("amount", .number),
            DestinationField("active", .boolean), DestinationField("day", .date), DestinationField("at", .dateTime),
            DestinationField("dayNumber", .dayNumber), DestinationField("status", .choice(["new", "old"])),
            DestinationField("tags", .textList), DestinationField("extra", .any), DestinationField("email", .email),
        ],
        acceptsUnknownFieldsUnder: "custom", batchItemsMax: 100, batchBytesMax: 10_000, repeatable: .byKey)

    private static let texts = [
        "true", "-12.50", "1e308", "2026-11-28", "2026-11-28T20:00:00.123+02:00", "[\"a\", {\"b\": [1]}]", "a;b, c",
        "{1,2,\"x\\\"y\"}", "käufer@example.com", "9223372036854775808", "\u{0}\u{1F}\"\\", "0x10", "  ",
    ].map { Array($0.utf8) }

    /// A payload that is JSON, or a reason with a code.
    @Test func cellsOfEveryKindIntoEveryField() throws {
        let rules = Self.object.fields.enumerated().map {
            MappingRule(field: $1.name, source: .column("v\($0)"), lookup: nil, nulls: .clear)
        }
        let shapes = rules.map { rule in
            SyncShape(
                object: Self.object, behavior: .updateOrCreate,
                key: KeyRule(columns: ["id"], field: "externalId", within: nil), rules: [rule])
        }
        try Fuzz(name: "cells", corpus: Self.texts).run(usually: 4_000) { bytes, random in
            let value = Self.value(bytes, &random)
            let key = random.chance(percent: 10) ? value : .text("k")
            let batch = RowBatch(rows: [[key, value]], columnCount: 2)
            for shape in shapes {
                let mapping = Mapping(shape, scanColumns: shape.scanColumns)
                var writer = ByteWriter()
                let reason = batch.withRows { mapping.map($0, 0, into: &writer) }
                if let reason {
                    #expect(!reason.code.isEmpty && writer.count == 0)
                } else {
                    let text = writer.text
                    // By its grammar: a number may be larger than a machine's.
                    let isJSON = JSONReader.valueIfAny(Array(text.utf8)) != nil
                    #expect(isJSON, "\(value) became \(text)")
                }
            }
        }
    }

    private static func value(_ bytes: [UInt8], _ random: inout SeededRandom) -> Value {
        let text = String(decoding: bytes, as: UTF8.self)
        let bits = Int64(bitPattern: random.next()) >> Int64(random.number(0...60))
        switch random.number(0...9) {
        case 0: return .null
        case 1: return .boolean(random.chance(percent: 50))
        case 2: return .integer(bits)
        case 3: return .double(Double(bitPattern: random.next()))
        default: return .text(text)
        }
    }
}
