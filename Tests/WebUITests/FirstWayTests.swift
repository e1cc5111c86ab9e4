import Foundation
import HTTPTypes
import Records
import Runner
import StateStore
import Testing
import WebUI

/// The first way through the pages: each says what comes next, and what was not saved.
@Suite struct FirstWayTests {
    /// A run of `companies`, as a form starts it.
    private func run(_ fixture: EditingFixture, limited: Bool, _ state: RunState = .succeeded) throws -> Int64 {
        let database = fixture.site.environment.database
        var run = try database.createRun(
            sync: "companies", trigger: "web", full: true, limited: limited, startedAt: WebFixture.now, state: .running)
        (run.state, run.endedAt) = (state, WebFixture.now)
        var memory = try database.memory("companies") ?? SyncMemory(name: "companies", seed: 1)
        if !limited { memory.lastCompleteRun = run.id }
        try database.close(run, memory: memory)
        return run.id
    }

    @Test func afterTheFirstFewAllAreNextAndThenASchedule() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let few = try run(fixture, limited: true)
        let link = "<a class=\"button primary\" href=\"/syncs/companies/first\">"
        #expect(try await fixture.ask("/runs/\(few)").text.contains(link + "Next: run all</a>"))
        let steps = try await fixture.ask("/syncs/companies/first").text
        #expect(steps.contains("<button class=\"primary\">Run all</button>"))

        let all = try run(fixture, limited: false, .completedWithRejections)
        #expect(try await fixture.ask("/runs/\(all)").text.contains(link + "Next: schedule</a>"))
        // It was run, so it is not what comes next any more; that rows did not arrive stands at its step.
        let scheduled = try await fixture.ask("/syncs/companies/first").text
        #expect(scheduled.contains("<button class=\"primary\">Save schedule</button>"))
        #expect(scheduled.contains("<button class=\"\">Run all</button>"))
        let step = try #require(scheduled.components(separatedBy: "<h2>Run all</h2>").last)
        #expect(step.contains("/runs/\(all)") && step.contains("Rows did not arrive"))
        // Later rows that are sent once more are no first steps.
        let again = try run(fixture, limited: true)
        #expect(try await !fixture.ask("/runs/\(again)").text.contains("Next:"))
    }

    @Test(arguments: [RunState.failed, .cancelled, .stoppedByGuard])
    func aRunThatDidNotComeToItsEndLeadsNowhereElse(_ state: RunState) async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let number = try run(fixture, limited: true, state)
        #expect(try await !fixture.ask("/runs/\(number)").text.contains("Next:"))
    }

    @Test func aSecretThatWasTypedInVainIsAskedForAgain() async throws {
        let fixture = try EditingFixture()
        let path = "/new/destinations/account"
        let refused = try await fixture.post(
            path,
            [("name", "crm"), ("set-api_key", EditingFixture.secret), ("set-region", EditingFixture.unknownRegion)])
        #expect(refused.status == 400)
        #expect(refused.text.contains("Enter it again") && !refused.text.contains(EditingFixture.secret))
        let untyped = try await fixture.post(path, [("name", "crm"), ("set-region", "us3")])
        #expect(untyped.status == 400 && !untyped.text.contains("Enter it again"))
    }

    @Test func aSyncThatHasNeverComeToItsEndIsNotUpToDate() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let database = fixture.site.environment.database
        let lock = try #require(try SyncLock.acquire(fixture.site.environment.state.sync("companies")))
        defer { lock.release() }
        func begin() throws {
            _ = try database.createRun(
                sync: "companies", trigger: "web", full: true, limited: false, startedAt: WebFixture.now,
                state: .running)
        }
        try begin()
        #expect(try await fixture.ask("/").text.contains("<h1>The one sync is not up to date.</h1>"))
        #expect(try await fixture.ask("/syncs/companies").text.contains("The first run has not ended yet."))
        _ = try run(fixture, limited: false)
        try begin()
        #expect(try await fixture.ask("/").text.contains("<h1>The one sync is up to date.</h1>"))
    }
}
