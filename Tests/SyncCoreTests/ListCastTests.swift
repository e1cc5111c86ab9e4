import ConnectorKit
import Foundation
import Records
import SyncCore
import TestKit
import Testing

/// One field of one type, and what a value becomes in it.
private struct OneField {
    var type: FieldType
    var lookup: String?
    var charactersMax: Int?
    var reserved: [String] = []
    var allowsUnknownChoices = false
    var nulls = NullPolicy.clear

    static let people = LookupTable(
        LookupName(object: "person", field: "email", ignoresCase: true), seed: 1,
        records: [("ann@x.y", "id-ann"), ("bob@x.y", "id-bob"), ("two@x.y", "1"), ("two@x.y", "2"), ("å\"@x.y", "q\"")])

    static let forms = [
        ReferenceForm(lookup: nil, prefix: ""), ReferenceForm(lookup: "externalId", prefix: "extid-"),
        ReferenceForm(lookup: "email", matchField: "email", ignoresCase: true),
    ]

    func write(_ value: Value, withTables: Bool = true) -> (json: String?, reason: Reason?) {
        var field = DestinationField("f", type)
        field.charactersMax = charactersMax
        field.reservedValues = reserved
        let object = DestinationObject(
            name: "thing", displayName: "Thing", path: "things", keys: [KeyField("id")], behaviors: [.send],
            fields: [field], batchItemsMax: 1, batchBytesMax: 1, repeatable: .byKey)
        var shape = SyncShape(
            object: object, behavior: .send, key: KeyRule(columns: ["id"], field: nil),
            rules: [MappingRule(field: "f", source: .column("v"), lookup: lookup, nulls: nulls)])
        shape.allowsUnknownChoices = allowsUnknownChoices
        let tables = withTables ? [Self.people.name: Self.people] : [:]
        let mapping = Mapping(shape, scanColumns: ["id", "v"], lookups: tables)
        var writer = ByteWriter()
        let reason = RowBatch(rows: [[.text("k"), value]], columnCount: 2).withRows {
            mapping.map($0, 0, into: &writer)
        }
        return (reason == nil ? String(writer.text.dropFirst(5).dropLast()) : nil, reason)
    }
}

@Suite struct ListCastTests {
    @Test(arguments: [
        (Value.array(#"["a","b"]"#), #"["a","b"]"#),
        (.json(" [ \"a\" , 1 ,true,null, -1.5e3, \"\" ] "), #"["a","1","true","-1.5e3",""]"#),
        (.array("[]"), "[]"), (.array("[null]"), "[]"), (.array(#"["å\n\"]","\\"]"#), #"["å\n\"]","\\"]"#),
        (.text("a,b"), #"["a,b"]"#), (.integer(4), #"["4"]"#), (.null, "null"), (.text(" "), "null"),
    ])
    func aListOfTextsHoldsTexts(value: Value, json: String) {
        #expect(OneField(type: .textList).write(value).json == json)
    }

    @Test(arguments: [#"[["a"]]"#, #"[{"a":1}]"#, #"["a""#, #"["a"] x"#, "[,]", #"["a",]"#, #"["a" "b"]"#, #"["a\"#])
    func whatIsNoListOfTextsIsInvalid(text: String) {
        #expect(OneField(type: .textList).write(.array(text)).reason?.code == "cannot_cast")
    }

    /// Databases without arrays keep them as texts.
    @Test(arguments: [
        (#"["a","b"]"#, #"["a","b"]"#), (" [ 1 , null, \"å\\n\" ]\n", #"["1","å\n"]"#), ("[]", "[]"), ("[null]", "[]"),
    ])
    func aTextThatIsAJSONArrayIsItsElements(text: String, json: String) {
        #expect(OneField(type: .textList).write(.text(text)).json == json)
    }

    /// Anything else is one text, brackets and commas too.
    @Test(arguments: [
        "a,b", "[draft]", "[[Page]]", #"["a","#, #"["a"] x"#, "[a,b]", #"['a']"#, #"{"a":1}"#, #""a""#, "{a,b}", "a;b",
    ])
    func anyOtherTextIsAListOfOne(text: String) {
        let quoted = text.replacing("\"", with: "\\\"")
        #expect(OneField(type: .textList).write(.text(text)).json == "[\"\(quoted)\"]")
    }

    @Test(arguments: [#"[["a"]]"#, #"[{"id":"1"}]"#, #"["a",["b"]]"#])
    func aTextThatIsAnArrayOfMoreThanTextsIsInvalid(text: String) {
        #expect(OneField(type: .textList).write(.text(text)).reason?.code == "cannot_cast")
    }

    @Test(arguments: [
        ("red", ["Red", "Blue"], "; the nearest is \"Red\"."), ("Purple", ["Red", "Blue"], "."),
        ("Plan", ["Plan A", "Plan B", "Plan AB", "Plan B2", "Gold"], "; the nearest are \"Plan A\" and \"Plan B\"."),
        (
            "Plan C", ["Plan D", "Plan B", "Plan A", "Plan E"],
            "; the nearest are \"Plan A\", \"Plan B\" and \"Plan D\"."
        ),
        // Of very many, those that begin alike.
        ("germani", (1...500).map { "State \($0)" } + ["Germany"], "; the nearest is \"Germany\"."),
    ])
    func theNearestChoicesAreSaid(text: String, choices: [String], end: String) {
        let reason = OneField(type: .choice(choices)).write(.text(text)).reason
        #expect(reason?.message == "Column v for field f: \"\(text)\" is not one of the field's choices\(end)")
    }

    @Test func choicesAndReferencesInATextHoldForEachElement() {
        let choices = OneField(type: .choiceList(["Red", "Blue"]))
        #expect(choices.write(.text(#"["Red","Blue"]"#)).json == #"["Red","Blue"]"#)
        #expect(choices.write(.text(#"["Red","Rad"]"#)).reason?.code == "not_a_choice")
        #expect(choices.write(.text("Red,Blue")).reason?.code == "not_a_choice")
        let type = FieldType.referenceList(to: "person", forms: OneField.forms)
        #expect(OneField(type: type).write(.text(#"["id1","id2"]"#)).json == #"["id1","id2"]"#)
        let external = OneField(type: type, lookup: "externalId")
        #expect(external.write(.text(#"["p1","p2"]"#)).json == #"["extid-p1","extid-p2"]"#)
        let email = OneField(type: type, lookup: "email")
        #expect(email.write(.text(#"["ann@x.y","bob@x.y"]"#)).json == #"["id-ann","id-bob"]"#)
        #expect(email.write(.text(#"["ann@x.y","eve@x.y"]"#)).reason?.code == "lookup_missing")
        // A field that takes one takes the text as it is.
        #expect(OneField(type: .text).write(.text(#"["a"]"#)).json == #""[\"a\"]""#)
    }

    @Test func everyElementOfAListOfChoicesMustBeOne() {
        let field = OneField(type: .choiceList(["Blå", "Red"]))
        #expect(field.write(.array(#"["Red","Bl\u00e5",null," "]"#)).json == #"["Red","Blå"]"#)
        #expect(field.write(.text("Red")).json == #"["Red"]"#)
        let reason = field.write(.array(#"["Red","Rad"]"#)).reason
        #expect(reason?.code == "not_a_choice")
        #expect(reason?.message.contains(#""Rad" is not one of the field's choices; the nearest is "Red""#) == true)
        #expect(field.write(.bytes([1])).reason?.code == "binary_value")
    }

    @Test func unknownChoicesAreWrittenWhereTheyAreAllowed() {
        var field = OneField(type: .choice(["new", "old"]))
        let reason = field.write(.text("odl")).reason
        #expect(reason?.code == "not_a_choice")
        #expect(reason?.message.contains(#"the nearest is "old""#) == true)
        #expect(reason?.hint.contains("allow_unknown_choices") == true)
        field.allowsUnknownChoices = true
        #expect(field.write(.text("odl")).json == #""odl""#)
        #expect(field.write(.text(" ")).json == "null")
        field.type = .choiceList(["new"])
        #expect(field.write(.array(#"["new","x\"y"]"#)).json == #"["new","x\"y"]"#)
    }

    @Test func referencesInAListAreWrittenInTheirForm() {
        let type = FieldType.referenceList(to: "person", forms: OneField.forms)
        #expect(OneField(type: type).write(.array(#"["a","b"]"#)).json == #"["a","b"]"#)
        let external = OneField(type: type, lookup: "externalId")
        #expect(external.write(.array(#"[1,"b\n",null,""]"#)).json == #"["extid-1","extid-b\n"]"#)
        #expect(external.write(.integer(5)).json == #"["extid-5"]"#)
        let email = OneField(type: type, lookup: "email")
        #expect(email.write(.json(#"["Ann@x.y","bob@x.y"]"#)).json == #"["id-ann","id-bob"]"#)
        #expect(email.write(.text("bob@x.y")).json == #"["id-bob"]"#)
        #expect(email.write(.array(#"["ann@x.y","eve@x.y"]"#)).reason?.code == "lookup_missing")
        #expect(email.write(.array(#"["two@x.y"]"#)).reason?.code == "lookup_ambiguous")
    }

    /// `[{"id": …}]`, as some destinations keep the people of a record; objects in the column are more than we know of.
    @Test func referencesInAListStandInObjectsWhereTheirFormHasMembers() {
        func type(_ members: [String]) -> FieldType {
            .referenceList(
                to: "person",
                forms: OneField.forms.map { form in
                    var form = form
                    form.members = members
                    return form
                })
        }
        let own = OneField(type: type(["id"]))
        #expect(own.write(.array(#"["a",null," ",4]"#)).json == #"[{"id":"a"},{"id":"4"}]"#)
        #expect(own.write(.text("a")).json == #"[{"id":"a"}]"#)
        let mixed = own.write(.json(#" [ {"id": "a", "tags": ["]", {}]} , "b" ] "#))
        #expect(mixed.json == #"[{"id": "a", "tags": ["]", {}]},{"id":"b"}]"#)
        #expect(own.write(.json(#"{"id":"a"}"#)).json == #"[{"id":"a"}]"#)
        #expect(own.write(.text(#"{"id":"a"}"#)).json == #"[{"id":"a"}]"#)
        #expect(own.write(.array("[]")).json == "[]" && own.write(.null).json == "null")
        for broken in [#"[["a"]]"#, #"[{"id":"a"]"#, #"[{"id":}]"#, #"[{"id":"a""#] {
            #expect(own.write(.array(broken)).reason?.code == "cannot_cast", "\(broken)")
        }
        let email = OneField(type: type(["id", "_id"]), lookup: "email")
        #expect(
            email.write(.array(#"["ANN@x.y","bob@x.y"]"#)).json
                == #"[{"id":"id-ann","_id":"id-ann"},{"id":"id-bob","_id":"id-bob"}]"#)
        let reason = email.write(.array(#"["ann@x.y","eve@x.y"]"#)).reason
        #expect(reason?.code == "lookup_missing" && reason?.message.contains(#"the email "eve@x.y""#) == true)
        #expect(email.write(.array(#"[{"id":"a"}]"#)).reason?.code == "cannot_cast")
        #expect(email.write(.text("two@x.y")).reason?.code == "lookup_ambiguous")
    }

    @Test func aReferenceIsLookedUpAmongTheRecordsThatWereRead() {
        var field = OneField(type: .reference(to: "person", forms: OneField.forms), lookup: "email")
        #expect(field.write(.text(" ANN@x.y ")).json == #""id-ann""#)
        #expect(field.write(.text("å\"@x.y")).json == #""q\"""#)
        let missing = field.write(.text("eve@x.y")).reason
        #expect(missing?.code == "lookup_missing")
        #expect(missing?.message.contains(#"No person has the email "eve@x.y""#) == true)
        #expect(missing?.hint.contains("Sync person first") == true)
        #expect(field.write(.text("two@x.y")).reason?.code == "lookup_ambiguous")
        #expect(field.write(.bytes([65])).reason?.code == "binary_value")
        #expect(field.write(.text("ann@x.y"), withTables: false).reason?.code == "lookup_missing")
        #expect(field.write(.null).json == "null")
        #expect(field.write(.text("  ")).json == "null")
        field.nulls = .skip
        #expect(field.write(.text("  ")).json == "")
    }

    @Test func onlyTheFormsThatAreResolvedByReadingAreLookUps() {
        let object = DestinationObject(
            name: "thing", displayName: "Thing", path: "things", keys: [], behaviors: [.send],
            fields: [DestinationField("f", .reference(to: "person", forms: OneField.forms))], batchItemsMax: 1,
            batchBytesMax: 1, repeatable: .byKey)
        func lookups(_ rules: [MappingRule]) -> [LookupName] {
            SyncShape(object: object, behavior: .send, key: KeyRule(columns: ["id"], field: nil), rules: rules).lookups
        }
        let byEmail = MappingRule(field: "f", source: .column("v"), lookup: "email")
        #expect(lookups([byEmail, byEmail]) == [OneField.people.name])
        #expect(lookups([MappingRule(field: "f", source: .column("v"), lookup: "externalId")]) == [])
        #expect(lookups([MappingRule(field: "f", source: .column("v"))]) == [])
        #expect(lookups([MappingRule(field: "f", source: .constant(.text("a")), lookup: "email")]) == [])
        #expect(lookups([MappingRule(field: "g", source: .column("v"), lookup: "email")]) == [])
    }
}

@Suite struct TextLengthTests {
    @Test(arguments: [FieldType.text, .richText, .email])
    func aTextThatIsLongerThanItsFieldTakesIsInvalid(type: FieldType) {
        let field = OneField(type: type, charactersMax: 3)
        #expect(field.write(.text("abc")).json == #""abc""#)
        #expect(field.write(.text("åäö")).json == #""åäö""#)
        let reason = field.write(.text("abcd")).reason
        #expect(reason?.code == "text_too_long")
        #expect(reason?.message.contains("has 4 characters; the field takes 3") == true)
        #expect(field.write(.json(#"{"a":1}"#)).reason?.code == "text_too_long")
        #expect(OneField(type: type).write(.text("abcd")).json == #""abcd""#)
    }

    @Test func valuesThatTheDestinationKeepsForItselfAreInvalid() {
        let field = OneField(type: .text, reserved: ["email", "call"])
        #expect(field.write(.text("visit")).json == #""visit""# && field.write(.text("emails")).json == #""emails""#)
        #expect(field.write(.null).json == "null" && field.write(.integer(1)).json == #""1""#)
        for value in [Value.text("email"), .text(" call "), .json("call")] {
            let reason = field.write(value).reason
            #expect(reason?.code == "reserved_value" && reason?.hint.contains("email, call") == true)
        }
    }

    @Test func richTextIsWrittenAsItIs() {
        #expect(OneField(type: .richText).write(.text("<b>\"a\"</b>")).json == #""<b>\"a\"</b>""#)
        #expect(OneField(type: .richText).write(.integer(3)).json == #""3""#)
    }

    @Test(arguments: [
        (Value.text("yes"), FieldType.boolean, "true"), (.text(" OFF "), .boolean, "false"),
        (.text("0"), .boolean, "false"), (.integer(0), .boolean, "false"),
        (.timestamp(86_400_000_000), .dayNumber, "1"), (.text("1970-01-03"), .dayNumber, "2"),
        (.localTimestamp(3_600_000_000), .dateTime, #""1970-01-01T01:00:00.000Z""#),
        (.localTimestamp(-1), .date, #""1969-12-31""#),
    ])
    func otherKindsOfTextsAndTimesAreCast(value: Value, type: FieldType, json: String) {
        #expect(OneField(type: type).write(value).json == json)
    }
}
