import Foundation
import PlanhatSandbox
import Testing

@Suite struct LicenseTests {
    private func row(_ fields: String) -> String {
        #"{"companyId":"extid-one","_currency":"EUR","fromDate":"2026-01-01","externalId":"l",\#(fields)}"#
    }

    @Test(arguments: [
        (#""fixedPeriod":true"#, "value is required"), (#""fixedPeriod":false"#, "mrr is required"),
        (#""product":"P""#, "mrr is required"), (#""fixedPeriod":true,"mrr":5"#, "value is required"),
        (#""fixedPeriod":false,"value":5"#, "mrr is required"), (#""value":0"#, "value must be a number over 0"),
        (#""value":-1"#, "value must be a number over 0"),
        (#""mrr":1,"renewalStatus":"maybe""#, "renewalStatus must be one of ongoing, renewed, lost"),
    ])
    func fixedPeriodNeedsAValueAndAnOpenOneItsRate(_ fields: String, _ message: String) throws {
        #expect(try ModelSample.fixture().upsert(row(fields), to: "/licenses").messages == [message])
    }

    @Test func ruleHoldsForTheChangedRecordAsAWhole() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(row(#""value":1200,"toDate":"2026-12-31""#), to: "/licenses")
        let opened = fixture.upsert(
            #"{"companyId":"extid-one","externalId":"l","fixedPeriod":false}"#, to: "/licenses")
        #expect(opened.messages == ["mrr is required"])
        let both = fixture.upsert(
            #"{"companyId":"extid-one","externalId":"l","fixedPeriod":false,"mrr":100}"#, to: "/licenses")
        #expect(both.number("updated") == 1)
        let cleared = fixture.upsert(#"{"companyId":"extid-one","externalId":"l","mrr":null}"#, to: "/licenses")
        #expect(cleared.messages == ["mrr is required"])
    }

    @Test func figuresFollowFromOneAnother() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(row(#""fixedPeriod":true,"value":15000,"toDate":"2026-12-31""#), to: "/licenses")
        fixture.upsert(
            #"{"companyId":"extid-two","_currency":"EUR","fromDate":"2026-01-01","toDate":"2027-01-01","mrr":10.5}"#,
            to: "/licenses")
        let list = fixture.send("GET", "/licenses").array
        #expect(list[0]["length"] as? Int == 12)
        #expect(list[0]["mrr"] as? Int == 1_250)
        #expect(list[0]["arr"] as? Int == 15_000)
        #expect(list[0]["renewalDate"] as? String == "2026-12-31T00:00:00.000Z")
        #expect(list[0]["renewalStatus"] as? String == "ongoing")
        #expect(list[0]["noticePeriod"] as? Int == 30)
        #expect(list[1]["value"] as? Int == 126)
        #expect(list[1]["fixedPeriod"] as? Bool == false)
    }

    @Test func keysAreNotEchoed() throws {
        let answer = try ModelSample.fixture().upsert(row(#""mrr":1"#), to: "/licenses")
        #expect(answer.objects("insertsKeys").first?.keys.sorted() == ["_id"])
    }

    @Test func currencyIsTextOrAnObject() throws {
        let plain = try ModelSample.fixture()
        plain.upsert(row(#""mrr":1"#), to: "/licenses")
        #expect(plain.send("GET", "/licenses").array[0]["_currency"] as? String == "EUR")
        let fixture = try ModelSample.fixture("currency=object")
        fixture.upsert(row(#""mrr":1"#), to: "/licenses")
        let expanded = fixture.send("GET", "/licenses/extid-l").object["_currency"] as? [String: Any]
        #expect(expanded?.keys.sorted() == ["_id", "isBase", "overrides", "rate", "symbol"])
        #expect(expanded?["symbol"] as? String == "EUR")
        #expect(fixture.upsert(row(#""mrr":1"#), to: "/licenses").number("nonupdates") == 1)
        #expect(fixture.sandbox.store.record("licenses", "extid-l")?.contains(#""_currency":"EUR""#) == true)
    }
}

@Suite struct RevenueTests {
    @Test func saleMustBeWorthSomething() throws {
        let answer = try ModelSample.fixture().upsert(
            #"{"companyId":"extid-one","_currency":"EUR","salesDate":"2026-01-01","value":0}"#, to: "/sales")
        #expect(answer.messages == ["value must be a number over 0"])
    }

    @Test func churnListIsShorter() throws {
        let fixture = try ModelSample.fixture()
        let rows = (0..<1_100).map { _ in #"{"companyId":"extid-one","value":1}"# }
        fixture.upsert(rows.joined(separator: ","), to: "/churn")
        #expect(fixture.send("GET", "/churn?limit=2000").array.count == 1_000)
        #expect(fixture.send("GET", "/churn").array.count == 100)
        #expect(fixture.send("GET", "/churns").status == 404)
    }

    @Test(arguments: [("20000", true), ("20000.5", false), ("\"2026-01-01\"", false), ("\"20000\"", true)])
    func invoiceDatesAreDays(_ day: String, _ isTaken: Bool) throws {
        let answer = try ModelSample.fixture().upsert(
            #"{"cId":"extid-one","currency":"EUR","dueDate":\#(day)}"#, to: "/invoices")
        #expect((answer.status == 200) == isTaken)
        if !isTaken { #expect(answer.messages == ["dueDate must be a whole number of days since 1970-01-01"]) }
    }

    @Test func invoiceHasNamesOfItsOwn() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(
            #"{"cId":"extid-one","currency":"EUR","extId":"i1","status":"paid"},"#
                + #"{"companyId":"extid-one","currency":"EUR"},{"cId":"extid-one","currency":"EUR","externalId":"x"}"#,
            to: "/invoices")
        let list = fixture.send("GET", "/invoices").array
        #expect(list.count == 2)
        #expect(list[0]["cName"] as? String == "One")
        #expect(list[0]["invoiceNo"] as? Int == 1)
        #expect(list[1]["externalId"] == nil)
        #expect(fixture.send("GET", "/invoices/extid-i1").text("extId") == "i1")
        #expect(fixture.send("GET", "/invoices?cId=extid-one").array.count == 2)
        let bad = fixture.upsert(#"{"cId":"extid-one","currency":"EUR","status":"late"}"#, to: "/invoices")
        #expect(bad.messages == ["status must be one of pending, paid, overdue"])
    }

    @Test func opportunityHasDefaultsAndNoValue() throws {
        let fixture = try ModelSample.fixture()
        fixture.upsert(
            #"{"companyId":"extid-one","value":5,"mrr":7,"ownerId":"5a6b8c0d0e03000000000000"}"#,
            to: "/opportunities")
        let record = fixture.send("GET", "/opportunities").array[0]
        #expect(record["value"] == nil)
        #expect(record["contractLength"] as? Int == 12)
        #expect(record["status"] as? String == "active")
        #expect(record["ownerName"] as? String == "Anna Berg")
        #expect(record["ownerId"] as? String == "5a6b8c0d0e03000000000000")
        let bad = fixture.upsert(#"{"companyId":"extid-one","status":"open"}"#, to: "/opportunities")
        #expect(bad.messages == ["status must be one of active, won, lost"])
    }

    @Test func figuresOfADealAreItsLineItems() throws {
        let fixture = try ModelSample.fixture()
        fixture.send("PUT", "/deals/\(ModelSample.deal)", #"{"mrr":5,"total":60,"startDate":"2020-01-01"}"#)
        let alone = fixture.send("GET", "/deals/\(ModelSample.deal)")
        #expect(alone.number("mrr") == 5 && alone.number("arr") == 60 && alone.number("total") == 60)
        #expect(alone.object["startDate"] == nil)
        fixture.upsert(
            #"{"dealId":"\#(ModelSample.deal)","fromDate":"2026-01-01","toDate":"2026-12-31","mrr":10},"#
                + #"{"dealId":"\#(ModelSample.deal)","fromDate":"2026-03-01","type":"fee","value":30}"#,
            to: "/lineitems")
        let deal = fixture.send("GET", "/deals").array[0]
        #expect(deal["mrr"] as? Int == 10 && deal["arr"] as? Int == 120 && deal["total"] as? Int == 150)
        #expect(deal["startDate"] as? String == "2026-01-01T00:00:00.000Z")
        #expect(deal["endDate"] as? String == "2026-12-31T00:00:00.000Z")
    }

    @Test(arguments: [
        (#""fixedPeriod":true,"fromDate":"2026-01-01","mrr":1"#, "toDate is required"),
        (#""fixedPeriod":false,"fromDate":"2026-01-01","value":1"#, "mrr is required"),
        (#""mrr":1"#, "fromDate is required"), (#""type":"fee","fromDate":"2026-01-01"#, "value is required"),
        (#""type":"gift","fromDate":"2026-01-01"#, "type must be one of subscription, fee"),
    ])
    func lineItemNeedsWhatItsTypeAsks(_ fields: String, _ message: String) throws {
        let closed = fields.hasSuffix("01") ? fields + "\"" : fields
        let answer = try ModelSample.fixture().upsert(
            "{\"dealId\":\"\(ModelSample.deal)\",\(closed)}", to: "/lineitems")
        #expect(answer.messages == [message])
    }

    @Test func lineItemBelongsToTheDealsCompanyAndTakesOverItsProduct() throws {
        let fixture = try ModelSample.fixture()
        let product =
            fixture.upsert(
                #"{"name":"Pro","mrr":20,"currency":"EUR","length":12,"fixedPeriod":true}"#, to: "/products"
            ).list("upsertedIds").first as? String ?? ""
        #expect(fixture.send("GET", "/products/\(product)").number("arr") == 240)
        let answer = fixture.upsert(
            #"{"dealId":"\#(ModelSample.deal)","productId":"\#(product)","fromDate":"2026-01-01","currency":"USD"}"#,
            to: "/lineitems")
        #expect(answer.number("created") == 1, "\(answer.body)")
        let item = fixture.send("GET", "/lineitems").array[0]
        #expect(item["name"] as? String == "Pro" && item["currency"] as? String == "USD")
        #expect(item["companyName"] as? String == "One")
        #expect(item["value"] as? Int == 240)
        let lost = fixture.upsert(
            #"{"dealId":"5a6b8c0d0e09000000000fff","fromDate":"2026-01-01","mrr":1}"#, to: "/lineitems")
        #expect(lost.messages == ["dealId 5a6b8c0d0e09000000000fff does not exist"])
    }
}

@Suite struct UnsureKeyTests {
    @Test(arguments: [("match", [0, 1]), ("create", [1, 0])])
    func keysOfUnknownStandingFollowTheirSwitch(_ value: String, _ counts: [Int]) throws {
        let fixture = try ModelSample.fixture("unsure-keys=\(value)")
        let rows = [
            (
                "/licenses",
                #""companyId":"extid-one","_currency":"EUR","fromDate":"2026-01-01","mrr":1,"externalId":"l""#
            ),
            ("/licenses", #""companyId":"extid-one","_currency":"EUR","fromDate":"2026-01-01","mrr":1,"sourceId":"s""#),
            ("/invoices", #""cId":"extid-one","currency":"EUR","extId":"i""#),
            ("/users", #""email":"u@one.example","nickName":"U","firstName":"F","lastName":"L""#),
            ("/churn", #""companyId":"extid-one","value":1,"externalId":"c""#),
            ("/tasks", #""companyId":"extid-one","mainType":"task","externalId":"t""#),
        ]
        for (path, row) in rows {
            let before = fixture.upsert("{\(row)}", to: path).number("created")
            #expect(before == 1, "\(path)")
            let changed = fixture.upsert("{\(row),\"custom\":{\"Note\":\"new\"}}", to: path)
            #expect([changed.number("created"), changed.number("updated")] == counts, "\(path): \(row)")
        }
    }

    /// What Planhat's pages name as a key is one either way.
    @Test func keysThatAreDocumentedStillMatch() throws {
        let fixture = try ModelSample.fixture("unsure-keys=create")
        for path in ["/churn", "/tasks"] {
            let row = #""companyId":"extid-one","value":1,"mainType":"task","sourceId":"s""#
            fixture.upsert("{\(row)}", to: path)
            #expect(fixture.upsert("{\(row),\"custom\":{\"Note\":\"new\"}}", to: path).number("updated") == 1)
        }
    }
}
