import Foundation
import HTTPTypes
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import Testing
import WebUI

/// The page of a sync that is defined nowhere any more.
@Suite struct OrphanPageTests {
    /// A sync that has run and was deleted.
    private func orphan() async throws -> EditingFixture {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        let definition = try #require(fixture.site.project().sync("companies"))
        _ = await RunSyncs(environment: fixture.site.environment).run([definition], options: RunOptions())
        #expect(try await fixture.post("/syncs/companies/delete", [("revision", "1")]).status == 303)
        return fixture
    }

    @Test func itSaysWhyItDoesNotRunWhatIsKeptAndWhatCanBeDone() async throws {
        let fixture = try await orphan()
        let answer = try await fixture.ask("/syncs/companies")
        let page = PageMarkup(answer.text)
        #expect(answer.status == 200 && page.problems == [] && answer.text.utf8.count < 50_000)
        for text in [
            "Orphaned, paused", "defined nowhere any more", "Ada <admin> deleted it in these pages", "2 records",
            "shop", "renamed_from: companies", "it goes on where it stopped", "Key of a record",
        ] {
            #expect(page.text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").contains(text), "\(text)")
        }
        #expect(page.links.isSuperset(of: ["/runs/1", "/syncs/companies/reset", "/new/sync"]))
        let headings = page.elements.map(\.name).filter { $0.hasPrefix("h") && $0.count == 2 && $0 != "hr" }
        #expect(headings.first == "h1" && headings.dropFirst().allSatisfy { $0 == "h2" })
        // Nothing is started or sent from here.
        for verb in ["run", "plan", "pause", "resend", "confirm"] {
            #expect(!answer.text.contains("action=\"/syncs/companies/\(verb)\""), "\(verb)")
        }
        for link in page.links { #expect(try await fixture.ask(link).status == 200, "\(link)") }
    }

    @Test func itsRecordsAreFoundByTheirKeysAndOnlyLookedAt() async throws {
        let fixture = try await orphan()
        let found = try await fixture.ask("/syncs/companies?key=1")
        #expect(found.status == 303 && found.headers[.location] == "/syncs/companies/records/1")
        let record = try await fixture.ask("/syncs/companies/records/1").text
        #expect(PageMarkup(record).problems == [] && record.contains("accepted") && record.contains("Acme &lt;b&gt;"))
        #expect(!record.contains("Send again"))
        #expect(try await fixture.ask("/syncs/companies/records/1.json").text.contains("\"outcome\" : \"accepted\""))
        #expect(try await fixture.ask("/runs/1").status == 200)
        for verb in ["run", "resend", "confirm", "pause"] {
            let refused = try await fixture.post("/syncs/companies/\(verb)", [("key", "1")])
            #expect(refused.status == 404 && refused.text.contains("defined nowhere any more"), "\(verb)")
        }
    }

    @Test func programsAreToldTheSame() async throws {
        let fixture = try await orphan()
        let text = try await fixture.ask("/syncs/companies.json").text
        let found = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(found["condition"] as? String == "orphaned" && found["paused"] as? Bool == true)
        #expect(found["records_known"] as? Int == 2 && found["records_in_doubt"] as? Int == 0)
        #expect(found["source"] as? String == "shop" && found["behavior"] as? String == "update_or_create")
        #expect(found["since"] as? String == WebFixture.now.text && found["stood_in"] is NSNull)
        #expect((found["last_run"] as? [String: Any])?["id"] as? Int == 1 && found["next_run"] is NSNull)
    }

    @Test func aResetForgetsItsStateAndKeepsItsRuns() async throws {
        let fixture = try await orphan()
        let asks = try await fixture.ask("/syncs/companies/reset").text
        #expect(PageMarkup(asks).problems == [] && asks.contains("2 records are believed"))
        #expect(!asks.contains("Dry run"))
        #expect(try await fixture.post("/syncs/companies/reset", [("name", "company")]).status == 400)
        let done = try await fixture.post("/syncs/companies/reset", [("name", "companies")])
        #expect(done.status == 303 && fixture.gate.noted.withLock { $0.contains("syncs.reset sync companies") })
        let page = try await fixture.ask("/syncs/companies").text
        #expect(PageMarkup(page).problems == [] && page.contains("<dd>0 records</dd>") && page.contains("/runs/1"))
    }

    @Test func itIsListedAsOrphanedAndPausedWithALinkToItsPage() async throws {
        let fixture = try await orphan()
        for path in ["/", "/syncs"] {
            let page = PageMarkup(try await fixture.ask(path).text)
            #expect(page.problems == [] && page.links.contains("/syncs/companies"), "\(path)")
            #expect(page.text.contains("rphaned, paused"), "\(path)")
        }
    }

    /// Whoever may look at figures only sees no key, and not who did what.
    @Test func viewersSeeWhatTheyMay() async throws {
        let fixture = try WebFixture(rights: [.see])
        try fixture.run("former", .completedWithRejections)
        let page = try await fixture.ask("/syncs/former").text
        #expect(PageMarkup(page).problems == [] && page.contains("Orphaned, paused"))
        #expect(page.contains("nobody noted since when") && page.contains("<code>sluice.yaml</code>"))
        #expect(
            !page.contains("Key of a record") && !page.contains("/syncs/former/reset") && !page.contains("/new/sync"))
        #expect(page.contains("An editor can reset it"))
        #expect(try await fixture.ask("/syncs/former/reset").status == 403)
        #expect(try await fixture.ask("/syncs/never").status == 404)
    }

    /// What is known of it is another's: that one's page is the one to look at.
    @Test func aSyncThatWasTakenOverHasNoPageUnderItsOldName() async throws {
        let text = WebFixture.project.replacing("    paused: true", with: "    renamed_from: former")
        let fixture = try WebFixture(project: text)
        try fixture.run("former")
        #expect(try await fixture.ask("/syncs/former").status == 404)
    }
}
