import ConnectorKit
import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing
import WebUI

/// Records of which nobody knows whether they arrived, decided in the pages.
@Suite struct DoubtPageTests {
    /// Two records were sent, and no answer came.
    private func inDoubt() async throws -> EditingFixture {
        var object = SimulatedDestination.object(batchItemsMax: 2, repeatable: .never)
        object.behaviors = [.updateOrCreate]
        let fixture = try EditingFixture(objects: [object])
        try await fixture.makeAll()
        fixture.account.fault { number, _ in number == 0 ? .lostAfter(records: 2) : .none }
        let definition = try #require(fixture.site.project().sync("companies"))
        _ = await RunSyncs(environment: fixture.site.environment).run([definition], options: RunOptions())
        #expect(try count(fixture) == 2)
        return fixture
    }

    private func count(_ fixture: EditingFixture) throws -> Int {
        try RecordsInDoubt(sync: "companies", environment: fixture.site.environment).count
    }

    @Test(arguments: ["/runs/1", "/syncs/companies", "/runs/1/records"])
    func eachPageThatTellsOfThemLeadsToADecisionAboutAllOfThem(_ path: String) async throws {
        let fixture = try await inDoubt()
        let page = PageMarkup(try await fixture.ask(path).text)
        #expect(page.problems == [])
        #expect(page.text.contains("All 2 in doubt arrived…") && page.text.contains("Send all 2 in doubt again…"))
        #expect(page.links.isSuperset(of: ["/syncs/companies/confirm", "/syncs/companies/resend"]))
        #expect(!page.text.contains("--in-doubt") && !page.text.contains("sluice confirm"))
    }

    @Test func allOfThemAreConfirmedOnceSomebodyHasSeenHowManyThereAre() async throws {
        let fixture = try await inDoubt()
        let asked = try await fixture.ask("/syncs/companies/confirm").text
        #expect(PageMarkup(asked).problems == [] && asked.contains("2 records may have arrived or not"))
        #expect(asked.contains("All 2 arrived") && asked.contains("/runs/1/records?outcome=in_doubt"))
        let all = [("which", "in_doubt")]
        let blind = try await fixture.post("/syncs/companies/confirm", all)
        #expect(blind.status == 400 && blind.text.contains("All 2 arrived"))
        let old = try await fixture.post("/syncs/companies/confirm", all + [("count", "3")])
        #expect(old.status == 409 && old.text.contains("There were 3 when this was asked and there are 2 now"))
        #expect(try count(fixture) == 2 && fixture.gate.noted.withLock { !$0.contains { $0.contains("confirmed") } })
        let done = try await fixture.post("/syncs/companies/confirm", all + [("count", "2")])
        #expect(done.status == 303 && done.headers[.location] == "/syncs/companies?done=confirmed")
        #expect(try count(fixture) == 0)
        #expect(fixture.gate.noted.withLock { $0.contains("records.confirmed sync companies") })
        #expect(try await fixture.ask("/runs/2").text.contains("by confirm"))
        #expect(try await !fixture.ask("/runs/1").text.contains("in doubt arrived…"))
        let nothing = try await fixture.ask("/syncs/companies/confirm").text
        #expect(PageMarkup(nothing).problems == [] && nothing.contains("No record of this sync is in doubt."))
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test func tickedOnesAreConfirmedAndTheOthersStayAsTheyAre() async throws {
        let fixture = try await inDoubt()
        let page = try await fixture.ask("/runs/1/records").text
        #expect(PageMarkup(page).problems == [])
        #expect(page.contains("<button formaction=\"/syncs/companies/confirm\">The ticked ones arrived</button>"))
        #expect(page.contains("aria-label=\"Choose 1\"") && page.contains("may then be there twice"))
        let ticked = [("run", "1"), ("key", "1"), ("key", "1")]
        let done = try await fixture.post("/syncs/companies/confirm", ticked)
        #expect(done.status == 303 && done.headers[.location] == "/runs/1/records?done=confirmed")
        #expect(try count(fixture) == 1)
        let again = try await fixture.post("/syncs/companies/confirm", ticked + [("key", "2")])
        #expect(again.status == 409 && again.text.contains("not_in_doubt"))
        #expect(PageMarkup(again.text).text.contains("Not in doubt: 1. 1 other was confirmed."))
        #expect(try count(fixture) == 0)
        #expect(try await !fixture.ask("/runs/1/records").text.contains("ticked ones arrived"))
        let none = try await fixture.post("/syncs/companies/confirm", [("run", "1")])
        #expect(none.status == 400 && none.text.contains("nothing was confirmed"))
    }

    @Test func oneRecordIsDecidedOnItsPage() async throws {
        let fixture = try await inDoubt()
        let page = try await fixture.ask("/syncs/companies/records/2").text
        #expect(PageMarkup(page).problems == [])
        #expect(page.contains("It is not known whether this record arrived") && page.contains(">It arrived</button>"))
        let done = try await fixture.post("/syncs/companies/confirm", [("key", "2")])
        #expect(done.headers[.location] == "/syncs/companies/records/2?done=confirmed")
        let after = try await fixture.ask("/syncs/companies/records/2?done=confirmed").text
        #expect(after.contains("count as arrived from now on") && after.contains("confirmed</span>"))
        #expect(!after.contains("It is not known whether") && after.contains(">Send again</button>"))
    }

    @Test func refusalsHaveTheCodesOfTheCommandLineAndSayWhatToDoHere() async throws {
        let fixture = try await inDoubt()
        let all = [("which", "in_doubt"), ("count", "2")]
        let lock = try #require(try SyncLock.acquire(fixture.site.environment.state.sync("companies")))
        let busy = try await fixture.post("/syncs/companies/confirm", all)
        lock.release()
        #expect(busy.status == 409 && busy.text.contains("sync_already_running"))
        #expect(busy.text.contains("cancel it on its page. <a href=\"/syncs/companies\">Sync companies</a>"))
        #expect(!busy.text.contains("sluice cancel"))
        _ = try fixture.site.environment.database.createRun(
            sync: "companies", trigger: "cli", full: false, limited: false, startedAt: WebFixture.now, state: .running)
        let unfinished = try await fixture.post("/syncs/companies/confirm", all)
        #expect(unfinished.status == 409 && unfinished.text.contains("run_unfinished"))
        #expect(!unfinished.text.contains("sluice run"))
        #expect(try count(fixture) == 2)
    }

    /// History as a run leaves it, where no destination is asked.
    private func told(_ rights: Set<Permission> = Set(Permission.allCases)) throws -> WebFixture {
        let fixture = try WebFixture(rights: rights)
        let run = try fixture.run("companies", .completedWithRejections) { run in
            (run.operations.accepted, run.operations.updated, run.operations.inDoubt) = (99, 99, 1)
        }
        let hash = Hash128.of("acct-1", seed: 1)
        let database = fixture.site.environment.database
        try database.record(outcomes: [
            OutcomeRecord(
                run: run.id, sequence: 0, key: "acct-1", keyHash: hash, outcome: .inDoubt,
                reason: Reason(code: "server_error", message: "No answer.", hint: "Use `sluice confirm`."),
                at: run.startedAt)
        ])
        let entry = PendingEntry(
            keyHash: hash, rowHash: hash, kind: .inDoubt, tries: 1, dueAt: .max, heldSince: 0, run: run.id)
        let files = fixture.site.environment.state.sync("companies")
        let lock = try #require(try SyncLock.acquire(files))
        defer { lock.release() }
        try PendingFile.write(files, [entry])
        return fixture
    }

    @Test func allOfThemAreSentAgainOnceSomebodyHasSeenHowManyThereAre() async throws {
        let fixture = try told()
        let asked = AskedRuns()
        var site = fixture.site
        site.engine.start = { sync, options in
            asked.note(sync.name, options)
            return 7
        }
        let page = try await fixture.ask("/syncs/companies/resend").text
        #expect(PageMarkup(page).problems == [] && page.contains("Send the one again"))
        func post(_ fields: String) async throws -> WebFixture.Answer {
            try await fixture.ask(
                "/syncs/companies/resend", .post, form: "_token=\(FixtureGate.token)" + fields, site: site)
        }
        #expect(try await post("&which=in_doubt").status == 400)
        #expect(try await post("&which=in_doubt&count=2").status == 409)
        #expect(asked.all.isEmpty)
        let done = try await post("&which=in_doubt&count=1")
        #expect(done.status == 303 && done.headers[.location] == "/runs/7?done=resending")
        #expect(try await post("&key=acct-1&run=1").status == 303)
        #expect(asked.all.map(\.onlyPending) == [.inDoubt, nil] && asked.all.last?.onlyKeys == ["acct-1"])
        #expect(asked.all.allSatisfy { $0.trigger == "resend" })
        #expect(fixture.gate.noted.withLock { $0.filter { $0 == "records.resent sync companies" }.count } == 2)
    }

    @Test func whoMayOnlyLookSeesNoFormAndIsRefused() async throws {
        let fixture = try told([.see, .seeRows])
        for path in ["/runs/1", "/runs/1/records", "/syncs/companies"] {
            let page = try await fixture.ask(path).text
            #expect(!page.contains("/syncs/companies/confirm") && !page.contains("/syncs/companies/resend"), "\(path)")
        }
        #expect(try await fixture.ask("/syncs/companies/confirm").status == 403)
        #expect(try await fixture.post("/syncs/companies/confirm", "which=in_doubt&count=1").status == 403)
        #expect(
            try RecordsInDoubt(sync: "companies", environment: fixture.site.environment)
                .contains(Hash128.of("acct-1", seed: 1)))
    }
}
