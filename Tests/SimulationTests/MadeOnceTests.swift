import ConnectorKit
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Notes and time entries, which only Planhat's own id finds, through the engine and the real connector: each is made once,
/// and what may have been made is not made again.
struct MadeOnceTests {
    private static let noteColumns = ["id", "company", "kind", "title"]
    private static let timeColumns = ["id", "day", "hours"]

    private static func notes() -> SyncDefinition {
        accountSync(
            "note", .send, key: nil,
            [
                ("companyId", "company", "externalId"), ("type", "kind", nil), ("subject", "title", nil),
                ("externalId", "id", nil),
            ])
    }

    private static func times() -> SyncDefinition {
        accountSync("time_entry", .send, key: nil, [("date", "day", nil), ("hours", "hours", nil)])
    }

    private static func note(_ id: String, _ title: String = "Call", _ company: String = "p1") -> [String] {
        [id, company, "note", title]
    }

    private func fixture(_ columns: [String], rules: [String] = []) throws -> AccountFixture {
        let fixture = try AccountFixture(columns, rules: rules)
        let company = #"[{"externalId":"p1","name":"One"}]"#
        #expect(fixture.sandbox.perform("PUT", "/companies", company).status == 200)
        return fixture
    }

    private func subjects(_ fixture: AccountFixture) -> [String] {
        AccountOracle.list(fixture.sandbox.perform("GET", "/conversations?limit=100").body)
            .compactMap { $0["subject"] as? String }.sorted()
    }

    private func count(_ fixture: AccountFixture) -> Int { fixture.sandbox.store.count(of: "timeentries") }

    @Test func rowIsRefusedByItself() async throws {
        let fixture = try fixture(Self.noteColumns)
        fixture.fill([Self.note("n1", "One"), Self.note("n2", "Two", "p9"), Self.note("n3", "Three")])
        let record = try await fixture.run(Self.notes())
        #expect(record.operations.sent == 2 && record.operations.rejected == 1 && record.requests == 3)
        #expect(record.operations.inDoubt == 0 && subjects(fixture) == ["One", "Three"])
        #expect(try fixture.reasons(record)["n2"]?.code == "refused_by_destination")
        // The company comes, and so does the note; the others are not made again, whatever they say now.
        #expect(fixture.sandbox.perform("PUT", "/companies", #"[{"externalId":"p9","name":"Nine"}]"#).status == 200)
        fixture.fill([Self.note("n1", "Changed"), Self.note("n2", "Two", "p9")])
        let second = try await fixture.run(Self.notes())
        #expect(second.operations.sent == 1 && second.requests == 1)
        #expect(subjects(fixture) == ["One", "Three", "Two"])
    }

    @Test func rowWithoutWhatANoteNeedsIsNotSent() async throws {
        let fixture = try fixture(Self.noteColumns)
        fixture.fill([["n1", "", "note", "One"], ["n2", "p1", "", "Two"], ["n3", "p1", "call", "Three"]])
        let record = try await fixture.run(Self.notes())
        #expect(record.rows.invalid == 3 && record.requests == 0)
        #expect(try fixture.reasons(record, .invalid)["n1"]?.message.contains("companyId or companyExternalId") == true)
        #expect(try fixture.reasons(record, .invalid)["n2"]?.code == "required_value_missing")
        #expect(try fixture.reasons(record, .invalid)["n3"]?.code == "not_a_choice")
    }

    /// The note was made, its answer was lost: the next run finds it by its external id.
    @Test func noteThatWasMadeAfterAllIsFound() async throws {
        let fixture = try fixture(Self.noteColumns, rules: ["drop-after path=/conversations method=POST times=1"])
        fixture.fill([Self.note("n1", "One"), Self.note("n2", "Two")])
        let first = try await fixture.run(Self.notes())
        #expect(first.operations.inDoubt == 1 && first.operations.sent == 1)
        let second = try await fixture.run(Self.notes())
        #expect(second.operations.sent == 0 && second.rows.held == 0 && second.rows.unchanged == 2)
        #expect(subjects(fixture) == ["One", "Two"])
    }

    @Test func noteThatIsNotThereStaysInDoubt() async throws {
        let fixture = try fixture(Self.noteColumns, rules: ["drop-before path=/conversations method=POST times=1"])
        fixture.fill([Self.note("n1", "One"), Self.note("n2", "Two")])
        #expect(try await fixture.run(Self.notes()).operations.inDoubt == 1)
        let second = try await fixture.run(Self.notes())
        #expect(second.operations.sent == 0 && second.rows.held == 1 && subjects(fixture) == ["Two"])
    }

    /// A time entry has nothing by which it could be found.
    @Test(arguments: ["drop-before", "drop-after", "status=503 processed", "html", "cut-answer"])
    func timeEntryInDoubtWaits(_ rule: String) async throws {
        let fixture = try fixture(Self.timeColumns, rules: ["\(rule) path=/timeentries method=POST times=1"])
        fixture.fill([["t1", "2026-01-01", "2"], ["t2", "2026-01-02", "3.5"], ["t3", "2026-01-02", "25"]])
        let first = try await fixture.run(Self.times())
        #expect(first.operations.inDoubt == 1 && first.operations.sent == 1 && first.rows.invalid == 1)
        let made = count(fixture)
        let second = try await fixture.run(Self.times())
        #expect(second.rows.held == 1 && second.requests == 0 && count(fixture) == made)
        #expect(made == (["drop-before", "html"].contains(rule) ? 1 : 2))
    }

    @Test func requestThatWasNotTakenIsRepeated() async throws {
        let rules = ["status=429 retry-after=0 path=/timeentries method=POST times=2"]
        let fixture = try fixture(Self.timeColumns, rules: rules)
        fixture.fill([["t1", "2026-01-01", "2"], ["t2", "2026-01-02", "3"]])
        let record = try await fixture.run(Self.times())
        #expect(record.operations.sent == 2 && record.operations.inDoubt == 0 && count(fixture) == 2)
    }

    @Test func lackOfThePermissionEndsTheRun() async throws {
        let fixture = try fixture(Self.timeColumns, rules: ["refuse all permission path=/timeentries"])
        fixture.fill((1...60).map { ["t\($0)", "2026-01-01", "2"] })
        let record = try await fixture.run(Self.times())
        #expect(record.state == .failed && record.error?.code == "forbidden" && record.requests == 20)
        // The last one is tried by the next run as if for the first time.
        #expect(record.operations.rejected == 19 && record.operations.undelivered == 41 && count(fixture) == 0)
    }
}
