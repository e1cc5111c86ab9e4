import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Histories that once went wrong, step by step. Each says first that its situation has come about: a script that does not get
/// there any more proves nothing.
struct KnownHistoryTests {
    private func row(_ number: Int, _ name: String = "a", seats: Value = .integer(1)) -> SimulatedSource.Row {
        [
            "id": .text("k\(number)"), "name": .text(name), "seats": seats, "revision": .integer(Int64(number)),
        ]
    }

    /// The books were closed, the power went, and what was in doubt was sent again.
    @Test func whatIsInDoubtStaysSoWhenThePowerGoesAfterTheBooksAreClosed() async throws {
        let script = try Script(.send)
        script.world.source.rows = (1...5).map { row($0) }
        script.world.account.fault { number, _ in number == 0 ? .lostAfter(records: .max) : .none }
        let closed = try await script.run()
        #expect(closed.operations.inDoubt == 5 && closed.state == .completedWithRejections)
        #expect(script.world.account.events.count == 5)
        try script.cutPower()
        #expect(try PendingFile.open(script.files).entries.filter { $0.kind == .inDoubt }.count == 5)
        let next = try await script.run()
        #expect(next.rows.held == 5 && next.rows.planned == 0)
        #expect(script.world.account.events.values.allSatisfy { $0.count == 1 })
    }

    /// The same, killed at each durable step of the run in whose first request an answer is lost.
    @Test func nothingIsSentTwiceWhereverTheRunWasKilledAndThePowerWent() async throws {
        var reached: Set<StepName> = []
        var step = 0
        while true {
            let script = try Script(.send)
            script.world.source.rows = (1...5).map { row($0) }
            script.world.account.fault { number, _ in number == 0 ? .lostAfter(records: 3) : .none }
            let crash = CrashPlan(step: step)
            guard try await script.isKilled(by: crash) else { break }
            reached.formUnion(crash.steps)
            try script.cutPower()
            _ = try await script.run()
            let events = script.world.account.events
            #expect(events.values.allSatisfy { $0.count == 1 }, "step \(step), \(crash.steps.last as Any)")
            step += 1
        }
        let wanted: Set<StepName> = [.journalOpen, .journalSettled, .pendingRenamed, .snapshotRenamed, .journalDropped]
        #expect(reached.isSuperset(of: wanted), "only \(reached)")
    }

    /// A process that was killed while its request was on its way asks nothing more of anybody, whatever it is answered.
    @Test(arguments: [SimulatedFault.none, .failedBefore, .rateLimited(after: .seconds(7)), .lostAfter(records: 1)])
    func nothingArrivesOfAProcessThatWasKilled(fault: SimulatedFault) async throws {
        let script = try Script(.updateOrCreate)
        script.world.source.rows = (1...120).map { row($0) }
        script.world.account.fault { _, _ in fault }
        let crash = CrashPlan(request: 0)
        script.world.account.onWrite { _ in crash.request() }
        #expect(try await script.isKilled(by: crash))
        #expect(script.world.account.requests.count == 1 && script.world.time.slept.isEmpty)
    }

    /// The rows that an interrupted scan had called invalid stayed in the history of a run that had read none.
    @Test(arguments: [StepName.planBlock, .planSealed])
    func resetRunWithoutAPlanNamesNoRows(step: StepName) async throws {
        let script = try Script(.updateOrCreate)
        script.world.source.rows = (1...2_000).map { row($0, seats: $0 < 1_990 ? .text("many") : .integer(1)) }
        let crash = CrashPlan(step: 0, only: step)
        #expect(try await script.isKilled(by: crash), "step \(step) was not reached")
        let history = RunHistory(try script.environment().database)
        #expect(try !(history.outcomeCounts(run: 1).isEmpty), "no row was named")
        try script.reset()
        #expect(try history.outcomeCounts(run: 1).isEmpty)
        let reset = try #require(try history.run(1))
        #expect(reset.error?.code == "state_reset" && reset.rows.invalid == 0)
    }

    /// Rows that an accepted plan left out were named in the stopped run only.
    @Test func rowsThatAnAcceptedPlanLeavesOutAreNamedInItsRun() async throws {
        let script = try Script(.updateOrCreate)
        script.world.source.rows = [row(1), row(2, seats: .text("many")), row(3, seats: .text("many")), ["id": .null]]
        let stopped = try await script.run()
        #expect(stopped.state == .stoppedByGuard && stopped.guard?.name == "invalid")
        let scans = script.world.source.scans
        let accepted = try await script.run(accepting: ["invalid"])
        #expect(script.world.source.scans == scans && accepted.id != stopped.id, "the plan was made anew")
        #expect(accepted.rows.invalid == 3 && accepted.operations.created == 1)
        let history = RunHistory(try script.environment().database)
        #expect(try history.outcomeCounts(run: accepted.id)[.invalid] == 3)
    }

    /// The same where the run that accepts it is killed while it sends, and the next start goes on with it.
    @Test(arguments: [StepName.journalOpen, .journalSettled, .snapshotRenamed])
    func rowsThatAnAcceptedPlanLeavesOutAreNamedWhereItsRunIsGoneOnWith(step: StepName) async throws {
        let script = try Script(.updateOrCreate)
        script.world.source.rows = [row(1), row(2, seats: .text("many")), row(3, seats: .text("many"))]
        #expect(try await script.run().state == .stoppedByGuard)
        let crash = CrashPlan(step: 0, only: step)
        #expect(try await script.isKilled(by: crash, accepting: ["invalid"]), "step \(step) was not reached")
        let records = try await script.runs(accepting: ["invalid"])
        let resumed = try #require(records.first)
        #expect(records.count == 2 && resumed.id == 2 && resumed.rows.invalid == 2)
        #expect(script.world.account.created == ["k1": 1])
    }

    /// A refused row was carried on and sent although its newer version could not be.
    @Test func refusedRowIsNotSentOnceItsNewerVersionCannotBe() async throws {
        let script = try Script(.updateOrCreate, isIncremental: true)
        script.world.source.rows = (1...10).map { row($0, $0 == 3 ? "bad 1" : "a") }
        let first = try await script.run()
        #expect(first.operations.rejected == 1 && first.operations.created == 9)
        #expect(try PendingFile.open(script.files).count == 1)
        // What was refused would be taken now, if it were sent.
        script.world.account.refuse { _, _ in nil }
        script.world.source.rows[2] = row(11, "a", seats: .text("many")).merging(["id": .text("k3")]) { $1 }
        script.world.time.advance(by: .seconds(60))
        let requests = script.world.account.requests.count
        for _ in 1...2 {
            let next = try await script.run()
            #expect(next.effort?.scan == .recent && next.rows.scanned < 10, "a complete scan proves nothing")
            #expect(next.rows.invalid == 1 && next.rows.planned == 0)
        }
        #expect(script.world.account.records["k3"] == nil && script.world.account.requests.count == requests)
        // Once it can be sent again it is.
        script.world.source.rows[2] = row(12).merging(["id": .text("k3")]) { $1 }
        #expect(try await script.run().operations.created == 1)
    }

    /// A run was killed between an answer and its settle frame, with the power: the batch is repeated by its keys.
    @Test(arguments: [StepName.journalSettled, .pendingRenamed, .snapshotWritten, .snapshotRenamed, .journalDropped])
    func runKilledWithThePowerCreatesNothingTwice(step: StepName) async throws {
        let script = try Script(.updateOrCreate)
        script.world.source.rows = (1...6).map { row($0, $0 == 6 ? "bad" : "a") }
        let crash = CrashPlan(step: 0, only: step)
        #expect(try await script.isKilled(by: crash), "step \(step) was not reached")
        #expect(!script.world.account.requests.isEmpty, "nothing had been sent")
        try script.cutPower()
        _ = try await script.runs()
        #expect(script.world.account.created.count == 5 && script.world.account.created.values.allSatisfy { $0 == 1 })
        let quiet = try await script.run()
        #expect(quiet.rows.unchanged == 5 && quiet.operations.rejected + quiet.rows.held == 1)
    }
}

/// A world whose every step a test says. Whatever it does, the books of each run are right.
private final class Script {
    let world: World
    private let behavior: Behavior
    private let definition: SyncDefinition
    private let object: DestinationObject
    private let folder: String
    private let disk: PowerCut

    init(_ behavior: Behavior, isIncremental: Bool = false) throws {
        self.behavior = behavior
        // Numbers and no times, and a history that is never late.
        world = World(seed: 3, isIncremental: isIncremental)
        definition = Definitions.of(behavior, isIncremental: isIncremental)
        object = SimulatedDestination.object(batchItemsMax: 50, repeatable: behavior == .send ? .never : .byKey)
        folder = try Scratch.make()
        disk = try PowerCut(root: folder + "/state", keep: folder + "/kept")
    }

    deinit { Scratch.remove(folder) }

    var files: SyncFiles {
        get throws { try environment().state.sync(definition.name) }
    }

    func environment(_ crash: CrashPlan = CrashPlan()) throws -> RunEnvironment {
        try world.environment(folder, object: object, crash: crash)
    }

    /// All runs of one start.
    func runs(accepting guards: Set<String> = [], _ crash: CrashPlan = CrashPlan()) async throws -> [RunRecord] {
        var options = RunOptions()
        options.acceptedGuards = guards
        let environment = try environment(crash)
        let run = RunSync(definition, options: options, environment: environment)
        let records = try await DiskWatch.$current.withValue(disk.watch) { try await run.run() }
        for record in records {
            let problems = RunBooks.problems(of: record, environment, isRepeatable: behavior != .send)
            #expect(problems.isEmpty, "\(problems)")
        }
        return records
    }

    /// The last of them.
    func run(accepting guards: Set<String> = []) async throws -> RunRecord {
        let records = try await runs(accepting: guards)
        return try #require(records.last)
    }

    /// A start that is killed; false where it came to its end.
    func isKilled(by crash: CrashPlan, accepting guards: Set<String> = []) async throws -> Bool {
        do {
            _ = try await runs(accepting: guards, crash)
        } catch {
            guard crash.isDead else { throw error }
            world.noteKilled()
        }
        return crash.isDead
    }

    func reset() throws { try ResetState(definition, environment: try environment()).reset() }

    /// Nothing that was not synced is left.
    func cutPower() throws {
        world.noteKilled()
        var none = SeededRandom(seed: 0)
        try disk.cut(&none, losing: .all)
    }
}
