import ConnectorKit
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import Testing

/// Which record a row changes, through the real connector: with `update_only` the one that was found and no other, with
/// `create_only` none at all, and `plan` says beforehand what will be.
struct ExactRecordTests {
    private typealias Lines = [(field: String, column: String, lookup: String?)]

    private static let asset: Lines = [("name", "name", nil), ("companyId", "company", "externalId")]
    private static let person: Lines = [("lastName", "name", nil), ("companyId", "company", "externalId")]

    /// An account with the companies a1 and a2, and what else these rows make.
    private func account(
        _ object: String = "asset", _ rows: [[String]] = [], switches: [String] = []
    ) async throws -> AccountFixture {
        let fixture = try AccountFixture(["id", "name", "crm", "company", "email"], switches: switches)
        fixture.fill([["a1", "One", "c1", "", ""], ["a2", "Two", "c2", "", ""]])
        let companies = accountSync(
            "company", key: "externalId", name: "companies", [("name", "name", nil), ("sourceId", "crm", nil)])
        #expect(try await fixture.run(companies).operations.created == 2)
        guard !rows.isEmpty else { return fixture }
        fixture.fill(rows)
        let lines = object == "asset" ? Self.asset : Self.person + [("email", "email", nil)]
        let seed = accountSync(
            object, key: "sourceId", name: "seed", lines + [("externalId", "id", nil)])
        var keyed = seed
        keyed.key.columns = ["crm"]
        #expect(try await fixture.run(keyed).operations.created == rows.count)
        return fixture
    }

    private func text(_ fixture: AccountFixture, _ path: String, _ id: String) -> String {
        fixture.sandbox.store.record(path, id) ?? ""
    }

    // MARK: Update only

    /// The only record with the key is in another company: it is that one that is meant, and nothing is created.
    @Test func updateGoesToTheRecordThatHasTheKey() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""]])
        fixture.fill([["x9", "New", "", "a2", ""], ["x8", "None", "", "a2", ""]])
        let record = try await fixture.run(accountSync("asset", .updateOnly, key: "externalId", Self.asset))
        #expect(record.operations.updated == 1 && record.operations.created == 0 && record.rows.skipped == 1)
        #expect(fixture.sandbox.store.count(of: "assets") == 1)
        #expect(text(fixture, "assets", "srcid-s1").contains("\"New\""))
    }

    @Test func keyThatSeveralRecordsHaveIsInvalid() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""], ["x9", "Older", "s2", "a2", ""]])
        fixture.fill([["x9", "New", "", "a2", ""]])
        let record = try await fixture.run(accountSync("asset", .updateOnly, key: "externalId", Self.asset))
        #expect(record.rows.invalid == 1 && record.reasons == [ReasonCount(code: "ambiguous_key", count: 1)])
        #expect(record.operations.planned == 0 && record.requests == 0)
    }

    @Test func withinTellsWhichOfThem() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""], ["x9", "Older", "s2", "a2", ""]])
        fixture.fill([["x9", "New", "", "a2", ""], ["x9", "Third", "", "a3", ""]])
        let sync = accountSync("asset", .updateOnly, key: "externalId", within: "company", Self.asset)
        let record = try await fixture.run(sync)
        #expect(record.operations.updated == 1 && record.rows.skipped == 1 && record.operations.created == 0)
        #expect(text(fixture, "assets", "srcid-s2").contains("\"New\""))
        #expect(text(fixture, "assets", "srcid-s1").contains("\"Old\""))
    }

    /// Planhat asks the source id first; the sync's key is another.
    @Test func secondKeyDoesNotLeadToAnotherRecord() async throws {
        let fixture = try await account()
        fixture.fill([["a1", "New", "c2", "", ""]])
        let sync = accountSync(
            "company", .updateOnly, key: "externalId", [("name", "name", nil), ("sourceId", "crm", nil)])
        let record = try await fixture.run(sync)
        // The source id is another company's, which Planhat says; that company stays as it was.
        #expect(record.operations.rejected == 1)
        #expect(text(fixture, "companies", "srcid-c2").contains("\"Two\""))
    }

    @Test(arguments: ["keys=echo", "keys=id"], ["errors=object", "errors=string", "errors=anonymous", "errors=index"])
    func refusedUpdatesAreStillTold(_ keys: String, _ errors: String) async throws {
        let rows = (1...30).map { ["x\($0)", "Old", "s\($0)", "a1", ""] }
        let fixture = try await account("asset", rows, switches: [keys, errors])
        fixture.fill((1...30).map { ["x\($0)", $0 == 7 ? "" : "New \($0)", "", $0 == 9 ? "none" : "a1", ""] })
        let record = try await fixture.run(accountSync("asset", .updateOnly, key: "externalId", Self.asset))
        #expect(record.operations.accepted + record.operations.rejected + record.rows.invalid == 30)
        #expect(record.operations.created == 0 && record.operations.accepted >= 28)
        #expect(try fixture.reasons(record).keys.contains("x9"))
        #expect(fixture.sandbox.store.count(of: "assets") == 30)
    }

    @Test func updateByEMailChangesThatPersonAlone() async throws {
        let fixture = try await account(
            "end_user", [["p1", "Ann", "s1", "a1", "ann@a.example"], ["p2", "Bea", "s2", "a1", "bea@a.example"]])
        fixture.fill([["bea@a.example", "New", "", "a1", ""]])
        let sync = accountSync("end_user", .updateOnly, key: "email", Self.person)
        #expect(try await fixture.run(sync).operations.updated == 1)
        #expect(text(fixture, "endusers", "srcid-s2").contains("\"New\""))
        #expect(text(fixture, "endusers", "srcid-s1").contains("\"Ann\""))
    }

    // MARK: Create only

    @Test func recordThatASecondKeyFindsIsLeftAlone() async throws {
        let fixture = try await account()
        fixture.fill([["a1", "Renamed", "new-1", "", ""], ["a3", "Three", "new-2", "", ""]])
        var sync = accountSync(
            "company", .createOnly, key: "sourceId", [("name", "name", nil), ("externalId", "id", nil)])
        sync.key.columns = ["crm"]
        let record = try await fixture.run(sync)
        #expect(record.operations.created == 1 && record.operations.updated == 0 && record.rows.skipped == 1)
        #expect(text(fixture, "companies", "extid-a1").contains("\"One\""))
        let reason = try fixture.reasons(record, .skipped)["new-1"]
        #expect(reason?.code == "already_at_destination" && reason?.message.contains("externalId") == true)
        let again = try await fixture.run(sync)
        #expect(again.rows.unchanged == 2 && again.operations.planned == 0)
    }

    /// The same external id in another company is another asset.
    @Test func secondKeyCountsWithinItsCompanyAlone() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""]])
        fixture.fill([["x9", "Copy", "n1", "a1", ""], ["x9", "Other", "n2", "a2", ""]])
        var sync = accountSync("asset", .createOnly, key: "sourceId", Self.asset + [("externalId", "id", nil)])
        sync.key.columns = ["crm"]
        let record = try await fixture.run(sync)
        #expect(record.operations.created == 1 && record.rows.skipped == 1 && record.operations.updated == 0)
        #expect(text(fixture, "assets", "srcid-s1").contains("\"Old\""))
        #expect(text(fixture, "assets", "srcid-n2").contains("\"Other\""))
    }

    @Test func createOnlyWithinACompany() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""]])
        fixture.fill([["x9", "Copy", "", "a1", ""], ["x9", "Other", "", "a2", ""]])
        let record = try await fixture.run(
            accountSync("asset", .createOnly, key: "externalId", within: "company", Self.asset))
        #expect(record.operations.created == 1 && record.rows.skipped == 1 && record.operations.updated == 0)
        #expect(fixture.sandbox.store.count(of: "assets") == 2)
    }

    // MARK: Blanks around the company

    @Test func blanksAroundTheCompanyDoNotHideTheRecordToUpdate() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""], ["x9", "Older", "s2", "a2", ""]])
        fixture.fill([["x9", "New", "", " a2 ", ""]])
        let sync = accountSync("asset", .updateOnly, key: "externalId", within: "company", Self.asset)
        let record = try await fixture.run(sync)
        // The sandbox takes the reference as it is written and refuses it; the row is not said to be nowhere.
        #expect(record.operations.rejected == 1 && record.rows.skipped == 0)
        #expect(text(fixture, "assets", "srcid-s2").contains("\"Older\""))
    }

    @Test func blanksAroundTheCompanyDoNotLetACreateChangeTheRecord() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""]])
        fixture.fill([["x9", "Copy", "", " a1", ""], ["x9", "Other", "", "a2 ", ""]])
        let record = try await fixture.run(
            accountSync("asset", .createOnly, key: "externalId", within: "company", Self.asset))
        #expect(record.rows.skipped == 1 && record.operations.rejected == 1 && record.operations.updated == 0)
        #expect(text(fixture, "assets", "srcid-s1").contains("\"Old\""))
    }

    @Test func blanksAroundTheCompanyDoNotHideASecondKey() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""]])
        fixture.fill([["x9", "Copy", "n1", " a1 ", ""]])
        var sync = accountSync("asset", .createOnly, key: "sourceId", Self.asset + [("externalId", "id", nil)])
        sync.key.columns = ["crm"]
        let record = try await fixture.run(sync)
        #expect(record.operations.created == 0 && record.rows.skipped == 1)
    }

    // MARK: What plan says

    @Test func planCountsByEveryKeyThatIsMapped() async throws {
        let fixture = try await account()
        fixture.fill([["a1", "One", "new-1", "", ""], ["a3", "Two", "new-2", "", ""]])
        var sync = accountSync("company", key: "sourceId", [("name", "name", nil), ("externalId", "id", nil)])
        sync.key.columns = ["crm"]
        let plan = try await fixture.plan(sync)
        #expect(plan.operations.created == 1 && plan.operations.updated == 1 && plan.warnings.isEmpty)
        let record = try await fixture.run(sync)
        #expect(record.operations.created == 1 && record.operations.updated == 1)
    }

    @Test func planLooksWithinACompanyToo() async throws {
        let fixture = try await account("asset", [["x9", "Old", "s1", "a1", ""]])
        fixture.fill([["x9", "New", "", "a1", ""], ["x9", "Other", "", "a2", ""]])
        let sync = accountSync("asset", key: "externalId", within: "company", Self.asset)
        let plan = try await fixture.plan(sync)
        #expect(plan.isDestinationRead && plan.operations.created == 1 && plan.operations.updated == 1)
        let record = try await fixture.run(sync)
        #expect(record.operations.created == 1 && record.operations.updated == 1)
    }

    /// The assets that are there have no external id yet.
    @Test func possibleDuplicatesAreToldWithinACompanyToo() async throws {
        let fixture = try await account("asset", [["", "Engine", "s1", "a1", ""]])
        fixture.fill([["x1", "Engine", "", "a1", ""]])
        let plan = try await fixture.plan(
            accountSync("asset", key: "externalId", within: "company", Self.asset))
        #expect(plan.operations.created == 1)
        #expect(plan.warnings.map(\.code) == ["possible_duplicates"])
    }

    /// People without the key are found by their e-mail where it is mapped, so nobody is made a second time.
    @Test func peopleAreFoundByTheirEMail() async throws {
        let fixture = try await account("end_user", [["", "Ann", "s1", "a1", "ann@a.example"]])
        fixture.fill([["p1", "Ann", "", "a1", "Ann@a.example"], ["p2", "Bea", "", "a1", "bea@a.example"]])
        let sync = accountSync(
            "end_user", key: "externalId", within: "company", Self.person + [("email", "email", nil)])
        let plan = try await fixture.plan(sync)
        #expect(plan.operations.created == 1 && plan.operations.updated == 1 && plan.warnings.isEmpty)
        let record = try await fixture.run(sync)
        #expect(record.operations.created == 1 && record.operations.updated == 1)
    }
}
