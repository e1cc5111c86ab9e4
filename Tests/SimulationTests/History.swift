import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import Synchronization
import TestKit

/// One whole history from a seed: a table, an account and a state directory, a few disturbed runs, and a last one that
/// nothing disturbs. `play` returns what it found wrong, as sentences.
final class History {
    let seed: UInt64
    let behavior: Behavior
    var random: SeededRandom
    let folder: String
    let world: World
    var definition: SyncDefinition
    var problems: [String] = []
    var kills = 0
    /// The requests of the current account that were judged already.
    var judged = 0
    /// What people did to the sync.
    var deeds = Deeds()
    /// Of syncs that send: whose records may be in doubt, by key and by its hash.
    var doubtful = Doubtful()
    /// Whether the person at this history accepts guards; a person who does not never sees one passed.
    let acceptsGuards: Bool
    /// Whether a kill is a power cut: what was not synced may be gone.
    private let losesPower: Bool
    private let disk: PowerCut
    /// What others found while a run was on its way.
    private let met = Met()
    /// What happened, in short; the same for the same seed.
    var trace: [String] = []

    init(seed: UInt64, behavior: Behavior = .updateOrCreate) throws {
        self.seed = seed
        self.behavior = behavior
        random = SeededRandom(seed: seed)
        let isIncremental = random.chance(percent: 35)
        folder = try Scratch.make()
        world = World(seed: random.next(), isIncremental: isIncremental)
        definition = Definitions.of(behavior, isIncremental: isIncremental, isTimed: world.isTimed)
        acceptsGuards = random.chance(percent: 50)
        losesPower = random.chance(percent: 50)
        disk = try PowerCut(root: folder + "/state", keep: folder + "/kept")
    }

    deinit { Scratch.remove(folder) }

    func play() async throws -> [String] {
        try await DiskWatch.$current.withValue(disk.watch) { try await playAll() }
    }

    private func playAll() async throws -> [String] {
        let object = SimulatedDestination.object(
            batchItemsMax: random.number(1...50), repeatable: behavior == .send ? .never : .byKey)
        world.source.batchRowsMax = random.number(1...120)
        for account in world.accounts { account.attribution = [.each, .counted, .whole][random.number(0...2)] }
        let isPatient = random.chance(percent: 4)
        world.fill(rows: random.number(0...(isPatient ? 30 : 400)), &random)
        if [.updateOnly, .createOnly, .delete].contains(behavior) { world.fillAccount() }
        if behavior == .mirror { world.addForeign() }
        for _ in 1...random.number(2...6) {
            world.change(&random)
            if random.chance(percent: 6) { world.changeColumns(&random) }
            if random.chance(percent: 6) { world.jump() }
            try await disturbedRun(object)
            try act(object)
        }
        world.calm()
        if world.source.rows.isEmpty { world.fill(rows: 3, &random) }
        if isPatient { try await refusedRuns(object) }
        if random.chance(percent: 25) { world.pardon() }
        if world.isIncremental || random.chance(percent: 15) { try await nextRuns(object) }
        try await undisturbedRuns(object)
        return problems
    }

    /// One start of the program with faults; it may be killed, cancelled, or end by itself.
    private func disturbedRun(_ object: DestinationObject) async throws {
        let crash = CrashPlan(&random)
        if behavior == .updateOrCreate, random.chance(percent: 6) { world.changeAccount() }
        let requests = world.accounts.map(\.requests.count)
        let reviewed = random.chance(percent: 8) ? try await savedPlan(object) : nil
        world.disturb(&random, crash)
        if random.chance(percent: 8) { editDefinition() }
        let environment = try world.environment(folder, object: object, crash: crash)
        var options = options()
        if let reviewed {
            options = RunOptions()
            (options.reviewed, options.isFull) = (reviewed, reviewed.isFull)
            if random.chance(percent: 50) { world.change(&random) }
        }
        let resent = options.onlyPending == .inDoubt ? try noteResent(object) : nil
        let run = RunSync(definition, options: options, environment: environment)
        // The task waits until all that may happen to it is arranged, or a seed would not replay.
        let (gate, opening) = AsyncStream<Void>.makeStream()
        let task = Task {
            for await _ in gate {}
            return try await run.run()
        }
        if random.chance(percent: 12) { world.cancel(task, atRequest: random.number(0...4), crash) }
        if random.chance(percent: 10) { try arrangeSecondRunner(object) }
        if random.chance(percent: 6) { arrangeJump() }
        opening.finish()
        do {
            let records = try await task.value
            for record in records {
                check(record, environment)
                checkGuard(record)
            }
            note(records, isReviewed: reviewed != nil)
            deeds.isRenamed = false
        } catch {
            trace.append("killed: \(crash.isDead), requests: \(world.account.requests.count)")
            note(error, crash)
        }
        count(crash, requestsFrom: requests)
        checkRemovals(mayAccept: acceptsGuards)
        if crash.wasFull { world.noteBroken() }
        if crash.isDead { world.noteKilled() }
        if crash.isDead && losesPower { try cutPower(object) }
        try noteDoubts(crash, object, requestsFrom: requests)
        // What came into doubt while the start went on with an interrupted run is sent once more by its own.
        if let resent { noteResent(lost(crash, requestsFrom: requests).subtracting(resent)) }
        world.time.advance(by: .seconds(random.number(0...2_000)))
    }

    func note(_ records: [RunRecord], isReviewed: Bool = false) {
        count(records, isReviewed: isReviewed)
        trace += records.map { "\($0.id) \($0.state.rawValue) \($0.rows) \($0.operations) \($0.requests)" }
    }

    /// Whether what the run threw is what the world has done to it.
    private func note(_ error: any Error, _ crash: CrashPlan) {
        if crash.isDead {
            kills += 1
        } else if let error = error as? StateError, error.code == "disk_full", crash.wasFull {
            return
        } else if let error = error as? RunError, error.code.hasPrefix("plan_") {
            world.tally.add(.planRefused)
            if !error.message.contains("Nothing was sent") {
                problems.append("refused without a word: \(error.message)")
            }
        } else {
            problems.append("a run threw \(error)")
        }
    }

    /// A plan that somebody looks at before it is sent; nil where it could not be made.
    private func savedPlan(_ object: DestinationObject) async throws -> ReviewedPlan? {
        let environment = try world.environment(folder, object: object)
        world.noteLook()
        do {
            let path = folder + "/saved.plan"
            _ = try await PlanSync(definition, options: RunOptions(), environment: environment)
                .plan(examplesMax: 0, out: path)
            return try ReviewedPlan(path: path)
        } catch let error as ConnectorError {
            trace.append("no plan: \(error.code)")
            return nil
        } catch let error as RunError where error.code != "internal_error" {
            trace.append("no plan: \(error.code)")
            return nil
        }
    }

    /// Another process that runs the same sync while a request of this one is on its way.
    private func arrangeSecondRunner(_ object: DestinationObject) throws {
        let second = RunSync(
            definition, options: RunOptions(),
            environment: try world.environment(folder, object: object, isAnother: true))
        let (met, tally) = (met, world.tally)
        world.meanwhile(atRequest: random.number(0...4)) {
            do {
                let records = try await second.run()
                met.add("two ran at once: \(records.map(\.id))")
            } catch let error as RunError where error.code == "sync_already_running" {
                tally.add(.secondRunnerRefused)
            } catch {
                met.add("the second runner ended with \(error)")
            }
        }
    }

    private func editDefinition() {
        let other = Definitions.other(than: definition)
        world.tally.add(.definitionChanged, if: other != definition)
        definition = other
    }

    private func arrangeJump() {
        let world = world
        world.meanwhile(atRequest: random.number(0...4)) { world.jump() }
    }

    private func cutPower(_ object: DestinationObject) throws {
        world.tally.add(.powerCut, if: try disk.cut(&random))
        let files = try currentFiles(try world.environment(folder, object: object))
        switch try Snapshot.open(files) {
        case .none, .current: return
        case .fellBack(_, let reason), .lost(let reason):
            problems.append("a power cut took the fingerprints: \(reason.message)")
        }
    }

    static let guards: Set<String> = [
        "invalid", "empty_scan", "cleared", "schema_change", "removed", "first_removals", "keyless_rows",
    ]

    private func options() -> RunOptions {
        var options = RunOptions()
        options.isFull = random.chance(percent: 10) && behavior != .send
        if random.chance(percent: 10) { options.limit = random.number(1...20) }
        // Who accepts now and then sees guards stop, and goes on with the plan that they stopped.
        if acceptsGuards && random.chance(percent: 60) { options.acceptedGuards = Self.guards }
        if random.chance(percent: 4) { options.onlyPending = .rejected }
        if behavior == .send && random.chance(percent: 10) { options.onlyPending = .inDoubt }
        return options
    }

    /// A row that is refused again and again waits for longer and longer.
    private func refusedRuns(_ object: DestinationObject) async throws {
        // Of two rows next to each other one has a record at the account already.
        world.spoil(rows: 0..<2)
        for _ in 1...12 {
            try await quietStart(object)
            world.time.advance(by: .seconds(random.number(1...60)))
        }
    }

    /// Right away, without a complete scan that would heal what incremental ones passed over, and while a plan that a guard
    /// stopped may still be sent.
    private func nextRuns(_ object: DestinationObject) async throws {
        // The first of them may go on with a plan of before, or be stopped because that cannot be.
        for _ in 1...2 { try await quietStart(object) }
        let (records, environment) = try await quietStart(object)
        guard let last = records.last else { return problems.append("a run left no record") }
        try checkPromise(last, environment, readsAll: last.effort?.scan != .recent, mayHold: true)
    }

    /// A start that nothing disturbs, by somebody who accepts whatever a guard says.
    @discardableResult
    private func quietStart(_ object: DestinationObject) async throws -> ([RunRecord], RunEnvironment) {
        let requests = world.accounts.map(\.requests.count)
        let environment = try world.environment(folder, object: object)
        var options = RunOptions()
        options.acceptedGuards = Self.guards
        let records = try await RunSync(definition, options: options, environment: environment).run()
        for record in records { check(record, environment) }
        note(records)
        checkRemovals(mayAccept: true)
        try noteDoubts(CrashPlan(), object, requestsFrom: requests)
        return (records, environment)
    }

    private func undisturbedRuns(_ object: DestinationObject) async throws {
        // Long enough for every held record to be due, whatever the clock was when it was held.
        world.time.advance(by: .seconds(4 * 86_400))
        var (records, environment) = try await quietStart(object)
        // What was stopped before is old by now: it is looked at, and accepted, once more.
        if records.last?.state == .stoppedByGuard { (records, environment) = try await quietStart(object) }
        guard let last = records.last else { return problems.append("the last run left no record") }
        try checkPromise(last, environment, readsAll: true, mayHold: false)
        if behavior == .send { try checkDoubts(environment) }
        checkDeeds()
        problems += met.sentences
        try checkHistory(environment)
        try checkFiles(environment)
        let before = world.account.requests.count
        let (again, _) = try await quietStart(object)
        checkQuiet(again, requestsBefore: before)
    }
}

/// Sentences of those who come by.
final class Met: Sendable {
    private let found = Mutex<[String]>([])

    func add(_ sentence: String) { found.withLock { $0.append(sentence) } }

    var sentences: [String] { found.withLock { $0 } }
}
