import Records
import SourcePostgres
import Testing

/// Builds the bytes of a binary copy.
struct CopyBytes {
    static let signature: [UInt8] = [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00]

    var bytes = signature + [0, 0, 0, 0, 0, 0, 0, 0]

    static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    mutating func row(_ fields: [[UInt8]?]) {
        bytes += Self.big(Int16(fields.count))
        for field in fields {
            bytes += Self.big(Int32(field?.count ?? -1)) + (field ?? [])
        }
    }

    mutating func end() { bytes += [0xFF, 0xFF] }

    static func of(_ fields: [[UInt8]?]) -> [UInt8] {
        var copy = CopyBytes()
        copy.row(fields)
        copy.end()
        return copy.bytes
    }
}

struct RowDecoderTests {
    private func decode(_ bytes: [UInt8], _ rules: [ColumnRule], checksText: Bool = false) throws -> [[Value]] {
        var decoder = RowDecoder(rules, checksText: checksText)
        var builder = RowBatchBuilder(columnCount: rules.count)
        try bytes.withUnsafeBytes { message in
            var offset = 0
            while offset < message.count { offset = try decoder.decode(message, at: offset, into: &builder) }
        }
        let batch = builder.finish()
        return (0..<batch.rowCount).map { row in (0..<rules.count).map { batch.value(row: row, column: $0) } }
    }

    private func cell(_ field: [UInt8], _ rule: ColumnRule) throws -> Value {
        try #require(try decode(CopyBytes.of([field]), [rule]).first?.first)
    }

    private func numeric(_ digits: [UInt16], weight: Int16, sign: UInt16 = 0) -> [UInt8] {
        CopyBytes.big(UInt16(digits.count)) + CopyBytes.big(weight) + CopyBytes.big(sign) + CopyBytes.big(UInt16(0))
            + digits.flatMap { CopyBytes.big($0) }
    }

    @Test func rowsAndNullsAreRead() throws {
        var copy = CopyBytes()
        copy.row([CopyBytes.big(Int64(-5)), Array("ä".utf8)])
        copy.row([nil, nil])
        copy.end()
        let rows = try decode(copy.bytes, [ColumnRule(.int8), ColumnRule(.text)])
        #expect(rows == [[.integer(-5), .text("ä")], [.null, .null]])
    }

    @Test func headerExtensionIsSkipped() throws {
        var copy = CopyBytes()
        copy.bytes = CopyBytes.signature + [0, 0, 0, 0, 0, 0, 0, 3, 9, 9, 9]
        copy.row([[1]])
        #expect(try decode(copy.bytes, [ColumnRule(.bool)]) == [[.boolean(true)]])
    }

    @Test func everyCutOfARowIsAnErrorAndNeverACrash() throws {
        let rules = CellDecoder.allCases.map { ColumnRule($0) }
        let field: [CellDecoder: [UInt8]] = [
            .bool: [1], .int2: [0, 1], .int4: [0, 0, 0, 1], .int8: CopyBytes.big(Int64(1)), .oid: [0, 0, 0, 1],
            .float4: CopyBytes.big(Float(0.1).bitPattern), .float8: CopyBytes.big(Double(0.1).bitPattern),
            .numeric: numeric([12, 3_400], weight: 0), .text: Array("abc".utf8), .paddedText: Array("abc  ".utf8),
            .uuid: Array(repeating: 7, count: 16), .json: Array("{}".utf8), .jsonb: [1] + Array("{}".utf8),
            .date: CopyBytes.big(Int32(1)), .time: CopyBytes.big(Int64(1)), .timestamp: CopyBytes.big(Int64(1)),
            .timestamptz: CopyBytes.big(Int64(1)),
            .interval: CopyBytes.big(Int64(1)) + CopyBytes.big(Int32(2)) + CopyBytes.big(Int32(3)),
            .bytea: [0, 255], .inet: [2, 32, 0, 4, 10, 0, 0, 1],
            .array: [1, 0, 25, 1, 1, 1].flatMap { CopyBytes.big(Int32($0)) } + [65],
        ]
        let bytes = CopyBytes.of(CellDecoder.allCases.map { field[$0] })
        #expect(try decode(bytes, rules).first?.count == CellDecoder.allCases.count)
        for length in 1..<(bytes.count - 2) where length != 19 {
            #expect(throws: MalformedRow.self, "cut after \(length)") { try decode(Array(bytes[..<length]), rules) }
        }
    }

    @Test func fieldsOfAWrongLengthAreErrors() {
        let fixed: [CellDecoder] = [
            .bool, .int2, .int4, .int8, .oid, .float4, .float8, .numeric, .uuid, .date, .time, .timestamp,
            .timestamptz, .interval, .inet, .array, .jsonb,
        ]
        for decoder in fixed {
            for length in [0, 3, 5, 7] {
                #expect(throws: MalformedRow.self, "\(decoder) of \(length) bytes") {
                    try decode(CopyBytes.of([Array(repeating: 9, count: length)]), [ColumnRule(decoder)])
                }
            }
        }
    }

    @Test(arguments: [
        [UInt8](), [0x50], Array("not a copy of rows".utf8) + [0, 0],
        CopyBytes.signature + [0, 1, 0, 0, 0, 0, 0, 0],
        CopyBytes.signature + [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF],
        CopyBytes.signature + [0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF],
    ])
    func wrongHeadersAreErrors(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        #expect(throws: MalformedRow.self) { try decode(bytes, [ColumnRule(.bool)]) }
    }

    @Test func wrongFieldCountsAndLengthsAreErrors() {
        #expect(throws: MalformedRow.self) { try decode(CopyBytes.of([[1], [1]]), [ColumnRule(.bool)]) }
        let negative = CopyBytes().bytes + [0, 1] + CopyBytes.big(Int32(-2))
        #expect(throws: MalformedRow.self) { try decode(negative, [ColumnRule(.bool)]) }
        let beyond = CopyBytes().bytes + [0, 1] + CopyBytes.big(Int32.max) + [1]
        #expect(throws: MalformedRow.self) { try decode(beyond, [ColumnRule(.text)]) }
        #expect(throws: MalformedRow.self) { try decode(CopyBytes.of([[1]]) + [0, 1], [ColumnRule(.bool)]) }
    }

    @Test func randomBytesNeverCrash() {
        var random = SystemRandomNumberGenerator()
        for decoder in CellDecoder.allCases {
            for element in CellDecoder.allCases where decoder == .array || element == .text {
                for _ in 0..<40 {
                    let length = Int.random(in: 0...60, using: &random)
                    var field = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                    if decoder == .array, length > 12 {
                        field[0...3] = [0, 0, 0, UInt8.random(in: 0...3, using: &random)]
                    }
                    _ = try? decode(CopyBytes.of([field]), [ColumnRule(decoder, element: element)])
                }
            }
        }
    }

    @Test func numericsAreCanonical() throws {
        let rule = ColumnRule(.numeric)
        #expect(try cell(numeric([], weight: 0), rule) == .decimal("0"))
        #expect(try cell(numeric([], weight: 0, sign: 0x4000), rule) == .decimal("0"))
        #expect(try cell(numeric([0], weight: 0, sign: 0x4000), rule) == .decimal("0"))
        #expect(try cell(numeric([1], weight: 1), rule) == .decimal("10000"))
        #expect(try cell(numeric([12, 3_400], weight: 0, sign: 0x4000), rule) == .decimal("-12.34"))
        #expect(try cell(numeric([1], weight: -2), rule) == .decimal("0.00000001"))
        #expect(try cell(numeric([5_000], weight: -1), rule) == .decimal("0.5"))
        #expect(try cell(numeric([0, 5], weight: 1), rule) == .decimal("5"))
        #expect(try cell(numeric([1, 0, 100], weight: 1), rule) == .decimal("10000.01"))
        #expect(try cell(numeric([], weight: 0, sign: 0xC000), rule) == .decimal("NaN"))
        #expect(try cell(numeric([], weight: 0, sign: 0xD000), rule) == .decimal("Infinity"))
        #expect(try cell(numeric([], weight: 0, sign: 0xF000), rule) == .decimal("-Infinity"))
        #expect(throws: MalformedRow.self) { try cell(numeric([10_000], weight: 0), rule) }
        #expect(throws: MalformedRow.self) { try cell(numeric([1], weight: 0, sign: 0x1234), rule) }
    }

    @Test func instantThatDoesNotFitIsUnreadable() throws {
        let late = CopyBytes.big(Int64.max - 1)
        guard case .unreadable(let reason) = try cell(late, ColumnRule(.timestamptz)) else {
            Issue.record("the instant was read")
            return
        }
        #expect(reason.code == "value_out_of_range")
        #expect(try cell(CopyBytes.big(Int64.max), ColumnRule(.timestamptz)) == .timestamp(.max))
        #expect(try cell(CopyBytes.big(Int64.min), ColumnRule(.timestamp)) == .localTimestamp(.min))
        #expect(try cell(CopyBytes.big(Int32.max), ColumnRule(.date)) == .date(.max))
    }

    @Test func infiniteIntervalIsText() throws {
        let most = CopyBytes.big(Int64.max) + CopyBytes.big(Int32.max) + CopyBytes.big(Int32.max)
        let least = CopyBytes.big(Int64.min) + CopyBytes.big(Int32.min) + CopyBytes.big(Int32.min)
        #expect(try cell(most, ColumnRule(.interval)) == .text("infinity"))
        #expect(try cell(least, ColumnRule(.interval)) == .text("-infinity"))
    }

    @Test func textThatIsNotUTF8IsUnreadableWhereTheEncodingIsUnknown() throws {
        let bytes = CopyBytes.of([[0xFF, 0xFE], Array("good".utf8)])
        let row = try #require(
            try decode(bytes, [ColumnRule(.text), ColumnRule(.text)], checksText: true).first)
        guard case .unreadable(let reason) = row[0] else {
            Issue.record("the text was read")
            return
        }
        #expect(reason.code == "invalid_text")
        #expect(row[1] == .text("good"))
    }

    @Test func arrayDimensionsAreChecked() {
        let rule = ColumnRule(.array, element: .int4)
        for header: [Int32] in [
            [7, 0, 23], [-1, 0, 23], [1, 0, 23, -1, 1], [1, 0, 23, 0, 1], [2, 0, 23, .max, 1, 0, 1],
        ] {
            #expect(throws: MalformedRow.self) { try cell(header.flatMap { CopyBytes.big($0) }, rule) }
        }
    }
}
