import ConnectorKit
import Records
import SyncCore
import Testing

/// What a field's declared bounds refuse, in rows and in constants.
struct BoundsTests {
    private static func field(
        _ type: FieldType, _ range: ClosedRange<Double>?, excludesZero: Bool = false
    ) -> DestinationField {
        var field = DestinationField("f", type)
        field.range = range
        field.excludesZero = excludesZero
        return field
    }

    private static let score = field(.integer, 1...5)
    private static let price = field(.number, 0...Double.greatestFiniteMagnitude, excludesZero: true)

    private static func map(_ source: MappingSource, _ value: Value, _ field: DestinationField) -> Sample.Result {
        let object = DestinationObject(
            name: "thing", displayName: "Thing", path: "things", keys: [KeyField("id")], behaviors: [.send],
            fields: [field], batchItemsMax: 1, batchBytesMax: 1, repeatable: .byKey)
        let shape = SyncShape(
            object: object, behavior: .send, key: KeyRule(columns: ["id"], field: nil),
            rules: [MappingRule(field: "f", source: source)])
        let mapping = Mapping(shape, scanColumns: ["id", "v"])
        var writer = ByteWriter()
        let reason = RowBatch(rows: [[.text("k"), value]], columnCount: 2).withRows {
            mapping.map($0, 0, into: &writer)
        }
        return Sample.Result(json: reason == nil ? writer.text : nil, code: reason?.code, message: reason?.message)
    }

    @Test(arguments: [
        (Value.integer(1), "1"), (.integer(5), "5"), (.text("5.0"), "5"), (.decimal("1"), "1"), (.null, "null"),
        (.text(" "), "null"),
    ])
    func aNumberWithinTheBoundsIsWritten(value: Value, json: String) {
        #expect(Self.map(.column("v"), value, Self.score).json == #"{"f":"# + json + "}")
    }

    @Test(arguments: [Value.integer(0), .integer(6), .integer(-1), .text("99"), .double(6), .decimal("0.0")])
    func aNumberBeyondTheBoundsMakesItsRowInvalid(value: Value) {
        let result = Self.map(.column("v"), value, Self.score)
        #expect(result.code == "out_of_range" && result.json == nil)
        #expect(result.message?.contains("Column v for field f: ") == true)
        #expect(result.message?.contains("is not in the field's bounds: 1 to 5.") == true)
    }

    @Test func whatMustBeAboveZeroIsNotZero() {
        for value in [Value.integer(0), .integer(-5), .double(-0.01), .decimal("0.00"), .text("-1e-9")] {
            let result = Self.map(.column("v"), value, Self.price)
            #expect(result.code == "out_of_range" && result.message?.contains("more than 0") == true, "\(value)")
        }
        for value in [Value.double(0.01), .decimal("0.01"), .text("1e-9"), .decimal("1e308")] {
            #expect(Self.map(.column("v"), value, Self.price).code == nil, "\(value)")
        }
    }

    @Test func aConstantIsHeldAgainstTheSameBounds() {
        func problem(_ value: Value, _ field: DestinationField) -> String? {
            ConstantCast.problem(value, for: field, allowsUnknownChoices: false)?.code
        }
        #expect(problem(.integer(7), Self.score) == "out_of_range" && problem(.integer(5), Self.score) == nil)
        #expect(problem(.integer(-5), Self.price) == "out_of_range" && problem(.null, Self.price) == nil)
    }

    @Test func boundsAreTheSameWordsEverywhere() {
        let least = -Double.greatestFiniteMagnitude
        let most = Double.greatestFiniteMagnitude
        #expect(Self.field(.number, nil).bounds == nil && Self.field(.number, least...most).bounds == nil)
        #expect(Self.field(.number, 0.1...24).bounds == "0.1 to 24" && Self.price.bounds == "more than 0")
        #expect(Self.field(.number, 2...most).bounds == "2 or more")
        #expect(Self.field(.number, least...2).bounds == "2 or less")
        #expect(Self.field(.number, nil, excludesZero: true).bounds == "not 0")
        #expect(Self.field(.number, -1...1, excludesZero: true).bounds == "-1 to 1, not 0")
    }

    // MARK: Constants

    @Test(arguments: [
        (Value.text("abc"), FieldType.number, "cannot_cast"), (.text("+5"), .number, "cannot_cast"),
        (.text("0x10"), .number, "cannot_cast"), (.text("maybe"), .boolean, "cannot_cast"),
        (.text("Pro"), .choice(["Base", "Plus"]), "not_a_choice"),
        (.array(#"["Base","Pro"]"#), .choiceList(["Base"]), "not_a_choice"),
        (.text("2026-01-01T99:99:99"), .dateTime, "cannot_cast"), (.text("2026-02-30"), .date, "cannot_cast"),
        (.text("20454.5"), .dayNumber, "cannot_cast"), (.array("[[1]]"), .textList, "cannot_cast"),
    ])
    func aConstantThatAColumnCouldNotHoldIsRefusedAndNeverANull(value: Value, type: FieldType, code: String) {
        let field = DestinationField("f", type)
        #expect(ConstantCast.problem(value, for: field, allowsUnknownChoices: false)?.code == code)
        let column = Self.map(.column("v"), value, field)
        let constant = Self.map(.constant(value), .null, field)
        #expect(column.code == code && constant.code == code && constant.json == nil)
        #expect(constant.message?.hasPrefix("The constant for field f: ") == true)
    }

    @Test(arguments: [
        (Value.text("3.0"), FieldType.integer, "3"), (.text("20454"), .dayNumber, "20454"),
        (.text("2026-01-01"), .dayNumber, "20454"), (.null, .number, "null"), (.text(" "), .date, "null"),
        (.text("2026-01-01T10:00:00+02:00"), .dateTime, #""2026-01-01T08:00:00.000Z""#),
        (.text("Base"), .choice(["Base"]), #""Base""#),
    ])
    func aConstantIsWrittenAsAColumnIs(value: Value, type: FieldType, json: String) {
        let field = DestinationField("f", type)
        #expect(ConstantCast.problem(value, for: field, allowsUnknownChoices: false) == nil)
        #expect(Self.map(.constant(value), .null, field).json == #"{"f":"# + json + "}")
        #expect(Self.map(.column("v"), value, field).json == #"{"f":"# + json + "}")
    }

    @Test func anyChoiceIsAConstantWhereUnknownOnesAreAllowed() {
        let field = DestinationField("f", .choice(["Base"]))
        #expect(ConstantCast.problem(.text("Pro"), for: field, allowsUnknownChoices: true) == nil)
    }
}

/// A row of more bytes than the destination takes.
struct RowSizeTests {
    @Test func aRowThatIsTooLargeIsInvalidAndTheNextIsWritten() {
        var shape = Sample.shape([MappingRule(field: "name", source: .column("v"))])
        shape.object.rowBytesMax = 40
        let mapping = Mapping(shape, scanColumns: shape.scanColumns)
        var writer = ByteWriter()
        // {"externalId":"k","name":"…"} is 28 bytes and the name.
        let rows = [12, 13, 0].map { [Value.text("k"), .text(String(repeating: "x", count: $0))] }
        let reasons = RowBatch(rows: rows, columnCount: 2).withRows { view in
            (0..<3).map { mapping.map(view, $0, into: &writer) }
        }
        #expect(reasons.map(\.?.code) == [nil, "row_too_large", nil])
        #expect(reasons[1]?.message.contains("has 41 bytes as it would be sent; at most 40") == true)
        #expect(writer.count == 40 + 28)
    }

    @Test func aRowHasNoLimitWhereNoneIsDeclared() {
        let long = String(repeating: "x", count: 1 << 20)
        #expect(Sample.map(.text(long), to: "name").json?.utf8.count == 28 + (1 << 20))
    }
}
