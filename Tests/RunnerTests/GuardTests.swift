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

    @Test func planIsMadeAnewAfterADay() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        fixture.time.advance(by: .seconds(24 * 3_600))
        fixture.source.rows = [row("k9"), row(nil), row(nil)]
        let record = try await fixture.run(accepting: ["invalid"])
        #expect(record.state == .completedWithRejections && fixture.source.scans == 2)
        #expect(fixture.account.records.keys.sorted() == ["k9"])
    }

    @Test func planIsMadeAnewWhereAnotherRunCameAfterIt() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        fixture.source.rows = [row("k9")]
        try await fixture.run()
        try await fixture.run(accepting: ["invalid"])
        #expect(fixture.account.records.keys.sorted() == ["k9"])
    }

    @Test func planIsMadeAnewWhereTheDefinitionChanged() async throws {
        let (fixture, _) = try await stoppedForInvalid()
        var options = RunOptions()
        options.acceptedGuards = ["invalid"]
        try await fixture.run(options, things(mappings: [("name", "name")]))
        #expect(fixture.source.scans == 2)
        #expect(fixture.account.records == ["k1": "{\"externalId\":\"k1\",\"name\":\"Ann\"}"])
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

    /// A mirror of twenty records of which ten have vanished, stopped before it removes them.
    @Test(arguments: Change.allCases)
    private func planIsNotSentForAStateThatItWasNotMadeFor(_ change: Change) async throws {
        let fixture = try RunFixture(rows(20))
        let mirror = things(behavior: .mirror)
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = rows(20).dropLast(10) + [row("k21")]
        #expect(try await fixture.run(RunOptions(), mirror).guard?.name == "removed")
        try await change.make(fixture, mirror)
        let scans = fixture.source.scans
        var options = RunOptions()
        options.acceptedGuards = ["removed"]
        let record = try await fixture.run(options, mirror)
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
