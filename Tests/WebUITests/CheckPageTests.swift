import ConnectorKit
import Foundation
import HTTPTypes
import Records
import Runner
import StateStore
import Testing
import WebUI

/// A connection test as its page shows it: step by step, while it goes on and once it has ended.
@Suite struct CheckPageTests {
    private typealias Step = ConnectionReport.Step

    private static let warning = Reason(code: "not_encrypted", message: "Data travels <b>open</b>.", hint: "Use TLS.")

    /// A test of `shop` that has come to its third step and ends when it is let go.
    struct HeldCheck {
        let fixture: WebFixture
        private let reached: AsyncStream<Void>
        private let gate: AsyncStream<Void>.Continuation

        /// - Parameter words: what stands for each text of the two steps that have ended and of the third's name.
        init(
            _ fixture: WebFixture, words: @escaping @Sendable (String) -> String = { $0 },
            end: @escaping @Sendable (inout ConnectionReport) -> Void
        ) throws {
            self.fixture = fixture
            let (reached, tell) = AsyncStream<Void>.makeStream()
            let (opened, gate) = AsyncStream<Void>.makeStream()
            (self.reached, self.gate) = (reached, gate)
            let begun = Moment(milliseconds: WebFixture.now.milliseconds - 7_000)
            let now: @Sendable () -> Moment = { begun }
            try fixture.site.work.beginCheck(.check(.source, "shop"), now: now) { told in
                let warning = Reason(
                    code: "not_encrypted", message: words(CheckPageTests.warning.message),
                    hint: words(CheckPageTests.warning.hint))
                var report = ConnectionReport(address: words("db.example:5432"))
                report.begin(words("address resolves"), told)
                report.end(Step(step: words("address resolves"), isOK: true, message: words("10.0.0.7")))
                report.begin(words("encryption"), told)
                report.end(
                    Step(step: words("encryption"), isOK: true, message: words("none"), warnings: [warning]))
                report.begin(words("login accepted"), told)
                tell.yield(())
                for await _ in opened { break }
                end(&report)
                return CheckConnections.Result(name: "shop", type: "table", report: report)
            }
        }

        /// - Parameter body: what is looked at while the test goes on.
        func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await fixture.site.work.run() }
                for await _ in reached { break }
                try await body()
                gate.yield(())
                while case .working = fixture.site.work.progress(.check(.source, "shop")) { await Task.yield() }
                group.cancelAll()
            }
        }
    }

    private static func badges(_ page: String) -> [String] {
        page.components(separatedBy: "<span class=\"step\">").dropFirst().map { part in
            let name = part.prefix { $0 != "<" }
            let word = part.components(separatedBy: "</svg>").dropFirst().first?.prefix { $0 != "<" } ?? ""
            return "\(name): \(word)"
        }
    }

    @Test func whatWasFoundAndWhatIsGoingOnIsShownWhileTheTestGoesOn() async throws {
        let fixture = try WebFixture()
        let check = try HeldCheck(fixture) { $0.end(Step(step: "login accepted", isOK: true, message: "as sluice")) }
        try await check.run {
            let page = try await fixture.ask("/sources/shop").text
            #expect(PageMarkup(page).problems == [])
            #expect(
                Self.badges(page) == ["address resolves: passed", "encryption: warning", "login accepted: going on"])
            // For how long the step has gone on, and that one need not wait.
            #expect(page.contains("id=\"check-time\">7 s<") && page.contains("You can leave this page"))
            #expect(page.contains("data-events=\"/sources/shop/check/events\""))
            #expect(page.contains("http-equiv=\"refresh\""))
            let json = try await fixture.ask("/sources/shop.json").text
            #expect(json.contains("\"running\" : \"login accepted\"") && json.contains("\"state\" : \"working\""))
            #expect(try await fixture.ask("/connections").text.contains("Checking"))
        }
        let page = try await fixture.ask("/sources/shop").text
        #expect(Self.badges(page).last == "login accepted: passed")
        #expect(!page.contains("data-events") && !page.contains("http-equiv=\"refresh\""))
    }

    @Test func whatPassedWithAWarningIsNoPlainPassAndSaysWhatToDo() async throws {
        let fixture = try WebFixture()
        let other = Reason(code: "source_empty", message: "There is nothing in it.", hint: "Look again.")
        let check = try HeldCheck(fixture) { report in
            report.end(Step(step: "login accepted", isOK: true, message: "set", isTried: false))
            report.warnings.append(other)
        }
        try await check.run {}
        let page = try await fixture.ask("/sources/shop").text
        #expect(PageMarkup(page).problems == [])
        #expect(
            Self.badges(page) == ["address resolves: passed", "encryption: warning", "login accepted: not tried"])
        #expect(page.components(separatedBy: "Use TLS.").count == 2 && page.contains("/errors?code=not_encrypted"))
        #expect(page.contains("Data travels &lt;b&gt;open&lt;/b&gt;.") && page.contains("There is nothing in it."))
        #expect(try await fixture.ask("/connections").text.contains("Passed, with warnings"))
    }

    @Test func stepsComeAsEventsAndTheLastSaysThatItIsTheLast() async throws {
        let fixture = try WebFixture()
        let check = try HeldCheck(fixture) { report in
            report.end(Step(step: "login accepted", isOK: false, message: "No.", hint: "Type it again."))
        }
        try await check.run {}
        let text = try await fixture.ask("/sources/shop/check/events").text
        let last = try #require(text.components(separatedBy: "event: check").last)
        #expect(last.contains("\"ended\":true") && last.contains("Type it again."))
        #expect(last.contains("The check failed at the step login accepted: No."))
        #expect(!last.contains("\"reload\":true"))
    }

    @Test func aTestThatNobodyBeganHasAnEndToo() async throws {
        let fixture = try WebFixture()
        let answer = try await fixture.ask("/destinations/crm/check/events")
        #expect(answer.headers[.contentType] == "text/event-stream")
        #expect(answer.text.contains("\"ended\":true"))
        #expect(try await fixture.ask("/sources/nobody/check/events").status == 404)
    }
}
