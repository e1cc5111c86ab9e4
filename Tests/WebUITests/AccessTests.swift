import ConnectorKit
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTesting
import NIOCore
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import Testing
import WebUI

enum HTTPFieldName {
    static let lastEventID = HTTPField.Name("Last-Event-ID")
    static let fetchSite = HTTPField.Name("Sec-Fetch-Site")
}

@Suite struct AccessTests {
    @Test func everyAnswerHasTheHeadersThatKeepItSafe() async throws {
        let fixture = try WebFixture()
        for path in ["/", "/nothing", "/healthz", "/runs.json", "/sign-in"] {
            let headers = try await fixture.ask(path).headers
            let policy = try #require(headers[.contentSecurityPolicy])
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(headers[.xContentTypeOptions] == "nosniff")
            #expect(headers[.cacheControl] == "no-store")
        }
    }

    @Test func withoutASessionThereIsOnlyTheWayIn() async throws {
        let fixture = try WebFixture()
        try fixture.runWithRejections()
        for path in ["/", "/runs/1", "/runs/1/records.csv", "/runs/1/events", "/exchanges/1-0", "/system"] {
            let answer = try await fixture.ask(path, session: nil)
            #expect(answer.status == 303, "\(path)")
            #expect(answer.headers[.location]?.hasPrefix("/sign-in") == true)
        }
        let json = try await fixture.ask("/runs/1.json", session: "wrong")
        #expect(json.status == 401)
        #expect(json.text.contains("not_signed_in"))
        #expect(try await fixture.ask("/healthz", session: nil).text == "ok\n")
        #expect(try await fixture.ask("/readyz", session: nil).text == "ready\n")
    }

    @Test func signingInSetsACookieThatNoScriptReads() async throws {
        let fixture = try WebFixture()
        let right = try await fixture.ask("/sign-in", .post, form: "name=ada&password=right&next=%2Fruns", session: nil)
        #expect(right.status == 303)
        #expect(right.headers[.location] == "/runs")
        #expect(right.headers[.setCookie] == "sluice=the-session; Path=/; HttpOnly; SameSite=Lax")
        let wrong = try await fixture.ask("/sign-in", .post, form: "name=ada&password=no", session: nil)
        #expect(wrong.status == 403)
        #expect(wrong.headers[.setCookie] == nil)
        #expect(wrong.text.contains("Name or password is not right."))
    }

    @Test(arguments: ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "javascript%3Aalert(1)", "%2Fnothing"])
    func signingInLeadsToNoOtherSite(_ next: String) async throws {
        let answer = try await WebFixture()
            .ask("/sign-in", .post, form: "name=ada&password=right&next=\(next)", session: nil)
        #expect(answer.headers[.location] == "/")
    }

    @Test func aSecureServerSendsASecureCookie() async throws {
        var settings = try ServerSettings(listen: "0.0.0.0:443")
        settings.isBehindProxy = true
        let answer = try await WebFixture()
            .ask("/sign-in", .post, form: "name=ada&password=right", session: nil, settings: settings)
        #expect(
            answer.headers[.setCookie] == "__Host-sluice=the-session; Path=/; HttpOnly; SameSite=Lax; Secure")
        #expect(answer.headers[.strictTransportSecurity] != nil)
    }

    static let posts = [
        "/syncs/companies/run", "/syncs/companies/plan", "/syncs/companies/pause", "/syncs/companies/resume",
        "/syncs/companies/reset", "/syncs/companies/resend", "/runs/1/cancel", "/sources/shop/check",
        "/destinations/crm/check", "/sign-out",
    ]

    @Test(arguments: posts) func aFormWithoutItsTokenDoesNothing(_ path: String) async throws {
        let fixture = try WebFixture()
        try fixture.run()
        for token in ["", "wrong-tokn", "form-toke", "form-tokens"] {
            let answer = try await fixture.post(path, "name=companies&which=rejected", token: token)
            #expect(answer.status == 403)
            #expect(answer.text.contains("form_expired"))
        }
        let name = try #require(HTTPFieldName.fetchSite)
        let other = try await fixture.ask(
            path, .post, headers: [name: "cross-site"], form: "_token=form-token&name=companies&which=rejected")
        #expect(other.status == 403)
        #expect(fixture.gate.noted.withLock { $0 } == [])
        #expect(try fixture.site.environment.database.pausedSyncs() == [])
    }

    @Test(arguments: posts.dropLast()) func whoMayOnlySeeMayDoNothing(_ path: String) async throws {
        let fixture = try WebFixture(rights: [.see])
        try fixture.run()
        let answer = try await fixture.post(path, "name=companies&which=rejected")
        #expect(answer.status == 403)
        #expect(answer.text.contains("not_allowed"))
        #expect(fixture.gate.noted.withLock { $0 }.allSatisfy { $0.hasPrefix("access.refused") })
    }

    @Test(arguments: [
        "/runs/1/records", "/runs/1/records.csv", "/runs/1/records.json", "/exchanges/1-0",
        "/exchanges/1-0.json", "/syncs/companies/records/acct-7", "/audit", "/people",
    ])
    func whoMayOnlySeeSeesNoRows(_ path: String) async throws {
        let fixture = try WebFixture(rights: [.see])
        try fixture.runWithRejections()
        let answer = try await fixture.ask(path)
        #expect(answer.status == 403)
        #expect(!answer.text.contains("acct-7"))
    }

    @Test func whoMayOnlySeeSeesNoKeysAndNoButtons() async throws {
        let fixture = try WebFixture(rights: [.see])
        try fixture.runWithRejections()
        for path in ["/", "/runs/1", "/syncs/companies", "/connections"] {
            let answer = try await fixture.ask(path)
            #expect(answer.status == 200)
            #expect(!answer.text.contains("acct-"), "\(path)")
            let forms = PageMarkup(answer.text).elements.filter {
                $0.name == "form" && $0.attributes["method"] == "post"
            }
            #expect(forms.compactMap { $0.attributes["action"] } == ["/sign-out"], "\(path)")
        }
    }

    @Test func aLookAtRowsIsNotedWithoutTheKey() async throws {
        let fixture = try WebFixture()
        try fixture.runWithRejections()
        _ = try await fixture.ask("/runs/1/records")
        _ = try await fixture.ask("/exchanges/1-0")
        #expect(fixture.gate.noted.withLock { $0 } == ["rows.seen run 1", "rows.seen run 1"])
    }

    @Test func aFormThatIsTooLargeIsRefused() async throws {
        let fixture = try WebFixture()
        let large = String(repeating: "a", count: 300_000)
        let answer = try await fixture.post("/syncs/companies/pause", "x=" + large)
        #expect(answer.status == 413)
        #expect(answer.text.contains("form_too_large"))
    }

    @Test func onlyFormsAreTaken() async throws {
        let fixture = try WebFixture()
        let answer = try await fixture.ask(
            "/syncs/companies/pause", .post, headers: [.contentType: "text/plain"], form: "_token=form-token")
        #expect(answer.status == 400)
        #expect(try await fixture.ask("/runs", .put, form: "x").status == 405)
        #expect(try await fixture.ask("/runs", .delete).status == 405)
        #expect(try await fixture.post("/runs").status == 405)
    }

    @Test func pausingRedirectsToThePageWithAMessage() async throws {
        let fixture = try WebFixture()
        let paused = try await fixture.post("/syncs/companies/pause")
        #expect(paused.status == 303)
        #expect(paused.headers[.location] == "/syncs/companies?done=paused")
        #expect(try fixture.site.environment.database.pausedSyncs() == ["companies"])
        let page = try await fixture.ask("/syncs/companies?done=paused")
        #expect(page.text.contains("role=\"status\""))
        #expect(page.text.contains("The sync is paused"))
        _ = try await fixture.post("/syncs/companies/resume")
        #expect(try fixture.site.environment.database.pausedSyncs() == [])
        #expect(fixture.gate.noted.withLock { $0 } == ["syncs.paused sync companies", "syncs.resumed sync companies"])
    }

    @Test func resettingAsksForTheName() async throws {
        let fixture = try WebFixture()
        try fixture.run()
        let wrong = try await fixture.post("/syncs/companies/reset", "name=people")
        #expect(wrong.status == 400)
        #expect(PageMarkup(wrong.text).problems == [])
        #expect(try fixture.site.environment.database.memory("companies")?.lastCompleteRun == 1)
        let right = try await fixture.post("/syncs/companies/reset", "name=companies")
        #expect(right.status == 303)
        #expect(try fixture.site.environment.database.memory("companies")?.lastCompleteRun == nil)
    }

    @Test func runningAsksTheEngine() async throws {
        let fixture = try WebFixture()
        let asked = AskedRuns()
        var site = fixture.site
        site.engine.start = { sync, options in
            asked.note(sync.name, options)
            return 7
        }
        let application = try WebServer(site: site, settings: ServerSettings(listen: "127.0.0.1:1")).application()
        try await application.test(.router) { client in
            for fields in ["", "&full=1", "&accept_guard=removed"] {
                let target = try await client.execute(
                    uri: "/syncs/companies/run", method: .post,
                    headers: [.cookie: "sluice=the-session", .contentType: "application/x-www-form-urlencoded"],
                    body: ByteBuffer(string: "_token=form-token" + fields)
                ) { $0.headers[.location] }
                #expect(target == "/runs/7?done=started")
            }
        }
        #expect(asked.all.map(\.isFull) == [false, true, false])
        #expect(asked.all.map(\.acceptedGuards) == [[], [], ["removed"]])
        #expect(asked.all.allSatisfy { $0.trigger == "web" })
    }
}

final class AskedRuns: Sendable {
    private let options = Mutex<[RunOptions]>([])

    var all: [RunOptions] { options.withLock { $0 } }

    func note(_ sync: String, _ asked: RunOptions) { options.withLock { $0.append(asked) } }
}

@Suite struct ServerSettingsTests {
    @Test func loopbackNeedsNobody() throws {
        for listen in ["127.0.0.1:8470", "localhost:80", "[::1]:8470", "127.9.9.9:1"] {
            #expect(throws: Never.self) { try ServerSettings(listen: listen).check(hasAdmin: false) }
        }
    }

    @Test(arguments: [
        ("0.0.0.0:8470", false, "listen_needs_admin"), ("0.0.0.0:8470", true, "listen_needs_tls"),
        ("[::]:8470", true, "listen_needs_tls"), ("sluice.example:8470", true, "listen_needs_tls"),
        ("127.evil.example.com:80", false, "listen_needs_admin"),
    ])
    func anotherAddressNeedsAnAdminAndEncryption(_ listen: String, _ hasAdmin: Bool, _ code: String) throws {
        let settings = try ServerSettings(listen: listen)
        let error = try #require(throws: RunError.self) { try settings.check(hasAdmin: hasAdmin) }
        #expect(error.code == code)
        var proxied = settings
        proxied.isBehindProxy = true
        #expect(throws: Never.self) { try proxied.check(hasAdmin: true) }
    }

    @Test(arguments: ["", "8470", ":8470", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "::1:80"])
    func whatIsNoAddressIsRefused(_ listen: String) {
        #expect(throws: RunError.self) { try ServerSettings(listen: listen) }
    }

    @Test func onLoopbackOnlyTheMachinesOwnNamesAreAnswered() throws {
        var settings = try ServerSettings(listen: "127.0.0.1:8470")
        for own in ["127.0.0.1:8470", "localhost:8470", "localhost", "[::1]:8470", "127.0.0.2"] {
            #expect(settings.answers(to: own), "\(own)")
        }
        for other: String? in ["evil.example:8470", "localhost.evil.example", "127.evil.example.com", "", nil] {
            #expect(!settings.answers(to: other))
        }
        settings.isBehindProxy = true
        #expect(settings.answers(to: "sluice.example"))
    }

    @Test func aCertificateNeedsItsKey() throws {
        var settings = try ServerSettings(listen: "127.0.0.1:8470")
        settings.certificate = "cert.pem"
        let error = try #require(throws: RunError.self) { try settings.check(hasAdmin: true) }
        #expect(error.code == "tls_incomplete")
    }
}
