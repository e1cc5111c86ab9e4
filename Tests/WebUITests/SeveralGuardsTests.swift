import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import Testing
import WebUI

/// A run that several guards stopped: each is shown, and one button accepts all of them.
@Suite struct SeveralGuardsTests {
    private func stopped(_ fixture: WebFixture) throws -> RunRecord {
        try fixture.run("companies", .stoppedByGuard) { run in
            (run.operations.accepted, run.operations.updated, run.operations.undelivered) = (0, 0, 100)
            let hint = "Run again with --accept-guard invalid --accept-guard removed."
            run.guard = GuardRecord(
                name: "invalid", message: "510 of 1000 rows are invalid.", hint: hint,
                also: [GuardRecord(name: "removed", message: "80 of 900 records would be removed.", hint: hint)])
        }
    }

    @Test func eachIsOnThePageAndTheWayToAcceptThemOnce() async throws {
        let fixture = try WebFixture()
        let run = try stopped(fixture)
        let answer = try await fixture.ask("/runs/\(run.id)")
        let page = PageMarkup(answer.text)
        #expect(page.problems == [])
        for words in ["510 of 1000 rows are invalid.", "80 of 900 records would be removed."] {
            #expect(page.text.contains(words), "\(page.text)")
        }
        for name in ["invalid", "removed"] {
            #expect(answer.text.contains("name=\"accept_guard\" value=\"\(name)\""), "\(answer.text)")
        }
        #expect(answer.text.components(separatedBy: "Go on with this plan").count == 2)
        #expect(page.text.components(separatedBy: "Look at the dataset").count == 2)
        #expect(!page.text.contains("--accept-guard"), "a page names no option of the command")
    }

    @Test func theButtonAcceptsAllOfThem() async throws {
        let fixture = try WebFixture()
        _ = try stopped(fixture)
        let asked = AskedRuns()
        var site = fixture.site
        site.engine.start = { sync, options in
            asked.note(sync.name, options)
            return 7
        }
        let form = "_token=\(FixtureGate.token)&accept_guard=invalid&accept_guard=removed"
        let answer = try await fixture.ask("/syncs/companies/run", .post, form: form, site: site)
        #expect(answer.status == 303 && asked.all.map(\.acceptedGuards) == [["invalid", "removed"]])
        let noted = fixture.gate.noted.withLock { $0 }
        #expect(noted.contains("runs.asked sync companies: guard invalid accepted, guard removed accepted"), "\(noted)")
    }
}
