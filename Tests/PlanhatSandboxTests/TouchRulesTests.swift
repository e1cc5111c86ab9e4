import Foundation
import PlanhatSandbox
import Testing

@Suite struct ConversationTests {
    private func id(_ answer: Answer) -> String { answer.list("upsertedIds").first as? String ?? "" }

    @Test(arguments: [
        ("\"email\"", "email"), ("\"call\"", "call"), ("\"Training\"", "Training"), ("\"odd\"", "note"),
        ("null", "note"), ("\"note\"", "note"),
    ])
    func unknownTypeBecomesANote(_ sent: String, _ stored: String) throws {
        let fixture = try ModelSample.fixture()
        let made = fixture.upsert(#"{"companyId":"extid-one","type":\#(sent)}"#, to: "/conversations")
        #expect(fixture.send("GET", "/conversations/\(id(made))").text("type") == stored)
    }

    @Test func noteIsFoundByItsIdOnly() throws {
        let fixture = try ModelSample.fixture()
        let row = #"{"companyId":"extid-one","type":"note","externalId":"n1","subject":"S"}"#
        let made = fixture.upsert(row, to: "/conversations")
        #expect(made.objects("insertsKeys").first?.keys.sorted() == ["_id"])
        // The same again is a new note, whose external id is taken.
        let again = fixture.upsert(row, to: "/conversations")
        #expect(again.messages == ["externalId duplicated"])
        #expect(again.list("createdErrors").count == 1)
        let byID = fixture.upsert(#"{"_id":"\#(id(made))","type":"note","subject":"T"}"#, to: "/conversations")
        #expect(byID.number("updated") == 1)
        #expect(byID.objects("updatesKeys").first?.keys.sorted() == ["_id"])
        #expect(fixture.send("GET", "/conversations/extid-n1").text("subject") == "T")
    }

    @Test func listsAreShortAndFilteredByType() throws {
        let fixture = try ModelSample.fixture()
        let rows = (0..<40).map { #"{"companyId":"extid-one","type":"\#($0 < 3 ? "call" : "email")"}"# }
        fixture.upsert(rows.joined(separator: ","), to: "/conversations")
        #expect(fixture.send("GET", "/conversations").array.count == 30)
        #expect(fixture.send("GET", "/conversations?type=call").array.count == 3)
        #expect(fixture.send("GET", "/conversations?type=call,email&limit=100").array.count == 40)
    }

    @Test func companyMayBeNamedByItsExternalId() throws {
        let fixture = try ModelSample.fixture()
        let made = fixture.upsert(#"{"companyExternalId":"two","subject":"S"}"#, to: "/conversations")
        let record = fixture.send("GET", "/conversations/\(id(made))")
        #expect(record.text("companyName") == "Two")
        #expect(record.object["companyExternalId"] == nil)
        let unknown = fixture.upsert(#"{"companyExternalId":"none"}"#, to: "/conversations")
        #expect(unknown.messages == ["companyExternalId none does not exist"])
        #expect(fixture.upsert(#"{"subject":"S"}"#, to: "/conversations").messages == ["companyId is required"])
    }

    @Test func computedPropertiesAreFilledIn() throws {
        let fixture = try ModelSample.fixture()
        let made = fixture.send(
            "POST", "/conversations",
            #"{"companyId":"extid-one","description":"<p>a <b>bold</b> word</p>","snippet":"no","#
                + #""users":[{"id":"5a6b8c0d0e03000000000000","name":"Anna","isOwner":true}]}"#)
        #expect(made.status == 200)
        #expect(made.text("snippet") == "a bold word")
        #expect(made.list("userIds").compactMap { $0 as? String } == ["5a6b8c0d0e03000000000000"])
        #expect(made.text("date") == made.text("createdAt"))
        #expect(made.object["starred"] as? Bool == false)
    }

    @Test func deletionAnswersTheDocument() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(#"{"companyId":"extid-one","externalId":"c","subject":"S"}"#, to: "/conversations")
        let answer = fixture.send("DELETE", "/conversations/extid-c")
        #expect(answer.status == 200)
        #expect(answer.text("subject") == "S")
        #expect(fixture.send("GET", "/conversations/extid-c").status == 404)
    }
}

@Suite struct TicketTests {
    private static let row =
        #"{"sourceId":"t1","email":"a@one.example","companyId":"extid-one","title":"Broken","#
        + #""type":"bug","status":"open","description":"It <b>broke</b>"}"#

    @Test func storedNamesDifferFromSentOnes() throws {
        let fixture = try ModelSample.fixture()
        let made = fixture.upsert(Self.row, to: "/tickets")
        #expect(made.objects("insertsKeys").first?["sourceId"] as? String == "t1")
        let ticket = fixture.send("GET", "/tickets").array[0]
        #expect(ticket["subject"] as? String == "Broken")
        #expect(ticket["externalId"] as? String == "t1")
        #expect(ticket["subType"] as? String == "bug")
        #expect(ticket["type"] as? String == "ticket")
        #expect(ticket["title"] == nil && ticket["sourceId"] == nil)
        #expect(fixture.upsert(Self.row, to: "/tickets").counts == [0, 0, 1, 0, 0])
    }

    @Test func ticketsAreConversations() throws {
        let fixture = try ModelSample.fixture()
        let id = fixture.upsert(Self.row, to: "/tickets").list("upsertedIds").first as? String ?? ""
        fixture.upsert(#"{"companyId":"extid-one","externalId":"c"}"#, to: "/conversations")
        #expect(fixture.send("GET", "/conversations").array.count == 2)
        #expect(fixture.send("GET", "/tickets").array.count == 1)
        #expect(fixture.send("GET", "/tickets/\(id)").text("_id") == id)
        #expect(fixture.send("GET", "/tickets/srcid-t1").text("_id") == id)
        #expect(fixture.send("GET", "/tickets/extid-c").status == 404)
        let changed = fixture.send("PUT", "/conversations/\(id)", #"{"status":"closed"}"#)
        #expect(changed.text("status") == "closed" && changed.text("type") == "ticket")
        #expect(fixture.sandbox.store.count(of: "tickets") == 1)
        #expect(fixture.sandbox.store.count(of: "conversations") == 2)
        #expect(fixture.send("DELETE", "/tickets/\(id)").number("deletedCount") == 1)
        #expect(fixture.send("GET", "/conversations").array.count == 1)
    }

    @Test func conversationOfTypeTicketIsATicket() throws {
        let fixture = try ModelSample.fixture()
        let made = fixture.send(
            "POST", "/conversations", #"{"companyId":"extid-one","type":"ticket","externalId":"t9","subject":"S"}"#)
        #expect(made.status == 200)
        #expect(fixture.send("GET", "/tickets").array.first?["subject"] as? String == "S")
        let row = #"{"sourceId":"t9","email":"a@one.example","title":"T"}"#
        #expect(fixture.upsert(row, to: "/tickets").number("updated") == 1)
    }

    @Test func sourceIdIsUniqueInTheAccount() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(Self.row, to: "/tickets")
        let moved = fixture.upsert(
            #"{"sourceId":"t1","email":"a@one.example","companyId":"extid-two"}"#, to: "/tickets")
        #expect(moved.number("updated") == 1)
        #expect(fixture.send("GET", "/tickets/srcid-t1").text("companyName") == "Two")
    }

    @Test(arguments: [#"{"sourceId":"t1","companyId":"extid-one"}"#, #"{"sourceId":"t1","email":"","title":"x"}"#])
    func rowsWithoutEmailAreDroppedWithoutAWord(_ row: String) throws {
        let fixture = try ModelSample.fixture()
        let answer = fixture.upsert(row, to: "/tickets")
        #expect(answer.status == 200)
        #expect(answer.counts == [0, 0, 0, 0, 0])
        #expect(fixture.sandbox.store.totals(of: "tickets").dropped == 1)
    }

    @Test(arguments: [
        (#""domains":["no.example","one.example"],"email":"x@else.example""#, "One"),
        (#""email":"new@one.example""#, "One"), (#""email":"a@one.example""#, "One"),
        (#""companyExternalId":"two","email":"a@one.example""#, "Two"),
        (#""companyId":"extid-two","companyExternalId":"one","email":"a@one.example""#, "Two"),
    ])
    func companyIsFoundInSeveralWays(_ fields: String, _ name: String) throws {
        let fixture = try ModelSample.fixture()
        #expect(fixture.upsert("{\"sourceId\":\"t\",\(fields)}", to: "/tickets").number("created") == 1)
        #expect(fixture.send("GET", "/tickets").array.first?["companyName"] as? String == name)
    }

    @Test func ticketOfNoCompanyIsAnError() throws {
        let answer = try ModelSample.fixture().upsert(#"{"sourceId":"t","email":"x@else.example"}"#, to: "/tickets")
        #expect(answer.messages == ["companyId is required"])
    }

    @Test func laterRowWithoutACompanyDoesNotMoveTheTicket() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(#"{"sourceId":"t","email":"a@one.example","companyId":"extid-two"}"#, to: "/tickets")
        fixture.upsert(#"{"sourceId":"t","email":"a@one.example","status":"open"}"#, to: "/tickets")
        #expect(fixture.send("GET", "/tickets").array.first?["companyName"] as? String == "Two")
    }

    @Test func unknownSenderBecomesAnEndUserOrNot() throws {
        for (value, people) in [("create", 2), ("ignore", 1)] {
            let fixture = try ModelSample.fixture("unknown-sender=\(value)")
            let row = #"{"sourceId":"t","email":"new@one.example","name":"New One","companyId":"extid-one"}"#
            #expect(fixture.upsert(row, to: "/tickets").number("created") == 1)
            #expect(fixture.sandbox.store.count(of: "endusers") == people)
            let linked = fixture.send("GET", "/tickets").array[0]["endusers"] as? [[String: String]]
            #expect(linked?.count == people - 1)
            #expect(fixture.upsert(row, to: "/tickets").counts == [0, 0, 1, 0, 0])
            #expect(fixture.sandbox.store.count(of: "endusers") == people)
        }
    }

    @Test func senderAndAgentAreLinked() throws {
        let fixture = try ModelSample.fixture()
        let row = #"{"sourceId":"t","email":"A@one.example","agentEmail":"anna.berg@example.com"}"#
        fixture.upsert(row, to: "/tickets")
        let ticket = fixture.send("GET", "/tickets").array[0]
        #expect((ticket["endusers"] as? [[String: Any]])?.first?["name"] as? String == "Ann")
        #expect((ticket["users"] as? [[String: Any]])?.first?["isOwner"] as? Bool == true)
        #expect(fixture.sandbox.store.count(of: "endusers") == 1)
    }

    @Test func ticketsBringTheirTimes() throws {
        let fixture = try ModelSample.fixture()
        let row = { (updated: String) in
            #"{"sourceId":"t","email":"a@one.example","createdAt":"2026-01-02T03:04:05.600+02:00","updatedAt":"\#(updated)"}"#
        }
        #expect(fixture.upsert(row("2026-01-03"), to: "/tickets").number("created") == 1)
        let ticket = fixture.send("GET", "/tickets").array[0]
        #expect(ticket["createdAt"] as? String == "2026-01-02T01:04:05.600Z")
        #expect(ticket["updatedAt"] as? String == "2026-01-03T00:00:00.000Z")
        #expect(fixture.upsert(row("2026-01-03"), to: "/tickets").number("nonupdates") == 1)
        #expect(fixture.upsert(row("2026-01-04"), to: "/tickets").number("updated") == 1)
    }

    @Test func listsAreFiltered() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(
            Self.row + #",{"sourceId":"t2","email":"b@one.example","companyId":"extid-two","status":"closed"}"#,
            to: "/tickets")
        for (query, count) in [
            ("status=open", 1), ("s=open,closed", 2), ("email=B@one.example", 1), ("search=BROKE", 1),
            ("search=nothing", 0), ("cid=extid-two", 1), ("companyId=extid-one,extid-two", 2), ("l=1", 1),
            ("sourceId=t2", 1), ("email=a@one.example&status=closed", 0),
        ] {
            #expect(fixture.send("GET", "/tickets?\(query)").array.count == count, "\(query)")
        }
    }

    @Test func oneTicketMayComeWithoutAnArray() throws {
        let fixture = try ModelSample.fixture()
        #expect(fixture.send("PUT", "/tickets", Self.row).number("created") == 1)
        #expect(fixture.send("PUT", "/companies", #"{"name":"A"}"#).status == 400)
    }

    @Test(arguments: [("POST", "/tickets"), ("PUT", "/tickets/srcid-t1"), ("PATCH", "/tickets/srcid-t1")])
    func singleWritesAreNotFound(_ method: String, _ path: String) throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(Self.row, to: "/tickets")
        #expect(fixture.send(method, path, "{}").status == 404)
    }
}

@Suite struct SurveyAndIssueTests {
    @Test(arguments: [
        ("-1", false), ("11", false), ("7.5", false), ("\"x\"", false), ("0", true), ("10", true), ("\"8\"", true),
        ("9.0", true),
    ])
    func scoreIsAWholeNumberUpToTen(_ score: String, _ isTaken: Bool) throws {
        let answer = try ModelSample.fixture().upsert(#"{"email":"a@one.example","score":\#(score)}"#, to: "/nps")
        #expect((answer.status == 200) == isTaken)
        if !isTaken { #expect(answer.messages == ["score must be a whole number from 0 to 10"]) }
    }

    @Test func personIsFoundByTheEmail() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(
            #"{"email":"A@one.example","score":9},{"email":"x@else.example","score":1,"cId":"extid-two"},"#
                + #"{"email":"y@else.example","score":2}"#, to: "/nps")
        let list = fixture.send("GET", "/nps").array
        let person = fixture.send("GET", "/endusers").array[0]["_id"] as? String ?? ""
        let company = fixture.send("GET", "/companies/extid-one").text("_id")
        #expect(list[0]["euId"] as? String == person)
        #expect(list[0]["cId"] as? String == company)
        #expect(list[1]["euId"] == nil && list[1]["cId"] as? String != company)
        #expect(list[2]["euId"] == nil && list[2]["cId"] == nil)
        #expect(list[0]["companyName"] == nil)
        #expect(fixture.send("GET", "/nps?enduserId=\(person)").array.count == 1)
        #expect(fixture.send("GET", "/nps?cId=extid-two").array.count == 1)
    }

    @Test func issueBelongsToSeveralCompanies() throws {
        let fixture = try ModelSample.fixture()
        let companies = fixture.send("GET", "/companies").array.compactMap { $0["_id"] as? String }
        let list = companies.map { "\"\($0)\"" }.joined(separator: ",")
        fixture.upsert(#"{"title":"T","sourceId":"i","companyIds":[\#(list)]},{"title":"U"}"#, to: "/issues")
        let issue = fixture.send("GET", "/issues").array[0]
        #expect(issue["companyIds"] as? [String] == companies)
        #expect((issue["companies"] as? [[String: String]])?.compactMap { $0["name"] } == ["One", "Two"])
        #expect(issue["companyId"] == nil)
        #expect(fixture.send("GET", "/issues?companyId=\(companies[1])").array.count == 1)
        #expect(fixture.upsert(#"{"title":"T","sourceId":"i","companyIds":[]}"#, to: "/issues").number("updated") == 1)
        #expect(fixture.send("GET", "/issues?companyId=\(companies[1])").array.isEmpty)
    }

    @Test func prefixesInCompanyIdsAreRefusedOrResolved() throws {
        let row = #"{"title":"T","companyIds":["extid-one","srcid-s-one"]}"#
        let refused = try ModelSample.fixture().upsert(row, to: "/issues")
        #expect(refused.messages == ["companyIds must be an array of _ids (24 hexadecimal digits)"])
        let fixture = try ModelSample.fixture("company-ids=resolve")
        #expect(fixture.upsert(row, to: "/issues").number("created") == 1)
        let company = fixture.send("GET", "/companies/extid-one").text("_id") ?? ""
        #expect(fixture.send("GET", "/issues").array[0]["companyIds"] as? [String] == [company, company])
        let unknown = fixture.upsert(#"{"title":"T","companyIds":["extid-none"]}"#, to: "/issues")
        #expect(unknown.messages == ["companyIds extid-none does not exist"])
    }
}
