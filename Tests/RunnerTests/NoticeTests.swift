import ConnectorKit
import Foundation
import Logging
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

private let here = Location(file: "sluice.yaml", line: 1, column: 1)

private func notify(
    _ events: [NotifyDefinition.Event] = NotifyDefinition.Event.allCases, webhook: String = "https://example.com/hook"
) -> NotifyDefinition {
    let value = SettingValue(.text([.literal(webhook)]), location: here, directory: "/")
    return NotifyDefinition(.webhook(value), events: events, location: here)
}

private func run(_ id: Int64, _ state: RunState, missing: Int = 0, of scanned: Int = 1_000) -> RunRecord {
    var run = RunRecord(
        id: id, sync: "things", state: state, full: false, limited: false, trigger: "schedule",
        startedAt: utc("2026-11-28 06:00"))
    run.rows.scanned = scanned
    run.rows.invalid = missing
    if missing > 0 { run.reasons = [ReasonCount(code: "duplicate_key", count: missing)] }
    if state == .failed { run.error = RunFailure(code: "unauthorized", message: "No.", hint: "Log in.") }
    if state == .stoppedByGuard {
        run.guard = GuardRecord(name: "empty_scan", message: "Nothing there.", hint: "Look.")
    }
    return run
}

/// What is told of a run, and what is not.
struct NoticeRulesTests {
    /// The events that are told of the runs, one list for each.
    private func told(_ runs: [RunRecord], _ notify: NotifyDefinition = notify()) -> [[NotifyDefinition.Event]] {
        var state = NoticeState()
        return runs.map { run in
            NoticeRules.notices(of: run, notify, state: &state, at: utc("2026-11-28 07:00")).map(\.event)
        }
    }

    @Test func failureIsToldWhenItBeginsAndWhenItIsOver() {
        let runs = [run(1, .succeeded), run(2, .failed), run(3, .failed), run(4, .succeeded), run(5, .failed)]
        #expect(told(runs) == [[], [.failure], [], [.recovery], [.failure]])
    }

    @Test func everyTimeTellsEachRun() {
        var every = notify()
        every.sendFor = .everyTime
        let runs = [run(1, .failed), run(2, .failed), run(3, .completedWithRejections, missing: 1)]
        #expect(told(runs, every) == [[.failure], [.failure], [.notArrived, .recovery]])
    }

    @Test func guardIsAnEventOfItsOwn() {
        #expect(
            told([run(1, .stoppedByGuard), run(2, .stoppedByGuard), run(3, .succeeded)]) == [[.guard], [], [.recovery]])
    }

    @Test func anyRowThatDoesNotArriveIsToldUnlessAShareIsSet() {
        let runs = [run(1, .completedWithRejections, missing: 1), run(2, .completedWithRejections, missing: 2)]
        #expect(told(runs) == [[.notArrived], []])
        var share = notify()
        share.notArrivedPercentMin = 5
        let more = [
            run(1, .completedWithRejections, missing: 49), run(2, .completedWithRejections, missing: 50),
            run(3, .completedWithRejections, missing: 49),
        ]
        #expect(told(more, share) == [[], [.notArrived], [.recovery]])
    }

    private func scanned(_ scan: RunEffort.Scan, _ run: RunRecord) -> RunRecord {
        var run = run
        run.effort = RunEffort()
        run.effort?.scan = scan
        return run
    }

    /// Between complete scans an invalid row is not read: that is no recovery.
    @Test func runOfRecentRowsTakesNothingBackThatItDidNotRead() {
        let (bad, good) = (run(1, .completedWithRejections, missing: 1), run(2, .succeeded))
        let runs = [
            scanned(.complete, bad), scanned(.recent, good), scanned(.recent, good), scanned(.complete, bad),
            scanned(.recent, good), scanned(.complete, good), scanned(.recent, good),
        ]
        #expect(told(runs) == [[.notArrived], [], [], [], [], [.recovery], []])
        let recent = [scanned(.recent, bad), scanned(.recent, good), scanned(.complete, good)]
        #expect(told(recent) == [[.notArrived], [], [.recovery]])
        // A row is added to those that are not read again, or is all that is left of them.
        var refused = run(3, .completedWithRejections)
        refused.operations.rejected = 1
        let more = [scanned(.complete, bad), scanned(.recent, refused), scanned(.recent, good)]
        #expect(told(more) == [[.notArrived], [], []])
        let less = [scanned(.complete, bad), scanned(.complete, refused), scanned(.recent, good)]
        #expect(told(less) == [[.notArrived], [], [.recovery]])
        // A dataset that is read in full has said all.
        #expect(told([bad, good]) == [[.notArrived], [.recovery]])
    }

    @Test func whatIsCarriedOnIsTakenBackByARunOfRecentRows() {
        var refused = run(1, .completedWithRejections)
        refused.operations.rejected = 2
        let good = scanned(.recent, run(2, .succeeded))
        #expect(told([scanned(.complete, refused), good]) == [[.notArrived], [.recovery]])
        var removal = refused
        removal.operations.removals = 2
        #expect(told([scanned(.complete, removal), good]) == [[.notArrived], []])
        var doubt = run(1, .completedWithRejections)
        doubt.rows.held = 1
        doubt.reasons = [ReasonCount(code: "in_doubt", count: 1)]
        #expect(told([scanned(.complete, doubt), good]) == [[.notArrived], []])
        let failed = [scanned(.complete, run(1, .completedWithRejections, missing: 1)), run(2, .failed), good]
        #expect(told(failed) == [[.notArrived], [.failure], [.recovery]], "of the failure alone")
    }

    @Test func tenTimesAsManyMissingRowsAreToldOnceMore() {
        let counts = [1, 9, 10, 99, 100]
        let runs = counts.enumerated().map { run(Int64($0.offset), .completedWithRejections, missing: $0.element) }
        #expect(told(runs) == [[.notArrived], [], [.notArrived], [], [.notArrived]])
    }

    @Test func failureIsNoRecoveryOfMissingRows() {
        let runs = [
            run(1, .completedWithRejections, missing: 3), run(2, .failed), run(3, .completedWithRejections, missing: 3),
        ]
        #expect(told(runs) == [[.notArrived], [.failure], [.recovery]])
    }

    @Test func onlyWhatIsWantedIsTold() {
        let runs = [run(1, .failed), run(2, .succeeded), run(3, .stoppedByGuard)]
        #expect(told(runs, notify([.guard])) == [[], [], [.guard]])
        #expect(told(runs, notify([.recovery])) == [[], [.recovery], []])
    }

    @Test func cancelledSkippedAndLimitedRunsSayNothing() {
        var limited = run(3, .failed)
        limited.limited = true
        #expect(told([run(1, .cancelled), run(2, .skipped), limited]) == [[], [], []])
        #expect(told([run(1, .failed), run(2, .skipped), run(3, .cancelled)]) == [[.failure], [], []])
    }

    @Test func messagesSayWhatHappenedAndWhatToDo() throws {
        var state = NoticeState()
        let failed = try #require(
            NoticeRules.notices(of: run(2, .failed), notify(), state: &state, at: utc("2026-11-28 07:00")).first)
        #expect(failed.text == "Run 2 of sync things failed: No. Log in.")
        let stopped = try #require(
            NoticeRules.notices(of: run(3, .stoppedByGuard), notify(), state: &state, at: utc("2026-11-28 07:00")).first
        )
        #expect(stopped.message == "A guard stopped run 3 of sync things before it sent anything: Nothing there.")
        let missing = run(4, .completedWithRejections, missing: 2)
        let notices = NoticeRules.notices(of: missing, notify(), state: &state, at: utc("2026-11-28 07:00"))
        #expect(
            notices.first?.message
                == "2 rows of sync things did not arrive with run 4, most for the reason duplicate_key.")
        #expect(notices.last?.recovered == [.failure, .guard])
    }

    @Test func syncIsStaleAtTheSecondTimeItIsDueButNotWithinTheHour() throws {
        let seen = utc("2026-11-27 00:00")
        func staleAt(_ trigger: ScheduleDefinition.Trigger?, after last: String) -> Moment? {
            let own = sync("a", trigger)
            let promise = FreshnessPromise([own, sync("c", .every(seconds: 7_200))], paused: [])
            return NoticeRules.staleAt(own, notify(), promise, completedAt: utc(last), seenAt: seen)
        }
        #expect(staleAt(.every(seconds: 7_200), after: "2026-11-28 06:00") == utc("2026-11-28 10:00"))
        #expect(staleAt(.every(seconds: 900), after: "2026-11-28 06:00") == utc("2026-11-28 07:15"))
        let weekdays = ScheduleDefinition.Trigger.cron(try CronExpression("0 6 * * mon-fri"), timeZone: "UTC")
        // Friday's run is followed by Monday's.
        #expect(staleAt(weekdays, after: "2026-11-27 06:01") == utc("2026-12-01 06:00"))
        #expect(staleAt(nil, after: "2026-11-28 06:00") == nil)
        #expect(staleAt(.after(["b"]), after: "2026-11-28 06:00") == nil)
        #expect(staleAt(.after(["c"]), after: "2026-11-28 06:00") == utc("2026-11-28 10:00"))
        var set = notify()
        set.staleAfterSeconds = 600
        let none = FreshnessPromise([], paused: [])
        #expect(NoticeRules.staleAt(sync("a"), set, none, completedAt: nil, seenAt: seen) == seen.plus(seconds: 600))
    }

    @Test func staleIsToldOnceAndIsOverWithACompleteRun() {
        var state = NoticeState()
        let now = utc("2026-11-28 07:00")
        let first = NoticeRules.stale(sync("things"), notify(), completedAt: nil, state: &state, at: now)
        #expect(first?.event == .stale && first?.run == nil)
        #expect(NoticeRules.stale(sync("things"), notify(), completedAt: nil, state: &state, at: now) == nil)
        let after = NoticeRules.notices(of: run(1, .succeeded), notify(), state: &state, at: now)
        #expect(after.map(\.event) == [.recovery] && after.first?.recovered == [.stale])
    }
}

/// What leaves, and in which form.
struct NoticeBodyTests {
    private let notice: Notice = {
        var state = NoticeState()
        return NoticeRules.notices(of: run(2, .failed), notify(), state: &state, at: utc("2026-11-28 07:00"))[0]
    }()

    private func object(_ form: NotifyDefinition.Form, _ notice: Notice? = nil) throws -> [String: Any] {
        let bytes = try NoticeBody.bytes(notice ?? self.notice, form: form)
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func jsonHoldsTheWholeRun() throws {
        let json = try object(.json)
        #expect(json["event"] as? String == "failure" && json["sync"] as? String == "things")
        #expect(json["text"] as? String == "Run 2 of sync things failed: No. Log in.")
        #expect(json["at"] as? String == "2026-11-28T07:00:00.000Z")
        let run = try #require(json["run"] as? [String: Any])
        #expect(run["id"] as? Int == 2 && run["state"] as? String == "failed")
        var stale = notice
        stale.run = nil
        #expect(try object(.json, stale)["run"] is NSNull)
    }

    @Test func slackAndTeamsGetTheirForms() throws {
        var pointed = notice
        pointed.message = "<!channel> & more"
        pointed.hint = ""
        #expect(try object(.slack, pointed)["text"] as? String == "&lt;!channel&gt; &amp; more")
        let text = String(decoding: try NoticeBody.bytes(notice, form: .teams), as: UTF8.self)
        #expect(text.contains("application/vnd.microsoft.card.adaptive") && text.contains("failed: No. Log in."))
    }

    @Test func formFollowsTheHostUnlessItIsSet() {
        func form(_ url: String, _ form: NotifyDefinition.Form? = nil) -> NotifyDefinition.Form? {
            WebhookAddress(Secret(url), form: form)?.form
        }
        #expect(form("https://hooks.slack.com/services/T/B/x") == .slack)
        #expect(form("https://acme.webhook.office.com/webhookb2/x") == .teams)
        #expect(form("https://prod-1.westeurope.logic.azure.com:443/workflows/x?sig=y") == .teams)
        #expect(form("https://hooks.slack.com.example.com/x") == .json)
        #expect(form("https://chat.example.com/hooks/x", .slack) == .slack)
    }

    @Test func onlyPlainWebAddressesArePostedTo() {
        for bad in [
            "", "ftp://example.com/x", "file:///etc/passwd", "https://user:pw@example.com/x", "example.com/x",
            "https://",
        ] {
            #expect(WebhookAddress(Secret(bad), form: nil) == nil, "\(bad)")
        }
        #expect(WebhookAddress(Secret("http://127.0.0.1:9/x"), form: nil)?.host == "127.0.0.1:9")
    }
}

/// Notices leave, are tried again, and fail nobody.
struct NotifierTests {
    private final class Sent: Sendable {
        private let state = Mutex<([Notice], failures: Int)>(([], 0))
        var events: [NotifyDefinition.Event] { state.withLock { $0.0.map(\.event) } }
        var bodies: [String] { texts.withLock { $0 } }
        private let texts = Mutex<[String]>([])
        private let posts = Mutex<[WebhookPost]>([])
        /// Also those that did not arrive.
        var tried: [WebhookPost] { posts.withLock { $0 } }

        /// The first so many tries do not arrive.
        init(failures: Int = 0) { state.withLock { $0.failures = failures } }

        func sender() -> NoticeSender {
            NoticeSender { [self] webhook in
                posts.withLock { $0.append(webhook) }
                try state.withLock { state in
                    if state.failures > 0 {
                        state.failures -= 1
                        throw RunError(code: "notice_not_sent", message: "Nobody there.", hint: "Look.")
                    }
                }
                texts.withLock { $0.append(String(decoding: webhook.body, as: UTF8.self)) }
                return webhook.address.host == "refuses.example.com" ? 500 : 204
            }
        }
    }

    private func notifier(
        _ fixture: RunFixture, _ sender: NoticeSender, _ definition: NotifyDefinition = notify(),
        log: LineLog = LineLog()
    ) throws -> Notifier {
        var project = Project(directory: "/", file: "sluice.yaml", syncs: [things()])
        project.notify = definition
        return Notifier(
            project, environment: try fixture.environment(), sender: sender, patience: .long, logger: log.logger
        ) { value, _ in Secret(value.literal ?? "") }
    }

    @Test func noticeIsTriedAgainAndThenToldOnce() async throws {
        let (fixture, sent) = (try RunFixture(), Sent(failures: 2))
        let notifier = try notifier(fixture, sent.sender())
        await notifier.tell(run(1, .failed))
        #expect(sent.bodies.count == 1 && fixture.time.slept == [.seconds(2), .seconds(10)])
        await notifier.tell(run(2, .failed))
        #expect(sent.bodies.count == 1)
        // Another process knows what was told.
        try await self.notifier(fixture, sent.sender()).tell(run(3, .failed))
        #expect(sent.bodies.count == 1)
        await notifier.tell(run(4, .succeeded))
        #expect(sent.bodies.count == 2 && sent.bodies[1].contains("recovery"))
    }

    @Test func everyTryIsSignedAnewAndHasTheNumberOfItsNotice() async throws {
        let (fixture, sent) = (try RunFixture(), Sent(failures: 1))
        var definition = notify()
        let key = "whsec_" + Data(repeating: 1, count: 32).base64EncodedString()
        definition.signingSecret = SettingValue(.text([.literal(key)]), location: here, directory: "/")
        let notifier = try notifier(fixture, sent.sender(), definition)
        await notifier.tell(run(1, .failed))
        await notifier.tell(run(2, .succeeded))
        func value(_ name: String) -> [String] {
            sent.tried.map { post in post.headers.first { $0.name == name }?.value ?? "" }
        }
        let (ids, times) = (value("webhook-id"), value("webhook-timestamp").compactMap { Int($0) })
        #expect(ids.count == 3 && ids[0] == ids[1] && ids[1] != ids[2] && ids.allSatisfy { $0.hasPrefix("notice_") })
        #expect(times.count == 3 && times[1] - times[0] == 2)
        #expect(Set(value("webhook-signature")).count == 3)
    }

    @Test func signingSecretThatIsNoneIsLoggedAndNothingLeavesUnsigned() async throws {
        let (fixture, sent, log) = (try RunFixture(), Sent(), LineLog())
        var definition = notify()
        definition.signingSecret = SettingValue(.text([.literal("T0PSECRET")]), location: here, directory: "/")
        try await notifier(fixture, sent.sender(), definition, log: log).tell(run(1, .failed))
        #expect(sent.tried.isEmpty && log.lines.contains { $0.contains("signing_secret_invalid") }, "\(log.lines)")
        #expect(!log.lines.contains { $0.contains("T0PSECRET") })
    }

    @Test func addressThatMayNotBePostedToIsNotTriedAgain() async throws {
        let (fixture, log) = (try RunFixture(), LineLog())
        let sender = NoticeSender { webhook in
            try webhook.check("192.168.1.1")
            return 204
        }
        try await notifier(fixture, sender, log: log).tell(run(1, .failed))
        #expect(log.lines.contains { $0.contains("code=webhook_address_private") }, "\(log.lines)")
        #expect(fixture.time.slept.isEmpty)
    }

    @Test func noticeThatNeverLeavesIsLoggedAndToldByTheNextRun() async throws {
        let (fixture, sent, log) = (try RunFixture(), Sent(failures: 5), LineLog())
        let notifier = try notifier(fixture, sent.sender(), log: log)
        await notifier.tell(run(1, .failed))
        #expect(sent.bodies.isEmpty && log.lines.contains { $0.contains("Nobody there.") })
        await notifier.tell(run(2, .failed))
        #expect(sent.bodies.count == 1)
    }

    @Test func refusalsAndBadAddressesAreLoggedWithoutTheAddress() async throws {
        for url in ["https://refuses.example.com/T0PSECRET", "gopher://example.com/T0PSECRET"] {
            let (fixture, sent, log) = (try RunFixture(), Sent(), LineLog())
            try await notifier(fixture, sent.sender(), notify(webhook: url), log: log).tell(run(1, .failed))
            #expect(log.lines.contains { $0.contains("was not delivered") }, "\(log.lines)")
            #expect(!log.lines.contains { $0.contains("T0PSECRET") })
        }
    }

    @Test func runsTellThroughTheirNotifier() async throws {
        let (fixture, sent) = (try RunFixture([row("a"), row("a")]), Sent())
        let notifier = try notifier(fixture, sent.sender())
        let runs = RunSyncs(environment: try fixture.environment(), notifier: notifier)
        let result = await runs.run([things()], options: RunOptions())
        #expect(result.first?.records.first?.state == .stoppedByGuard)
        #expect(sent.bodies.count == 1 && sent.bodies[0].contains("\"guard\""))
    }

    private func command(_ text: String, _ fixture: RunFixture, _ log: LineLog = LineLog()) throws -> Notifier {
        let value = SettingValue(.text([.literal(text)]), location: here, directory: "/")
        return try notifier(
            fixture, NoticeSender { _ in 500 },
            NotifyDefinition(.command(value), events: [.failure], location: here),
            log: log)
    }

    @Test func commandGetsTheNoticeAndNoneOfOurVariables() async throws {
        setenv("SLUICE_TEST_SECRET", "T0PSECRET", 1)
        let fixture = try RunFixture()
        let file = fixture.folder + "/told"
        try await command("cat > '\(file)'; env >> '\(file)'", fixture).tell(run(7, .failed))
        let told = try String(contentsOfFile: file, encoding: .utf8)
        #expect(told.contains("\"event\":\"failure\"") && told.contains("SLUICE_RUN=7"))
        #expect(told.contains("SLUICE_SYNC=things") && !told.contains("T0PSECRET"))
    }

    @Test func commandThatFailsIsLogged() async throws {
        let (fixture, log) = (try RunFixture(), LineLog())
        try await command("exit 3", fixture, log).tell(run(7, .failed))
        #expect(log.lines.contains { $0.contains("ended with status 3") }, "\(log.lines)")
        #expect(fixture.time.slept.count == 4)
    }
}

/// Keeps what is logged.
final class LineLog: Sendable {
    private let kept = Mutex<[String]>([])
    var lines: [String] { kept.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: LineLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            log.kept.withLock { $0.append("\(event.level) \(event.message) \(fields)") }
        }
    }
}
