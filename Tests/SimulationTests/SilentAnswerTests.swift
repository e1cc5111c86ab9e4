import ConnectorKit
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// What an answer does not say: rows that are passed over and counted all the same, lists that hold more than was asked for,
/// and forms of which only one is taken.
struct SilentAnswerTests {
    private func put(_ fixture: AccountFixture, _ path: String, _ rows: String) {
        #expect(fixture.sandbox.perform("PUT", path, "[\(rows)]").status == 200)
    }

    // MARK: Rows that are passed over

    /// A handful is looked up one by one, more are looked for in the list.
    @Test(arguments: AccountSwitches.values["dropped"] ?? [], [3, 30])
    func peopleOfNoCompanyAreRejectedHoweverTheyAreCounted(dropped: String, strangers: Int) async throws {
        let fixture = try AccountFixture(["id", "email", "name"], switches: ["dropped=\(dropped)", "keys=id"])
        put(fixture, "/companies", #"{"externalId":"p1","name":"P1"}"#)
        let people = (1...5).map {
            #"{"externalId":"k\#($0)","email":"k\#($0)@p1.example","firstName":"Ann","companyId":"extid-p1"}"#
        }
        put(fixture, "/endusers", people.joined(separator: ","))
        let sync = accountSync(
            "end_user", key: "externalId", [("email", "email", nil), ("firstName", "name", nil)])
        let known = (1...5).map { ["k\($0)", "k\($0)@p1.example", "Ann"] }
        let others = (1...strangers).map { ["s\($0)", "s\($0)@nowhere.example", "Bob"] }
        fixture.fill(known + others)
        for unchanged in [0, 5] {
            let record = try await fixture.run(sync)
            #expect(record.rows.unchanged == unchanged && record.operations.accepted == 5 - unchanged)
            #expect(record.operations.rejected == strangers, "\(record.operations)")
            let reasons = try fixture.reasons(record)
            #expect(Set(reasons.keys) == Set(others.map { $0[0] }))
            #expect(Set(reasons.values.map(\.code)) == ["dropped_by_destination"])
        }
        #expect(fixture.sandbox.store.count(of: "endusers") == 5)
    }

    /// Where all is there already nothing is rejected, and a run of changes asks nothing.
    @Test(arguments: AccountSwitches.values["dropped"] ?? [])
    func peopleWhoAreThereAsTheyAreAreAccepted(dropped: String) async throws {
        let fixture = try AccountFixture(["id", "company", "name"], switches: ["dropped=\(dropped)"])
        put(fixture, "/companies", #"{"externalId":"p1","name":"P1"}"#)
        let people = (1...30).map { #"{"externalId":"k\#($0)","firstName":"Ann","companyId":"extid-p1"}"# }
        put(fixture, "/endusers", people.joined(separator: ","))
        let sync = accountSync(
            "end_user", key: "externalId", [("companyId", "company", "externalId"), ("firstName", "name", nil)])
        fixture.fill((1...30).map { ["k\($0)", "p1", "Ann"] })
        let first = try await fixture.run(sync)
        #expect(first.state == .succeeded && first.operations.accepted == 30 && first.operations.created == 0)
        let writes = first.requests
        fixture.fill((1...30).map { ["k\($0)", "p1", $0 > 10 ? "Ann" : "Eve"] })
        let second = try await fixture.run(sync)
        #expect(second.state == .succeeded && second.operations.updated == 10)
        #expect(second.requests == 1 && writes >= 1, "\(second.requests) requests")
    }

    // MARK: Lists that hold more than was asked for

    /// The person looked for stands behind a hundred others.
    @Test(arguments: AccountSwitches.values["filters"] ?? [])
    func aPersonIsFoundByEmailWhateverTheListHolds(filters: String) async throws {
        let fixture = try AccountFixture(["id", "name"], switches: ["filters=\(filters)"])
        put(fixture, "/companies", #"{"externalId":"p1","name":"P1"}"#)
        let crowd = (1...150).map { #"{"email":"x\#($0)@p1.example","companyId":"extid-p1"}"# }
        put(fixture, "/endusers", crowd.joined(separator: ","))
        put(fixture, "/endusers", #"{"email":"ann@p1.example","companyId":"extid-p1"}"#)
        let sync = accountSync("end_user", .updateOnly, key: "email", [("firstName", "name", nil)])
        fixture.fill([["ann@p1.example", "Ann"], ["nobody@p1.example", "Nobody"]])
        let record = try await fixture.run(sync)
        #expect(record.operations.updated == 1 && record.rows.skipped == 1, "\(record.operations) \(record.rows)")
        #expect(fixture.sandbox.store.count(of: "endusers") == 151)
    }

    /// Two records of two companies with one external id: only the one that the sync had written is removed.
    @Test(arguments: AccountSwitches.values["filters"] ?? [])
    func onlyTheRecordOfItsCompanyIsRemoved(filters: String) async throws {
        let fixture = try AccountFixture(["id", "company", "name"], switches: ["filters=\(filters)", "keys=id"])
        put(fixture, "/companies", #"{"externalId":"p1","name":"P1"},{"externalId":"p2","name":"P2"}"#)
        var sync = accountSync(
            "asset", .mirror, key: "externalId", within: "company",
            [("companyId", "company", "externalId"), ("name", "name", nil)])
        sync.guards.removedPercentMax = 100
        fixture.fill([["x1", "p1", "Pump"], ["x1", "p2", "Press"], ["x2", "p2", "Drill"]])
        #expect(try await fixture.run(sync).operations.created == 3)
        fixture.fill([["x1", "p2", "Press"], ["x2", "p2", "Drill"]])
        var options = RunOptions()
        options.acceptedGuards = ["removed", "first_removals"]
        let record = try await fixture.run(sync, options)
        #expect(record.state == .succeeded && record.operations.removed == 1, "\(record.error as Any)")
        let left = fixture.sandbox.perform("GET", "/assets?limit=10").body
        #expect(left.contains("Press") && left.contains("Drill") && !left.contains("Pump"), "\(left)")
    }

    // MARK: Forms of which only one is taken

    private func days(_ fixture: AccountFixture) -> [String: String] {
        let companies = AccountOracle.list(fixture.sandbox.perform("GET", "/companies?limit=1000").body)
        let texts = companies.map { company -> (String, String) in
            let day = (company["custom"] as? [String: Any])?["Day"]
            return (company["externalId"] as? String ?? "", day.map { "\($0)" } ?? "")
        }
        return Dictionary(uniqueKeysWithValues: texts)
    }

    /// Dates first; numbers where those are refused, from then on at once.
    @Test(arguments: AccountSwitches.values["custom-day"] ?? [], AccountSwitches.values["errors"] ?? [])
    func customDaysArriveInTheFormThatIsTaken(form: String, errors: String) async throws {
        let fixture = try AccountFixture(["id", "name", "day"], switches: ["custom-day=\(form)", "errors=\(errors)"])
        let field = #"{"parent":"company","name":"Day","type":"day"}"#
        #expect(fixture.sandbox.perform("POST", "/customfields", field).status == 200)
        let sync = accountSync("company", key: "externalId", [("name", "name", nil), ("custom.Day", "day", nil)])
        fixture.fill([["k1", "One", "2026-01-02"], ["k2", "Two", ""], ["k3", "Three", "1969-12-31"]])
        let first = try await fixture.run(sync)
        #expect(first.state == .succeeded && first.operations.created == 3, "\(first.operations)")
        let isNumber = form == "number"
        #expect(days(fixture)["k1"] == (isNumber ? "20455" : "2026-01-02"), "\(days(fixture))")
        #expect(days(fixture)["k3"] == (isNumber ? "-1" : "1969-12-31"))
        fixture.fill([["k1", "One", "2026-01-03"], ["k2", "Two", "2026-01-04"], ["k3", "Three", ""]])
        let second = try await fixture.run(sync)
        #expect(second.state == .succeeded && second.operations.updated == 3, "\(second.operations)")
        #expect(days(fixture)["k2"] == (isNumber ? "20457" : "2026-01-04"))
        #expect(try await fixture.run(sync).rows.unchanged == 3)
    }

    /// A refusal for another reason stays one, in either form.
    @Test(arguments: AccountSwitches.values["custom-day"] ?? [])
    func aRefusalOfSomethingElseIsNotMended(form: String) async throws {
        let fixture = try AccountFixture(["id", "name", "day", "status"], switches: ["custom-day=\(form)"])
        let field = #"{"parent":"company","name":"Day","type":"day"}"#
        #expect(fixture.sandbox.perform("POST", "/customfields", field).status == 200)
        var sync = accountSync(
            "company", key: "externalId",
            [("name", "name", nil), ("custom.Day", "day", nil), ("status", "status", nil)])
        sync.allowUnknownChoices = true
        fixture.fill([["k1", "One", "2026-01-02", "nonsense"]])
        let first = try await fixture.run(sync)
        #expect(first.operations.rejected == 1 && first.reasons.map(\.code) == ["refused_by_destination"])
        fixture.fill([["k1", "One", "2026-01-02", "nonsense"], ["k2", "Two", "2026-01-02", "customer"]])
        let second = try await fixture.run(sync)
        #expect(second.operations.created == 1 && second.operations.rejected == 1, "\(second.operations)")
        #expect(days(fixture) == ["k2": form == "number" ? "20455" : "2026-01-02"])
    }
}
