import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// `renamed_from`: memory and files of a sync move together, or not at all.
struct RenamedSyncTests {
    enum Kind: CaseIterable, Sendable {
        case updating, mirror, events

        var sync: SyncDefinition {
            let here = Location(file: "sluice.yaml", line: 1, column: 1)
            return switch self {
            case .updating: things()
            case .mirror: things(behavior: .mirror)
            case .events:
                things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: here))
            }
        }

        var object: DestinationObject {
            SimulatedDestination.object(batchItemsMax: 10, repeatable: self == .events ? .never : .byKey)
        }
    }

    private func renamed(_ sync: SyncDefinition, from old: String? = "things") -> SyncDefinition {
        var sync = sync
        (sync.name, sync.renamedFrom) = ("better", old)
        return sync
    }

    private func environment(_ fixture: RunFixture, _ kind: Kind, steps: FileSteps = .none) throws -> RunEnvironment {
        try fixture.environment(object: kind.object, steps: steps)
    }

    /// The pause is taken over with the rest by the first run, which there must not be.
    @Test func aPausedSyncStaysPausedUnderItsNewName() async throws {
        let fixture = try await begun(.updating)
        let environment = try environment(fixture, .updating)
        _ = try PauseSync(environment: environment).set(things(), isPaused: true)
        let new = renamed(things())
        #expect(try environment.paused([new]).contains("better"))
        #expect(try environment.pasts(of: [new])["better"]?.begunAt != nil, "what it did counts for its schedule too")
        #expect(try !environment.paused([renamed(things(), from: nil)]).contains("better"))
        _ = try await fixture.run(RunOptions(), new, in: environment)
        #expect(try environment.paused([new]).contains("better"))
    }

    /// What still lies under the former name is that of the sync.
    @Test func resetBeforeTheFirstRunUnderTheNewNameForgetsWhatTheOldOneKnew() async throws {
        let fixture = try await begun(.updating)
        let environment = try environment(fixture, .updating)
        try ResetState(renamed(things()), environment: environment).reset()
        let record = try await fixture.run(RunOptions(), renamed(things()), in: environment)
        #expect(record.fullReason == "first_run" && record.rows.planned == 3, "\(record)")
    }

    /// Three rows that were sent under the old name.
    private func begun(_ kind: Kind) async throws -> RunFixture {
        let fixture = try RunFixture(rows(3))
        let first = try await fixture.run(RunOptions(), kind.sync, in: environment(fixture, kind))
        #expect(first.operations.accepted == 3)
        return fixture
    }

    /// A run under the new name, without `renamed_from`, that fails before it sends anything.
    private func failed(_ fixture: RunFixture, _ kind: Kind) async throws {
        let columns = fixture.source.columns
        fixture.source.columns.removeLast()
        let record = try await fixture.run(
            RunOptions(), renamed(kind.sync, from: nil), in: environment(fixture, kind))
        #expect(record.state == .failed && record.operations.accepted == 0)
        fixture.source.columns = columns
    }

    /// The next run has all that was known, and nothing is sent a second time.
    private func expectTakenOver(_ fixture: RunFixture, _ kind: Kind, _ location: SourceLocation = #_sourceLocation)
        async throws
    {
        let environment = try environment(fixture, kind)
        let sync = renamed(kind.sync)
        let requests = fixture.account.requests.count
        let plan = try await PlanSync(sync, options: RunOptions(), environment: environment).plan(examplesMax: 0)
        #expect(plan.rows.unchanged == 3 && plan.operations.planned == 0, sourceLocation: location)
        for _ in 1...2 {
            let record = try await fixture.run(RunOptions(), sync, in: environment)
            #expect(record.state == .succeeded && record.rows.unchanged == 3, "\(record)", sourceLocation: location)
        }
        #expect(fixture.account.requests.count == requests, sourceLocation: location)
        #expect(try environment.database.known("things") == nil, sourceLocation: location)
        #expect(!FileManager.default.fileExists(atPath: environment.state.sync("things").folder))
    }

    @Test(arguments: Kind.allCases) func aRunThatFailedUnderTheNewNameDoesNotStandInTheWay(_ kind: Kind) async throws {
        let fixture = try await begun(kind)
        try await failed(fixture, kind)
        try await expectTakenOver(fixture, kind)
        let runs = try RunHistory(try fixture.environment().database).runs(sync: "better", limit: 9)
        #expect(runs.map(\.id) == [4, 3, 2, 1] && runs.map(\.state) == [.succeeded, .succeeded, .failed, .succeeded])
    }

    @Test(arguments: Kind.allCases)
    func anInterruptedRunOfTheNewNameIsClosedAndItsPlanNotSent(_ kind: Kind) async throws {
        let fixture = try await begun(kind)
        let crash = CrashPoint(only: .planSealed)
        let dying = try environment(fixture, kind, steps: crash.hook)
        _ = try? await RunSync(renamed(kind.sync, from: nil), options: RunOptions(), environment: dying).run()
        #expect(try crash.isDead && dying.database.unfinishedRuns().map(\.sync) == ["better"])
        try await expectTakenOver(fixture, kind)
        let closed = try #require(try dying.database.run(2))
        #expect(closed.state == .failed && closed.error?.code == "run_interrupted" && closed.sync == "better")
        #expect(try !dying.state.plannedRuns().contains(2))
    }

    @Test func aRunThatIsQueuedUnderTheNewNameIsMadeWithTheOldState() async throws {
        let fixture = try await begun(.updating)
        let database = try fixture.environment().database
        let queued = try database.createRun(
            sync: "better", trigger: "web", full: false, limited: false, startedAt: Moment(milliseconds: 0),
            state: .queued)
        let record = try await fixture.run(RunOptions(), renamed(things()))
        #expect(record.id == queued.id && record.rows.unchanged == 3)
    }

    @Test func aRunOfTheNewNameThatWasBeingClosedEndsAsItWould() async throws {
        let fixture = try await begun(.updating)
        let database = try fixture.environment().database
        let closing = try database.createRun(
            sync: "better", trigger: "cli", full: true, limited: false, startedAt: Moment(milliseconds: 0),
            state: .closing)
        var memory = SyncMemory(name: "better", seed: 4)
        memory.extra = ["closing_state": "cancelled", "closing_forgets_state": "1"]
        try database.save(memory)
        try await expectTakenOver(fixture, .updating)
        #expect(try database.run(closing.id)?.state == .cancelled)
    }

    @Test func thePlanOfARunThatAGuardStoppedUnderTheNewNameIsNotAccepted() async throws {
        let fixture = try await begun(.updating)
        fixture.source.rows += [row(nil), row(nil), row(nil), row(nil)]
        #expect(try await fixture.run(RunOptions(), renamed(things(), from: nil)).guard?.name == "invalid")
        var options = RunOptions()
        options.acceptedGuards = ["invalid"]
        let record = try await fixture.run(options, renamed(things()))
        #expect(record.rows.unchanged == 3 && record.rows.planned == 0)
    }

    @Test(arguments: Kind.allCases) func twoThatBothHaveStateAreLeftAsTheyAre(_ kind: Kind) async throws {
        let fixture = try await begun(kind)
        let environment = try environment(fixture, kind)
        try await fixture.run(RunOptions(), renamed(kind.sync, from: nil), in: environment)
        let before = try (environment.database.all(), Files.listing(fixture.folder + "/state/syncs"))
        let sync = renamed(kind.sync)
        #expect(await code { _ = try await fixture.run(RunOptions(), sync, in: environment) } == "sync_state_exists")
        #expect(
            await code {
                _ = try await PlanSync(sync, options: RunOptions(), environment: environment).plan(examplesMax: 0)
            } == "sync_state_exists")
        #expect(try before.0 == environment.database.all())
        #expect(try before.1 == Files.listing(fixture.folder + "/state/syncs"))
        let reset = ResetState(sync, environment: environment)
        #expect(try await reset.rowsToSend(sync) == 3)
        try reset.reset()
        try await expectTakenOver(fixture, kind)
    }

    @Test(arguments: Kind.allCases) func whatIsResetUnderTheOldNameIsNotTakenOver(_ kind: Kind) async throws {
        let fixture = try await begun(kind)
        let environment = try environment(fixture, kind)
        try await fixture.run(RunOptions(), renamed(kind.sync, from: nil), in: environment)
        try ResetState(kind.sync, environment: environment).reset()
        #expect(try await fixture.run(RunOptions(), renamed(kind.sync), in: environment).rows.unchanged == 3)
        #expect(try environment.database.known("things") != nil)
    }

    @Test(arguments: Kind.allCases, [false, true])
    func aKillBetweenTheTwoMovesIsMadeGoodByTheNextStart(_ kind: Kind, _ hasFailed: Bool) async throws {
        let fixture = try await begun(kind)
        if hasFailed { try await failed(fixture, kind) }
        let crash = CrashPoint(only: .stateRenamed)
        let dying = try environment(fixture, kind, steps: crash.hook)
        _ = try? await RunSync(renamed(kind.sync), options: RunOptions(), environment: dying).run()
        #expect(crash.isDead)
        #expect(try dying.database.memory("better")?.hasAccepted == true && dying.state.sync("things").hasState())
        try await expectTakenOver(fixture, kind)
    }

    /// As earlier versions left it: the folder was moved first, and where a run had failed, its memory stayed.
    @Test(arguments: Kind.allCases, [false, true])
    func filesThatWereMovedWithoutTheirMemoryAreBroughtTogether(_ kind: Kind, _ hasFailed: Bool) async throws {
        let fixture = try await begun(kind)
        if hasFailed { try await failed(fixture, kind) }
        #expect(try environment(fixture, kind).state.rename(sync: "things", to: "better"))
        try await expectTakenOver(fixture, kind)
    }

    @Test(arguments: [Kind.mirror, .events])
    func withoutItsFormerNameATornSyncSaysTheWayBack(_ kind: Kind) async throws {
        let fixture = try await begun(kind)
        try await failed(fixture, kind)
        #expect(try environment(fixture, kind).state.rename(sync: "things", to: "better"))
        let record = try await fixture.run(
            RunOptions(), renamed(kind.sync, from: nil), in: environment(fixture, kind))
        #expect(record.error?.code == "state_lost" && record.error?.hint.contains("`renamed_from: things`") == true)
        try await expectTakenOver(fixture, kind)
    }

    /// Whoever has begun anew under the new name is not given back what is lost.
    @Test func aTornSyncThatWasResetSendsEveryRow() async throws {
        let fixture = try await begun(.mirror)
        try await failed(fixture, .mirror)
        let environment = try environment(fixture, .mirror)
        #expect(try environment.state.rename(sync: "things", to: "better"))
        try ResetState(renamed(things(behavior: .mirror)), environment: environment).reset()
        let record = try await fixture.run(RunOptions(), renamed(things(behavior: .mirror)), in: environment)
        #expect(record.fullReason == "first_run" && record.operations.alreadyEqual == 3)
    }

    @Test func nothingIsMovedWhileOneOfTheTwoRuns() async throws {
        let fixture = try await begun(.updating)
        let environment = try fixture.environment()
        for name in ["things", "better"] {
            let lock = try #require(try SyncLock.acquire(environment.state.sync(name)))
            #expect(await code { _ = try await fixture.run(RunOptions(), renamed(things())) } == "sync_already_running")
            #expect(try environment.database.memory("things") != nil && environment.database.memory("better") == nil)
            lock.release()
        }
        try await expectTakenOver(fixture, .updating)
    }
}
