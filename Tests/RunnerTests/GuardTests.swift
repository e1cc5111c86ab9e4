import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Guards stop a run between its plan and its delivery.
struct GuardTests {
    private func stoppedForInvalid() async throws -> (RunFixture, RunRecord) {
        let fixture = try RunFixture([row("k1"), row(nil), row(nil)])
        return (fixture, try await fixture.run())
    }

    @Test func moreInvalidRowsThanAllowedStopTheRun() async throws {
        let (fixture, record) = try await stoppedForInvalid()
        #expect(record.state == .stoppedByGuard && record.guard?.name == "invalid")
        #expect(record.guard?.hint.contains("--accept-guard invalid") == true)
        #expect(record.operations.undelivered == 1 && record.rows.invalid == 2)
        #expect(fixture.account.requests.isEmpty)
        #expect(try fixture.environment().state.plannedRuns() == [record.id])
    }

    @Test func exactlyTheAllowedShareOfInvalidRowsPasses() async throws {
        let fixture = try RunFixture([row("k1"), row(nil)])
        #expect(try await fixture.run().state == .completedWithRejections)
    }

    @Test func recordsThatAGuardHeldBackAreNamed() async throws {
        let (fixture, stopped) = try await stoppedForInvalid()
        #expect(try fixture.outcomes(stopped, .undelivered) == ["k1"])
        let reasons = try RunHistory(try fixture.environment().database).boundedReasons(run: stopped.id)
        #expect(reasons.contains { $0.reason.code == "stopped_by_guard" && $0.count == 1 })
    }

    @Test func acceptedGuardGoesOnWithExactlyThatPlan() async throws {
        let (fixture, stopped) = try await stoppedForInvalid()
        fixture.source.rows = [row("k1", "Bea"), row("k2")]
        let record = try await fixture.run(accepting: ["invalid"])
        #expect(record.state == .completedWithRejections && record.id != stopped.id)
        #expect(record.rows == stopped.rows && record.operations.created == 1)
        #expect(fixture.account.records == ["k1": payload("k1")])
        #expect(fixture.source.scans == 1)
        // The rows that were left out are named in the run that sent the others too; what was sent is not.
        #expect(try fixture.outcomes(record, .invalid).count == 2 && fixture.outcomes(record, .undelivered) == [])
        #expect(try fixture.environment().state.plannedRuns() == [record.id])
    }

    @Test func anotherGuardsNameDoesNotAcceptThePlan() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        let record = try await fixture.run(accepting: ["empty_scan"])
        #expect(record.state == .stoppedByGuard && fixture.source.scans == 2)
    }

    @Test func planIsMadeAnewWhereAnotherRunCameAfterIt() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        fixture.source.rows = [row("k9")]
        try await fixture.run()
        try await fixture.run(accepting: ["invalid"])
        #expect(fixture.account.records.keys.sorted() == ["k9"])
    }

    // MARK: - What was accepted for a plan that does not go on

    private let mirror = things(behavior: .mirror)

    private func accepting(_ names: String..., full: Bool = false) -> RunOptions {
        var options = RunOptions()
        options.acceptedGuards = Set(names)
        options.isFull = full
        return options
    }

    /// A mirror of twenty, stopped before it removes ten; since then all but one have vanished.
    private func stoppedForRemovals() async throws -> (RunFixture, RunRecord) {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = rows(10)
        let stopped = try await fixture.run(RunOptions(), mirror)
        #expect(stopped.guard?.name == "removed" && stopped.operations.removals == 10)
        fixture.source.rows = rows(1)
        return (fixture, stopped)
    }

    /// The run stops once more with what it would do now and why; accepted again, exactly that is done.
    private func expectStopAndGoOn(
        _ fixture: RunFixture, _ sync: SyncDefinition, _ options: RunOptions, _ why: String
    ) async throws {
        let scans = fixture.source.scans
        let again = try await fixture.run(options, sync)
        #expect(again.state == .stoppedByGuard && again.guard?.all.count == 1 && fixture.account.removed.isEmpty)
        let message = try #require(again.guard?.message)
        #expect(message.hasPrefix("19 of 20 known records would be removed (95 %"), "\(message)")
        #expect(message.contains(why), "\(message)")
        #expect(again.guard?.hint.contains("--accept-guard removed") == true)
        let last = try await fixture.run(options, sync)
        #expect(last.operations.removed == 19 && fixture.source.scans == scans + 1, "that plan goes on")
    }

    @Test func guardHasToBeAcceptedAgainAfterADay() async throws {
        let (fixture, stopped) = try await stoppedForRemovals()
        fixture.time.advance(by: .seconds(24 * 3_600))
        let why = "It was accepted for run \(stopped.id), whose plan is more than 24 hours old."
        try await expectStopAndGoOn(fixture, mirror, accepting("removed"), why)
    }

    @Test func guardHasToBeAcceptedAgainForAnotherDefinition() async throws {
        let (fixture, _) = try await stoppedForRemovals()
        var edited = mirror
        edited.mappings.removeLast()
        try await expectStopAndGoOn(fixture, edited, accepting("removed"), "for another definition of the sync")
    }

    @Test func guardHasToBeAcceptedAgainForAFullRun() async throws {
        let (fixture, _) = try await stoppedForRemovals()
        let full = accepting("removed", full: true)
        try await expectStopAndGoOn(fixture, mirror, full, "is not that of a full run")
        #expect(fixture.account.requests.count { $0.keys.contains("k1") } >= 2, "every record was sent again")
    }

    @Test func guardHasToBeAcceptedAgainAfterARunThatSaysNothingOfTheWhole() async throws {
        let (fixture, _) = try await stoppedForRemovals()
        var one = RunOptions()
        one.onlyKeys = ["k1"]
        try await fixture.run(one, mirror)
        #expect(fixture.account.removed.isEmpty)
        try await expectStopAndGoOn(fixture, mirror, accepting("removed"), "was made before another run")
    }

    @Test func guardHasToBeAcceptedAgainWhereThePlanIsGone() async throws {
        let (fixture, stopped) = try await stoppedForRemovals()
        try fixture.environment().state.removePlan(run: stopped.id)
        try await expectStopAndGoOn(fixture, mirror, accepting("removed"), "is not kept any more")
    }

    /// Nobody has looked, so it is what whoever wrote the command wants.
    @Test func guardIsAcceptedBeforehandWhereNoRunStandsStopped() async throws {
        let (fixture, _) = try await stoppedForRemovals()
        fixture.source.rows = rows(20)
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = rows(1)
        #expect(try await fixture.run(accepting("removed"), mirror).operations.removed == 19)
    }

    @Test func guardThatDidNotStopTheRunStaysAcceptedBeforehand() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        fixture.time.advance(by: .seconds(24 * 3_600))
        let both = try await fixture.run(accepting: ["invalid", "removed"])
        #expect(both.guard?.all.map(\.name) == ["invalid"])
    }

    /// One of two is accepted, the other has nothing to say any more, and what was accepted is more by now.
    @Test func guardThatWasAcceptedAloneDoesNotPassOtherFigures() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = rows(10) + Array(repeating: row(nil), count: 11)
        let stopped = try await fixture.run(accepting("keyless_rows"), mirror)
        #expect(stopped.guard?.all.map(\.name) == ["invalid", "removed"])
        fixture.source.rows = rows(1)
        let why = "was stopped by other guards too"
        try await expectStopAndGoOn(fixture, mirror, accepting("removed"), why)
    }

    @Test func limitedRunTakesAGuardAsAcceptedBeforehand() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        var options = accepting("invalid")
        options.limit = 1
        fixture.time.advance(by: .seconds(24 * 3_600))
        #expect(try await fixture.run(options).operations.created == 1)
    }

    @Test func runWithoutAcceptancePlansAnewAndStopsAgain() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        #expect(try await fixture.run().state == .stoppedByGuard)
        #expect(fixture.source.scans == 2)
    }

    @Test func emptyDatasetStopsTheRunOnceAnythingWasAccepted() async throws {
        let fixture = try RunFixture(rows(3))
        try await fixture.run()
        fixture.source.rows = []
        let record = try await fixture.run()
        #expect(record.state == .stoppedByGuard && record.guard?.name == "empty_scan")
        #expect(try await fixture.run(accepting: ["empty_scan"]).state == .succeeded)
    }

    @Test func changedColumnStopsARunThatWouldSendMostRowsAgain() async throws {
        let fixture = try RunFixture(rows(10))
        try await fixture.run()
        fixture.source.columns[2].declaredType = "NUMERIC"
        fixture.source.rows = rows(4) + rows(10, "Bea").dropFirst(4)
        let stopped = try await fixture.run()
        #expect(stopped.state == .stoppedByGuard && stopped.guard?.name == "schema_change")
        let record = try await fixture.run(accepting: ["schema_change"])
        #expect(record.state == .succeeded && record.operations.updated == 6)
        fixture.source.rows = rows(10)
        #expect(try await fixture.run().state == .succeeded)
    }

    @Test func changedColumnIsFineWhileFewRowsChange() async throws {
        let fixture = try RunFixture(rows(10))
        try await fixture.run()
        fixture.source.columns[2].declaredType = "NUMERIC"
        fixture.source.rows = rows(5) + rows(10, "Bea").dropFirst(5)
        #expect(try await fixture.run().state == .succeeded)
    }

    @Test func everyGuardThatSpokeHasToBeAccepted() async throws {
        let fixture = try RunFixture(rows(10))
        try await fixture.run()
        fixture.source.columns[2].declaredType = "NUMERIC"
        fixture.source.rows = rows(10, "Bea") + Array(repeating: row(nil), count: 11)
        #expect(try await fixture.run().guard?.name == "invalid")
        let second = try await fixture.run(accepting: ["invalid"])
        #expect(second.state == .stoppedByGuard && second.guard?.name == "schema_change")
        #expect(fixture.account.records["k1"] == payload("k1"))
        let both = try await fixture.run(accepting: ["invalid", "schema_change"])
        #expect(both.operations.updated == 10)
    }

    /// What may change what is known of a sync between the stop and the acceptance.
    private enum Change: CaseIterable, Sendable {
        case reset, resetAndRun, fingerprintForgotten, doubtSettled, databaseOfAnotherTime, seed

        /// Whether the ten that vanished are still known to have been written.
        var isRemoving: Bool { self != .reset && self != .resetAndRun }
        /// Whether there is something to ask: removals, and a state that is to be had.
        var isAskedAgain: Bool { isRemoving && self != .seed }

        func make(_ fixture: RunFixture, _ sync: SyncDefinition) async throws {
            let environment = try fixture.environment()
            switch self {
            case .reset: try ResetState(sync, environment: environment).reset()
            case .resetAndRun:
                try ResetState(sync, environment: environment).reset()
                try await fixture.run(RunOptions(), sync)
            case .fingerprintForgotten:
                _ = try ForgetRecord(sync, environment: environment)
                    .forget("k20", includingFingerprint: true, by: Actor("test"))
            case .doubtSettled:
                let entry = PendingEntry(
                    keyHash: Hash128(high: 1, low: 1), rowHash: .void, kind: .inDoubt, tries: 1, dueAt: .max,
                    heldSince: 0, run: 1)
                try PendingFile.write(environment.state.sync(sync.name), [entry])
            case .databaseOfAnotherTime, .seed:
                var memory = try #require(try environment.database.memory(sync.name))
                if self == .seed { memory.seed &+= 1 } else { memory.extra["another"] = "time" }
                try environment.database.save(memory)
            }
        }
    }

    /// A schedule that is due while a run scans makes a run that is skipped, with a later number.
    @Test func aRunThatNeverBeganIsNotInTheWay() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = rows(10)
        #expect(try await fixture.run(RunOptions(), mirror).guard?.name == "removed")
        let database = try fixture.environment().database
        var skipped = try database.createRun(
            sync: mirror.name, trigger: "schedule", full: false, limited: false, startedAt: Moment(milliseconds: 1),
            state: .queued)
        (skipped.state, skipped.endedAt) = (.skipped, Moment(milliseconds: 1))
        try database.close(skipped, memory: nil)
        #expect(try await fixture.run(accepting("removed"), mirror).operations.removed == 10)
    }

    /// A mirror of twenty records of which ten have vanished, stopped before it removes them.
    @Test(arguments: Change.allCases)
    private func planIsNotSentForAStateThatItWasNotMadeFor(_ change: Change) async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = rows(20).dropLast(10) + [row("k21")]
        #expect(try await fixture.run(RunOptions(), mirror).guard?.name == "removed")
        try await change.make(fixture, mirror)
        let scans = fixture.source.scans
        var record = try await fixture.run(accepting("removed"), mirror)
        if change.isAskedAgain {
            #expect(record.state == .stoppedByGuard && fixture.account.removed.isEmpty)
            #expect(record.guard?.message.contains("was made before ") == true)
            record = try await fixture.run(accepting("removed"), mirror)
        }
        if change == .seed {
            #expect(record.error?.code == "state_lost" && fixture.account.removed.isEmpty)
            return
        }
        #expect(fixture.source.scans == scans + 1, "it was planned anew")
        #expect(change.isRemoving == !fixture.account.removed.isEmpty, "\(record.operations)")
        #expect(fixture.account.records["k21"] != nil)
        if change == .reset { #expect(record.rows.planned == 11 && record.operations.removals == 0) }
    }

    @Test func planOfAFirstRunIsSentWhereItsStateIsAsItWas() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        let environment = try fixture.environment()
        try environment.database.setPaused("things", true)
        try environment.database.setPaused("things", false)
        #expect(try await fixture.run(accepting: ["invalid"]).operations.created == 1 && fixture.source.scans == 1)
    }
}
