import ConnectorKit
import Foundation
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit

/// One whole history of one case from a seed: the real engine and the real connector over HTTP against a sandbox whose
/// switches the seed has chosen. A few disturbed runs, then one that nothing disturbs. `play` returns what it found
/// wrong, as sentences.
final class AccountHistory {
    let seed: UInt64
    let of: AccountCase
    let switches: [String: String]
    private(set) var trace: [String] = []
    /// What came about: kills, durable steps, and what the connector was answered.
    let tally = Tally()
    private var random: SeededRandom
    private let world: AccountWorld
    private var definition: SyncDefinition
    private let refusal: String
    private var problems: [String] = []
    /// The keys that a first run may have left out for ever, and whether one has come to its end.
    private var leftOut: Set<String> = []
    private var hasBegun = false

    init(seed: UInt64, _ of: AccountCase) throws {
        self.seed = seed
        self.of = of
        random = SeededRandom(seed: seed)
        switches = AccountSwitches.choose(&random)
        world = AccountWorld(of, switches: switches, folder: try Scratch.make(), seed: random.next())
        definition = Self.definition(of, &random)
        Self.addWhatSendingTakes(to: &definition, seed: seed)
        // A row that changed would rightly make a second record.
        if of.isMadeOnce { definition.onChange = .ignore }
        let field = of.sample.storedLabel ?? of.sample.label
        let permission = random.chance(percent: 20) ? " permission" : ""
        switch of.object.name {
        case "activity": refusal = "refuse where action=d7"
        case "metric": refusal = "refuse where dimensionId=d7"
        default: refusal = "refuse\(permission) where \(field)=bad"
        }
    }

    deinit { Scratch.remove(world.folder) }

    private static func definition(_ of: AccountCase, _ random: inout SeededRandom) -> SyncDefinition {
        var sync = of.definition()
        sync.allowUnknownChoices = random.chance(percent: 50)
        if of.behavior == .mirror { sync.removal = of.object.removals.randomElement(using: &random) ?? .delete }
        let isWithin = of.key.flatMap { of.object.key($0)?.uniqueWithin } != nil
        if isWithin, of.behavior == .updateOrCreate, random.chance(percent: 50) { sync.key.within = "company" }
        return sync
    }

    /// What only syncs that send can say, chosen by a random of its own: a seed plays the history that it always did. No
    /// row of a history becomes another good event, so each is sent at most once either way.
    private static func addWhatSendingTakes(to sync: inout SyncDefinition, seed: UInt64) {
        guard sync.behavior == .send else { return }
        var random = SeededRandom(seed: seed ^ 0x5E2D)
        if random.chance(percent: 25) { sync.onChange = .sendAgain }
        if random.chance(percent: 25) { sync.firstRun = .skip }
    }

    func play() async throws -> [String] {
        try world.prepare(rowCount: random.number(1...60), &random)
        for _ in 1...random.number(1...3) {
            world.change(&random)
            try await disturbedRun()
        }
        try await undisturbedRuns()
        try countAnswers()
        return problems
    }

    /// Each answer by its status, or by the code of what came in its place.
    private func countAnswers() throws {
        let environment = try world.environment("http://127.0.0.1:1", perMinute: 1, steps: .none)
        let history = RunHistory(environment.database)
        for run in try history.runs(limit: 100) {
            tally.add(.goneOnWith, if: run.error?.code == "plan_stale")
            let exchanges = try history.exchanges(run: run.id, limit: 1_000)
            tally.add(exchanges.map { $0.error ?? $0.status.map { "status \($0)" } ?? "no answer" })
        }
    }

    // MARK: Runs

    private func disturbedRun() async throws {
        let crash = CrashPlan(&random)
        let rules = [refusal] + (0..<random.number(0...3)).map { _ in fault() }
        let perMinute = random.chance(percent: 25) ? random.number(2...12) : nil
        let pace = random.chance(percent: 25) ? 200 : 60_000_000
        let options = options()
        do {
            let records = try await run(
                rules: rules, requestsPerMinute: perMinute, pace: pace, options, steps: crash.hook)
            for record in records { check(record) }
        } catch {
            trace.append("killed: \(crash.isDead)")
            let isFull = crash.wasFull && (error as? StateError)?.code == "disk_full"
            if !crash.isDead && !isFull { problems.append("a run threw \(error)") }
        }
        if let death = crash.death { tally.add(death) }
        tally.add(.diskFull, if: crash.wasFull)
        tally.add(crash.steps)
        world.time.advance(by: .seconds(random.number(0...2_000)))
    }

    private func run(
        rules: [String], requestsPerMinute: Int? = nil, pace: Int = 60_000_000, _ options: RunOptions,
        steps: FileSteps = .none
    ) async throws -> [RunRecord] {
        trace.append("rules: \(rules)")
        if definition.firstRun == .skip, !hasBegun { leftOut.formUnion(world.rows.compactMap(AccountOracle.key)) }
        let sandbox = try world.sandbox(rules: rules, requestsPerMinute: requestsPerMinute)
        let records = try await AccountWorld.serve(sandbox) { address in
            let environment = try self.world.environment(address, perMinute: pace, steps: steps)
            return try await RunSync(self.definition, options: options, environment: environment).run()
        }
        hasBegun = hasBegun || records.contains { [.succeeded, .completedWithRejections].contains($0.state) }
        for record in records {
            trace.append(
                "\(record.id) \(record.state.rawValue) \(record.rows) \(record.operations) \(record.reasons) "
                    + "\(record.error?.code ?? "")")
        }
        return records
    }

    /// Something that goes wrong a few times.
    private func fault() -> String {
        let what = [
            "status=503", "status=500 processed", "status=408", "status=429", "status=429 retry-after=2",
            "drop-before", "drop-after", "cut-answer", "html", "html status=502", "drip seconds=0.01",
            "status=413 method=PUT", "status=401",
        ][random.number(0...12)]
        return "\(what) every=\(random.number(1...6)) after=\(random.number(0...6)) times=\(random.number(1...4))"
    }

    private static let guards: Set<String> = [
        "invalid", "empty_scan", "cleared", "schema_change", "removed", "first_removals", "keyless_rows",
    ]

    private func options() -> RunOptions {
        var options = RunOptions()
        options.isFull = random.chance(percent: 10) && of.behavior != .send
        if random.chance(percent: 10) { options.limit = random.number(1...20) }
        options.acceptedGuards = Self.guards
        return options
    }

    private func undisturbedRuns() async throws {
        // Long enough for every held record to be due.
        world.time.advance(by: .seconds(2 * 86_400))
        var options = RunOptions()
        options.acceptedGuards = Self.guards
        let records = try await run(rules: [refusal], options)
        for record in records { check(record) }
        guard let last = records.last else { return problems.append("the last run left no record") }
        if ![.succeeded, .completedWithRejections].contains(last.state), !isNotPermitted(last) {
            problems.append("the last run is \(last.state.rawValue), \(last.error as Any)")
        }
        let oracle = AccountOracle(
            world: world, sandbox: try world.sandbox(), removal: definition.removal,
            allowsChoices: definition.allowUnknownChoices, inDoubt: try inDoubt().union(leftOut))
        problems += oracle.problems()
        let again = try await run(rules: [refusal], options)
        for record in again { check(record) }
        guard let quiet = again.last, again.count == 1 else {
            return problems.append("more than one run at the end")
        }
        let refused = quiet.operations.rejected + (isNotPermitted(quiet) ? quiet.operations.undelivered : 0)
        if quiet.rows.planned != refused || quiet.operations.removals > 0 {
            problems.append("the run after the last one still sent \(quiet.rows.planned): \(quiet.operations)")
        }
    }

    /// Whether all that a run had left to send was refused for want of a permission, which ends it.
    private func isNotPermitted(_ record: RunRecord) -> Bool {
        record.error?.code == "forbidden" && refusal.hasPrefix("refuse permission") && record.operations.accepted == 0
    }

    /// The keys that are in doubt.
    private func inDoubt() throws -> Set<String> {
        let environment = try world.environment("http://127.0.0.1:1", perMinute: 1, steps: .none)
        let pending = try PendingFile.open(environment.state.sync("things"))
        let seed = try environment.database.memory("things")?.seed ?? 0
        return Set(
            world.rows.compactMap { row in
                guard case .text(let key) = row["id"] else { return nil }
                return pending.find(Hash128.of(key, seed: seed))?.kind == .inDoubt ? key : nil
            })
    }

    private func check(_ record: RunRecord) {
        func expect(_ isTrue: Bool, _ sentence: String) {
            if !isTrue { problems.append("run \(record.id) (\(record.state.rawValue)): \(sentence)") }
        }
        let (rows, operations) = (record.rows, record.operations)
        expect(record.state.isFinal, "has not ended")
        expect(rows.isBalanced, "rows do not balance: \(rows)")
        expect(operations.isBalanced && operations.planned == rows.planned, "operations do not balance: \(operations)")
        let missing = rows.invalid + rows.held + operations.rejected + operations.undelivered + operations.inDoubt
        let told = record.reasons.reduce(0) { $0 + $1.count }
        expect(told == missing, "\(missing) did not arrive, reasons tell \(told): \(record.reasons)")
        expect(of.behavior == .send || operations.inDoubt == 0, "\(operations.inDoubt) in doubt, all can be repeated")
        let faults = ["books_unbalanced", "internal_error", "contradictory_answer", "unexpected_status"]
        expect(!faults.contains(record.error?.code ?? ""), "\(record.error as Any)")
    }
}

/// The sandbox's switches, which are Planhat's unknown facts: both answers of each have to be good.
enum AccountSwitches {
    /// The values of each switch, the default first.
    static let values: [String: [String]] = Dictionary(
        uniqueKeysWithValues: SandboxSwitches.forms.map { form in
            let parts = form.split(separator: "=", maxSplits: 1).map(String.init)
            return (parts[0], parts[1].split(separator: "|").map(String.init))
        })

    /// Switches that came later.
    private static let later = ["dropped", "filters"]

    static func choose(_ random: inout SeededRandom) -> [String: String] {
        let isUsual = random.chance(percent: 10)
        var chosen: [String: String] = [:]
        let left = ["lean", "task-people", "unknown-tenant", "unsure-keys", "custom-day"]
        for name in values.keys.sorted() where !left.contains(name) && !later.contains(name) {
            let all = values[name] ?? []
            chosen[name] = isUsual ? all[0] : all[random.number(0...all.count - 1)]
        }
        // Histories that were good before go on as they did.
        var more = random
        for name in later where !isUsual {
            let all = values[name] ?? []
            chosen[name] = all[more.number(0...all.count - 1)]
        }
        return chosen
    }

    /// Which cases come upon each switch.
    static let touches: [String: @Sendable (AccountCase) -> Bool] = {
        let upserts: @Sendable (AccountCase) -> Bool = { $0.behavior != .send && $0.behavior != .delete }
        let events: @Sendable (AccountCase) -> Bool = { $0.behavior == .send && !$0.isMadeOnce }
        let deletes: @Sendable (AccountCase) -> Bool = { $0.behavior == .delete || $0.behavior == .mirror }
        let any: @Sendable (AccountCase) -> Bool = { _ in true }
        func object(_ names: String...) -> @Sendable (AccountCase) -> Bool {
            { names.contains($0.object.name) && upserts($0) }
        }
        return [
            "errors": any, "custom": object("company", "end_user"), "nulls": object("company", "end_user"),
            "unknown-custom": object("company"), "retry-after": any, "no-company": object("end_user"),
            "keys": upserts, "key-order": upserts, "unknown-id": { $0.key == "_id" && upserts($0) }, "window": any,
            "locked": object("company"), "list-values": object("company", "end_user"),
            "choices": object("company", "invoice"), "types": any, "company-ids": object("issue"),
            "scope": { $0.key == "externalId" && upserts($0) }, "error-status": upserts, "absent-delete": deletes,
            "delete-by-key": deletes, "over-limit": object("churn"),
            "currency": object("license", "sale", "opportunity"), "unknown-sender": object("ticket"),
            "names": object("end_user"), "bodies": any, "limit-headers": any, "analytics": events,
            "analytics-status": events, "processed": events,
            "dropped": object("end_user"), "filters": { $0.key == "email" && ($0.behavior != .updateOrCreate) },
            "unknown-metric": { $0.object.name == "metric" }, "metric-time": { $0.object.name == "metric" },
        ]
    }()

    /// What no history comes upon, and which test does.
    static let elsewhere = [
        "formula": "fieldsThatPlanhatComputesAreNotWritten",
        "repeats": "twoRowsForOneRecordEndInTheBooks",
        "lean": "companiesAreFoundWhateverTheLeanListTells",
        "task-people": "peopleOfATaskArriveWhateverPlanhatKeepsOfThem",
        "unknown-tenant": "anotherTenantTakesNothing",
        "unsure-keys": "keysThatPlanhatDoesNotMatchStopTheRun",
        "custom-day": "customDaysArriveInTheFormThatIsTaken",
    ]
}
