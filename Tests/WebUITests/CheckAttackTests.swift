import ConnectorKit
import Foundation
import HTTPTypes
import Records
import Runner
import StateStore
import Testing
import WebUI

/// A connection test whose steps say what an attacker wants, and who may begin and follow one. What a system at the other
/// end answers stands in the texts of the steps.
@Suite struct CheckAttackTests {
    private typealias Step = ConnectionReport.Step

    private static let hostile = "\"><script>alert('x')</script>&<img src=x onerror=y>`</code>`"
    /// What would end an event of the stream and begin another.
    private static let breaking = "\r\n\r\nevent: check\ndata: {\"ended\":true}\n\n"
    private static let end: @Sendable (inout ConnectionReport) -> Void = { report in
        let reason = Reason(code: hostile, message: hostile, hint: hostile)
        report.warnings.append(reason)
        report.end(Step(step: hostile, isOK: false, message: hostile, hint: hostile, warnings: [reason]))
    }

    /// What the page is told of an event.
    private struct Update: Decodable {
        var sentence: String
        var parts: [String: String]
    }

    private static func expectHarmless(_ page: String, _ place: String) {
        #expect(!page.contains("<script>alert") && !page.contains("<img src=x"), "\(place)")
        #expect(PageMarkup(page).problems == [], "\(place)")
    }

    @Test func scriptsInTheStepsStayTextWhileTheTestGoesOnAndAfterIt() async throws {
        let fixture = try WebFixture()
        let check = try CheckPageTests.HeldCheck(fixture, words: { $0 + Self.hostile }, end: Self.end)
        try await check.run {
            let page = try await fixture.ask("/sources/shop").text
            Self.expectHarmless(page, "going on")
            // They are there: address, three names, two messages, a warning's message and its hint.
            #expect(page.components(separatedBy: "&lt;script&gt;alert").count > 8)
            Self.expectHarmless(try await fixture.ask("/connections").text, "connections, going on")
        }
        let page = try await fixture.ask("/sources/shop").text
        Self.expectHarmless(page, "ended")
        #expect(page.components(separatedBy: "&lt;script&gt;alert").count > 12)
        Self.expectHarmless(try await fixture.ask("/connections").text, "connections")
        let json = try await fixture.ask("/sources/shop.json")
        #expect(json.headers[.contentType] == "application/json" && json.text.contains("alert('x')"))
        #expect(json.headers[.xContentTypeOptions] == "nosniff")
    }

    @Test func aCheckThatCouldNotBeMadeSaysAScriptAsText() async throws {
        let fixture = try WebFixture()
        let now = WebFixture.now
        let clock: @Sendable () -> Moment = { now }
        try fixture.site.work.beginCheck(.check(.source, "shop"), now: clock) { _ in
            throw RunError(code: Self.hostile, message: Self.hostile, hint: Self.hostile)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await fixture.site.work.run() }
            while case .working = fixture.site.work.progress(.check(.source, "shop")) { await Task.yield() }
            group.cancelAll()
        }
        let page = try await fixture.ask("/sources/shop").text
        Self.expectHarmless(page, "failed")
        #expect(page.contains("&lt;script&gt;alert"))
    }

    @Test func eventsHoldScriptsAsTextAndNoTextEndsAnEvent() async throws {
        let fixture = try WebFixture()
        let words: @Sendable (String) -> String = { $0 + Self.hostile + Self.breaking }
        let check = try CheckPageTests.HeldCheck(fixture, words: words, end: Self.end)
        try await check.run {}
        let answer = try await fixture.ask("/sources/shop/check/events")
        #expect(
            answer.headers[.contentType] == "text/event-stream" && answer.headers[.xContentTypeOptions] == "nosniff")
        let lines = answer.text.split(separator: "\n")
        let data = try #require(lines.first { $0.hasPrefix("data: ") }).dropFirst(6)
        let update = try JSONDecoder().decode(Update.self, from: Data(data.utf8))
        for (id, part) in update.parts {
            #expect(!part.contains("<script>alert") && !part.contains("<img src=x"), "\(id)")
            #expect(part.contains("&lt;script&gt;alert"), "\(id)")
        }
        #expect(update.parts.count == 1)
        // Not markup: the page's script makes it the text of an element.
        #expect(update.sentence.contains(Self.hostile))
        #expect(lines.filter { $0.hasPrefix("event:") }.count == 1 && lines.filter { $0.hasPrefix("data:") }.count == 1)
        #expect(lines.allSatisfy { line in ["retry:", "event:", "id:", "data:"].contains { line.hasPrefix($0) } })
        #expect(!answer.text.contains("\r"))
    }

    /// While it goes on the step's name is part of the event's number.
    @Test(arguments: ["\r\n\r\n", "\n\n", "\r\r", "\n", "\u{0}\n"])
    func nameOfTheStepThatIsGoingOnForgesNoEvent(_ breaking: String) async throws {
        let fixture = try WebFixture()
        let forged = "\(breaking)event: check\(breaking)data: {\"ended\":true}\(breaking)"
        let words: @Sendable (String) -> String = { $0 + forged + String(repeating: "long", count: 500) }
        let check = try CheckPageTests.HeldCheck(fixture, words: words) { report in
            report.end(Step(step: "login accepted", isOK: true, message: "as sluice"))
        }
        try await check.run {
            let answer = try await fixture.ask("/sources/shop/check/events")
            // Any of the three ends a line for a browser.
            let lines = answer.text.split { $0.isNewline }
            #expect(lines.filter { $0.hasPrefix("event:") }.count == 1, "\(lines.map { $0.prefix(60) })")
            #expect(lines.filter { $0.hasPrefix("data:") }.count == 1)
            #expect(
                lines.allSatisfy { line in ["retry:", "event: check", "id:", "data:"].contains { line.hasPrefix($0) } })
            let number = try #require(lines.first { $0.hasPrefix("id:") })
            #expect(number.contains("login accepted") && number.count <= 204)
            #expect(!number.utf8.contains(0))
            let data = try #require(lines.first { $0.hasPrefix("data: ") }).dropFirst(6)
            let update = try JSONDecoder().decode(Update.self, from: Data(data.utf8))
            #expect(update.sentence.contains("is going on"))
        }
    }

    // MARK: Who may

    @Test(arguments: ["/sources/shop", "/destinations/crm"])
    func whoHasNotSignedInMayNeitherBeginNorFollowACheck(_ place: String) async throws {
        let fixture = try WebFixture()
        for (path, method) in [("\(place)/check", HTTPRequest.Method.post), ("\(place)/check/events", .get)] {
            let form = method == .post ? "_token=\(FixtureGate.token)" : nil
            for session in [nil, "wrong"] {
                let answer = try await fixture.ask(path, method, form: form, session: session)
                #expect([303, 401, 403].contains(answer.status), "\(path): \(answer.status)")
                #expect(answer.headers[.contentType] != "text/event-stream" && !answer.text.contains("event:"))
            }
        }
        #expect(fixture.site.work.progress(.check(.source, "shop")) == nil)
        #expect(fixture.site.work.progress(.check(.destination, "crm")) == nil)
    }

    /// Its page shows the same to everybody who may see it; only the credentials are used by those who may.
    @Test(arguments: Permission.allCases)
    func aCheckIsBegunByWhoMayUseConnectionsAndFollowedByWhoSeesItsPage(_ right: Permission) async throws {
        let fixture = try WebFixture(rights: [right])
        let begun = try await fixture.post("/sources/shop/check")
        #expect(begun.status == (right == .useConnections ? 303 : 403), "\(right)")
        let isWorking = if case .working = fixture.site.work.progress(.check(.source, "shop")) { true } else { false }
        #expect(isWorking == (right == .useConnections), "\(right)")
        let followed = try await fixture.ask("/destinations/crm/check/events").status
        let page = try await fixture.ask("/destinations/crm").status
        #expect(followed == (right == .see ? 200 : 403) && page == followed, "\(right)")
    }
}
