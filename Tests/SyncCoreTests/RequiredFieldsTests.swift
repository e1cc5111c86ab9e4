import ConnectorKit
import Records
import SyncCore
import Testing

/// What a row has to fill: always, and to make a new record.
@Suite struct RequiredFieldsTests {
    /// What came of one row with the columns `id`, `v` and `w`: why it is invalid, or which field a new record lacks.
    private func outcome(
        _ v: Value, _ w: Value = .null, rules: [MappingRule], in object: DestinationObject = Sample.object,
        behavior: Behavior = .updateOrCreate, key: String? = "externalId"
    ) -> (invalid: Reason?, lacking: String?) {
        let shape = SyncShape(
            object: object, behavior: behavior, key: KeyRule(columns: ["id"], field: key), rules: rules)
        let mapping = Mapping(shape, scanColumns: ["id", "v", "w"])
        var writer = ByteWriter()
        let outcome = RowBatch(rows: [[.text("k"), v, w]], columnCount: 3).withRows {
            mapping.outcome($0, 0, into: &writer)
        }
        switch outcome {
        case .invalid(let reason):
            #expect(writer.count == 0)
            return (reason, nil)
        case .mapped(let lacking): return (nil, lacking.map { mapping.reasonsOfCreation[$0].message })
        }
    }

    private func column(_ field: String, _ name: String = "v") -> MappingRule {
        MappingRule(field: field, source: .column(name))
    }

    private var strict: DestinationObject {
        var object = Sample.object
        object.requiredInEachRow = [["email", "name"]]
        return object
    }

    @Test(arguments: [Value.null, .text(""), .text(" \n")])
    func rowWithoutAValueThatEachRowNeedsIsInvalid(_ value: Value) {
        for behavior in [Behavior.updateOrCreate, .updateOnly, .send] {
            let found = outcome(value, rules: [column("email")], in: strict, behavior: behavior)
            #expect(found.invalid?.code == "required_value_missing")
            #expect(found.invalid?.message.contains("email or name") == true)
        }
    }

    @Test func oneOfSeveralFieldsIsEnough() {
        let rules = [column("email"), column("name", "w")]
        #expect(outcome(.null, .text("Ann"), rules: rules, in: strict).invalid == nil)
        #expect(outcome(.text("a@b.example"), .null, rules: rules, in: strict).invalid == nil)
        #expect(outcome(.null, .null, rules: rules, in: strict).invalid != nil)
        #expect(outcome(.null, .null, rules: [], in: strict).invalid != nil)
    }

    @Test func constantAndKeyAreValues() {
        let constant = MappingRule(field: "name", source: .constant(.text("x")))
        #expect(outcome(.null, rules: [constant], in: strict).invalid == nil)
        #expect(outcome(.null, rules: [], in: strict, key: "email").invalid == nil)
        let blank = MappingRule(field: "name", source: .constant(.text(" ")))
        #expect(outcome(.null, rules: [blank], in: strict).invalid != nil)
    }

    @Test func whatGoesByTheDestinationsOwnIdNeedsNothing() {
        let found = outcome(.null, rules: [column("name")], in: strict, key: "_id")
        #expect(found.invalid == nil && found.lacking == nil)
    }

    @Test func newRecordLacksWhatHasNoValue() {
        #expect(outcome(.null, rules: [column("name")]).lacking?.contains("A new Thing needs a value for name") == true)
        #expect(outcome(.text(" "), rules: [column("name")]).lacking != nil)
        #expect(outcome(.null, rules: [column("count")]).lacking != nil)
        #expect(outcome(.text("Ann"), rules: [column("name")]).lacking == nil)
        #expect(outcome(.integer(7), rules: [column("name")]).lacking == nil)
        #expect(outcome(.null, rules: [column("name")], behavior: .updateOnly).lacking == nil)
    }

    @Test func fieldThatDoesAsWellIsEnough() throws {
        var object = Sample.object
        let place = try #require(object.fields.firstIndex { $0.name == "name" })
        object.fields[place].orElse = ["email"]
        #expect(outcome(.text("a@b.example"), rules: [column("email")], in: object).lacking == nil)
        #expect(outcome(.null, rules: [column("email")], in: object).lacking?.contains("name or email") == true)
    }

    @Test func customFieldOfTheSameNameIsAnother() {
        #expect(outcome(.text("Ann"), rules: [column("custom.name")]).lacking != nil)
    }

    @Test func sentRowNeedsAtOnceWhatANewRecordNeeds() {
        #expect(outcome(.null, rules: [column("name")], behavior: .send, key: nil).invalid != nil)
        #expect(outcome(.text("Ann"), rules: [column("name")], behavior: .send, key: nil).invalid == nil)
    }

    @Test func textOfAnotherFormIsInvalid() throws {
        var object = Sample.object
        let place = try #require(object.fields.firstIndex { $0.name == "name" })
        object.fields[place].textForm = TextForm(punctuation: " _-")
        for good in ["seats", "Active users", "α_1-2", "7"] {
            #expect(outcome(.text(good), rules: [column("name")], in: object).invalid == nil, "\(good)")
        }
        for bad in ["a/b", " seats", "seats ", "50%", "a\nb", "a\u{0}b", "\"x\""] {
            let reason = outcome(.text(bad), rules: [column("name")], in: object).invalid
            #expect(reason?.code == "text_not_of_form", "\(bad)")
        }
        #expect(outcome(.integer(7), rules: [column("name")], in: object).invalid == nil)
        let bad = outcome(.text("a/b"), rules: [column("name")], in: object).invalid
        #expect(bad?.message.contains("\"/\"") == true && bad?.hint.contains("_, -") == true)
    }
}
