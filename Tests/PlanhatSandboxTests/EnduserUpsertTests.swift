import Foundation
import PlanhatSandbox
import Testing

@Suite struct EnduserUpsertTests {
    /// A sandbox with two companies, of the external ids `one` and `two`.
    private func fixture(_ switches: String...) throws -> SandboxFixture {
        let fixture = try SandboxFixture(switches.first ?? "nulls=clear")
        fixture.upsert(
            #"{"externalId":"one","sourceId":"s-one","name":"One","domains":["one.example","both.example"]},"#
                + #"{"externalId":"two","name":"Two","domains":["both.example"]}"#)
        return fixture
    }

    @discardableResult
    private func people(_ fixture: SandboxFixture, _ rows: String) -> Answer { fixture.upsert(rows, to: "/endusers") }

    @Test func companyIsFoundByEachReference() throws {
        let fixture = try fixture()
        let id = fixture.send("GET", "/companies/extid-one").text("_id") ?? ""
        let answer = people(
            fixture,
            #"{"email":"a@x.example","companyId":"\#(id)"},{"email":"b@x.example","companyId":"extid-one"},"#
                + #"{"email":"c@x.example","companyId":"srcid-s-one"}"#)
        #expect(answer.counts == [3, 0, 0, 0, 0])
        let list = fixture.send("GET", "/endusers?companyId=\(id)")
        #expect(list.array.count == 3)
        #expect(list.array.allSatisfy { $0["companyName"] as? String == "One" && $0["companyId"] as? String == id })
    }

    @Test(arguments: ["extid-none", "srcid-none", "5a6b8c0d0e01000000000fff", "One"])
    func unresolvedCompanyIsAnError(_ reference: String) throws {
        let answer = people(try fixture(), #"{"email":"a@x.example","companyId":"\#(reference)"}"#)
        #expect(answer.status == 400)
        #expect(answer.messages == ["companyId \(reference) does not exist"])
    }

    @Test func personOfNoCompanyIsDroppedWithoutAWord() throws {
        let fixture = try fixture()
        let answer = people(fixture, #"{"email":"a@nowhere.example"},{"email":"b@x.example","companyId":"extid-one"}"#)
        #expect(answer.status == 200)
        #expect(answer.counts == [1, 0, 0, 0, 0])
        #expect(fixture.sandbox.store.totals(of: "endusers").dropped == 1)
    }

    @Test func personOfNoCompanyIsCountedAsUnchangedIfAsked() throws {
        let fixture = try fixture("dropped=nonupdates")
        let answer = people(fixture, #"{"email":"a@nowhere.example"},{"email":"b@x.example","companyId":"extid-one"}"#)
        #expect(answer.status == 200)
        #expect(answer.number("created") == 1 && answer.number("nonupdates") == 1)
        #expect(fixture.send("GET", "/endusers").array.count == 1)
        #expect(fixture.sandbox.store.totals(of: "endusers").dropped == 1)
    }

    @Test func listsHoldEverybodyIfAsked() throws {
        let fixture = try fixture("filters=ignore")
        people(
            fixture,
            #"{"email":"a@x.example","companyId":"extid-one"},{"email":"b@x.example","companyId":"extid-two"},"#
                + #"{"email":"c@x.example","companyId":"extid-two","archived":true}"#)
        for path in ["/endusers", "/endusers?email=a@x.example", "/endusers?companyId=extid-one&email=b@x.example"] {
            #expect(fixture.send("GET", path).array.count == 2, "\(path)")
        }
        #expect(fixture.send("GET", "/endusers?email=a@x.example&archived=true").array.count == 1)
    }

    @Test func personOfNoCompanyIsAnErrorIfAsked() throws {
        let answer = people(try fixture("no-company=error"), #"{"email":"a@nowhere.example"}"#)
        #expect(answer.status == 400)
        #expect(answer.messages == ["companyId is required"])
    }

    @Test func companyIsFoundByTheMailDomainIfOneClaimsIt() throws {
        let fixture = try fixture()
        let answer = people(fixture, #"{"email":"a@ONE.example"},{"email":"b@both.example"}"#)
        #expect(answer.number("created") == 1)
        #expect(fixture.send("GET", "/endusers").array.first?["companyName"] as? String == "One")
    }

    @Test func personNeedsAKey() throws {
        let answer = people(try fixture(), #"{"firstName":"A","companyId":"extid-one"}"#)
        #expect(answer.messages == ["one of email, externalId, sourceId is required"])
    }

    @Test func externalIdIsUniqueOnlyWithinACompany() throws {
        let fixture = try fixture()
        let rows = #"{"externalId":"1","companyId":"extid-one"},{"externalId":"1","companyId":"extid-two"}"#
        #expect(people(fixture, rows).counts == [2, 0, 0, 0, 0])
        #expect(people(fixture, rows).counts == [0, 0, 2, 0, 0])
        let update = people(fixture, #"{"externalId":"1","companyId":"extid-two","position":"CEO"}"#)
        #expect(update.number("updated") == 1)
    }

    @Test func oneUserInTwoCompaniesWithTheSameKeysIsTwoRecords() throws {
        let fixture = try fixture()
        let rows = ["one", "two"].map { #"{"externalId":"1","email":"a@x.example","companyId":"extid-\#($0)"}"# }
        #expect(people(fixture, rows.joined(separator: ",")).counts == [2, 0, 0, 0, 0])
        #expect(people(fixture, rows.joined(separator: ",")).counts == [0, 0, 2, 0, 0])
    }

    @Test func externalIdWithoutCompanyMatchesIfUnique() throws {
        let fixture = try fixture()
        people(fixture, #"{"externalId":"1","companyId":"extid-one"}"#)
        #expect(people(fixture, #"{"externalId":"1","position":"CEO"}"#).number("updated") == 1)
        people(fixture, #"{"externalId":"1","companyId":"extid-two"}"#)
        let ambiguous = people(fixture, #"{"externalId":"1","position":"CTO"}"#)
        #expect(ambiguous.counts == [0, 0, 0, 0, 0])
    }

    @Test func emailIsAKeyOnlyWhenUnique() throws {
        let fixture = try fixture()
        people(fixture, #"{"email":"a@x.example","companyId":"extid-one"}"#)
        #expect(people(fixture, #"{"email":"A@X.example","position":"CEO"}"#).number("updated") == 1)
        let same = people(fixture, #"{"email":"a@x.example","sourceId":"s1","companyId":"extid-one"}"#)
        // The record had no source id yet, so the row completes it.
        #expect(same.number("updated") == 1)
        let other = people(fixture, #"{"email":"a@x.example","sourceId":"s2","companyId":"extid-one"}"#)
        #expect(other.number("created") == 1)
        // Twice there now: no key any more.
        #expect(people(fixture, #"{"email":"a@x.example","companyId":"extid-one"}"#).number("created") == 1)
    }

    @Test func movingIntoACompanyWhereTheExternalIdIsTakenIsRefused() throws {
        let fixture = try fixture()
        people(
            fixture,
            #"{"sourceId":"a","externalId":"1","email":"a@x.example","companyId":"extid-one"},"#
                + #"{"sourceId":"b","externalId":"1","email":"b@x.example","companyId":"extid-two"}"#)
        let answer = people(fixture, #"{"sourceId":"b","companyId":"extid-one"}"#)
        #expect(answer.messages == ["externalId duplicated"])
        let both = people(fixture, #"{"sourceId":"b","email":"a@x.example","companyId":"extid-one","externalId":"1"}"#)
        #expect(both.messages == ["externalId,email duplicated"])
    }

    @Test func personMovesToAnotherCompany() throws {
        let fixture = try fixture()
        people(fixture, #"{"sourceId":"a","companyId":"extid-one"}"#)
        #expect(people(fixture, #"{"sourceId":"a","companyId":"extid-two"}"#).number("updated") == 1)
        #expect(people(fixture, #"{"sourceId":"a","companyId":"extid-two"}"#).number("nonupdates") == 1)
        #expect(people(fixture, #"{"sourceId":"a","companyId":null}"#).messages == ["companyId is required"])
    }

    @Test func personHasDefaultsAndAComposedName() throws {
        let fixture = try fixture()
        people(fixture, #"{"sourceId":"a","companyId":"extid-one","firstName":"Ada","lastName":"Łem"}"#)
        let person = fixture.send("GET", "/endusers/srcid-a")
        #expect(person.text("name") == "Ada Łem")
        #expect(person.object["archived"] as? Bool == false)
        #expect(person.number("beats") == 0)
        #expect(person.number("__v") == 0)
    }
}
