import Foundation
import PlanhatSandbox
import Testing

/// The analytics API: activities, metrics, the Segment dock, and the names of long ago.
@Suite struct AnalyticsTests {
    private static let tenant = SandboxConfiguration.defaultTenantUUID
    private static let bulk = "/analytics/bulk/\(tenant)"
    private static let metrics = "/dimensiondata/\(tenant)"

    private func fixture(_ switches: String..., rules: [String] = []) throws -> SandboxFixture {
        let planhat = try SandboxFixture(all: switches, rules: rules)
        planhat.upsert(
            #"{"externalId":"a1","name":"One","domains":["one.example"]},{"externalId":"a2","name":"Two"}"#)
        planhat.upsert(
            #"{"email":"x@one.example","companyId":"extid-a1","externalId":"p1"}"#, to: "/endusers")
        return planhat
    }

    private func lines(_ planhat: SandboxFixture, _ kind: String) throws -> [[String: Any]] {
        try planhat.sandbox.eventLines(kind).split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
    }

    // MARK: Activities

    @Test func activitiesOfKnownPeopleAreKept() throws {
        let planhat = try fixture()
        let answer = planhat.send(
            "POST", Self.bulk,
            #"[{"email":"X@one.example","action":"Login"},{"externalId":"p1","date":"2026-01-01","info":{"a":[1]}}]"#)
        #expect(answer.status == 200 && answer.number("processed") == 2 && answer.list("errors").isEmpty)
        let kept = try lines(planhat, "activities")
        #expect(kept.map { $0["enduserId"] as? String }.allSatisfy { $0 == kept[0]["enduserId"] as? String })
        #expect(kept[0]["action"] as? String == "Login" && kept[1]["date"] as? String == "2026-01-01")
        #expect((kept[1]["info"] as? [String: Any])?["a"] as? [Int] == [1])
        #expect(planhat.sandbox.store.count(of: "endusers") == 1)
    }

    @Test func oneActivityMayComeAlone() throws {
        let planhat = try fixture()
        #expect(planhat.send("POST", "/analytics/\(Self.tenant)", #"{"externalId":"p1"}"#).number("processed") == 1)
        #expect(planhat.sandbox.store.events("activities").created == 1)
    }

    @Test func unknownPersonOfAKnownCompanyIsMade() throws {
        let planhat = try fixture()
        planhat.send(
            "POST", Self.bulk,
            #"[{"email":"n@n.example","companyExternalId":"a2","firstName":"Nu"},{"email":"m@one.example"}]"#)
        let people = planhat.send("GET", "/endusers?select=email,firstName,companyName").array
        #expect(people.map { $0["email"] as? String } == ["x@one.example", "n@n.example", "m@one.example"])
        #expect(people.map { $0["companyName"] as? String } == ["One", "Two", "One"])
        #expect(people[1]["firstName"] as? String == "Nu")
        #expect(planhat.sandbox.store.events("activities").created == 2)
    }

    @Test(arguments: [
        #"{"email":"n@n.example"}"#, #"{"email":"n@n.example","companyExternalId":"none"}"#, #"{"action":"Login"}"#,
        #"{"email":null,"externalId":" ","companyExternalId":"a1"}"#, "{}",
    ])
    func whoCannotBeToldIsDroppedWithoutAWord(_ event: String) throws {
        let planhat = try fixture()
        let answer = planhat.send("POST", Self.bulk, "[\(event)]")
        #expect(answer.status == 200 && answer.number("processed") == 1 && answer.list("errors").isEmpty)
        let totals = planhat.sandbox.store.events("activities")
        #expect(totals.dropped == 1 && totals.created == 0 && totals.received == 1)
        #expect(planhat.sandbox.store.count(of: "endusers") == 1)
    }

    @Test func eventThatComesTwiceIsKeptTwiceAndTold() throws {
        let planhat = try fixture()
        let event = #"{"externalId":"p1","action":"Login","date":"2026-01-01T00:00:00Z"}"#
        planhat.send("POST", Self.bulk, "[\(event),\(event)]")
        planhat.send("POST", Self.bulk, #"[{"action":"Login","date":"2026-01-01T00:00:00Z","id":"p1"}]"#)
        let totals = planhat.sandbox.store.events("activities")
        #expect(totals.created == 3 && totals.sentAgain == 2)
        #expect(
            planhat.sandbox.store.sentAgain == ["activities externalId=p1 action=Login date=2026-01-01T00:00:00Z": 3])
    }

    @Test func namesOfLongAgoAreTaken() throws {
        let planhat = try fixture()
        planhat.send("POST", Self.bulk, #"[{"id":"p9","cId":"a2","count":3}]"#)
        let kept = try lines(planhat, "activities")
        #expect(kept[0]["externalId"] as? String == "p9" && kept[0]["count"] as? Int == 3)
        planhat.send("POST", Self.metrics, #"{"dimensionId":"d","value":1,"companyExternalId":"a1"}"#)
        planhat.send("POST", "/\(Self.tenant)/dimensiondata", #"[{"dimensionId":"d","value":2,"externalId":"a1"}]"#)
        #expect(try lines(planhat, "metrics").map { $0["value"] as? Int } == [1, 2])
    }

    @Test func activityWithAWrongValueIsAnError() throws {
        let planhat = try fixture()
        let answer = planhat.send(
            "POST", Self.bulk, #"[{"externalId":"p1","date":"soon"},{"externalId":"p1","weight":"much"}]"#)
        #expect(answer.status == 200 && answer.number("processed") == 0)
        #expect(
            answer.objects("errors").map { $0["message"] as? String }
                == ["date must be an ISO 8601 date", "weight must be a number"])
        #expect(planhat.sandbox.store.events("activities").failed == 2)
    }

    // MARK: Metrics

    @Test func metricsAreAddedAndNeverReplaced() throws {
        let planhat = try fixture()
        let row = #"{"dimensionId":"seats","value":5,"externalId":"a1","date":"2026-01-02"}"#
        planhat.send("POST", Self.metrics, "[\(row),\(row)]")
        planhat.send("POST", Self.metrics, row.replacingOccurrences(of: "5", with: "6"))
        let list = planhat.send("GET", "/dimensiondata?from=20455&to=20455&limit=10").array
        #expect(list.map { $0["value"] as? Int } == [5, 5, 6])
        #expect(planhat.sandbox.store.events("metrics").sentAgain == 1)
        #expect(
            planhat.sandbox.store.sentAgain == [
                "metrics Company externalId=a1 dimensionId=seats date=2026-01-02T00:00:00.000Z": 2
            ])
    }

    @Test func listedRowsHaveTheirShape() throws {
        let planhat = try fixture()
        planhat.send(
            "POST", Self.metrics,
            #"{"dimensionId":"Cumulative CPUs","value":1.25,"externalId":"p1","model":"EndUser","date":"2026-01-02T10:00:00Z"}"#
        )
        let row = try #require(planhat.send("GET", "/dimensiondata").array.first)
        let company = planhat.send("GET", "/companies/extid-a1").text("_id")
        let person = planhat.send("GET", "/endusers/extid-p1").text("_id")
        #expect((row["_id"] as? String)?.count == 24)
        #expect(row["companyId"] as? String == company && row["parentId"] as? String == person)
        #expect(row["companyName"] as? String == "One" && row["model"] as? String == "EndUser")
        #expect(row["value"] as? Double == 1.25 && row["dimensionId"] as? String == "Cumulative CPUs")
        #expect(row["day"] as? Int == 20_455 && row["time"] as? String == "2026-01-02T10:00:00.000Z")
        #expect((row["timestamp"] as? [String: String])?["value"] == "2026-01-02T10:00:00.000Z")
    }

    @Test func listIsFilteredAndPaged() throws {
        let planhat = try fixture()
        let rows = (0..<30).map { index in
            #"{"dimensionId":"d\#(index % 2)","value":\#(index),"externalId":"a\#(index % 3 == 0 ? 1 : 2)","date":"2026-01-\#(index < 9 ? "0" : "")\#(index + 1)"}"#
        }
        planhat.send("POST", Self.metrics, "[" + rows.joined(separator: ",") + "]")
        func values(_ query: String) -> [Int] {
            planhat.send("GET", "/dimensiondata?" + query).array.compactMap { $0["value"] as? Int }
        }
        let company = planhat.send("GET", "/companies/extid-a1").text("_id") ?? ""
        #expect(values("").count == 30 && values("limit=4&offset=28") == [28, 29])
        #expect(values("cId=\(company)&dimid=d0") == [0, 6, 12, 18, 24])
        #expect(values("cid=extid-a1&dimid=d0&from=20460&to=20466") == [6, 12])
        #expect(values("dimid=none").isEmpty && values("cId=none").isEmpty)
    }

    @Test(arguments: [
        (#"{"value":1,"externalId":"a1"}"#, "dimensionId is required"),
        (#"{"dimensionId":"d","externalId":"a1"}"#, "value is required"),
        (#"{"dimensionId":"d","value":"x","externalId":"a1"}"#, "value must be a number"),
        (#"{"dimensionId":"d","value":1}"#, "externalId is required"),
        (#"{"dimensionId":"d","value":1,"externalId":"zz"}"#, "Company zz does not exist"),
        (#"{"dimensionId":"d","value":1,"externalId":"a1","model":"Asset"}"#, "Asset a1 does not exist"),
        (
            #"{"dimensionId":"d","value":1,"externalId":"a1","model":"Thing"}"#,
            "model must be one of Company, EndUser, Asset, Project"
        ),
        (#"{"dimensionId":"d","value":1,"externalId":"a1","date":"x"}"#, "date must be an ISO 8601 date"),
    ])
    func metricWithoutWhatItNeedsIsAnErrorIn200(_ row: String, _ message: String) throws {
        let planhat = try fixture()
        let good = #"{"dimensionId":"d","value":1,"externalId":"a1"}"#
        let answer = planhat.send("POST", Self.metrics, "[\(good),\(row)]")
        #expect(answer.status == 200 && answer.number("processed") == 1)
        #expect(answer.objects("errors").map { $0["message"] as? String } == [message])
        let totals = planhat.sandbox.store.events("metrics")
        #expect(totals.created == 1 && totals.failed == 1 && totals.received == 2)
    }

    // MARK: Segment

    @Test func segmentTracksIdentifiesAndGroups() throws {
        let planhat = try fixture()
        let messages = #"""
            [{"type":"group","groupId":"a3","traits":{"name":"Three"}},
             {"type":"identify","userId":"p3","traits":{"email":"t@t.example","firstName":"Tea","companyId":"a3"}},
             {"type":"track","user_id":"p3","event":"Opened","timestamp":"2026-01-01T00:00:00Z","properties":{"page":1}},
             {"type":"alias"}]
            """#
        let answer = planhat.send("POST", "/dock/segment", messages)
        #expect(answer.number("processed") == 3 && answer.list("errors").count == 1)
        #expect(planhat.send("GET", "/companies/extid-a3").text("name") == "Three")
        let person = planhat.send("GET", "/endusers/extid-p3")
        #expect(person.text("firstName") == "Tea" && person.text("companyName") == "Three")
        let kept = try lines(planhat, "activities")
        #expect(kept.count == 1 && kept[0]["action"] as? String == "Opened")
        #expect(planhat.sandbox.store.events("activities").received == 2)
    }

    // MARK: Answers

    @Test(arguments: [
        ("unknown-tenant=not-found", 404, #"{"message":"Not found"}"#),
        ("unknown-tenant=unauthorized", 401, #"{"message":"Unauthorized"}"#),
        ("unknown-tenant=errors", 200, #"{"processed":0,"errors":["Unknown tenant"]}"#),
        ("unknown-tenant=ignore", 200, #"{"processed":0,"errors":[]}"#),
    ])
    func unknownTenantWritesNothing(_ setting: String, _ status: Int, _ body: String) throws {
        let planhat = try fixture(setting)
        for path in ["/analytics/bulk/other", "/dimensiondata/other", "/analytics/other", "/other/dimensiondata"] {
            let answer = planhat.send("POST", path, #"[{"externalId":"p1"}]"#)
            #expect(answer.status == status && answer.body == body)
        }
        #expect(planhat.sandbox.store.events("activities").received == 0)
        #expect(planhat.send("POST", Self.bulk.uppercased().lowercased(), "[]").status == 200)
    }

    @Test(arguments: [("analytics=text", "OK"), ("analytics=empty", "")])
    func answerSaysNothingOfTheRows(_ setting: String, _ body: String) throws {
        let planhat = try fixture(setting)
        let answer = planhat.send("POST", Self.metrics, #"[{"dimensionId":"d","value":1,"externalId":"zz"}]"#)
        #expect(answer.status == 200 && answer.body == body)
        #expect(planhat.sandbox.store.events("metrics").failed == 1)
    }

    @Test(arguments: [
        ("errors=object", #"[{"message":"externalId is required","item":{"dimensionId":"d","value":1}}]"#),
        ("errors=string", #"["externalId is required"]"#),
        ("errors=anonymous", #"[{"message":"externalId is required"}]"#),
        ("errors=index", #"[{"message":"externalId is required","index":0}]"#),
    ])
    func errorEntriesHaveEveryShape(_ setting: String, _ entries: String) throws {
        let planhat = try fixture(setting)
        let answer = planhat.send("POST", Self.metrics, #"[{"dimensionId":"d","value":1}]"#)
        #expect(answer.body == #"{"processed":0,"errors":"# + entries + "}")
    }

    @Test func processedCountsWhatTheSwitchSays() throws {
        let rows = #"[{"externalId":"p1"},{"email":"n@n.example"},{"externalId":"p1","date":"x"}]"#
        for (setting, processed) in [("taken", 2), ("kept", 1), ("all", 3)] {
            #expect(try fixture("processed=\(setting)").send("POST", Self.bulk, rows).number("processed") == processed)
        }
        #expect(try fixture("analytics-status=bad").send("POST", Self.bulk, rows).status == 400)
    }

    @Test func otherSwitchesOfMetricsWork() throws {
        let row = #"[{"dimensionId":"d","value":1,"externalId":"zz"}]"#
        let silent = try fixture("unknown-metric=ignore").send("POST", Self.metrics, row)
        #expect(silent.list("errors").isEmpty && silent.number("processed") == 1)
        let planhat = try fixture("metric-time=day")
        planhat.send(
            "POST", Self.metrics, #"{"dimensionId":"d","value":1,"externalId":"a1","date":"2026-01-02T10:00:00Z"}"#)
        #expect(
            planhat.send("GET", "/dimensiondata").array.map { $0["time"] as? String } == ["2026-01-02T00:00:00.000Z"])
    }

    @Test(arguments: ["", "7", "\"x\"", "[1]", "[{]", #"{"a":1} x"#])
    func bodyThatIsNoRowsIsRefused(_ body: String) throws {
        #expect(try fixture().send("POST", Self.bulk, body).status == 400)
    }

    @Test func emptyListIsTaken() throws {
        #expect(try fixture().send("POST", Self.metrics, "[]").body == #"{"processed":0,"errors":[]}"#)
    }

    @Test func rowsAreRefusedByRule() throws {
        let planhat = try fixture(rules: [#"refuse where action=Bad message="no such action" path=/analytics"#])
        let answer = planhat.send("POST", Self.bulk, #"[{"externalId":"p1","action":"Bad"},{"externalId":"p1"}]"#)
        #expect(answer.number("processed") == 1)
        #expect(answer.objects("errors").map { $0["message"] as? String } == ["no such action"])
    }

    // MARK: Large, and kept

    @Test func aHundredThousandEventsAreTakenAtOnce() throws {
        let planhat = try fixture()
        let rows = (0..<100_000).map { #"{"externalId":"p1","action":"A\#($0)"}"# }.joined(separator: ",")
        #expect(planhat.send("POST", Self.bulk, "[\(rows)]").number("processed") == 100_000)
        #expect(planhat.sandbox.store.events("activities").created == 100_000)
        #expect(planhat.sandbox.store.sentAgain.isEmpty)
        #expect(planhat.sandbox.eventLines("activities").utf8.count { $0 == 0x0A } == 100_000)
    }

    @Test func dataFileKeepsEventsAndKnowsThemAgain() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("events-\(UUID()).jsonl").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let event = #"[{"externalId":"p1","action":"Å\"","date":"2026-01-01"}]"#
        let metric = #"[{"dimensionId":"d","value":0.5,"externalId":"a1","date":"2026-01-01"}]"#
        let first = try SandboxFixture(dataFile: path)
        first.upsert(#"{"externalId":"a1","name":"One"}"#)
        first.upsert(#"{"externalId":"p1","companyId":"extid-a1"}"#, to: "/endusers")
        first.send("POST", Self.bulk, event)
        first.send("POST", Self.metrics, metric)
        try first.sandbox.save()
        let second = try SandboxFixture(dataFile: path)
        for kind in ["activities", "metrics"] {
            #expect(second.sandbox.eventLines(kind) == first.sandbox.eventLines(kind))
        }
        second.send("POST", Self.bulk, event)
        second.send("POST", Self.metrics, metric)
        #expect(second.sandbox.store.sentAgain.count == 2)
        #expect(second.send("GET", "/dimensiondata").array.count == 2)
        second.sandbox.reset()
        #expect(second.sandbox.eventLines("activities").isEmpty && second.sandbox.store.sentAgain.isEmpty)
    }

    // MARK: The other switches

    @Test func peoplesNamesGetAnotherCaseAndStayEqual() throws {
        let planhat = try fixture("names=change")
        let row = #"{"externalId":"p7","companyId":"extid-a1","firstName":"anna MARIA","lastName":"von Essen"}"#
        #expect(planhat.upsert(row, to: "/endusers").number("created") == 1)
        #expect(planhat.upsert(row, to: "/endusers").number("nonupdates") == 1)
        let person = planhat.send("GET", "/endusers/extid-p7")
        #expect(person.text("firstName") == "Anna Maria" && person.text("lastName") == "Von Essen")
        #expect(planhat.send("GET", "/companies/extid-a1").text("name") == "One")
    }

    @Test func everyRowIsRefusedWhereTheRuleSaysAll() throws {
        let planhat = try SandboxFixture(rules: [#"refuse all permission path=/companies"#])
        let answer = planhat.upsert(#"{"externalId":"a","name":"A"},{"externalId":"b","name":"B"}"#)
        #expect(answer.status == 403 && answer.list("permissionErrors").count == 2)
        #expect(planhat.sandbox.store.count(of: "companies") == 0)
    }
}
