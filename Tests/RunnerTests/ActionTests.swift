import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// The verbs beside `run`: plan, resend, confirm, reset, record, and the lock they share.
struct ActionTests {
    @Test func dryRunSaysWhatARunWouldDoAndLeavesNothingBehind() async throws {
        let fixture = try RunFixture(rows(4))
        try await fixture.run()
        fixture.source.rows = [row("k1"), row("k2", "Bea"), row("n1"), row(nil), row("k3"), row("k4")]
        let environment = try fixture.environment()
        let before = try Files.listing(fixture.folder)
        let plan = try await PlanSync(things(), options: RunOptions(), environment: environment).plan(examplesMax: 5)
        #expect(try Files.listing(fixture.folder) == before)
        #expect(plan.rows.unchanged == 3 && plan.rows.invalid == 1 && plan.operations.planned == 2 && plan.added == 1)
        #expect(plan.examples.map(\.key) == ["k2", "n1", ""])
        #expect(plan.examples.map(\.change) == ["changed", "added", "invalid"])
        #expect(plan.examples[0].payload == payload("k2", "Bea"))
        #expect(try RunHistory(environment.database).runs(limit: 10).count == 1)
        #expect(fixture.account.requests.count == 1)
    }

    @Test func dryRunShowsOneRowOfEachReasonBeforeMoreOfOne() async throws {
        // So many of one reason that the others come long after the list of examples is full.
        let fixture = try RunFixture((0..<40).map { _ in row(nil) } + rows(60))
        fixture.source.rows += [
            row("k1"), row("k2"), ["id": .text("bad"), "name": .text("Ann"), "seats": .text("many")],
        ]
        let plan = try await PlanSync(things(), options: RunOptions(), environment: fixture.environment())
            .plan(examplesMax: 5)
        let codes = plan.examples.filter { $0.payload == nil }.compactMap(\.code)
        #expect(Set(codes.prefix(3)) == ["missing_key", "duplicate_key", "cannot_cast"] && codes.count == 5)
        #expect(codes.dropFirst(3).allSatisfy { $0 == "missing_key" })
        #expect(plan.reasons.map(\.code) == ["missing_key", "duplicate_key", "cannot_cast"])
    }

    @Test func dryRunOfASyncThatNeverRanLeavesNothingBehind() async throws {
        let fixture = try RunFixture(rows(4))
        let environment = try fixture.environment()
        let before = try Files.listing(fixture.folder)
        let plan = try await PlanSync(things(), options: RunOptions(), environment: environment).plan(examplesMax: 0)
        #expect(plan.full && plan.fullReason == "first_run" && plan.operations.planned == 4)
        #expect(try Files.listing(fixture.folder) == before)
        #expect(try environment.database.memory("things") == nil)
    }

    @Test func dryRunSaysWhichGuardWouldStopTheRun() async throws {
        let fixture = try RunFixture([row(nil)])
        let plan = try await PlanSync(things(), options: RunOptions(), environment: fixture.environment())
            .plan(examplesMax: 1)
        #expect(plan.guardRecord?.name == "invalid")
    }

    @Test func resendOfKeysSendsThemAloneAndTellsWhichAreGone() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        fixture.source.rows[4] = row("k5", "Bea")
        var options = RunOptions()
        options.onlyKeys = ["k2", "k9"]
        let record = try await fixture.run(options)
        #expect(record.rows.planned == 1 && record.rows.unchanged == 3 && record.rows.deferred == 1)
        #expect(fixture.account.requests.last?.keys == ["k2"])
        let state = try fixture.environment().state
        #expect(try PlanSummary.of(run: record.id, state: state)?.gone == ["k9"])
        #expect(try await fixture.run().operations.updated == 1)
    }

    @Test func resendFindsAKeyInAnyCaseWhereTheDestinationIgnoresIt() async throws {
        let fixture = try RunFixture([row("Ann@X.io")])
        let byEmail = things(key: KeyDefinition(columns: ["id"], field: "email", location: things().location))
        try await fixture.run(RunOptions(), byEmail)
        var options = RunOptions()
        options.onlyKeys = ["ANN@x.io"]
        #expect(try await fixture.run(options, byEmail).rows.planned == 1)
    }

    @Test func resendOfTheRejectedSendsThemAlsoWhileTheyAreHeld() async throws {
        let fixture = try RunFixture(rows(5))
        fixture.account.refuse { key, _ in key == "k2" ? noGood : nil }
        for _ in 1...10 { try await fixture.run() }
        #expect(try await fixture.run().rows.held == 1)
        fixture.account.refuse { _, _ in nil }
        var options = RunOptions()
        options.onlyPending = .rejected
        let record = try await fixture.run(options)
        #expect(record.state == .succeeded && record.operations.created == 1 && record.rows.unchanged == 4)
        #expect(try await fixture.run().rows.unchanged == 5)
    }

    private func inDoubt() async throws -> (RunFixture, RunEnvironment) {
        let fixture = try RunFixture(rows(3))
        let object = SimulatedDestination.object(batchItemsMax: 2, repeatable: .never)
        let environment = try fixture.environment(object: object)
        fixture.account.fault { number, _ in number == 0 ? .lostAfter(records: 2) : .none }
        let record = try await fixture.run(in: environment)
        #expect(record.operations.inDoubt == 2)
        return (fixture, environment)
    }

    @Test func confirmedRecordsAreKnownToBeThere() async throws {
        let (fixture, environment) = try await inDoubt()
        let confirm = ConfirmRecords(things(), environment: environment)
        let one = try confirm.confirm(["k1", "k7"])
        #expect(one.confirmed == 1 && one.unknown == ["k7"])
        #expect(try await fixture.run(in: environment).rows.held == 1)
        #expect(try confirm.confirm(nil).confirmed == 1)
        let record = try await fixture.run(in: environment)
        #expect(record.rows.unchanged == 3 && record.rows.held == 0)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test func confirmationIsCountedAndPartOfTheLifeOfItsRecords() async throws {
        let (_, environment) = try await inDoubt()
        #expect(try ConfirmRecords(things(), environment: environment).confirm(["k1"]).confirmed == 1)
        let run = try #require(try RunHistory(environment.database).runs(limit: 1).first)
        try expectTrueBooks(run, environment)
        #expect(run.trigger == "confirm" && run.rows.carried == 1 && run.operations.accepted == 1)
        let life = RecordLife(things(), environment: environment)
        #expect(try life.steps(key: "k1").map(\.outcome) == ["in_doubt", "confirmed"])
        #expect(try life.steps(key: "k1").last?.payload == nil)
        #expect(try life.steps(key: "k2").map(\.outcome) == ["in_doubt"])
    }

    @Test func whoCannotGoOnWithAKeyThatIsNotInDoubtIsToldAfterTheOthersAreConfirmed() async throws {
        let (_, environment) = try await inDoubt()
        let confirm = ConfirmRecords(things(), environment: environment)
        #expect(try RecordsInDoubt(sync: "things", environment: environment).count == 2)
        let error = try #require(throws: RunError.self) { try confirm.confirmAll(of: ["k1", "k7"]) }
        #expect(error.code == "not_in_doubt" && error.message == "Not in doubt: k7. 1 other was confirmed.")
        #expect(try RecordsInDoubt(sync: "things", environment: environment).count == 1)
        #expect(throws: Never.self) { try confirm.confirmAll(of: ["k2"]) }
        #expect(try RecordsInDoubt(sync: "things", environment: environment).count == 0)
    }

    @Test func theLifeOfARecordIsReadAlsoWhereItsSyncIsDefinedNowhere() async throws {
        let (_, environment) = try await inDoubt()
        let known = RecordLife(things(), environment: environment)
        let orphan = RecordLife(orphan: "things", environment: environment)
        for key in ["k1", "k3", "nobody"] {
            #expect(try orphan.steps(key: key) == known.steps(key: key), "\(key)")
        }
        #expect(try orphan.steps(key: "k3").map(\.outcome) == ["accepted"])
        let kept = try OrphanedSync("things", environment: environment)
        #expect(kept.known != nil && kept.inDoubt == 2 && kept.behavior == .updateOrCreate && kept.parting == nil)
        #expect(try OrphanedSync("never", environment: environment).source == nil)
    }

    @Test(arguments: [StepName.journalCreated, .journalOpen, .journalSettled, .pendingRenamed, .snapshotRenamed])
    func confirmThatWasKilledIsFinishedByTheNextRun(step: StepName) async throws {
        let (fixture, environment) = try await inDoubt()
        var dying = environment
        let crash = CrashPoint(only: step)
        dying.state = try StateDirectory(path: environment.state.path, steps: crash.hook)
        #expect(throws: (any Error).self) { try ConfirmRecords(things(), environment: dying).confirm(nil) }
        #expect(crash.isDead)
        let records = try await RunSync(things(), options: RunOptions(), environment: environment).run()
        for record in records { try expectTrueBooks(record, environment) }
        let isSettled = step == .pendingRenamed || step == .snapshotRenamed
        #expect(records.last?.rows.held == (isSettled ? 0 : 2))
        if isSettled { #expect(try await fixture.run(in: environment).rows.unchanged == 3) }
    }

    @Test func resendOfRecordsInDoubtSendsThem() async throws {
        let (fixture, environment) = try await inDoubt()
        var options = RunOptions()
        options.onlyPending = .inDoubt
        let record = try await fixture.run(options, in: environment)
        #expect(record.operations.accepted == 2)
        #expect(try await fixture.run(in: environment).rows.held == 0)
    }

    @Test func resetForgetsSoThatEveryRowIsSentAgain() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        let reset = ResetState(things(), environment: try fixture.environment())
        #expect(try reset.knownCount() == 5)
        #expect(try await reset.rowsToSend(things()) == 5)
        try reset.reset()
        #expect(try reset.knownCount() == 0)
        let record = try await fixture.run()
        #expect(record.fullReason == "first_run" && record.operations.alreadyEqual == 5)
    }

    @Test func resetClosesAnInterruptedRunWithItsBooksInOrder() async throws {
        let fixture = try RunFixture(rows(5))
        let crash = CrashPoint(at: 1, only: .journalOpen)
        let object = SimulatedDestination.object(batchItemsMax: 2)
        let dying = try fixture.environment(object: object, steps: crash.hook)
        await #expect(throws: (any Error).self) {
            try await RunSync(things(), options: RunOptions(), environment: dying).run()
        }
        let environment = try fixture.environment()
        try ResetState(things(), environment: environment).reset()
        let closed = try #require(try environment.database.run(1))
        try expectTrueBooks(closed, environment)
        #expect(closed.state == .failed && closed.error?.code == "state_reset")
        #expect(try await fixture.run().operations.accepted == 5)
    }

    /// A journal of a run that has ended would stop every run of the sync.
    @Test func aKillInAResetLeavesWhatTheNextRunCanFinish() async throws {
        var steps = 0
        for step in 0..<40 {
            let fixture = try RunFixture(rows(5))
            try await fixture.run()
            fixture.source.rows = rows(5, "Bea")
            let crash = CrashPoint(at: 1, only: .journalOpen)
            let object = SimulatedDestination.object(batchItemsMax: 2)
            let dying = try fixture.environment(object: object, steps: crash.hook)
            _ = try? await RunSync(things(), options: RunOptions(), environment: dying).run()
            let kill = CrashPoint(at: step, only: .stateRemoved)
            let reset = ResetState(things(), environment: try fixture.environment(steps: kill.hook))
            let isDone = (try? reset.reset()) != nil
            let record = try await fixture.run()
            #expect(record.state == .succeeded, "step \(step): \(record)")
            #expect(try await fixture.run().rows.unchanged == 5, "step \(step)")
            #expect(fixture.account.records["k5"]?.contains("Bea") == true)
            if isDone { break }
            steps += 1
        }
        #expect(steps > 4)
    }

    @Test func lifeOfARecordTellsEachRunThatTouchedIt() async throws {
        let fixture = try RunFixture(rows(3))
        try await fixture.run()
        fixture.account.refuse { key, payload in key == "k2" && payload.contains("Bea") ? noGood : nil }
        fixture.source.rows[1] = row("k2", "Bea")
        try await fixture.run()
        fixture.source.rows[0] = row("k1", "Cil")
        fixture.source.rows[1] = row("k2")
        try await fixture.run()
        let steps = try RecordLife(things(), environment: fixture.environment()).steps(key: "k2")
        #expect(steps.map(\.outcome) == ["accepted", "rejected"])
        #expect(steps.map(\.payload) == [payload("k2"), payload("k2", "Bea")])
        #expect(steps[1].reason == noGood)
        #expect(steps.allSatisfy { $0.exchanges.count == 1 })
    }

    @Test func lifeOfARecordDoesNotCallAStoppedPlanAccepted() async throws {
        let fixture = try RunFixture([row("k1"), row(nil), row(nil)])
        try await fixture.run()
        let steps = try RecordLife(things(), environment: fixture.environment()).steps(key: "k1")
        #expect(steps.map(\.outcome) == ["undelivered"])
        #expect(steps.map(\.payload) == [nil] && steps.map(\.unsent) == [payload("k1")], "it never left")
    }

    @Test(arguments: [
        // rejected, undelivered, accepted, carried by a request
        (0, 0, 9, true, "accepted"), (0, 5, 4, false, "accepted"), (0, 9, 0, false, "undelivered"),
        (0, 9, 0, true, "undelivered"), (9, 0, 0, true, "rejected"), (9, 9, 0, true, "sent"), (0, 9, 4, true, "sent"),
        (9, 0, 4, true, "sent"),
    ])
    func lifeOfARecordDoesNotCallWhatTheHistoryDoesNotNameAccepted(
        _ rejected: Int, _ undelivered: Int, _ accepted: Int, _ wasCarried: Bool, _ word: String
    ) {
        var run = RunRecord(
            id: 1, sync: "things", state: .failed, full: false, limited: false, trigger: "cli",
            startedAt: Moment(milliseconds: 0))
        run.operations.rejected = rejected
        run.operations.undelivered = undelivered
        run.operations.accepted = accepted
        #expect(RecordLife.outcome(in: run, wasCarried: wasCarried, keptMax: 5) == word)
    }

    @Test func secondRunOfASyncIsRefusedWhileOneRuns() async throws {
        let fixture = try RunFixture(rows(3))
        let environment = try fixture.environment()
        let lock = try #require(try SyncLock.acquire(environment.state.sync("things")))
        let error = await #expect(throws: RunError.self) {
            try await RunSync(things(), options: RunOptions(), environment: environment).run()
        }
        #expect(error?.code == "sync_already_running")
        #expect(throws: RunError.self) { try ResetState(things(), environment: environment).reset() }
        #expect(throws: RunError.self) { try ConfirmRecords(things(), environment: environment).confirm(nil) }
        // Planning needs no lock.
        _ = try await PlanSync(things(), options: RunOptions(), environment: environment).plan(examplesMax: 0)
        lock.release()
        #expect(try await fixture.run().state == .succeeded)
    }

    @Test func runThatWaitsStartsOnceTheLockIsFree() async throws {
        let fixture = try RunFixture(rows(3))
        var environment = try fixture.environment()
        let lock = try #require(try SyncLock.acquire(environment.state.sync("things")))
        environment.time.sleep = { _ in lock.release() }
        var options = RunOptions()
        options.waits = true
        #expect(try await fixture.run(options, in: environment).state == .succeeded)
    }

    @Test func renamedSyncTakesItsStateAlong() async throws {
        let fixture = try RunFixture(rows(3))
        try await fixture.run()
        var renamed = things()
        renamed.name = "better"
        renamed.renamedFrom = "things"
        let record = try await fixture.run(RunOptions(), renamed)
        #expect(record.sync == "better" && record.rows.unchanged == 3)
        #expect(try await fixture.run(RunOptions(), renamed).rows.unchanged == 3)
    }
}
