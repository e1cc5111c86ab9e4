import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Rows that are sent: each once in the life of the sync.
struct SendTests {
    private static let events = SimulatedDestination.object(batchItemsMax: 10, repeatable: .never)

    private func sync(first: SyncDefinition.FirstRun = .backfill, again: Bool = false) -> SyncDefinition {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        var sync = things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: here))
        sync.firstRun = first
        sync.onChange = again ? .sendAgain : .ignore
        return sync
    }

    private func sent(_ fixture: RunFixture) -> [String: Int] { fixture.account.events.mapValues(\.count) }

    @Test func everyRowIsSentOnce() async throws {
        let fixture = try RunFixture(rows(3))
        let environment = try fixture.environment(object: Self.events)
        let first = try await fixture.run(RunOptions(), sync(), in: environment)
        #expect(first.state == .succeeded && first.operations.sent == 3 && first.operations.accepted == 3)
        #expect(fixture.account.events["k1"] == ["{\"name\":\"Ann\",\"seats\":1}"])
        fixture.source.rows += [row("k4")]
        let second = try await fixture.run(RunOptions(), sync(), in: environment)
        #expect(second.rows.unchanged == 3 && second.operations.sent == 1)
        #expect(sent(fixture) == ["k1": 1, "k2": 1, "k3": 1, "k4": 1])
    }

    @Test func editedRowIsNotSentAgain() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), sync(), in: environment)
        fixture.source.rows = [row("k1", "Bea"), row("k2")]
        let record = try await fixture.run(RunOptions(), sync(), in: environment)
        #expect(record.rows.unchanged == 2 && record.rows.planned == 0)
    }

    @Test func editedRowIsSentAgainWhereTheSyncSaysSo() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), sync(again: true), in: environment)
        fixture.source.rows = [row("k1", "Bea"), row("k2")]
        let record = try await fixture.run(RunOptions(), sync(again: true), in: environment)
        #expect(record.rows.unchanged == 1 && record.operations.sent == 1)
        #expect(sent(fixture) == ["k1": 2, "k2": 1])
    }

    @Test func editedMappingSendsNothingAgain() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), sync(again: true), in: environment)
        var other = sync(again: true)
        other.mappings.removeLast()
        let record = try await fixture.run(RunOptions(), other, in: environment)
        #expect(record.rows.unchanged == 2 && record.operations.sent == 0 && !record.full)
        fixture.source.rows = [row("k1", "Bea"), row("k2")]
        #expect(try await fixture.run(RunOptions(), other, in: environment).operations.sent == 1)
    }

    @Test func firstRunMaySkipWhatIsThere() async throws {
        let fixture = try RunFixture(rows(3) + [row("k2", "Twin")])
        let environment = try fixture.environment(object: Self.events)
        let first = try await fixture.run(RunOptions(), sync(first: .skip), in: environment)
        #expect(first.rows.skipped == 2 && first.rows.invalid == 2 && first.rows.planned == 0)
        #expect(fixture.account.requests.isEmpty)
        fixture.source.rows = rows(4)
        let second = try await fixture.run(RunOptions(), sync(first: .skip), in: environment)
        #expect(second.rows.unchanged == 2 && second.operations.sent == 2)
        #expect(sent(fixture) == ["k2": 1, "k4": 1])
    }

    private enum Before: CaseIterable, Sendable {
        case testOfAKey, testOfAny, resendOfAKey, resendOfAVanishedKey, resendOfRefused

        var options: RunOptions {
            var options = RunOptions()
            switch self {
            case .testOfAKey: (options.onlyKeys, options.limit, options.isTrial) = (["k1"], 1, true)
            case .testOfAny: (options.limit, options.isTrial) = (1, true)
            case .resendOfAKey: options.onlyKeys = ["k1"]
            case .resendOfAVanishedKey: options.onlyKeys = ["gone"]
            case .resendOfRefused: options.onlyPending = .rejected
            }
            return options
        }

        var sends: Int { self == .resendOfAVanishedKey || self == .resendOfRefused ? 0 : 1 }
    }

    /// What was sent of chosen rows alone is no first run: the old rows stay skipped.
    @Test(arguments: Before.allCases) private func chosenRowsDoNotEndTheFirstRun(_ before: Before) async throws {
        let fixture = try RunFixture(rows(20))
        let environment = try fixture.environment(object: Self.events)
        let sync = sync(first: .skip)
        for _ in 1...2 where before != .testOfAny {
            let chosen = try await fixture.run(before.options, sync, in: environment)
            #expect(chosen.operations.sent == before.sends && chosen.rows.deferred == 20 - before.sends)
        }
        if before == .testOfAny {
            let tried = try await fixture.run(before.options, sync, in: environment)
            #expect(tried.operations.sent == 1 && tried.rows.deferred == 19)
        }
        let first = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(first.operations.sent == 0 && first.rows.skipped == 20 - before.sends, "\(first.rows)")
        #expect(first.rows.unchanged == before.sends)
        fixture.source.rows = rows(21)
        #expect(try await fixture.run(RunOptions(), sync, in: environment).operations.sent == 1)
        #expect(fixture.account.events["k2"] == nil && fixture.account.events["k21"]?.count == 1)
    }

    /// Nothing counts as a change in such a first run, so a limit leaves nothing out.
    @Test func limitedFirstRunSkipsAllAndIsTheFirst() async throws {
        let fixture = try RunFixture(rows(5))
        let environment = try fixture.environment(object: Self.events)
        var options = RunOptions()
        options.limit = 2
        let first = try await fixture.run(options, sync(first: .skip), in: environment)
        #expect(first.rows.skipped == 5 && first.operations.sent == 0)
        fixture.source.rows = rows(6)
        #expect(try await fixture.run(RunOptions(), sync(first: .skip), in: environment).operations.sent == 1)
    }

    @Test func planAfterATestStillSkips() async throws {
        let fixture = try RunFixture(rows(5))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(Before.testOfAKey.options, sync(first: .skip), in: environment)
        let report = try await PlanSync(sync(first: .skip), options: RunOptions(), environment: environment)
            .plan(examplesMax: 2)
        #expect(report.rows.skipped == 4 && report.rows.unchanged == 1 && report.operations.planned == 0)
    }

    @Test func backfillAfterATestSendsTheRest() async throws {
        let fixture = try RunFixture(rows(5))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(Before.testOfAKey.options, sync(), in: environment)
        #expect(try await fixture.run(RunOptions(), sync(), in: environment).operations.sent == 4)
        #expect(sent(fixture).values.allSatisfy { $0 == 1 })
    }

    /// Old rows that were to be remembered under the new mapping, and were not, are no changed rows.
    @Test func editedMappingSendsNothingAgainAfterARunThatBrokeOff() async throws {
        let fixture = try RunFixture(rows(20))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), sync(again: true), in: environment)
        fixture.source.rows = (101...110).map { row("k\($0)") } + rows(20)
        var other = sync(again: true)
        other.mappings.removeLast()
        fixture.account.fault { _, _ in .unauthorized }
        #expect(try await fixture.run(RunOptions(), other, in: environment).state == .failed)
        fixture.account.fault { _, _ in .none }
        #expect(try await fixture.run(RunOptions(), other, in: environment).operations.sent == 10)
        #expect(sent(fixture).values.allSatisfy { $0 == 1 } && sent(fixture).count == 30)
    }

    @Test func fullRunIsRefused() async throws {
        let fixture = try RunFixture(rows(1))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), sync(), in: environment)
        var options = RunOptions()
        options.isFull = true
        #expect(try await fixture.run(options, sync(), in: environment).error?.code == "full_refused")
        #expect(sent(fixture) == ["k1": 1])
    }

    @Test func changedKeyOrAccountIsRefusedUntilReset() async throws {
        let fixture = try RunFixture(rows(1))
        try await fixture.run(RunOptions(), sync(), in: try fixture.environment(object: Self.events))
        var other = sync()
        other.key.columns = ["name"]
        let environment = try fixture.environment(object: Self.events)
        #expect(try await fixture.run(RunOptions(), other, in: environment).error?.code == "sent_under_another_key")
        let elsewhere = try fixture.environment(object: Self.events, identity: "account 2")
        #expect(try await fixture.run(RunOptions(), sync(), in: elsewhere).error?.code == "sent_to_another_account")
        let reset = ResetState(sync(), environment: elsewhere)
        #expect(try await reset.rowsToSend(sync()) == 1)
        try reset.reset()
        #expect(try await fixture.run(RunOptions(), sync(), in: elsewhere).operations.sent == 1)
    }

    @Test func lostAnswerIsDoubtAndIsNeverRepeatedByItself() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.events)
        fixture.account.fault { _, _ in .lostAfter(records: .max) }
        let first = try await fixture.run(RunOptions(), sync(), in: environment)
        #expect(first.operations.inDoubt == 2 && first.state == .completedWithRejections && first.error == nil)
        fixture.account.fault { _, _ in .none }
        let second = try await fixture.run(RunOptions(), sync(), in: environment)
        #expect(second.rows.held == 2 && second.operations.sent == 0)
        #expect(sent(fixture) == ["k1": 1, "k2": 1])
    }

    @Test func doubtThatTheDestinationCanDecideIsSettled() async throws {
        let fixture = try RunFixture(rows(3))
        let environment = try fixture.environment(object: Self.events)
        fixture.account.fault { _, _ in .lostAfter(records: 2) }
        try await fixture.run(RunOptions(), sync(), in: environment)
        fixture.account.fault { _, _ in .none }
        fixture.account.tellsWhatArrived = true
        let record = try await fixture.run(RunOptions(), sync(), in: environment)
        #expect(record.rows.unchanged == 2 && record.rows.held == 1 && record.operations.sent == 0)
        #expect(try fixture.outcomes(record, .held) == ["k3"])
        let after = try await fixture.run(RunOptions(), sync(), in: environment)
        #expect(after.rows.unchanged == 2 && after.rows.held == 1)
    }

    @Test func resendSendsWhatIsInDoubtAndNotWhatHasArrived() async throws {
        let fixture = try RunFixture(rows(3))
        let environment = try fixture.environment(object: Self.events)
        fixture.account.fault { _, _ in .lostAfter(records: 2) }
        try await fixture.run(RunOptions(), sync(), in: environment)
        fixture.account.fault { _, _ in .none }
        fixture.account.tellsWhatArrived = true
        var options = RunOptions()
        options.onlyPending = .inDoubt
        let record = try await fixture.run(options, sync(), in: environment)
        #expect(record.operations.sent == 1 && record.rows.unchanged == 2)
        #expect(sent(fixture) == ["k1": 1, "k2": 1, "k3": 1])
    }

    @Test func confirmedDoubtIsNotSentAgain() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.events)
        fixture.account.fault { _, _ in .lostAfter(records: .max) }
        try await fixture.run(RunOptions(), sync(), in: environment)
        fixture.account.fault { _, _ in .none }
        #expect(try ConfirmRecords(sync(), environment: environment).confirm(nil).confirmed == 2)
        #expect(try await fixture.run(RunOptions(), sync(), in: environment).rows.unchanged == 2)
    }

    @Test func chosenRowIsSentOnceMore() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), sync(), in: environment)
        var options = RunOptions()
        options.onlyKeys = ["k2"]
        #expect(try await fixture.run(options, sync(), in: environment).operations.sent == 1)
        #expect(sent(fixture) == ["k1": 1, "k2": 2])
    }

    @Test func refusedRowIsSentAgain() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.events)
        fixture.account.refuse { key, _ in key == "k1" ? noGood : nil }
        #expect(try await fixture.run(RunOptions(), sync(), in: environment).operations.rejected == 1)
        fixture.account.refuse { _, _ in nil }
        #expect(try await fixture.run(RunOptions(), sync(), in: environment).operations.sent == 1)
        #expect(sent(fixture) == ["k1": 1, "k2": 1])
    }
}
