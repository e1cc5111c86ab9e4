import Foundation
import PlanhatSandbox
import Testing

@Suite struct CompanyUpsertTests {
    @Test func newRowsAreCreatedAndKeysEchoed() throws {
        let fixture = try SandboxFixture()
        let answer = fixture.upsert(#"{"externalId":"a","sourceId":"s","name":"A"},{"name":"No key"}"#)
        #expect(answer.status == 200)
        #expect(answer.counts == [2, 0, 0, 0, 0])
        let keys = answer.objects("insertsKeys")
        #expect(keys[0]["externalId"] as? String == "a")
        #expect(keys[0]["sourceId"] as? String == "s")
        #expect(keys[1].count == 1)
        #expect(answer.list("upsertedIds").compactMap { $0 as? String } == keys.compactMap { $0["_id"] as? String })
        #expect((answer.list("upsertedIds")[0] as? String)?.count == 24)
        #expect(answer.list("permissionErrors").isEmpty)
    }

    @Test func idsAreTheSameEachTime() throws {
        let first = try SandboxFixture().upsert(#"{"name":"A"},{"name":"B"}"#)
        let second = try SandboxFixture().upsert(#"{"name":"A"},{"name":"B"}"#)
        #expect(first.body == second.body)
    }

    @Test func onlyChangedRowsAreUpdated() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A","custom":{"Seats":5}},{"externalId":"b","name":"B"}"#)
        let answer = fixture.upsert(
            #"{"externalId":"a","name":"A","custom":{"Seats":5.0}},{"externalId":"b","name":"B2"}"#)
        #expect(answer.counts == [0, 1, 1, 0, 0])
        #expect(answer.objects("updatesKeys").map { $0["externalId"] as? String } == ["b"])
        #expect(answer.list("modified").count == 1)
        #expect(answer.list("upsertedIds").isEmpty)
    }

    @Test func nothingChangedAnswersOnlyNonupdates() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A\u0062"}"#)
        let answer = fixture.upsert(#"{"externalId":"a","name":"Ab"}"#)
        #expect(answer.status == 200)
        #expect(answer.counts == [0, 0, 1, 0, 0])
        #expect(answer.list("updatesKeys").isEmpty && answer.list("modified").isEmpty)
    }

    @Test func emptyArrayIsAnsweredWithZeros() throws {
        let answer = try SandboxFixture().upsert("")
        #expect(answer.status == 200)
        #expect(answer.counts == [0, 0, 0, 0, 0])
    }

    @Test func idComesBeforeSourceIdBeforeExternalId() throws {
        let fixture = try SandboxFixture()
        let made = fixture.upsert(#"{"sourceId":"s1","externalId":"e1","name":"A"},{"sourceId":"s2","name":"B"}"#)
        let ids = made.list("upsertedIds").compactMap { $0 as? String }
        fixture.upsert(#"{"sourceId":"s2","externalId":"e2","name":"by source"}"#)
        #expect(fixture.send("GET", "/companies/\(ids[1])").text("name") == "by source")
        fixture.upsert(#"{"_id":"\#(ids[0])","sourceId":"s3","name":"by id"}"#)
        #expect(fixture.send("GET", "/companies/srcid-s3").text("name") == "by id")
        // The first match decides; then the other record's key cannot be taken.
        let clash = fixture.upsert(#"{"sourceId":"s3","externalId":"e2"}"#)
        #expect(clash.status == 400)
        #expect(clash.messages == ["externalId duplicated"])
        #expect(clash.list("updatedErrors").count == 1)
    }

    @Test func takenKeysAreRefusedTogether() throws {
        let fixture = try SandboxFixture()
        let ids = fixture.upsert(#"{"sourceId":"s1","externalId":"e1","name":"A"},{"name":"B"}"#)
            .list("upsertedIds").compactMap { $0 as? String }
        let answer = fixture.upsert(#"{"_id":"\#(ids[1])","sourceId":"s1","externalId":"e1"}"#)
        #expect(answer.messages == ["sourceId,externalId duplicated"])
    }

    @Test func keyMovesAndFreesTheOldOne() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"sourceId":"s","externalId":"old","name":"A"}"#)
        fixture.upsert(#"{"sourceId":"s","externalId":"new"}"#)
        #expect(fixture.send("GET", "/companies/extid-old").status == 404)
        #expect(fixture.send("GET", "/companies/extid-new").status == 200)
        #expect(fixture.upsert(#"{"externalId":"old","name":"B"}"#).number("created") == 1)
        #expect(fixture.sandbox.store.count(of: "companies") == 2)
    }

    @Test func deletionFreesKeys() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A"}"#)
        #expect(fixture.send("DELETE", "/companies/extid-a").body == #"{"n":1,"ok":1,"deletedCount":1}"#)
        #expect(fixture.send("DELETE", "/companies/extid-a").status == 404)
        #expect(fixture.send("GET", "/companies/extid-a").status == 404)
        #expect(fixture.upsert(#"{"externalId":"a","name":"A"}"#).number("created") == 1)
        #expect(fixture.sandbox.store.totals(of: "companies").createdAgain == 1)
        #expect(fixture.sandbox.store.createdAgain == ["companies externalId=a": 2])
    }

    @Test func clearedKeyIsFree() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"sourceId":"s","externalId":"a","name":"A"}"#)
        #expect(fixture.upsert(#"{"sourceId":"s","externalId":null}"#).number("updated") == 1)
        #expect(fixture.upsert(#"{"externalId":"a","name":"B"}"#).number("created") == 1)
    }

    @Test func blankKeyIsNoKey() throws {
        let fixture = try SandboxFixture()
        let answer = fixture.upsert(#"{"externalId":"","name":"A"},{"externalId":"","name":"B"}"#)
        #expect(answer.counts == [2, 0, 0, 0, 0])
    }

    @Test func keysAreComparedByteForByte() throws {
        let fixture = try SandboxFixture()
        let answer = fixture.upsert(
            "{\"externalId\":\"\u{E9}\",\"name\":\"A\"},{\"externalId\":\"e\u{301}\",\"name\":\"B\"}")
        #expect(answer.number("created") == 2)
    }

    @Test func numberAsKeyIsTheSameAsItsText() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":7,"name":"A"}"#)
        #expect(fixture.upsert(#"{"externalId":"7","name":"A"}"#).number("nonupdates") == 1)
    }

    @Test func secondRowOfOneKeyIsAnError() throws {
        let fixture = try SandboxFixture()
        let answer = fixture.upsert(#"{"externalId":"a","name":"first"},{"externalId":"a","name":"second"}"#)
        #expect(answer.status == 206)
        #expect(answer.number("created") == 1)
        #expect(answer.messages == ["externalId duplicated"])
        #expect(fixture.send("GET", "/companies/extid-a").text("name") == "first")
    }

    @Test func statusTellsSomeFromAllErrors() throws {
        let fixture = try SandboxFixture()
        #expect(fixture.upsert(#"{"externalId":"a"}"#).status == 400)
        let some = fixture.upsert(#"{"externalId":"a"},{"externalId":"b","name":"B"}"#)
        #expect(some.status == 206)
        #expect(some.messages == ["name is required"])
    }

    @Test func updateIsPartial() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A","phase":"x","tags":["1","2"],"custom":{"P":1,"Q":2}}"#)
        fixture.upsert(#"{"externalId":"a","tags":["3"],"custom":{"Q":3}}"#)
        let record = fixture.send("GET", "/companies/extid-a")
        #expect(record.text("phase") == "x")
        #expect(record.list("tags").compactMap { $0 as? String } == ["3"])
        #expect(record.object["custom"] as? [String: Int] == ["P": 1, "Q": 3])
    }

    @Test func emptyCustomWipesNothing() throws {
        for fixture in [try SandboxFixture(), try SandboxFixture("custom=replace")] {
            fixture.upsert(#"{"externalId":"a","name":"A","custom":{"P":1}}"#)
            #expect(fixture.upsert(#"{"externalId":"a","custom":{}}"#).number("nonupdates") == 1)
        }
    }

    @Test func customReplaceTakesTheWhole() throws {
        let fixture = try SandboxFixture("custom=replace")
        fixture.upsert(#"{"externalId":"a","name":"A","custom":{"P":1,"Q":2}}"#)
        #expect(fixture.upsert(#"{"externalId":"a","custom":{"Q":2}}"#).number("updated") == 1)
        #expect(fixture.send("GET", "/companies/extid-a").object["custom"] as? [String: Int] == ["Q": 2])
    }

    @Test func nullClearsOrIsIgnored() throws {
        for (value, updated) in [("clear", 1), ("ignore", 0)] {
            let fixture = try SandboxFixture("nulls=\(value)")
            fixture.upsert(#"{"externalId":"a","name":"A","phase":"x","custom":{"P":1}}"#)
            let answer = fixture.upsert(#"{"externalId":"a","phase":null,"custom":{"P":null}}"#)
            #expect(answer.number("updated") == updated)
            let record = fixture.send("GET", "/companies/extid-a")
            #expect((record.text("phase") == nil) == (updated == 1))
        }
    }

    @Test func nullWhereNothingIsChangesNothing() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A"}"#)
        #expect(fixture.upsert(#"{"externalId":"a","phase":null}"#).number("nonupdates") == 1)
    }

    @Test func requiredFieldCannotBeCleared() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A"}"#)
        let answer = fixture.upsert(#"{"externalId":"a","name":null}"#)
        #expect(answer.status == 400)
        #expect(answer.list("updatedErrors").count == 1)
    }

    @Test func unknownAndComputedTopLevelKeysAreDropped() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A","nonsense":1,"mrr":5,"custom.P":1,"_v":{"deep":[1]}}"#)
        #expect(
            fixture.sandbox.store.record("companies", "extid-a").map { !$0.contains("nonsense") && !$0.contains("mrr") }
                == true)
        #expect(fixture.upsert(#"{"externalId":"a","nonsense":2}"#).number("nonupdates") == 1)
    }

    @Test func undefinedCustomNamesAreKeptOrDropped() throws {
        for (value, isKept) in [("keep", true), ("drop", false)] {
            let fixture = try SandboxFixture("unknown-custom=\(value)")
            fixture.upsert(#"{"externalId":"a","name":"A","custom":{"Seats":1,"Odd one!":"x"}}"#)
            let custom = fixture.send("GET", "/companies/extid-a").object["custom"] as? [String: Any]
            #expect(custom?["Seats"] as? Int == 1)
            #expect((custom?["Odd one!"] != nil) == isKept)
        }
    }

    @Test func formulaFieldsAreNotWritten() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A","custom":{"Revenue per Seat":1}}"#)
        #expect(fixture.sandbox.store.record("companies", "extid-a")?.contains("Revenue") == false)
    }

    @Test(arguments: [
        (#""name":["A"]"#, "name must be text"), (#""csmScore":"high""#, "csmScore must be a number from 1.0 to 5.0"),
        (#""csmScore":9"#, "csmScore must be a number from 1.0 to 5.0"),
        (#""status":"vip""#, "status must be one of prospect, coming, customer, canceled, lost"),
        (#""owner":"anna""#, "owner must be a user's _id (24 hexadecimal digits)"),
        (#""custom":[1]"#, "custom must be an object"),
        (#""custom":{"Seats":"many"}"#, "custom.Seats must be a number"),
        (#""custom":{"Renewal Date":"31/12/2026"}"#, "custom.Renewal Date must be an ISO 8601 date"),
        (#""custom":{"Renewal Date":"2026-02-30"}"#, "custom.Renewal Date must be an ISO 8601 date"),
        (#""custom":{"Trial":"maybe"}"#, "custom.Trial must be true or false"),
    ])
    func wrongTypesAreErrors(_ field: String, _ message: String) throws {
        let answer = try SandboxFixture().upsert(#"{"externalId":"a","name":"A",\#(field)}"#)
        #expect(answer.status == 400)
        #expect(answer.messages == [message])
    }

    @Test func valuesAreCastWhereTheyCanBe() throws {
        let fixture = try SandboxFixture()
        let answer = fixture.upsert(
            #"{"externalId":"a","name":12,"tags":"one","custom":{"Seats":"12","Trial":"true","MRR":1.50}}"#)
        #expect(answer.status == 200)
        let text = fixture.sandbox.store.record("companies", "extid-a") ?? ""
        for part in [#""name":"12""#, #""tags":["one"]"#, #""Seats":12"#, #""Trial":true"#, #""MRR":1.50"#] {
            #expect(text.contains(part))
        }
    }

    @Test func itemsThatAreNoObjectsAreErrors() throws {
        let answer = try SandboxFixture().upsert(#"1,{"name":"A"},[2],null"#)
        #expect(answer.status == 206)
        #expect(answer.counts == [1, 0, 0, 3, 0])
    }

    @Test func sameNameTwiceInOneRowTakesTheLast() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A","name":"B"}"#)
        #expect(fixture.send("GET", "/companies/extid-a").text("name") == "B")
    }

    @Test(arguments: [("ignore", [0, 0, 1, 0, 0]), ("create", [1, 0, 0, 0, 0]), ("error", [0, 0, 0, 1, 0])])
    func unknownIdFollowsItsSwitch(_ value: String, _ counts: [Int]) throws {
        let fixture = try SandboxFixture("unknown-id=\(value)")
        #expect(fixture.upsert(#"{"_id":"5a6b8c0d0e01000000000fff","name":"A"}"#).counts == counts)
    }

    @Test func errorEntriesHaveTheAskedShape() throws {
        let row = #"{"externalId":"a"}"#
        #expect(
            try SandboxFixture().upsert(row).objects("createdErrors").first?["item"] as? [String: String]
                == ["externalId": "a"])
        #expect(
            try SandboxFixture("errors=string").upsert(row).list("createdErrors").first as? String == "name is required"
        )
        let anonymous = try SandboxFixture("errors=anonymous").upsert(row).objects("createdErrors")
        #expect(anonymous.first?.keys.sorted() == ["message"])
        let index = try SandboxFixture("errors=index").upsert(#"{"name":"A"},{"externalId":"a"}"#)
        #expect(index.objects("createdErrors").first?["index"] as? Int == 1)
    }

    @Test func keysEchoOnlyTheIdIfAsked() throws {
        let answer = try SandboxFixture("keys=id").upsert(#"{"externalId":"a","name":"A"}"#)
        #expect(answer.objects("insertsKeys").first?.keys.sorted() == ["_id"])
    }

    @Test func fiveThousandItemsAreAllowedAndNoMore() throws {
        let fixture = try SandboxFixture()
        let rows = (0..<5_000).map { #"{"externalId":"\#($0)","name":"N"}"# }
        #expect(fixture.upsert(rows.joined(separator: ",")).number("created") == 5_000)
        let more = fixture.upsert((rows + [#"{"externalId":"x","name":"N"}"#]).joined(separator: ","))
        #expect(more.status == 400)
        #expect(more.text("message")?.contains("5000") == true)
        #expect(fixture.sandbox.store.count(of: "companies") == 5_000)
    }

    @Test(arguments: [#"{"name":"A"}"#, "", "nonsense", "[{\"name\":\"A\"},", "[{\"name\":\"A\"}] x"])
    func bodyThatIsNoArrayIsRefusedWhole(_ body: String) throws {
        let fixture = try SandboxFixture()
        let answer = fixture.send("PUT", "/companies", body)
        #expect(answer.status == 400)
        #expect(answer.text("message") != nil)
        #expect(fixture.sandbox.store.count(of: "companies") == 0)
    }

    @Test func refusedRowsFollowTheRule() throws {
        let fixture = try SandboxFixture(
            rules: [#"refuse where externalId=b message="not this one""#, "refuse field=custom.Plan value=Odd"])
        let answer = fixture.upsert(
            #"{"externalId":"a","name":"A"},{"externalId":"b","name":"B"},"#
                + #"{"externalId":"c","name":"C","custom":{"Plan":"Odd"}}"#
        )
        #expect(answer.status == 206)
        #expect(answer.messages == ["not this one", "custom.Plan is not valid"])
        #expect(fixture.sandbox.store.count(of: "companies") == 1)
    }

    @Test func permissionRefusalIs403WithTheEnvelope() throws {
        let fixture = try SandboxFixture(rules: ["refuse permission where externalId=b"])
        let answer = fixture.upsert(#"{"externalId":"a","name":"A"},{"externalId":"b","name":"B"}"#)
        #expect(answer.status == 403)
        #expect(answer.list("permissionErrors").count == 1)
        #expect(answer.number("created") == 1)
    }
}
