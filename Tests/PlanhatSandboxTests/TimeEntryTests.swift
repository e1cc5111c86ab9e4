import PlanhatSandbox
import Testing

@Suite struct TimeEntryTests {
    private static let path = "/timeentries/duplicate"

    private func entry(_ fixture: SandboxFixture) -> String {
        let made = fixture.upsert(
            #"{"date":"2026-01-01","hours":1.5,"companyId":"extid-one","custom":{"A":1}}"#, to: "/timeentries")
        return made.list("upsertedIds").first as? String ?? ""
    }

    @Test func entriesAreCopiedAllOrNone() throws {
        let fixture = try ModelSample.fixture()
        let id = entry(fixture)
        let copies = fixture.send("POST", Self.path, #"{"ids":["\#(id)"]}"#)
        #expect(copies.status == 200 && copies.array.count == 1)
        let copy = copies.array.first ?? [:]
        #expect(copy["_id"] as? String != id && copy["hours"] as? Double == 1.5)
        #expect(copy["companyName"] as? String == "One" && copy["date"] as? String == "2026-01-01T00:00:00.000Z")
        #expect(fixture.sandbox.store.count(of: "timeentries") == 2)
        let unknown = fixture.send("POST", Self.path, #"{"ids":["\#(id)","5a6b8c0d0e00000000000fff"]}"#)
        #expect(unknown.status == 404 && fixture.sandbox.store.count(of: "timeentries") == 2)
        #expect(fixture.send("POST", Self.path, #"{"ids":[]}"#).body == "[]")
        #expect(fixture.send("POST", Self.path, "ids").status == 400)
    }

    @Test(arguments: [
        ("PUT", "/timeentries/duplicate"), ("POST", "/tasks/duplicate"), ("GET", "/timeentries/duplicate"),
    ])
    func nothingElseIsCopied(_ method: String, _ target: String) throws {
        let fixture = try ModelSample.fixture()
        #expect(fixture.send(method, target, #"{"ids":["\#(entry(fixture))"]}"#).status == 404)
        #expect(fixture.sandbox.store.count(of: "timeentries") == 1)
    }
}
