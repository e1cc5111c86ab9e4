import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing
import WebUI

/// Whole pages of what does not last or should not be, written anew as `GoldenTests` are.
@Suite struct GoldenStatesTests {
    @Test func aSyncThatHasNeverRunIsTheGoldenOne() async throws {
        let fixture = try WebFixture()
        try GoldenTests.compare(GoldenTests.steady(try await fixture.ask("/syncs/companies").text), "sync-never-run")
    }

    @Test func theSystemAndItsTroubleWithTheProjectAreTheGoldenOnes() async throws {
        let fixture = try WebFixture()
        try GoldenTests.compare(GoldenTests.steady(try await fixture.ask("/system").text), "system", Self.varies)
        var problem = Diagnostic(
            .error, code: "unknown_key", message: "there is no `maping` <here>", hint: "did you mean `mappings`?")
        (problem.file, problem.line, problem.column) = ("sluice.yaml", 12, 5)
        let trouble = ProjectTrouble(
            since: Moment(milliseconds: WebFixture.now.milliseconds - 120_000), problems: [problem])
        var site = fixture.site
        site.projectTrouble = { trouble }
        let page = try await fixture.ask("/", site: site).text
        try GoldenTests.compare(GoldenTests.steady(page), "overview-project-trouble")
    }

    /// The disk that is left, and the size of the database.
    private static var varies: Regex<(Substring, Substring)> {
        /<dt>(Disk left|Control database)<\/dt><dd>[^<]*<\/dd>/
    }

    @Test func aCheckThatGoesOnIsTheGoldenOne() async throws {
        let fixture = try WebFixture()
        let check = try CheckPageTests.HeldCheck(fixture) { report in
            report.end(
                ConnectionReport.Step(
                    step: "login accepted", isOK: false, message: "The password <is> wrong.", hint: "Type it again."))
        }
        try await check.run {
            try GoldenTests.compare(
                GoldenTests.steady(try await fixture.ask("/sources/shop").text), "source-check-going-on")
        }
        try GoldenTests.compare(GoldenTests.steady(try await fixture.ask("/sources/shop").text), "source-check-failed")
    }

    /// Its definition is gone, and what is known of it is not.
    @Test func anOrphanIsTheGoldenOne() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let database = fixture.site.environment.database
        _ = try database.createRun(
            sync: "companies", trigger: "cli", full: false, limited: false, startedAt: WebFixture.now, state: .running)
        try database.save(SyncMemory(name: "companies", seed: 1))
        #expect(try await fixture.post("/syncs/companies/delete", [("revision", "1")]).status == 303)
        try GoldenTests.compare(GoldenTests.steady(try await fixture.ask("/syncs").text), "syncs-orphan")
        try GoldenTests.compare(GoldenTests.steady(try await fixture.ask("/syncs/companies").text), "sync-orphan")
        #expect(try database.memory("companies")?.seed == 1)
    }

    @Test func aRunThatGoesOnAndOneThatWaitsForTheRateLimitAreTheGoldenOnes() async throws {
        let fixture = try WebFixture()
        let run = try fixture.run("companies", .running) { run in
            (run.operations.planned, run.operations.accepted, run.operations.updated) = (120, 60, 60)
        }
        let lock = try #require(try SyncLock.acquire(fixture.site.environment.state.sync("companies")))
        defer { lock.release() }
        let clock = Mutex(Int64(0))
        let listener = fixture.site.board.listener {
            Moment(milliseconds: WebFixture.now.milliseconds - clock.withLock { $0 })
        }
        func tell(_ secondsAgo: Int64, _ progress: RunProgress) {
            clock.withLock { $0 = secondsAgo * 1_000 }
            listener(progress)
        }
        func expectGolden(_ name: String) async throws {
            try GoldenTests.compare(GoldenTests.steady(try await fixture.ask("/runs/\(run.id)").text), name)
        }
        tell(20, .started(run: run.id, sync: "companies", isResumed: false))
        tell(4, .delivering(done: 20, of: 120))
        tell(0, .delivering(done: 60, of: 120))
        try await expectGolden("run-live")
        tell(0, .waiting(reason: "the rate limit of the destination", duration: .seconds(42)))
        try await expectGolden("run-waiting")
    }

    /// A guard stopped the run: what it would have sent can still be looked at.
    @Test func aRecordThatNeverLeftIsTheGoldenOne() async throws {
        let columns = [
            Column(name: "id", type: .integer, declaredType: "integer"),
            Column(name: "name", type: .text, declaredType: "text"),
            Column(name: "plan", type: .text, declaredType: "text"),
        ]
        let bad: SimulatedSource.Row = ["id": .null, "name": .text("Nobody"), "plan": .null]
        let source = SimulatedSource(
            columns: columns,
            rows: [["id": .integer(1), "name": .text("Acme <b>&co"), "plan": .text("pro")], bad, bad])
        let fixture = try EditingFixture(source: source)
        try await fixture.makeAll()
        let definition = try #require(fixture.site.project().sync("companies"))
        _ = await RunSyncs(environment: fixture.site.environment).run([definition], options: RunOptions())
        let page = try await fixture.ask("/syncs/companies/records/1").text
        #expect(page.contains("It never left") && page.contains("Would have been sent"))
        #expect(page.contains("Acme &lt;b&gt;&amp;co"))
        try GoldenTests.compare(GoldenTests.steady(page), "record-never-left")
        let json = try await fixture.ask("/syncs/companies/records/1.json").text
        #expect(json.contains("\"unsent\" : ") && !json.contains("\"payload\" : "))
        #expect(fixture.account.requests.isEmpty)
    }
}
