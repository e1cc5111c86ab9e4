import Foundation
import PlanhatSandbox
import Testing

@Suite struct ReadingTests {
    private func fixture(companies count: Int) throws -> SandboxFixture {
        let fixture = try SandboxFixture()
        let rows = (0..<count).map {
            #"{"externalId":"e\#($0)","sourceId":"s\#($0)","name":"N\#($0 % 10)","csmScore":\#($0 % 5 + 1)}"#
        }
        fixture.upsert(rows.joined(separator: ","))
        return fixture
    }

    @Test(arguments: [
        ("", 100), ("?limit=3", 3), ("?limit=5000", 120), ("?limit=999999", 120), ("?limit=x", 100), ("?limit=-1", 100),
    ])
    func limitHasADefaultAndAMax(_ query: String, _ count: Int) throws {
        #expect(try fixture(companies: 120).send("GET", "/companies" + query).array.count == count)
    }

    @Test func limitIsCutDownToTheModelsMax() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"c","name":"C"}"#)
        let rows = (0..<2_100).map { #"{"sourceId":"\#($0)","companyId":"extid-c"}"# }
        fixture.upsert(rows.joined(separator: ","), to: "/endusers")
        #expect(fixture.send("GET", "/endusers?limit=5000").array.count == 2_000)
        #expect(fixture.send("GET", "/endusers").array.count == 100)
        #expect(fixture.send("GET", "/endusers?limit=2000&offset=2000").array.count == 100)
    }

    @Test func pagesCoverAllRecordsOnce() throws {
        let fixture = try fixture(companies: 25)
        fixture.send("DELETE", "/companies/extid-e3")
        let pages = stride(from: 0, to: 30, by: 10).map {
            fixture.send("GET", "/companies?limit=10&offset=\($0)&sort=_id").array
        }
        #expect(pages.map(\.count) == [10, 10, 4])
        #expect(Set(pages.joined().compactMap { $0["_id"] as? String }).count == 24)
    }

    @Test func listsAreSortedBothWays() throws {
        let fixture = try fixture(companies: 12)
        let up = fixture.send("GET", "/companies?sort=csmScore&select=csmScore").array.compactMap {
            $0["csmScore"] as? Int
        }
        #expect(up == up.sorted())
        let down = fixture.send("GET", "/companies?sort=-_id&select=externalId").array
        #expect(down.first?["externalId"] as? String == "e11")
    }

    @Test func selectPicksPropertiesWithSpacesTrimmed() throws {
        let fixture = try fixture(companies: 1)
        fixture.upsert(#"{"externalId":"e0","custom":{"P":1,"Q":2}}"#)
        let record = fixture.send("GET", "/companies?select=name%2C+externalId").array[0]
        #expect(record.keys.sorted() == ["_id", "externalId", "name"])
        let custom = fixture.send("GET", "/companies?select=custom.P").array[0]
        #expect(custom["custom"] as? [String: Int] == ["P": 1])
    }

    @Test func leanListKnowsKeysAndFilters() throws {
        let fixture = try fixture(companies: 150)
        let all = fixture.send("GET", "/leancompanies").array
        #expect(all.count == 150)
        #expect(all[7].keys.sorted() == ["_id", "externalId", "name", "sourceId"])
        #expect(fixture.send("GET", "/leancompanies?externalId=e5,e6, e900").array.count == 2)
        #expect(fixture.send("GET", "/leancompanies?sourceId=s5").array.first?["externalId"] as? String == "e5")
        #expect(fixture.send("GET", "/leancompanies?externalId=none").body == "[]")
    }

    @Test func leanListMayTellLess() throws {
        for (answer, status, names) in [("names", 200, ["_id", "name"]), ("refuse", 404, [])] {
            let fixture = try SandboxFixture("lean=\(answer)")
            fixture.upsert(#"{"externalId":"e1","sourceId":"s1","name":"One"}"#)
            let lean = fixture.send("GET", "/leancompanies")
            #expect(lean.status == status && (lean.array.first?.keys.sorted() ?? []) == names)
        }
    }

    @Test func leanListOfManyRecordsIsOneArray() throws {
        let fixture = try fixture(companies: 5_000)
        #expect(fixture.send("GET", "/leancompanies").array.count == 5_000)
    }

    @Test func endusersAreFilteredByCompanyEmailAndArchived() throws {
        let fixture = try fixture(companies: 2)
        fixture.upsert(
            #"{"email":"a@x.example","companyId":"extid-e0"},{"email":"b@x.example","companyId":"extid-e1"},"#
                + #"{"email":"c@x.example","companyId":"extid-e1","archived":true}"#, to: "/endusers")
        #expect(fixture.send("GET", "/endusers").array.count == 2)
        #expect(fixture.send("GET", "/endusers?archived=true").array.count == 1)
        #expect(fixture.send("GET", "/endusers?email=B%40x.example").array.count == 1)
        let id = fixture.send("GET", "/companies/extid-e1").text("_id") ?? ""
        #expect(fixture.send("GET", "/endusers?companyId=\(id)").array.count == 1)
        #expect(fixture.send("GET", "/endusers?companyId=\(id),extid-e0").array.count == 2)
        #expect(fixture.send("GET", "/endusers?companyId=none").array.isEmpty)
    }

    @Test func usersAndCustomFieldsAreThere() throws {
        let fixture = try SandboxFixture()
        let users = fixture.send("GET", "/users").array
        #expect(users.count == 3)
        #expect(users.allSatisfy { ($0["email"] as? String)?.contains("@") == true })
        let fields = fixture.send("GET", "/customfields?limit=2000").array
        #expect(Set(fields.compactMap { $0["parent"] as? String }) == ["company", "enduser"])
        #expect(fields.contains { $0["isFormula"] as? Bool == true })
        #expect(fixture.sandbox.store.totals(of: "users") == RowTotals())
    }

    @Test func ownerIsAnIdAloneAndAnObjectInLists() throws {
        let fixture = try SandboxFixture()
        let user = fixture.send("GET", "/users").array[0]["_id"] as? String ?? ""
        fixture.upsert(#"{"externalId":"a","name":"A","owner":"\#(user)"}"#)
        #expect(fixture.send("GET", "/companies/extid-a").text("owner") == user)
        let owner = fixture.send("GET", "/companies").array[0]["owner"] as? [String: String]
        #expect(owner?["_id"] == user && owner?["nickName"] == "Anna")
    }

    @Test func timesAreISOWithMilliseconds() throws {
        let record = try fixture(companies: 1).send("GET", "/companies/extid-e0")
        #expect(record.text("createdAt") == "2026-09-21T14:13:20.123Z")
        #expect(record.text("updatedAt") == record.text("createdAt"))
    }

    @Test(arguments: [
        (#""2026-01-02""#, "2026-01-02T00:00:00.000Z"), (#""2026-01-02T03:04:05Z""#, "2026-01-02T03:04:05.000Z"),
        (#""2026-01-02T03:04:05.6789+02:00""#, "2026-01-02T01:04:05.678Z"),
        ("1767225600000", "2026-01-01T00:00:00.000Z"),
    ])
    func datesComeBackAsPlanhatWritesThem(_ sent: String, _ shown: String) throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A","custom":{"Renewal Date":\#(sent),"Plan":"2026-01-02"}}"#)
        fixture.upsert(
            #"{"companyId":"extid-a","externalId":"p","name":"P","startDate":\#(sent)}"#, to: "/projects"
        )
        func custom(_ record: [String: Any]?) -> [String: String]? { record?["custom"] as? [String: String] }
        let company = [fixture.send("GET", "/companies/extid-a").object, fixture.send("GET", "/companies").array[0]]
        for record in company {
            #expect(custom(record)?["Renewal Date"] == shown)
            // A text that looks like a date is a text.
            #expect(custom(record)?["Plan"] == "2026-01-02")
        }
        for record in [fixture.send("GET", "/projects/extid-p").object, fixture.send("GET", "/projects").array[0]] {
            #expect(record["startDate"] as? String == shown)
        }
        // For holding against a source a record stands as it was sent.
        #expect(fixture.sandbox.store.record("projects", "extid-p")?.contains("\"startDate\":\(sent)") == true)
        let again = fixture.upsert(
            #"{"companyId":"extid-a","externalId":"p","startDate":\#(sent)}"#, to: "/projects")
        #expect(again.number("nonupdates") == 1)
    }

    @Test func daysOfInvoicesStayNumbers() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A"}"#)
        fixture.upsert(
            #"{"cId":"extid-a","extId":"i","currency":"EUR","invoiceDate":20454,"dueDate":"20484"}"#, to: "/invoices")
        let invoice = fixture.send("GET", "/invoices").array[0]
        #expect(invoice["invoiceDate"] as? Int == 20_454 && (invoice["dueDate"] as? NSNumber)?.intValue != nil)
    }

    /// Whether Planhat keeps a custom day as a date or as a number is not known.
    @Test(arguments: [#""2026-01-02""#, "20455"]) func customDaysComeBackAsTheyWereSent(_ sent: String) throws {
        let fixture = try SandboxFixture()
        _ = fixture.send("POST", "/customfields", #"{"parent":"company","name":"Day","type":"day"}"#)
        fixture.upsert(#"{"externalId":"a","name":"A","custom":{"Day":\#(sent)}}"#)
        #expect(fixture.send("GET", "/companies/extid-a").body.contains("\"Day\":\(sent)"))
    }

    @Test(arguments: [
        ("both", [1, 1]), ("text", [1, 0]), ("number", [0, 1]),
    ]) func customDaysAreTakenInTheFormsThatTheSwitchSays(_ value: String, _ created: [Int]) throws {
        let fixture = try SandboxFixture("custom-day=\(value)")
        _ = fixture.send("POST", "/customfields", #"{"parent":"company","name":"Day","type":"day"}"#)
        for (sent, created) in zip([#""2026-01-02""#, "20455"], created) {
            let answer = fixture.upsert(#"{"name":"A","custom":{"Day":\#(sent)}}"#)
            #expect(answer.number("created") == created, "\(sent)")
            #expect(answer.messages.count == 1 - created)
        }
    }

    @Test(arguments: [
        ("GET", "/nothing"), ("GET", "/"), ("PUT", "/customfields"), ("PUT", "/leancompanies"),
        ("GET", "/companies/a/b"),
        ("DELETE", "/companies"), ("POST", "/companies/x"), ("GET", "/companies/extid-"), ("GET", "/companies/zzz"),
        ("PUT", "/companies/extid-none"), ("PATCH", "/companies/5a6b8c0d0e01000000000fff"), ("GET", "/notes"),
    ])
    func unknownPathsAndRecordsAre404(_ method: String, _ path: String) throws {
        #expect(try SandboxFixture().send(method, path, method == "PUT" || method == "PATCH" ? "{}" : "").status == 404)
    }
}

@Suite struct SingleCallTests {
    @Test func recordIsMadeReadChangedAndDeleted() throws {
        let fixture = try SandboxFixture()
        let made = fixture.send("POST", "/companies", #"{"name":"A","externalId":"a b/c"}"#)
        #expect(made.status == 200)
        #expect(made.number("__v") == 0)
        let id = made.text("_id") ?? ""
        #expect(fixture.send("GET", "/companies/extid-a%20b%2Fc").text("_id") == id)
        #expect(fixture.send("PUT", "/companies/\(id)", #"{"phase":"x"}"#).text("phase") == "x")
        #expect(fixture.send("PATCH", "/companies/\(id)", #"{"phase":"y","_id":"\#(id)"}"#).text("phase") == "y")
        #expect(fixture.send("DELETE", "/companies/\(id)").number("deletedCount") == 1)
        #expect(fixture.send("GET", "/companies/\(id)").status == 404)
    }

    @Test func takenKeyIsRefused() throws {
        let fixture = try SandboxFixture()
        fixture.send("POST", "/companies", #"{"name":"A","externalId":"a"}"#)
        let again = fixture.send("POST", "/companies", #"{"name":"B","externalId":"a"}"#)
        #expect(again.status == 400)
        #expect(again.text("message") == "externalId duplicated")
    }

    @Test func idInTheBodyMustBeTheSame() throws {
        let fixture = try SandboxFixture()
        fixture.send("POST", "/companies", #"{"name":"A","externalId":"a"}"#)
        let answer = fixture.send("PUT", "/companies/extid-a", #"{"_id":"5a6b8c0d0e01000000000fff"}"#)
        #expect(answer.status == 400)
    }

    @Test(arguments: ["[]", "1", "", "{", "null"])
    func bodyMustBeAnObject(_ body: String) throws {
        #expect(try SandboxFixture().send("POST", "/companies", body).status == 400)
    }

    @Test func missingFieldIsTold() throws {
        let answer = try SandboxFixture().send("POST", "/companies", "{}")
        #expect(answer.status == 400)
        #expect(answer.text("message") == "name is required")
    }

    @Test func newCustomFieldTakesEffect() throws {
        let fixture = try SandboxFixture("unknown-custom=drop")
        let made = fixture.send(
            "POST", "/customfields", #"{"parent":"Company","type":"number","name":"Logins","isHidden":false}"#)
        #expect(made.status == 200)
        let answer = fixture.upsert(#"{"name":"A","custom":{"Logins":"many"}}"#)
        #expect(answer.messages == ["custom.Logins must be a number"])
        fixture.send("DELETE", "/customfields/\(made.text("_id") ?? "")")
        #expect(fixture.upsert(#"{"name":"A","custom":{"Logins":"many"}}"#).status == 200)
    }

    @Test func customFieldNeedsAKnownType() throws {
        let answer = try SandboxFixture().send(
            "POST", "/customfields", #"{"parent":"company","type":"odd","name":"X"}"#)
        #expect(answer.status == 400)
    }

    @Test func snapshotOfTheStoreCountsRows() throws {
        let fixture = try SandboxFixture()
        fixture.upsert(#"{"externalId":"a","name":"A"},{"externalId":"b"}"#)
        fixture.upsert(#"{"externalId":"a","name":"A"}"#)
        fixture.upsert(#"{"externalId":"a","name":"B"}"#)
        var expected = RowTotals()
        expected.received = 4
        expected.created = 1
        expected.updated = 1
        expected.unchanged = 1
        expected.failed = 1
        #expect(fixture.sandbox.store.totals(of: "companies") == expected)
        fixture.sandbox.reset()
        #expect(fixture.sandbox.store.totals(of: "companies") == RowTotals())
        #expect(fixture.sandbox.store.count(of: "companies") == 0)
        #expect(fixture.sandbox.store.count(of: "users") == 3)
    }
}
