import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit

/// A short history in which a disk turns over a byte that was written and synced, between two runs. Afterwards nothing is sent
/// twice that must not be, nothing is lost where rows can be sent again, and whoever refuses says with a code of
/// docs/errors.md what is damaged, until a reset, after which everything is as it should be.
final class DamageHistory {
    let behavior: Behavior
    let world: World
    private(set) var trace: [String] = []
    private var random: SeededRandom
    private let folder: String
    private let definition: SyncDefinition
    private let object: DestinationObject
    private var problems: [String] = []
    /// What a person has done to it, who was asked to.
    private var deeds = Deeds()
    private let folders: Damage

    /// What a refusal may be called.
    private static let refusals: Set<String> = ["state_lost", "state_corrupt", "plan_corrupt"]

    private enum Ending {
        case ended(RunRecord, RunEnvironment)
        case refused(String)
        case killed
    }

    init(seed: UInt64, behavior: Behavior) throws {
        self.behavior = behavior
        random = SeededRandom(seed: seed)
        let isIncremental = random.chance(percent: 50)
        folder = try Scratch.make()
        folders = Damage(state: folder + "/state")
        world = World(seed: random.next(), isIncremental: isIncremental)
        definition = Definitions.of(behavior, isIncremental: isIncremental, isTimed: world.isTimed)
        object = SimulatedDestination.object(
            batchItemsMax: random.number(1...8), repeatable: behavior == .send ? .never : .byKey)
    }

    deinit { Scratch.remove(folder) }

    func play() async throws -> [String] {
        world.fill(rows: random.number(4...25), &random)
        if [.updateOnly, .createOnly, .delete].contains(behavior) { world.fillAccount() }
        if behavior == .mirror { world.addForeign() }
        if random.chance(percent: 60) { world.spoil(rows: 0..<2) }
        for _ in 0..<random.number(0...2) {
            try await disturbedStart(CrashPlan())
            world.change(&random)
        }
        let isKilled = random.chance(percent: 60)
        let crash =
            isKilled && random.chance(percent: 30)
            ? CrashPlan(request: random.number(0...4)) : CrashPlan(step: isKilled ? random.number(0...30) : .max)
        try await disturbedStart(crash)
        world.calm()
        world.change(&random)
        if world.source.rows.isEmpty { world.fill(rows: 3, &random) }
        guard let damaged = try damage() else { return problems }
        trace.append("damaged: \(damaged)")
        if behavior == .send && random.chance(percent: 30) { try confirm() }
        try await judge(damaged)
        return problems
    }

    // MARK: Starts

    private func disturbedStart(_ crash: CrashPlan) async throws {
        world.disturb(&random, crash)
        var options = RunOptions()
        options.acceptedGuards = History.guards
        _ = try await start(crash, options)
        if crash.isDead { world.noteKilled() }
        world.time.advance(by: .seconds(random.number(0...1_000)))
    }

    private func start(_ crash: CrashPlan, _ options: RunOptions) async throws -> Ending {
        let environment = try world.environment(folder, object: object, crash: crash)
        do {
            let records = try await RunSync(definition, options: options, environment: environment).run()
            for record in records {
                problems += RunBooks.problems(of: record, environment, isRepeatable: behavior != .send)
                trace.append(
                    "\(record.id) \(record.state.rawValue) \(record.error?.code ?? "") \(record.rows) \(record.operations)"
                )
            }
            guard let last = records.last else { throw RunError(code: "none", message: "No record.", hint: "") }
            if let code = last.error?.code, Self.refusals.contains(code) { return .refused(code) }
            return .ended(last, environment)
        } catch {
            if crash.isDead { return .killed }
            let code = RunError(error).code
            trace.append("threw \(RunError(error))")
            if !Self.refusals.contains(code) { problems.append("a run threw \(error)") }
            return .refused(code)
        }
    }

    private func quietStart() async throws -> Ending {
        var options = RunOptions()
        options.acceptedGuards = History.guards
        let before = world.account.requests.count
        let ending = try await start(CrashPlan(), options)
        if case .refused(let code) = ending, world.account.requests.count > before, code != "plan_corrupt" {
            // Only a run that was found interrupted may have sent something before.
            trace.append("\(world.account.requests.count - before) requests, and then \(code)")
        }
        return ending
    }

    // MARK: Damage

    private func damage() throws -> String? {
        let files = try files()
        let isWhole = random.chance(percent: 30)
        for _ in 1...10 {
            guard let strike = try folders.strike(isWhole ? .fingerprints : .oneFile, &random) else { return nil }
            // A frame that was never synced, and so never sent, looks like a last one that is damaged.
            guard let open = try Damage.open(files), !open.isSuperset(of: strike.open) else { return strike.name }
            try strike.undo()
        }
        return nil
    }

    private func files() throws -> SyncFiles {
        try world.environment(folder, object: object).state.sync(definition.name)
    }

    /// Somebody looked it up: what is in doubt did arrive.
    private func confirm() throws {
        let environment = try world.environment(folder, object: object)
        do {
            let before = try BehaviorOracle(world: world, definition: definition).inDoubt(environment)
            let count = try ConfirmRecords(definition, environment: environment).confirm(nil).confirmed
            if count > 0 { deeds.confirmed.formUnion(before) }
            trace.append("confirmed \(count)")
        } catch {
            let code = RunError(error).code
            trace.append("confirm: \(code)")
            if !Self.refusals.union(["run_unfinished"]).contains(code) { problems.append("confirm threw \(error)") }
        }
    }

    // MARK: What is held against it

    private func judge(_ damaged: String) async throws {
        _ = try await quietStart()
        expectNothingTwice()
        var ending = try await quietStart()
        expectNothingTwice()
        if case .refused(let code) = ending {
            try expectStillLost(code)
            ending = try await quietStart()
            guard case .refused = ending else {
                return problems.append("\(damaged): it refused with \(code), and then not any more")
            }
            world.tally.add(.refusedForDamage)
            try reset()
            ending = try await quietStart()
        } else {
            world.tally.add(.wentOnAfterDamage)
        }
        try expectPromise(ending, damaged, isLate: false)
        world.time.advance(by: .seconds(4 * 86_400))
        try expectPromise(try await quietStart(), damaged, isLate: true)
    }

    private func expectPromise(_ ending: Ending, _ damaged: String, isLate: Bool) throws {
        guard case .ended(let last, let environment) = ending else {
            return problems.append("\(damaged): \(ending)")
        }
        var oracle = BehaviorOracle(world: world, definition: definition)
        oracle.readsAll = isLate || last.effort?.scan != .recent
        oracle.deeds = deeds
        problems += try oracle.promise(last, environment, mayHold: !isLate).map { "\(damaged): \($0)" }
        if case .lost = try Snapshot.open(environment.state.sync(definition.name)) {
            problems.append("\(damaged): a run came to its end, and its fingerprints are lost")
        }
    }

    /// Who was refused for lost fingerprints finds none that look whole.
    private func expectStillLost(_ code: String) throws {
        guard code == "state_lost" else { return }
        switch try Snapshot.open(files()) {
        case .lost, .none: return
        case .current, .fellBack: problems.append("the fingerprints were lost, and look whole")
        }
    }

    private func expectNothingTwice() {
        for (key, payloads) in world.account.events where payloads.count > 1 {
            problems.append("\(key) was sent \(payloads.count) times")
        }
        for (key, count) in world.account.created where count > world.account.removed[key, default: 0] + 1 {
            problems.append("\(key) was created \(count) times")
        }
        for key in world.there where behavior == .createOnly && world.account.records[key] != "{}" {
            problems.append("\(key) was written over")
        }
    }

    private func reset() throws {
        deeds.resets += 1
        deeds.confirmed = []
        deeds.forgotten.formUnion(world.account.records.keys)
        try ResetState(definition, environment: try world.environment(folder, object: object)).reset()
    }
}
