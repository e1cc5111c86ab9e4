import PlanhatSandbox
import Testing

/// Who has part in a task: as objects, or as ids.
@Suite struct TaskPeopleTests {
    private static let id = "5a6b8c0d0e03000000000000"
    private static let task = #""companyId":"extid-one","mainType":"task""#

    @Test(arguments: [
        (#"[{"id":"ID","isOwner":true}]"#, true), (#"{"id":"ID"}"#, true), ("[]", true), (#"["ID"]"#, false),
        (#"[{"_id":"ID"}]"#, false), (#"[{"id":"x"}]"#, false), (#"[{"id":"ID","_id":"ID"}]"#, true),
    ])
    func objectsHaveAnID(people: String, isGood: Bool) throws {
        let fixture = try ModelSample.fixture("task-people=objects")
        let people = people.replacing("ID", with: Self.id)
        let answer = fixture.upsert("{\(Self.task),\"users\":\(people)}", to: "/tasks")
        #expect(answer.number("created") == (isGood ? 1 : 0))
        #expect(answer.messages == (isGood ? [] : ["users must be an array of objects with an id"]))
    }

    @Test(arguments: [
        (#"["ID"]"#, true), (#"[{"id":"ID","_id":"ID"}]"#, true), (#"[{"id":"ID"}]"#, false), (#"["x"]"#, false),
    ])
    func anObjectCountsAsItsID(people: String, isGood: Bool) throws {
        let fixture = try ModelSample.fixture("task-people=ids")
        let people = people.replacing("ID", with: Self.id)
        let answer = fixture.upsert("{\(Self.task),\"endusers\":\(people)}", to: "/tasks")
        #expect(answer.number("created") == (isGood ? 1 : 0))
        #expect(answer.messages == (isGood ? [] : ["endusers must be an array of _ids (24 hexadecimal digits)"]))
        guard isGood else { return }
        #expect(fixture.send("GET", "/tasks").array.first?["endusers"] as? [String] == [Self.id])
    }
}
