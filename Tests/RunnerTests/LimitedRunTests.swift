import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// What a run that was told to leave rows out says of the whole, and what it leaves to those after it.
struct LimitedRunTests {
    private static let here = Location(file: "sluice.yaml", line: 1, column: 1)
    private static let events = SimulatedDestination.object(batchItemsMax: 10, repeatable: .never)

    private func limited(_ count: Int) -> RunOptions {
        var options = RunOptions()
        options.limit = count
        return options
    }

    private func accepting(_ name: String) -> RunOptions {
        var options = RunOptions()
        options.acceptedGuards = [name]
        return options
    }

    private var incremental: SyncDefinition {
        var sync = things(mappings: [("name", "name")])
        sync.dataset.incremental = IncrementalDefinition(
            column: "seats", overlap: .number(0), completeScan: .every(seconds: 86_400), location: Self.here)
        return sync
    }

    private func sent(again: Bool = false, first: SyncDefinition.FirstRun = .backfill) -> SyncDefinition {
        var sync = things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: Self.here))
        sync.onChange = again ? .sendAgain : .ignore
        sync.firstRun = first
        return sync
    }

    // MARK: Plans that a guard stopped

    @Test func limitedPlanThatAPersonAcceptsLeavesTheRestToTheNextRun() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        try await fixture.run(RunOptions(), incremental)
        fixture.source.rows += (6...9).map { row("k\($0)", seats: $0) }
        let whole = fixture.source.rows
        fixture.source.rows += Array(repeating: row(nil), count: 20)
        let stopped = try await fixture.run(limited(1), incremental)
        #expect(stopped.state == .stoppedByGuard && stopped.limited && stopped.rows.deferred == 3)
        let accepted = try await fixture.run(accepting("invalid"), incremental)
        #expect(accepted.operations.created == 1 && accepted.limited)
        #expect(accepted.effort?.scan == stopped.effort?.scan && accepted.effort?.scan != nil)
        // What was deferred is read again, although no later row is new.
        fixture.source.rows = whole
        let next = try await fixture.run(RunOptions(), incremental)
        #expect(next.rows.scanned == 5 && next.operations.created == 3, "\(next.rows)")
        #expect(fixture.account.records.count == 9)
    }

    @Test func removalOfOneRecordToTryDoesNotAllowTheOthers() async throws {
        let fixture = try RunFixture(rows(3))
        try await fixture.run()
        let delete = things(behavior: .delete, mappings: [])
        var trial = limited(1)
        (trial.isFull, trial.isTrial) = (true, true)
        #expect(try await fixture.run(trial, delete).guard?.name == "first_removals")
        let tried = try await fixture.run(accepting("first_removals"), delete)
        #expect(tried.operations.removed == 1 && tried.limited)
        let next = try await fixture.run(RunOptions(), delete)
        #expect(next.state == .stoppedByGuard && next.guard?.name == "first_removals")
        #expect(fixture.account.records.count == 2)
    }

    // MARK: Runs that send every record again

    @Test func limitedRunsAfterAChangedMappingGoOnWhereTheLastOneEnded() async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        let definition = things(mappings: [("name", "name")])
        for number in 0...2 {
            let record = try await fixture.run(limited(2), definition)
            #expect(record.fullReason == "mapping_changed" && record.operations.accepted == 2)
            #expect(record.rows.unchanged == number * 2 && record.rows.deferred == 4 - number * 2)
        }
        #expect(fixture.account.requests.suffix(3).map(\.keys) == [["k1", "k2"], ["k3", "k4"], ["k5", "k6"]])
        // All were taken up, so nothing is left to be made up for.
        let next = try await fixture.run(RunOptions(), definition)
        #expect(!next.full && next.rows.unchanged == 6)
    }

    @Test func limitedRunThatTakesAllUpMakesUpForAFullRunThatBrokeOff() async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        fixture.account.fault { number, _ in number == 2 ? .unauthorized : .none }
        var options = RunOptions()
        options.isFull = true
        let small = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 2))
        #expect(try await fixture.run(options, things(), in: small).operations.accepted == 2)
        fixture.account.fault { _, _ in .none }
        let some = try await fixture.run(limited(5))
        #expect(some.fullReason == "full_run_unfinished" && some.rows.deferred == 1)
        let all = try await fixture.run(limited(6))
        #expect(all.fullReason == "full_run_unfinished" && all.operations.accepted == 6)
        let next = try await fixture.run()
        #expect(!next.full && next.rows.unchanged == 6)
    }

    @Test func limitedRunsAfterAChangedMappingPassWhatIsRefusedAgainAndAgain() async throws {
        let fixture = try RunFixture(rows(4))
        try await fixture.run()
        let definition = things(mappings: [("name", "name")])
        fixture.account.refuse { key, _ in ["k1", "k2"].contains(key) ? noGood : nil }
        for _ in 1...10 { #expect(try await fixture.run(limited(2), definition).operations.rejected == 2) }
        let next = try await fixture.run(limited(2), definition)
        #expect(next.rows.held == 2 && next.operations.accepted == 2 && next.fullReason == "mapping_changed")
    }

    @Test func limitedRunAfterAMappingThatIsAsBeforeDoesNotMakeUpForAFullRunThatBrokeOff() async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        let small = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 2))
        let other = things(mappings: [("name", "name")])
        fixture.account.fault { _, keys in keys.contains("k3") ? .unauthorized : .none }
        var full = RunOptions()
        full.isFull = true
        #expect(try await fixture.run(full, things(), in: small).state == .failed)
        #expect(try await fixture.run(RunOptions(), other, in: small).fullReason == "mapping_changed")
        fixture.account.fault { _, _ in .none }
        // Four look as if they had been sent, since they were before the full run was asked for.
        let some = try await fixture.run(limited(6))
        #expect(some.fullReason == "mapping_changed" && some.operations.accepted == 2 && some.rows.unchanged == 4)
        let next = try await fixture.run()
        #expect(next.fullReason == "full_run_unfinished" && next.operations.accepted == 6)
        #expect(try await !fixture.run().full)
    }

    @Test func chosenRecordsDoNotMakeUpForAFullRunThatBrokeOff() async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        fixture.account.fault { number, _ in number == 1 ? .unauthorized : .none }
        #expect(try await fixture.run(full: true).state == .failed)
        fixture.account.fault { _, _ in .none }
        var options = RunOptions()
        options.onlyKeys = ["k1"]
        let chosen = try await fixture.run(options)
        #expect(chosen.operations.accepted == 1 && chosen.rows.deferred == 0 && chosen.rows.unchanged == 5)
        let next = try await fixture.run()
        #expect(next.fullReason == "full_run_unfinished" && next.operations.accepted == 6)
    }

    @Test func limitedRunAfterAnEditedMappingDoesNotHideLaterEdits() async throws {
        let fixture = try RunFixture(rows(2))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), sent(again: true), in: environment)
        var other = sent(again: true)
        other.mappings.removeLast()
        fixture.source.rows = rows(4)
        let first = try await fixture.run(limited(1), other, in: environment)
        #expect(first.rows.unchanged == 2 && first.operations.sent == 1 && first.rows.deferred == 1)
        fixture.source.rows[0] = row("k1", "Bea")
        let next = try await fixture.run(RunOptions(), other, in: environment)
        #expect(next.operations.sent == 2)
        #expect(fixture.account.events.mapValues(\.count) == ["k1": 2, "k2": 1, "k3": 1, "k4": 1])
    }

    // MARK: First runs

    @Test func trialOfAnIncrementalDatasetIsNoFirstRun() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        for key in [nil, "k4"] as [String?] {
            var trial = limited(1)
            trial.isTrial = true
            if let key { trial.onlyKeys = [key] } else { trial.isFull = true }
            #expect(try await fixture.run(trial, incremental).operations.created == 1)
        }
        let first = try await fixture.run(RunOptions(), incremental)
        #expect(first.rows.scanned == 5 && first.rows.unchanged == 2 && first.operations.created == 3)
    }

    @Test func firstRunThatSkipsStaysTheFirstWhereItsPlanWasDamaged() async throws {
        let fixture = try RunFixture(rows(6))
        let object = SimulatedDestination.object(batchItemsMax: 2, repeatable: .never)
        let crash = CrashPoint(at: 1, only: .journalOpen)
        let dying = try fixture.environment(object: object, steps: crash.hook)
        let sync = sent(first: .skip)
        _ = try? await RunSync(sync, options: RunOptions(), environment: dying).run()
        #expect(crash.isDead)
        try Files.damage(fixture.folder + "/state/plans/1.plan", at: 2 * 4_096 + 40)
        let record = try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: object))
        #expect(record.operations.sent == 0 && record.rows.skipped + record.rows.unchanged == 6, "\(record.rows)")
        fixture.source.rows = rows(7)
        let next = try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: object))
        #expect(next.operations.sent == 1 && fixture.account.events.keys.sorted() == ["k7"])
    }

    // MARK: Runs that were killed

    @Test func limitedRunThatWasKilledGoesOnAsALimitedOne() async throws {
        let fixture = try RunFixture((1...3).map { row("k\($0)", seats: $0) })
        let object = SimulatedDestination.object(batchItemsMax: 1)
        try await fixture.run(RunOptions(), incremental, in: try fixture.environment(object: object))
        fixture.source.rows += (4...9).map { row("k\($0)", seats: $0) }
        let crash = CrashPoint(at: 1, only: .journalOpen)
        let dying = try fixture.environment(object: object, steps: crash.hook)
        _ = try? await RunSync(incremental, options: limited(3), environment: dying).run()
        #expect(crash.isDead)
        let records = try await RunSync(
            incremental, options: limited(1), environment: try fixture.environment(object: object)
        ).run()
        #expect(records.map(\.limited) == [true, true] && records.map(\.operations.created) == [3, 1])
        #expect(records.map(\.rows.deferred) == [3, 2])
        let last = try await fixture.run(RunOptions(), incremental)
        #expect(last.operations.created == 2 && last.rows.scanned == 7 && fixture.account.records.count == 9)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    // MARK: All behaviors

    /// Rows of every kind, those that cannot be sent between the others.
    private var mixed: [SimulatedSource.Row] {
        var all = rows(30)
        all.insert(row("d"), at: 2)
        all.insert(row("bad").merging(["seats": .text("many")]) { $1 }, at: 9)
        all.insert(row(nil), at: 15)
        all.insert(row("d", "Bea"), at: 25)
        return all
    }

    /// - Parameter limit: nil sends all at once.
    private func played(_ behavior: Behavior, by limit: Int?) async throws -> (RunFixture, RunRecord) {
        let fixture = try RunFixture(rows(8, "Old") + [row("gone")])
        let object =
            behavior == .send ? Self.events : SimulatedDestination.object(batchItemsMax: 4)
        let sync =
            behavior == .send ? sent() : things(behavior: behavior, mappings: behavior == .delete ? [] : nil)
        let environment = try fixture.environment(object: object)
        if behavior != .send { for number in 5...15 { fixture.account.records["k\(number)"] = "{}" } }
        try await fixture.run(RunOptions(), sync, in: environment)
        fixture.source.rows = mixed
        var runs = 0
        while let limit {
            let record = try await fixture.run(limited(limit), sync, in: environment)
            runs += 1
            #expect(record.rows.planned <= limit && record.operations.removals == 0 && record.limited)
            #expect(record.rows.planned == limit || record.rows.deferred == 0)
            if record.rows.deferred == 0 || runs == 40 { break }
        }
        let last = try await fixture.run(accepting("keyless_rows"), sync, in: environment)
        return (fixture, last)
    }

    @Test(arguments: Behavior.allCases, [4, 25])
    func limitedRunsComeToWhatOneRunDoes(_ behavior: Behavior, by limit: Int) async throws {
        let (whole, all) = try await played(behavior, by: nil)
        let (parts, last) = try await played(behavior, by: limit)
        #expect(parts.account.records == whole.account.records && parts.account.events == whole.account.events)
        #expect(parts.account.created == whole.account.created && parts.account.removed == whole.account.removed)
        #expect(last.rows.planned == 0 && last.rows.deferred == 0)
        #expect(last.operations.removals == all.operations.removals)
        #expect(last.rows.invalid == all.rows.invalid && last.rows.scanned == all.rows.scanned)
    }

    @Test func deleteSaysOfNoRecordThatItWasNotRemovedForRowsWithoutAKey() async throws {
        let fixture = try RunFixture(rows(2))
        fixture.account.records = ["k1": "{}", "k2": "{}"]
        let delete = things(behavior: .delete, mappings: [])
        try await fixture.run(RunOptions(), delete)
        fixture.source.rows = [row("k2"), row(nil)]
        let record = try await fixture.run(RunOptions(), delete)
        #expect(record.rows.invalid == 1 && record.guard == nil && record.operations.removals == 0)
    }
}
