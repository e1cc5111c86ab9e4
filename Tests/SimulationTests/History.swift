import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit

/// One whole history from a seed: a table, an account and a state directory, a few disturbed runs, and a last one that
/// nothing disturbs. `play` returns what it found wrong, as sentences.
final class History {
    let seed: UInt64
    private let behavior: Behavior
    private var random: SeededRandom
    private let folder: String
    private let world: World
    private var definition: SyncDefinition
    private var problems: [String] = []
    private(set) var kills = 0
    /// Whether the person at this history accepts every guard; a person who does not never sees one passed.
    private let acceptsGuards: Bool
    /// What happened, in short; the same for the same seed.
    private(set) var trace: [String] = []

    init(seed: UInt64, behavior: Behavior = .updateOrCreate) throws {
        self.seed = seed
        self.behavior = behavior
        definition = Definitions.of(behavior)
        random = SeededRandom(seed: seed)
        folder = try Scratch.make()
        world = World(seed: random.next())
        acceptsGuards = random.chance(percent: 50)
    }

    deinit { Scratch.remove(folder) }

    func play() async throws -> [String] {
        let object = SimulatedDestination.object(
            batchItemsMax: random.number(1...50), repeatable: behavior == .send ? .never : .byKey)
        world.source.batchRowsMax = random.number(1...120)
        for account in world.accounts { account.attribution = [.each, .counted, .whole][random.number(0...2)] }
        world.fill(rows: random.number(0...400), &random)
        if [.updateOnly, .createOnly, .delete].contains(behavior) { world.fillAccount() }
        for _ in 1...random.number(2...6) {
            world.change(&random)
            try await disturbedRun(object)
        }
        world.calm()
        if world.source.rows.isEmpty { world.fill(rows: 3, &random) }
        try await undisturbedRuns(object)
        return problems
    }

    /// One start of the program with faults; it may be killed, cancelled, or end by itself.
    private func disturbedRun(_ object: DestinationObject) async throws {
        let crash = CrashPlan(&random)
        if behavior == .updateOrCreate, random.chance(percent: 6) { world.changeAccount() }
        world.disturb(&random, crash)
        if random.chance(percent: 8) { definition = Definitions.other(than: definition, &random) }
        let environment = try world.environment(folder, object: object, steps: crash.hook)
        let options = options()
        let run = RunSync(definition, options: options, environment: environment)
        // The task waits until all that may happen to it is arranged, or a seed would not replay.
        let (gate, opening) = AsyncStream<Void>.makeStream()
        let task = Task {
            for await _ in gate {}
            return try await run.run()
        }
        if random.chance(percent: 12) { world.cancel(task, atRequest: random.number(0...4), crash) }
        opening.finish()
        do {
            let records = try await task.value
            for record in records {
                check(record, environment)
                checkGuard(record)
            }
            trace += records.map { "\($0.id) \($0.state.rawValue) \($0.rows) \($0.operations) \($0.requests)" }
        } catch {
            trace.append("killed: \(crash.isDead), requests: \(world.account.requests.count)")
            if crash.isDead { kills += 1 } else { problems.append("a run threw \(error)") }
        }
        world.time.advance(by: .seconds(random.number(0...2_000)))
    }

    private static let guards: Set<String> = [
        "invalid", "empty_scan", "schema_change", "removed", "first_removals", "keyless_rows",
    ]

    private func options() -> RunOptions {
        var options = RunOptions()
        options.isFull = random.chance(percent: 10) && behavior != .send
        if random.chance(percent: 10) { options.limit = random.number(1...20) }
        if acceptsGuards { options.acceptedGuards = Self.guards }
        if random.chance(percent: 4) { options.onlyPending = .rejected }
        return options
    }

    private func undisturbedRuns(_ object: DestinationObject) async throws {
        // Long enough for every held record to be due.
        world.time.advance(by: .seconds(2 * 86_400))
        let environment = try world.environment(folder, object: object, steps: .none)
        var options = RunOptions()
        options.acceptedGuards = Self.guards
        let records = try await RunSync(definition, options: options, environment: environment).run()
        for record in records { check(record, environment) }
        guard let last = records.last else { return problems.append("the last run left no record") }
        if behavior == .updateOrCreate {
            checkDestination(last)
        } else {
            problems += try BehaviorOracle(world: world, definition: definition).problems(last, environment)
        }
        try checkHistory(environment)
        try await checkQuiet(options, environment)
    }

    // MARK: The oracle

    private func check(_ record: RunRecord, _ environment: RunEnvironment) {
        func expect(_ isTrue: Bool, _ sentence: String) {
            if !isTrue { problems.append("run \(record.id) (\(record.state.rawValue)): \(sentence)") }
        }
        let (rows, operations) = (record.rows, record.operations)
        expect(record.state.isFinal, "has not ended")
        expect(rows.isBalanced, "rows do not balance: \(rows)")
        expect(operations.isBalanced, "operations do not balance: \(operations)")
        expect(operations.planned == rows.planned, "planned \(rows.planned) rows, \(operations.planned) operations")
        let missing =
            rows.invalid + rows.held + operations.rejected + operations.undelivered + operations.inDoubt
        let told = record.reasons.reduce(0) { $0 + $1.count }
        expect(told == missing, "\(missing) did not arrive, reasons tell \(told): \(record.reasons)")
        let isRepeatable = behavior != .send
        expect(
            operations.inDoubt == 0 || !isRepeatable, "\(operations.inDoubt) in doubt although all can be repeated")
        expect(
            record.error?.code != "books_unbalanced" && record.error?.code != "internal_error", "\(record.error as Any)"
        )
        do {
            let counts = try RunHistory(environment.database).outcomeCounts(run: record.id)
            let named = [OutcomeKind.invalid: rows.invalid, .held: rows.held, .rejected: operations.rejected]
            for (kind, count) in named { expect(counts[kind] ?? 0 == count, "\(kind): \(count), but \(counts)") }
            if record.state != .stoppedByGuard {
                let count = counts[.undelivered] ?? 0
                expect(count == operations.undelivered, "undelivered: \(operations.undelivered), but named \(count)")
            }
            expect(try environment.database.run(record.id) == record, "is stored otherwise")
        } catch {
            problems.append("run \(record.id): its outcomes cannot be read: \(error)")
        }
    }

    /// Only for runs before the last start, which accepts every guard.
    private func checkGuard(_ record: RunRecord) {
        guard !acceptsGuards, record.operations.accepted > 0, record.rows.invalid * 2 > record.rows.scanned else {
            return
        }
        problems.append("run \(record.id) sent a plan that the guard for invalid rows had to stop")
    }

    private func checkDestination(_ last: RunRecord) {
        let expected = world.expected(definition)
        let records = world.account.records
        for (key, payload) in expected where records[key] != payload {
            problems.append("\(key) should be \(payload), is \(records[key] ?? "not there")")
        }
        for (key, count) in world.accounts.flatMap({ Array($0.created) }) where count != 1 {
            problems.append("\(key) was created \(count) times")
        }
        let refused = world.refused(definition)
        if last.operations.rejected != refused { problems.append("\(last.operations.rejected) of \(refused) rejected") }
        let wanted: RunState = last.rows.invalid + refused == 0 ? .succeeded : .completedWithRejections
        if last.state != wanted { problems.append("the last run is \(last.state.rawValue), \(last.error as Any)") }
    }

    /// The history knows each run once, in order, all ended; what it says was created is at the account.
    private func checkHistory(_ environment: RunEnvironment) throws {
        let runs = try RunHistory(environment.database).runs(limit: 100)
        if runs.contains(where: { !$0.state.isFinal }) { problems.append("a run is left unfinished") }
        for (newer, older) in zip(runs, runs.dropFirst())
        where newer.id <= older.id || newer.startedAt < older.startedAt {
            problems.append("runs \(older.id) and \(newer.id) are out of order")
        }
        for run in runs { check(run, environment) }
        let created = runs.reduce(0) { $0 + $1.operations.created }
        if created > world.created {
            problems.append("the history says \(created) were created, the accounts have \(world.created)")
        }
        if kills == 0 && world.faultsBroken == 0 && created != world.created {
            problems.append("undisturbed, and still \(created) created of \(world.created)")
        }
        let files = environment.state.sync(definition.name)
        try checkFingerprints(files, environment)
        if try AcceptanceJournal.pendingRun(files) != nil { problems.append("a journal is left behind") }
    }

    /// Every fingerprint is that of a key that a row once had.
    private func checkFingerprints(_ files: SyncFiles, _ environment: RunEnvironment) throws {
        guard let snapshot = try Snapshot.open(files).snapshot, let memory = try environment.database.memory("things")
        else { return }
        let known = Set(world.keys.map { Hash128.of($0, seed: memory.seed) })
        let foreign = (0..<snapshot.count).count { !known.contains(snapshot.record(at: $0).key) }
        if foreign > 0 { problems.append("\(foreign) of \(snapshot.count) fingerprints are of no key that there was") }
    }

    /// Once more, and nothing is left to do but what is refused.
    private func checkQuiet(_ options: RunOptions, _ environment: RunEnvironment) async throws {
        let before = world.account.requests.count
        let records = try await RunSync(definition, options: options, environment: environment).run()
        guard let again = records.last, records.count == 1 else {
            return problems.append("more than one run at the end")
        }
        check(again, environment)
        if again.rows.planned != again.operations.rejected {
            problems.append("the run after the last one still sent \(again.rows.planned) records")
        }
        let refused = world.refused(definition)
        if refused == 0 && world.account.requests.count != before { problems.append("sent requests for nothing") }
    }
}

/// The definitions a history goes through.
enum Definitions {
    static let here = Location(file: "sluice.yaml", line: 1, column: 1)

    static let first = of(.updateOrCreate)

    static func of(_ behavior: Behavior) -> SyncDefinition {
        make(behavior == .delete ? [] : ["name", "seats"], behavior)
    }

    static func other(than now: SyncDefinition, _ random: inout SeededRandom) -> SyncDefinition {
        if now.behavior == .delete { return now }
        return now.mappings.count == 2 ? make(["name"], now.behavior) : make(["name", "seats"], now.behavior)
    }

    private static func make(_ columns: [String], _ behavior: Behavior) -> SyncDefinition {
        let dataset = DatasetDefinition(
            name: "rows", source: "memory", relation: .table(schema: nil, name: "rows"), location: here,
            sourceLocation: here)
        return SyncDefinition(
            name: "things", dataset: dataset, destination: "account", object: "thing", behavior: behavior,
            key: KeyDefinition(columns: ["id"], field: behavior == .send ? nil : "externalId", location: here),
            mappings: columns.map {
                MappingDefinition(field: $0, source: .column($0, lookup: nil, nulls: .clear), location: here)
            }, location: here)
    }
}

/// Folders in memory where the system has such a place: nothing here is to wait for a disk.
enum Scratch {
    static func make() throws -> String {
        let memory = "/dev/shm"
        let isThere = FileManager.default.isWritableFile(atPath: memory)
        let base = isThere ? memory : FileManager.default.temporaryDirectory.path
        let folder = base + "/sluice-simulation-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    static func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }
}
