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

@Suite struct PageTests {
    static let paths = [
        "/", "/syncs", "/syncs?q=comp", "/syncs/companies", "/syncs/companies?tab=timeline",
        "/syncs/companies?tab=mapping", "/syncs/companies?tab=definition", "/syncs/people", "/syncs/companies/reset",
        "/runs", "/runs?state=problems&sync=companies", "/runs/1", "/runs/2", "/runs/3", "/runs/2/records",
        "/runs/2/records?outcome=rejected", "/runs/2/records?q=acct", "/exchanges/2-0", "/connections",
        "/sources/shop", "/destinations/crm", "/system", "/errors", "/errors?q=listen", "/nothing-here",
    ]

    static func full() throws -> WebFixture {
        let fixture = try WebFixture()
        try fixture.run(minutesAgo: 90)
        try fixture.runWithRejections()
        try fixture.run("people", .failed) {
            $0.error = RunFailure(code: "connection_refused", message: "Nobody is there.", hint: "Start it.")
        }
        return fixture
    }

    @Test(arguments: paths) func everyPageIsWellFormedAndSmall(_ path: String) async throws {
        let answer = try await Self.full().ask(path)
        #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
        #expect(PageMarkup(answer.text).problems == [])
        #expect(answer.text.utf8.count < 50_000)
    }

    /// Own script under 10 kB, style under 20 kB, and nothing that a page loads is anybody else's or written into it.
    @Test func whatAPageLoadsIsSmallAndFromHere() async throws {
        let fixture = try Self.full()
        let limits = ["css": 20_000, "js": 10_000, "svg": 10_000]
        var loaded: Set<String> = []
        for path in Self.paths {
            let page = PageMarkup(try await fixture.ask(path).text)
            for element in page.elements where ["script", "link", "img", "iframe", "style"].contains(element.name) {
                let address = element.attributes["src"] ?? element.attributes["href"]
                #expect(address?.hasPrefix("/assets/") == true, "\(path): \(element)")
                if let address { loaded.insert(address) }
            }
            for element in page.elements {
                #expect(element.attributes.keys.allSatisfy { !$0.hasPrefix("on") && $0 != "style" }, "\(path)")
            }
        }
        #expect(loaded.count == 3)
        for address in loaded {
            let answer = try await fixture.ask(address)
            let limit = try #require(limits[String(address.split(separator: ".").last ?? "")])
            #expect(answer.status == 200 && answer.text.utf8.count < limit, "\(address)")
        }
    }

    @Test func everyLinkOfAPageAnswers() async throws {
        let fixture = try Self.full()
        var links: Set<String> = []
        for path in Self.paths {
            let page = path.prefix { $0 != "?" }
            for link in PageMarkup(try await fixture.ask(path).text).links {
                links.insert(link.hasPrefix("?") ? page + link : link)
            }
        }
        #expect(links.count > 30)
        for link in links.sorted() where !link.contains("/records/") {
            let answer = try await fixture.ask(link)
            #expect(answer.status == 200, "\(link)")
        }
    }

    @Test func hostileDataStaysText() async throws {
        let fixture = try WebFixture()
        let hostile = "\"><script>alert('x')</script>&<img src=x onerror=y>"
        let run = try fixture.runWithRejections(key: hostile, message: hostile)
        try fixture.run("people", .failed) {
            $0.error = RunFailure(code: "x", message: hostile, hint: hostile)
            $0.trigger = hostile
        }
        let pages = [
            "/", "/syncs/people", "/runs", "/runs/\(run.id)", "/runs/2", "/runs/\(run.id)/records",
            "/exchanges/\(run.id)-0", "/syncs?q=%22%3E%3Cscript%3E", "/runs?sync=%22%3E%3Cscript%3E",
            "/runs/\(run.id)/records?q=%22%3E%3Cscript%3E&code=%22%3E%3Cscript%3E", "/errors?q=%22%3E%3Cscript%3E",
            "/syncs/%22%3E%3Cscript%3E", "/syncs/companies?done=%3Cscript%3E",
        ]
        for path in pages {
            let answer = try await fixture.ask(path)
            #expect(!answer.text.contains("<script>"), "\(path)")
            #expect(!answer.text.contains("<img"), "\(path)")
            #expect(PageMarkup(answer.text).problems == [], "\(path)")
        }
    }

    @Test func whatDidNotArriveComesFirst() async throws {
        let fixture = try Self.full()
        let text = PageMarkup(try await fixture.ask("/runs/2").text).text
        #expect(text.contains("3 of 1,000 rows did not arrive. 99 changes did."))
        let overview = PageMarkup(try await fixture.ask("/").text)
        #expect(overview.text.contains("None of the 2 syncs is up to date."))
        #expect(overview.text.contains("run 3 failed: Nobody is there."))
    }

    @Test func onlySuccessIsGreen() async throws {
        let fixture = try Self.full()
        let page = PageMarkup(try await fixture.ask("/runs/2").text)
        #expect(!page.elements.contains { $0.attributes["class"]?.contains("badge good") == true })
    }

    @Test func theJSONOfARunIsTheRecord() async throws {
        let fixture = try Self.full()
        let answer = try await fixture.ask("/runs/2.json")
        let run = try JSONDecoder().decode(RunRecord.self, from: Data(answer.text.utf8))
        #expect(run == (try fixture.site.environment.database.run(2)))
        let asked = try await fixture.ask("/runs/2", headers: [.accept: "application/json"])
        #expect(asked.text == answer.text)
    }

    @Test(arguments: [
        "/overview.json", "/.json", "/syncs.json", "/syncs/companies.json", "/runs.json",
        "/runs/2/records.json", "/exchanges/2-0.json", "/connections.json", "/system.json",
        "/account.json", "/people.json", "/audit.json", "/errors.json", "/sources/shop.json", "/destinations/crm.json",
    ])
    func everyPageHasATwinForPrograms(_ path: String) async throws {
        let answer = try await Self.full().ask(path)
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) }
    }

    @Test func noAddressAnswersAProgramWithAPageForPeople() async throws {
        let fixture = try EditingFixture()
        try await fixture.makeAll()
        for place in EveryPlace.examples where ![.signIn, .signOut, .welcome("good")].contains(place) {
            // What streams goes on until the run or the test has ended.
            if EveryPlace.label(place).hasSuffix("Events") { continue }
            let answer = try await fixture.ask(place.path + ".json")
            #expect(answer.headers[.contentType]?.hasPrefix("text/html") != true, "\(place.path)")
        }
    }

    @Test func secretsAreNeverShown() async throws {
        let fixture = try Self.full()
        for path in ["/destinations/crm", "/destinations/crm.json", "/sources/shop", "/syncs/companies?tab=definition"]
        {
            #expect(!(try await fixture.ask(path).text.contains("very-secret")), "\(path)")
        }
        #expect(try await fixture.ask("/sources/shop").text.contains("SHOP_PASSWORD"))
    }

    @Test func aFarPageOfRecordsGoesOnWhereTheOneBeforeEnded() async throws {
        let fixture = try WebFixture()
        let run = try fixture.run()
        let reason = Reason(code: "cannot_cast", message: "no")
        try fixture.site.environment.database.record(
            outcomes: (0..<120).map { number in
                OutcomeRecord(
                    run: run.id, sequence: number, key: "key-\(number)",
                    keyHash: Hash128.of("\(number)", seed: 1), outcome: .invalid, reason: reason, at: WebFixture.now)
            })
        var path: String? = "/runs/\(run.id)/records?outcome=invalid"
        var seen: [String] = []
        while let next = path {
            let page = PageMarkup(try await fixture.ask(next).text)
            seen += page.elements.filter { $0.attributes["class"] == "key" }.compactMap { $0.attributes["href"] }
            path = page.links.first { $0.contains("after=") }
        }
        #expect(Set(seen).count == 120)
        #expect(seen.count == 120)
        let csv = try await fixture.ask("/runs/\(run.id)/records.csv")
        #expect(csv.text.split(separator: "\n").count == 121)
    }

    @Test func formulasInCSVAreText() async throws {
        let fixture = try WebFixture()
        let run = try fixture.runWithRejections(key: "=1+1", message: "@x")
        let csv = try await fixture.ask("/runs/\(run.id)/records.csv")
        #expect(csv.headers[.contentDisposition] == "attachment; filename=\"sluice-run-1.csv\"")
        #expect(csv.text.contains("'=1+1,rejected,refused_by_destination,'@x"))
    }

    @Test func theEventsOfARunThatHasEndedAreOneAndTheEnd() async throws {
        let fixture = try Self.full()
        let answer = try await fixture.ask("/runs/2/events")
        #expect(answer.headers[.contentType] == "text/event-stream")
        let events = answer.text.split(separator: "\n\n")
        #expect(events.count == 2)
        let id = try #require(events.last?.split(separator: "\n").first?.dropFirst(4))
        #expect(answer.text.contains(#""ended":true"#))
        let name = try #require(HTTPFieldName.lastEventID)
        let again = try await fixture.ask("/runs/2/events", headers: [name: String(id)])
        #expect(!again.text.contains("event: run"))
    }
}
