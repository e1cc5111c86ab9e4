import Foundation
import HTTPTypes
import Runner
import StateStore
import Testing
import WebUI

/// The pages with real people behind them.
@Suite struct PeopleTests {
    private static let password = "correct horse battery"

    /// A browser: it keeps its cookie and sends the token of the page that it was on.
    private struct Browser {
        let fixture: WebFixture
        var session: String?

        func get(_ path: String) async throws -> WebFixture.Answer { try await fixture.ask(path, session: session) }

        mutating func post(_ path: String, _ fields: String, from page: String? = nil) async throws -> WebFixture.Answer
        {
            let form = PageMarkup(try await get(page ?? path).text).elements.first { $0.attributes["name"] == "_token" }
            let token = form?.attributes["value"].map { "_token=\($0)&" } ?? ""
            let answer = try await fixture.ask(path, .post, form: token + fields, session: session)
            if let cookie = answer.headers[.setCookie] {
                session = cookie.split(separator: ";").first.map { String($0.dropFirst("sluice=".count)) }
            }
            return answer
        }
    }

    private static func admin(_ fixture: WebFixture) async throws -> Browser {
        var browser = Browser(fixture: fixture)
        let link = try #require(try fixture.site.people.firstLink())
        let fields = "name=Ada&password=\(password)&again=\(password)".replacing(" ", with: "+")
        let answer = try await browser.post("/welcome/\(link)", fields)
        #expect(answer.status == 303)
        return browser
    }

    private static func encoded(_ text: String) -> String { text.replacing(" ", with: "+") }

    @Test func theFirstLinkMakesOneAdminWhoIsSignedIn() async throws {
        let fixture = try WebFixture(knowsPeople: true)
        let link = try #require(try fixture.site.people.firstLink())
        var browser = Browser(fixture: fixture)
        #expect(try await browser.get("/").headers[.location] == "/sign-in")
        let page = try await browser.get("/welcome/\(link)")
        #expect(PageMarkup(page.text).problems == [])
        let differs = try await browser.post("/welcome/\(link)", "name=Ada&password=abc&again=abd")
        #expect(differs.text.contains("password_differs"))
        let weak = try await browser.post("/welcome/\(link)", "name=Ada&password=abc&again=abc")
        #expect(weak.status == 400)
        #expect(browser.session == nil)
        let password = Self.encoded(Self.password)
        let done = try await browser.post("/welcome/\(link)", "name=Ada&password=\(password)&again=\(password)")
        #expect(done.headers[.location] == "/")
        #expect(try await browser.get("/people").status == 200)
        let again = try await fixture.ask("/welcome/\(link)", session: nil)
        #expect(again.text.contains("first_link_invalid"))
    }

    @Test func anAdminAddsPeopleGivesRolesAndRemovesThem() async throws {
        let fixture = try WebFixture(knowsPeople: true)
        try fixture.runWithRejections()
        var ada = try await Self.admin(fixture)
        let weak = try await ada.post("/people", "name=Bo&password=short&role=viewer")
        #expect(weak.status == 400)
        #expect(PageMarkup(weak.text).problems == [])
        let password = Self.encoded("eleven green teapots")
        #expect(try await ada.post("/people", "name=Bo&password=\(password)&role=viewer").status == 303)

        var bo = Browser(fixture: fixture)
        #expect(try await bo.post("/sign-in", "name=bo&password=\(password)").status == 303)
        #expect(try await bo.get("/runs/1").status == 200)
        for path in ["/people", "/people/Ada", "/audit", "/runs/1/records"] {
            #expect(try await bo.get(path).status == 403, "\(path)")
        }
        #expect(try await ada.post("/people/Bo", "change=role&role=operator").status == 303)
        #expect(try await bo.get("/runs/1/records").status == 200)

        #expect(try await ada.post("/people/Bo", "change=remove&name=Ada").text.contains("name_differs"))
        #expect(try await ada.post("/people/Bo", "change=remove&name=Bo").headers[.location] == "/people?done=saved")
        #expect(try await bo.get("/runs/1").status == 303)
        let last = try await ada.post("/people/Ada", "change=role&role=viewer")
        #expect(last.text.contains("last_admin"))
    }

    @Test func whatPeopleDoIsInTheAuditLog() async throws {
        let fixture = try WebFixture(knowsPeople: true)
        try fixture.runWithRejections()
        var ada = try await Self.admin(fixture)
        _ = try await ada.get("/runs/1/records")
        _ = try await ada.post("/syncs/companies/pause", "", from: "/syncs/companies")
        let page = PageMarkup(try await ada.get("/audit").text)
        #expect(page.problems == [])
        for word in ["people.added", "rows.seen", "syncs.paused", "sync companies"] {
            #expect(page.text.contains(word), "\(word)")
        }
        #expect(!page.text.contains("acct-"))
        let json = try await ada.get("/audit.json?subject=sync+companies")
        #expect(json.text.contains("syncs.paused") && !json.text.contains("rows.seen"))
    }

    @Test func changingOnesPasswordAsksForThePresentOneAndEndsOtherSessions() async throws {
        let fixture = try WebFixture(knowsPeople: true)
        var ada = try await Self.admin(fixture)
        var elsewhere = Browser(fixture: fixture)
        let old = Self.encoded(Self.password)
        _ = try await elsewhere.post("/sign-in", "name=ada&password=\(old)")
        #expect(try await elsewhere.get("/").status == 200)
        let new = Self.encoded("purple ladders at noon")
        #expect(try await ada.post("/account", "old=wrong&password=\(new)&again=\(new)").status == 400)
        #expect(try await ada.post("/account", "old=\(old)&password=\(new)&again=\(new)").status == 303)
        #expect(try await ada.get("/").status == 200)
        #expect(try await elsewhere.get("/").status == 303)
    }

    @Test func signingOutEndsTheSession() async throws {
        let fixture = try WebFixture(knowsPeople: true)
        var ada = try await Self.admin(fixture)
        let session = ada.session
        #expect(try await ada.post("/sign-out", "", from: "/").headers[.location] == "/sign-in?done=signed_out")
        #expect(try await fixture.ask("/", session: session).status == 303)
    }
}
