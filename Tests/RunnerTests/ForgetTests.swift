import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// One person's data is dropped from everything that is kept.
struct ForgetTests {
    private let by = Actor("test")
    private let person = "ada-lovelace"

    private func refused() async throws -> (RunFixture, RunRecord) {
        let fixture = try RunFixture([row(person, "Ada"), row("k2", "Bob"), row("k3", "Eve")])
        fixture.account.refuse { key, _ in
            key == "ada-lovelace"
                ? Reason(code: "refused_by_destination", message: "No ada-lovelace.", hint: "Make it good.") : nil
        }
        let record = try await fixture.run()
        let environment = try fixture.environment()
        var carried = ExchangeRecord(
            run: record.id, number: 1_000, at: record.startedAt, method: "PUT", path: "/things")
        (carried.firstSequence, carried.lastSequence) = (0, 2)
        carried.requestBody = "[{\"name\":\"Ada\""
        var asked = ExchangeRecord(
            run: record.id, number: 1_001, at: record.startedAt, method: "GET", path: "/things?id=ada-lovelace")
        asked.responseBody = "[{\"id\":\"ada-lovelace\"}]"
        var other = ExchangeRecord(run: record.id, number: 1_002, at: record.startedAt, method: "GET", path: "/things")
        other.responseBody = "[{\"id\":\"k2\"}]"
        try environment.database.record(exchanges: [carried, asked, other])
        return (fixture, record)
    }

    private func forget(
        _ fixture: RunFixture, _ key: String? = nil, fingerprint: Bool = false
    ) throws -> ForgetRecord.Report {
        try ForgetRecord(things(), environment: try fixture.environment())
            .forget(key ?? person, includingFingerprint: fingerprint, by: by)
    }

    /// The files of the state directory that say a text.
    private func saying(_ text: String, _ fixture: RunFixture) throws -> [String] {
        guard let all = FileManager.default.enumerator(atPath: fixture.folder + "/state") else { return [] }
        var found: [String] = []
        for case let name as String in all {
            let data = FileManager.default.contents(atPath: fixture.folder + "/state/" + name) ?? Data()
            if data.range(of: Data(text.utf8)) != nil { found.append(name) }
        }
        return found
    }

    @Test func nothingThatIsKeptSaysTheRecordAnyMore() async throws {
        let (fixture, _) = try await refused()
        #expect(try saying(person, fixture).count >= 2)
        let report = try forget(fixture)
        #expect(report.outcomes == 1 && report.plans == 1 && report.wasPending && !report.hadFingerprint)
        #expect(report.exchanges >= 2)
        #expect(try saying(person, fixture) == [])
        #expect(try saying("Ada", fixture) == [])
        let history = RunHistory(try fixture.environment().database)
        #expect(try history.exchanges(run: 1, limit: 100).contains { $0.responseBody == "[{\"id\":\"k2\"}]" })
    }

    @Test func theNameThatAMirrorKeptGoesWithTheFingerprint() async throws {
        let fixture = try RunFixture([row(person, "Ada"), row("k2", "Bob")])
        let mirror = things(behavior: .mirror)
        _ = try await fixture.run(RunOptions(), mirror)
        let environment = try fixture.environment()
        #expect(try KeyFile.open(environment.state.sync("things"))?.count == 2)
        _ = try ForgetRecord(mirror, environment: environment)
            .forget(person, includingFingerprint: true, by: Actor("root"))
        #expect(try KeyFile.open(environment.state.sync("things"))?.count == 1)
        #expect(try saying(person, fixture) == [])
    }

    @Test func theOthersStayAsTheyAre() async throws {
        let (fixture, _) = try await refused()
        _ = try forget(fixture)
        fixture.account.refuse { _, _ in nil }
        let record = try await fixture.run()
        #expect(record.rows.unchanged == 2 && record.operations.created == 1)
    }

    @Test func theFingerprintStaysUnlessItIsAskedFor() async throws {
        let fixture = try RunFixture([row(person, "Ada"), row("k2", "Bob")])
        _ = try await fixture.run()
        #expect(try !forget(fixture).hadFingerprint)
        #expect(try await fixture.run().rows.unchanged == 2)
        #expect(try forget(fixture, fingerprint: true).hadFingerprint)
        #expect(try !forget(fixture, fingerprint: true).hadFingerprint)
        let record = try await fixture.run()
        #expect(record.rows.unchanged == 1 && record.rows.planned == 1)
    }

    @Test func aRecordThatNobodyKnowsIsForgottenWithoutAWord() async throws {
        let (fixture, _) = try await refused()
        #expect(try forget(fixture, "nobody", fingerprint: true) == ForgetRecord.Report())
    }

    @Test func aPlanThatCannotBeReadIsDroppedToo() async throws {
        let (fixture, record) = try await refused()
        try Files.damage(try fixture.environment().state.planPath(run: record.id))
        #expect(try forget(fixture).plans == 1)
        #expect(try saying(person, fixture) == [])
    }

    @Test func aSyncThatRunsIsLeftAlone() async throws {
        let (fixture, _) = try await refused()
        let lock = try #require(try SyncLock.acquire(try fixture.environment().state.sync("things")))
        #expect(await code { _ = try forget(fixture) } == "sync_already_running")
        lock.release()
    }

    @Test func theLogSaysThatARecordWasForgottenButNotWhich() async throws {
        let (fixture, _) = try await refused()
        _ = try forget(fixture)
        let entry = try #require(try fixture.environment().database.audit(limit: 1).first)
        #expect(entry.action == "records.forgotten" && entry.subject == "sync things")
        #expect(!"\(entry)".contains(person))
    }
}

/// A record of which nobody knows whether it arrived is forgotten by name, and not as a doubt.
struct ForgottenDoubtTests {
    private static let events = SimulatedDestination.object(batchItemsMax: 10, repeatable: .never)
    private let person = "ada-lovelace"

    private var sync: SyncDefinition {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        return things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: here))
    }

    /// Two events that arrived, of which nobody knows.
    private func doubtful() async throws -> (RunFixture, RunEnvironment) {
        let fixture = try RunFixture([row(person, "Ada"), row("k2")])
        let environment = try fixture.environment(object: Self.events)
        fixture.account.fault { _, _ in .lostAfter(records: .max) }
        #expect(try await fixture.run(RunOptions(), sync, in: environment).operations.inDoubt == 2)
        fixture.account.fault { _, _ in .none }
        return (fixture, environment)
    }

    private func forget(_ environment: RunEnvironment, fingerprint: Bool = false) throws -> ForgetRecord.Report {
        try ForgetRecord(sync, environment: environment)
            .forget(person, includingFingerprint: fingerprint, by: Actor("test"))
    }

    private func timesSent(_ fixture: RunFixture) -> Int { fixture.account.events[person]?.count ?? 0 }

    @Test func aForgottenRecordInDoubtIsNotSentAgainByItself() async throws {
        let (fixture, environment) = try await doubtful()
        for _ in 1...2 {
            let report = try forget(environment)
            #expect(report.wasInDoubt && !report.wasPending && !report.hadFingerprint)
        }
        let record = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(record.rows.held == 2 && record.operations.sent == 0 && timesSent(fixture) == 1)
        #expect(try RecordsInDoubt(sync: "things", environment: environment).count == 2)
    }

    @Test func nothingSaysItsKeyWhereItsRowIsGone() async throws {
        let (fixture, environment) = try await doubtful()
        fixture.source.rows = [row("k2")]
        _ = try forget(environment)
        let record = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(record.rows.held == 2 && record.rows.carried == 1)
        let folder = fixture.folder + "/state"
        for name in try #require(FileManager.default.enumerator(atPath: folder)) {
            let data = FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data()
            #expect(data.range(of: Data(person.utf8)) == nil, "\(name)")
        }
    }

    @Test(arguments: [nil, ["ada-lovelace"]] as [[String]?])
    func itIsConfirmedByItsHash(_ keys: [String]?) async throws {
        let (fixture, environment) = try await doubtful()
        _ = try forget(environment)
        #expect(try ConfirmRecords(sync, environment: environment).confirm(keys).confirmed == (keys?.count ?? 2))
        let record = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(record.operations.sent == 0 && timesSent(fixture) == 1)
        #expect(record.rows.unchanged == (keys?.count ?? 2))
    }

    @Test func itIsResentWhereAPersonAsksForIt() async throws {
        let (fixture, environment) = try await doubtful()
        _ = try forget(environment)
        var options = RunOptions()
        options.onlyPending = .inDoubt
        #expect(try await fixture.run(options, sync, in: environment).operations.sent == 2)
        #expect(timesSent(fixture) == 2)
        #expect(try forget(environment).wasInDoubt == false)
    }

    @Test func withItsFingerprintTheDoubtIsDroppedAndTheReportSaysSo() async throws {
        let (fixture, environment) = try await doubtful()
        let report = try forget(environment, fingerprint: true)
        #expect(report.wasInDoubt && report.wasPending)
        let record = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(record.rows.held == 1 && record.operations.sent == 1 && timesSent(fixture) == 2)
    }
}
