import ConnectorKit
import Foundation
import PlanhatSandbox
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit

/// One object with one key, behavior and removal, from a table in memory through the engine and the real connector to a
/// sandbox in this process: a first run of a few rows, a second one after some changed, vanished and came, and a third
/// with nothing to do. What the account holds is compared before and after each run, record by record; a record that no
/// row names is there all the time.
final class BehaviorTrial {
    /// Which rows a run is to write, by their numbers.
    private struct Expected {
        var created: Set<Int> = []
        var updated: Set<Int> = []
        var removed: Set<Int> = []
        /// Not there to be removed, which counts as removed.
        var absent = 0
        var sent: Set<Int> = []
        var skipped = 0
    }

    private typealias Account = [String: [String: Any]]

    private let of: AccountCase
    private let world: AccountWorld
    private let sandbox: Sandbox
    private var definition: SyncDefinition
    /// Every row that there ever is. Those of the table are told by their numbers.
    private var rows: [SimulatedSource.Row]
    private let parents: [String: String]
    private var problems: [String] = []
    private var requests: [[String]] = []

    private init(_ of: AccountCase, _ removal: Removal) throws {
        self.of = of
        world = AccountWorld(of, switches: [:], folder: try Scratch.make(), seed: 1)
        var random = SeededRandom(seed: 1)
        try world.prepare(rowCount: 4, &random)
        sandbox = try world.sandbox()
        definition = of.definition()
        definition.removal = removal
        // The key is the record that is measured.
        if of.behavior == .send, of.key != nil { definition.key.columns = ["company"] }
        rows = world.rows + [world.newRow(&random)]
        for number in rows.indices { rows[number]["name"] = .text("first \(number)") }
        let companies = AccountOracle.list(sandbox.perform("GET", "/companies?limit=1000").body)
        parents = Dictionary(
            companies.map { ($0["externalId"] as? String ?? "", $0["_id"] as? String ?? "") },
            uniquingKeysWith: { first, _ in first })
        // Something to clear also where the record needs all else.
        if !definition.mappings.isEmpty, let under = of.object.acceptsUnknownFieldsUnder {
            definition.mappings.append(
                MappingDefinition(
                    field: under + ".Note", source: .column("dimension", lookup: nil, nulls: .clear),
                    location: Definitions.here))
        }
        if of.behavior != .send { _ = try world.make(world.newRow(&random), in: sandbox) }
    }

    deinit { Scratch.remove(world.folder) }

    /// Plays the whole of it, and returns what was not as it should be, as sentences, and the requests of each run.
    static func play(
        _ of: AccountCase, _ removal: Removal
    ) async throws -> (problems: [String], requests: [[String]]) {
        let trial = try BehaviorTrial(of, removal)
        try await AccountWorld.serve(trial.sandbox) { address in
            try await trial.play(try trial.world.environment(address, perMinute: 60_000_000, steps: .none))
        }
        return (trial.problems, trial.requests)
    }

    // MARK: What each behavior promises

    /// Rows 0 and 2 are at the account before, where the behavior goes by what is there.
    private func play(_ environment: RunEnvironment) async throws {
        func run(_ table: [Int], _ expected: Expected) async throws {
            world.source.rows = table.map { rows[$0] }
            try await check(environment, expected)
        }
        switch of.behavior {
        case .updateOrCreate:
            try await run([0, 1, 2, 3], Expected(created: [0, 1, 2, 3]))
            change(0)
            try await run([0, 1, 2, 4], Expected(created: [4], updated: [0]))
            try await run([0, 1, 2, 4], Expected())
        case .mirror:
            try await run([0, 1, 2, 3], Expected(created: [0, 1, 2, 3]))
            change(0)
            try await run([0, 1, 2, 4], Expected(created: [4], updated: [0], removed: [3]))
            try await run([0, 1, 2, 4], Expected())
        case .updateOnly:
            try await run([0, 1, 2], Expected(updated: [0, 2], skipped: 1))
            change(0)
            change(1)
            try await run([0, 1, 3], Expected(updated: [0], skipped: 2))
            try await run([0, 1, 3], Expected(skipped: 2))
        case .createOnly:
            try await run([0, 1, 2, 3], Expected(created: [1, 3], skipped: 2))
            change(0)
            change(1)
            try await run([0, 1, 2, 4], Expected(created: [4]))
            try await run([0, 1, 2, 4], Expected())
        case .delete:
            // What a read of the whole list does not show is no longer asked for.
            let isFoundByList = of.object.keysFoundByList.contains(of.key ?? "")
            let (absent, skipped) = isFoundByList ? (0, 1) : (1, 0)
            try await run([0, 1], Expected(removed: [0], absent: absent, skipped: skipped))
            change(0)
            try await run([0, 2, 3], Expected(removed: [2], absent: absent, skipped: skipped))
            try await run([0, 2, 3], Expected())
        case .send:
            try await run([0, 1, 2, 3], Expected(sent: [0, 1, 2, 3]))
            change(0)
            try await run([0, 1, 2, 4], Expected(sent: [4]))
            try await run([0, 1, 2, 4], Expected())
        }
    }

    private func change(_ number: Int) {
        rows[number]["name"] = .text("changed \(number)")
        switch of.object.name {
        case "activity": rows[number]["day"] = .text("2026-03-01")
        case "metric": rows[number]["amount"] = .integer(99)
        default: break
        }
    }

    // MARK: One run

    private func check(_ environment: RunEnvironment, _ expected: Expected) async throws {
        var options = RunOptions()
        options.acceptedGuards = ["removed", "first_removals"]
        let (before, eventsBefore) = (account(), events())
        let records = try await RunSync(definition, options: options, environment: environment).run()
        let (after, eventsAfter) = (account(), events())
        guard let record = records.last, records.count == 1 else {
            return problems.append("\(records.count) runs instead of one")
        }
        requests.append(try WireText.requests(of: record, in: environment))
        checkBooks(record, expected)
        checkAccount(before, after, expected)
        let sent = eventsAfter.dropFirst(eventsBefore.count)
        let wanted = expected.sent.sorted().map { event(rows[$0]) }
        if sent.sorted() != wanted.sorted() { problems.append("run \(record.id) sent \(sent), not \(wanted)") }
    }

    private func checkBooks(_ record: RunRecord, _ expected: Expected) {
        let (rows, operations) = (record.rows, record.operations)
        func expect(_ isTrue: Bool, _ sentence: String) {
            if !isTrue { problems.append("run \(record.id): \(sentence): \(rows) \(operations) \(record.reasons)") }
        }
        expect(record.state == .succeeded, "\(record.state.rawValue), \(record.error as Any)")
        expect(rows.isBalanced && operations.isBalanced, "the ledgers do not balance")
        expect(operations.planned == rows.planned, "not all that was planned is in the books")
        expect(operations.created == expected.created.count, "created")
        expect(operations.updated == expected.updated.count, "updated")
        expect(operations.removed == expected.removed.count + expected.absent, "removed")
        expect(operations.sent == expected.sent.count, "sent")
        expect(operations.alreadyEqual == 0, "something was written for nothing")
        expect(rows.skipped == expected.skipped, "skipped, not \(expected.skipped)")
    }

    // MARK: The account

    /// Every record of the object by the account's own id.
    private func account() -> Account {
        if of.behavior == .send { return [:] }
        return Dictionary(
            AccountOracle.records(of, in: sandbox).map { ($0["_id"] as? String ?? "", $0) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Exactly the expected records came, changed and went; each holds what its row says.
    private func checkAccount(_ before: Account, _ after: Account, _ expected: Expected) {
        let came = after.filter { before[$0.key] == nil }
        let changed = after.filter { id, record in
            before[id].map { $0 as NSDictionary != record as NSDictionary } == true
        }
        let gone = before.filter { after[$0.key] == nil }
        let isDeleting = definition.removal == .delete
        compare("created", came, expected.created)
        compare("changed", changed, expected.updated.union(isDeleting ? [] : expected.removed))
        compare("gone", gone, isDeleting ? expected.removed : [])
        let byKey = Dictionary(after.values.map { (key(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
        for number in expected.created.union(expected.updated) {
            guard let record = byKey[key(number)] else { continue }
            problems += differences(rows[number], record).map { "row \(number): \($0)" }
        }
        for number in expected.removed where !isDeleting { checkKept(number, byKey[key(number)] ?? [:]) }
    }

    private func compare(_ what: String, _ records: Account, _ numbers: Set<Int>) {
        let (found, wanted) = (records.values.map(key).sorted(), numbers.map(key).sorted())
        if found != wanted { problems.append("\(what) are \(found), not \(wanted)") }
    }

    private func key(of record: [String: Any]) -> String { record[of.storedKey] as? String ?? "no key" }

    private func key(_ number: Int) -> String { Self.text(rows[number]["id"]) ?? "" }

    private static func text(_ value: Value?) -> String? {
        if case .text(let text) = value { text } else { nil }
    }

    /// The mapped fields that a record can be without: not its keys, nor the date of a conversation, which the account
    /// then sets itself.
    private var clearable: [String] {
        definition.mappings.map(\.field).filter {
            of.object.field($0)?.staysWhenCleared != true && of.object.key($0) == nil
                && !(of.object.name == "conversation" && $0 == "date")
        }
    }

    private func checkKept(_ number: Int, _ record: [String: Any]) {
        if definition.removal == .archive {
            if record["archived"] as? Bool != true { problems.append("row \(number) is not archived") }
            return
        }
        for field in clearable {
            guard let value = Self.member(field, record), !(value is NSNull), (value as? [Any])?.isEmpty != true else {
                continue
            }
            problems.append("row \(number): \(field) is not cleared, is \(value)")
        }
    }

    private static func member(_ field: String, _ record: [String: Any]) -> Any? {
        guard field.hasPrefix("custom.") else { return record[field] }
        return (record["custom"] as? [String: Any])?[String(field.dropFirst(7))]
    }

    // MARK: What a row says

    private func differences(_ row: SimulatedSource.Row, _ record: [String: Any]) -> [String] {
        definition.mappings.compactMap { mapping in
            let field = mapping.field == of.sample.label ? of.sample.storedLabel ?? mapping.field : mapping.field
            let found = Self.member(field, record)
            let wanted: Value?
            var isDay = false
            switch mapping.source {
            case .constant(let value): wanted = value
            case .column(_, _, nulls: .skip), .column("sender", _, _): return nil
            case .column("company", _, _):
                wanted = Self.text(row["company"]).flatMap { parents[$0] }.map { .text($0) }
            case .column(let column, _, _):
                wanted = row[column]
                isDay = column == "day"
            }
            let isThere = isDay ? Self.isDay(found, wanted) : Self.isEqual(found, wanted)
            return isThere ? nil : "\(field) should be \(wanted as Any), is \(found as Any)"
        }
    }

    private static func isEqual(_ found: Any?, _ wanted: Value?) -> Bool {
        switch wanted {
        case .text(let text): found as? String == text
        case .integer(let number): (found as? NSNumber)?.int64Value == number
        case .boolean(let flag): found as? Bool == flag
        default: false
        }
    }

    /// A day of February 2026, as a time or as the days since 1970.
    private static func isDay(_ found: Any?, _ wanted: Value?) -> Bool {
        guard let day = text(wanted) else { return false }
        if let time = found as? String { return time.hasPrefix(day) }
        return (found as? NSNumber)?.intValue == Int(day.suffix(2)).map { 20_484 + $0 }
    }

    // MARK: Events

    private var isMetric: Bool { of.object.name == "metric" }

    /// What came to the analytics host, or was made once, in its order.
    private func events() -> [String] {
        if of.behavior != .send { return [] }
        if of.isMadeOnce {
            let records = AccountOracle.records(of, in: sandbox)
            // Ids are counted.
            return records.sorted { $0["_id"] as? String ?? "" < $1["_id"] as? String ?? "" }
                .map { $0[of.sample.label] as? String ?? "" }
        }
        let lines = sandbox.eventLines(isMetric ? "metrics" : "activities").split(separator: "\n")
        return AccountOracle.list("[" + lines.joined(separator: ",") + "]").map { line in
            let what = line[isMetric ? "dimensionId" : "action"] as? String ?? ""
            return isMetric ? "\(what) of \(line["externalId"] ?? "") is \(line["value"] ?? "")" : what
        }
    }

    private func event(_ row: SimulatedSource.Row) -> String {
        if of.isMadeOnce { return Self.text(row["name"]) ?? "" }
        let what = Self.text(row["dimension"]) ?? ""
        guard isMetric, case .integer(let amount) = row["amount"] else { return what }
        return "\(what) of \(Self.text(row["company"]) ?? "") is \(amount)"
    }
}
