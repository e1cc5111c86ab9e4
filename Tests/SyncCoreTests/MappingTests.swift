import ConnectorKit
import Foundation
import Records
import SyncCore
import TestKit
import Testing

/// A small object with a field of every type.
enum Sample {
    static let object = DestinationObject(
        name: "thing", displayName: "Thing", path: "things",
        keys: [KeyField("externalId"), KeyField("email", ignoresCase: true), KeyField("_id", canCreate: false)],
        behaviors: Behavior.allCases,
        fields: [
            DestinationField("name", .text, isRequiredOnCreate: true), DestinationField("count", .integer),
            DestinationField("amount", .number), DestinationField("active", .boolean), DestinationField("day", .date),
            DestinationField("at", .dateTime), DestinationField("dayNumber", .dayNumber),
            DestinationField("status", .choice(["new", "old"])), DestinationField("tags", .textList),
            DestinationField(
                "parentId",
                .reference(
                    to: "thing",
                    forms: [
                        ReferenceForm(lookup: nil, prefix: ""), ReferenceForm(lookup: "externalId", prefix: "extid-"),
                    ])),
            DestinationField("extra", .any), DestinationField("email", .email),
        ],
        acceptsUnknownFieldsUnder: "custom", batchItemsMax: 100, batchBytesMax: 10_000, repeatable: .byKey)

    static func shape(_ rules: [MappingRule], key: String = "externalId", within: String? = nil) -> SyncShape {
        SyncShape(
            object: object, behavior: .updateOrCreate, key: KeyRule(columns: ["id"], field: key, within: within),
            rules: rules)
    }

    /// The payload of one row with the columns `id` and `v`, or its reason.
    static func map(_ value: Value, to field: String, lookup: String? = nil, nulls: NullPolicy = .clear) -> Result {
        let shape = shape([MappingRule(field: field, source: .column("v"), lookup: lookup, nulls: nulls)])
        let mapping = Mapping(shape, scanColumns: shape.scanColumns)
        var writer = ByteWriter()
        let reason = RowBatch(rows: [[.text("k"), value]], columnCount: 2).withRows {
            mapping.map($0, 0, into: &writer)
        }
        return Result(json: reason == nil ? writer.text : nil, code: reason?.code, message: reason?.message)
    }

    struct Result: Equatable {
        var json: String?
        var code: String?
        var message: String?
    }
}

@Suite struct MappingTests {
    @Test func theKeyIsWrittenToItsFieldFirst() {
        #expect(Sample.map(.text("Acme"), to: "name").json == #"{"externalId":"k","name":"Acme"}"#)
    }

    @Test func customFieldsAreNestedOneLevel() {
        let shape = Sample.shape([
            MappingRule(field: "custom.Plan \"A\"", source: .column("v")),
            MappingRule(field: "name", source: .constant(.text("x"))),
            MappingRule(field: "custom.a.b", source: .constant(.integer(3))),
        ])
        let mapping = Mapping(shape, scanColumns: shape.scanColumns)
        var writer = ByteWriter()
        let reason = RowBatch(rows: [[.text("k"), .integer(1)]], columnCount: 2).withRows {
            mapping.map($0, 0, into: &writer)
        }
        #expect(reason == nil)
        let text = writer.text
        #expect(text == #"{"externalId":"k","name":"x","custom":{"Plan \"A\"":1,"a.b":3}}"#)
    }

    @Test func aNullClearsOrIsLeftOut() {
        #expect(Sample.map(.null, to: "name").json == #"{"externalId":"k","name":null}"#)
        #expect(Sample.map(.null, to: "name", nulls: .skip).json == #"{"externalId":"k"}"#)
        #expect(Sample.map(.null, to: "custom.X", nulls: .skip).json == #"{"externalId":"k"}"#)
    }

    @Test(arguments: [
        (Value.text("a\u{1}\"\\\n\tå"), "name", #""a\u0001\"\\\n\tå""#), (.integer(5), "name", #""5""#),
        (.boolean(true), "name", #""true""#), (.decimal("1.50"), "name", #""1.50""#),
        (.date(0), "name", #""1970-01-01""#),
        (.integer(-7), "count", "-7"), (.double(3), "count", "3"), (.text(" 12 "), "count", "12"),
        (.decimal("12345678901234567890.123"), "amount", "12345678901234567890.123"), (.double(0.1), "amount", "0.1"),
        (.text("1e5"), "amount", "1e5"), (.text("1e308"), "amount", "1e308"),
        (.text("1e-999"), "amount", "1e-999"), (.text(""), "amount", "null"), (.text("  "), "day", "null"),
        (.integer(1), "active", "true"), (.text("No"), "active", "false"), (.boolean(false), "active", "false"),
        (.date(20_780), "day", #""2026-11-23""#), (.timestamp(86_399_999_999), "day", #""1970-01-01""#),
        (.text("2026-11-23T10:00:00+02:00"), "at", #""2026-11-23T08:00:00.000Z""#),
        (.timestamp(1_234), "at", #""1970-01-01T00:00:00.001Z""#),
        (.timestamp(-1), "at", #""1969-12-31T23:59:59.999Z""#),
        (.date(1), "at", #""1970-01-02T00:00:00.000Z""#), (.date(5), "dayNumber", "5"), (.integer(6), "dayNumber", "6"),
        (.text("new"), "status", #""new""#), (.array(#"["a"]"#), "tags", #"["a"]"#), (.text("a"), "tags", #"["a"]"#),
        (.integer(9), "extra", "9"), (.json(#"{"a":1}"#), "extra", #"{"a":1}"#), (.text("x"), "extra", #""x""#),
        (.boolean(false), "extra", "false"), (.decimal("1.5"), "extra", "1.5"), (.double(2.5), "extra", "2.5"),
    ])
    func aValueIsCastToWhatTheFieldTakes(value: Value, field: String, json: String) {
        #expect(Sample.map(value, to: field).json == #"{"externalId":"k",""# + field + #"":"# + json + "}")
    }

    private static let tooLarge = "1" + String(repeating: "0", count: 309)

    @Test(arguments: [
        (Value.text("abc"), "count", "cannot_cast"), (.double(1.5), "count", "cannot_cast"),
        (.text("1e"), "amount", "cannot_cast"), (.text("0x10"), "amount", "cannot_cast"),
        (.text("01"), "amount", "cannot_cast"), (.text("."), "amount", "cannot_cast"),
        (.text("-1e309"), "amount", "cannot_cast"), (.decimal(tooLarge), "amount", "cannot_cast"),
        (.decimal("-" + tooLarge), "extra", "cannot_cast"),
        (.double(.infinity), "amount", "not_finite"), (.decimal("NaN"), "amount", "not_finite"),
        (.integer(2), "active", "cannot_cast"), (.text("maybe"), "active", "cannot_cast"),
        (.text("23/11/2026"), "day", "cannot_cast"), (.integer(3), "day", "cannot_cast"),
        (.date(.max), "day", "date_out_of_range"), (.timestamp(.min), "at", "date_out_of_range"),
        (.date(4_000_000), "day", "date_out_of_range"), (.text("New"), "status", "not_a_choice"),
        (.bytes([1]), "name", "binary_value"),
        (.unreadable(Reason(code: "invalid_utf8", message: "m")), "name", "invalid_utf8"),
        (.bytes([1]), "extra", "binary_value"),
    ])
    func aValueThatCannotBeCastMakesItsRowInvalid(value: Value, field: String, code: String) {
        let result = Sample.map(value, to: field)
        #expect(result.code == code)
        #expect(result.message?.contains("Column v for field \(field)") == true)
    }

    @Test func aReferenceIsWrittenInTheFormItsLookUpNames() {
        #expect(Sample.map(.integer(7), to: "parentId", lookup: "externalId").json?.contains(#""extid-7""#) == true)
        #expect(Sample.map(.text("abc"), to: "parentId").json?.contains(#""abc""#) == true)
        #expect(Sample.map(.text(""), to: "parentId", lookup: "externalId").json?.contains("null") == true)
    }

    @Test func everyDoubleIsWrittenSoThatItComesBackAndNoLongerThanSwiftWritesIt() {
        var random = SeededRandom(seed: 7)
        var numbers: [Double] = [0, -0.0, 0.1, 1.5, -2.25, 1e-7, 123_456.789, 999_999_999.999999, 1e9, 1e15, 1e300]
        for _ in 0..<20_000 {
            numbers.append(Double.random(in: -1e10...1e10, using: &random))
            numbers.append((Double.random(in: -1e6...1e6, using: &random) * 100).rounded() / 100)
            numbers.append(Double(bitPattern: random.next() & 0xBFEF_FFFF_FFFF_FFFF))
        }
        var writer = ByteWriter()
        for number in numbers where number.isFinite {
            writer.removeAll()
            JSONText.append(number, to: &writer)
            let text = writer.text
            #expect(Double(text) == number, "\(number)")
            #expect(text.count <= number.description.count, "\(number)")
        }
    }

    @Test(arguments: ["\"", "\\", "\n", "\u{1}", "\u{1F}", " ", "~", "\u{7F}", "é"])
    func aLetterIsEscapedWhereverItStands(letter: String) throws {
        for length in 0..<35 {
            for place in 0...length {
                var text = String(repeating: "a", count: length)
                text.insert(contentsOf: letter, at: text.index(text.startIndex, offsetBy: place))
                var writer = ByteWriter()
                JSONText.appendString(text, to: &writer)
                let expected = try JSONSerialization.data(
                    withJSONObject: text, options: [.fragmentsAllowed, .withoutEscapingSlashes])
                #expect(writer.text == String(decoding: expected, as: UTF8.self), "\(length), \(place)")
            }
        }
    }

    @Test func everyPayloadIsAJSONObjectThatGivesTheTextBack() throws {
        var generator = SeededRandom(seed: 17)
        for _ in 0..<500 {
            let scalars = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x2FF, using: &generator)) ?? "x"
            }
            let text = String(String.UnicodeScalarView(scalars))
            let json = try #require(Sample.map(.text(text), to: "name").json)
            let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: String]
            #expect(object?["name"] == text)
        }
    }
}

@Suite struct SyncShapeTests {
    private let rules = [
        MappingRule(field: "name", source: .column("b")), MappingRule(field: "count", source: .column("a")),
    ]

    @Test func theOrderOfAMappingsLinesChangesNothing() {
        let (one, other) = (Sample.shape(rules), Sample.shape(rules.reversed()))
        #expect(one.scanColumns == ["a", "b", "id"])
        #expect(one.scanColumns == other.scanColumns)
        #expect(one.mappingRevision == other.mappingRevision)
    }

    @Test func everyPartOfAMappingThatChangesAPayloadChangesItsRevision() {
        let base = Sample.shape(rules).mappingRevision
        var column = rules
        column[0].source = .column("c")
        var nulls = rules
        nulls[0].nulls = .skip
        var field = rules
        field[0].field = "custom.X"
        for changed in [column, nulls, field, Array(rules.dropLast())] {
            #expect(Sample.shape(changed).mappingRevision != base)
        }
    }

    @Test func aKeysColumnFieldAndParentAreItsRevision() {
        let base = Sample.shape(rules).keyRevision
        #expect(Sample.shape(rules, key: "email").keyRevision != base)
        #expect(Sample.shape(rules, within: "a").keyRevision != base)
        #expect(Sample.shape([]).keyRevision == base)
    }
}
