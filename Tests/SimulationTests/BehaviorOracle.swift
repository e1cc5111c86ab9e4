import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit

/// What each behavior has promised of the destination once an undisturbed run has ended.
struct BehaviorOracle {
    let world: World
    let definition: SyncDefinition
    /// Whether a complete scan was made since the table changed last: only that finds what vanished.
    var readsAll = true
    /// What was refused so often that it waits.
    var held: Set<String> = []
    /// What people have done to the sync.
    var deeds = Deeds()

    /// What the behavior promises of the destination, and that each row it refuses is named.
    ///
    /// - Parameter mayHold: whether a row that was refused too often may wait still.
    func promise(_ last: RunRecord, _ environment: RunEnvironment, mayHold: Bool) throws -> [String] {
        var oracle = self
        oracle.held = try mayHold ? keys(.held, last, environment) : []
        var found = try oracle.problems(last, environment)
        let refused = try refused(environment)
        let rejected = try keys(.rejected, last, environment)
        let unnamed = refused.subtracting(rejected).subtracting(oracle.held)
        if let key = unnamed.min() { found.append("\(key) is refused, and run \(last.id) does not say so") }
        guard readsAll else { return found }
        if let key = rejected.subtracting(refused).min() {
            found.append("run \(last.id) says that \(key) was refused")
        }
        guard definition.behavior == .updateOrCreate || definition.behavior == .mirror else { return found }
        let isWhole = last.rows.invalid + last.rows.held + refused.count == 0
        let wanted: RunState = isWhole ? .succeeded : .completedWithRejections
        if last.state != wanted { found.append("the last run is \(last.state.rawValue), \(last.error as Any)") }
        return found
    }

    private func keys(
        _ outcome: OutcomeKind, _ run: RunRecord, _ environment: RunEnvironment
    ) throws -> Set<String> {
        Set(try RunHistory(environment.database).outcomes(run: run.id, outcome: outcome, limit: 1_000).map(\.key))
    }

    func problems(_ last: RunRecord, _ environment: RunEnvironment) throws -> [String] {
        var found: [String] = []
        if ![.succeeded, .completedWithRejections].contains(last.state) {
            found.append("the last run is \(last.state.rawValue), \(last.error as Any) \(last.guard as Any)")
        }
        if definition.behavior != .mirror {
            for (key, count) in world.accounts.flatMap({ Array($0.created) }) where count != 1 {
                found.append("\(key) was created \(count) times")
            }
        }
        switch definition.behavior {
        case .mirror: found += mirror()
        case .createOnly: found += createOnly()
        case .updateOnly: found += updateOnly()
        case .delete: found += delete()
        case .send: found += try send(environment)
        case .updateOrCreate: found += equal()
        }
        return found
    }

    /// What has to be at the account of the table as it is.
    private var expected: [String: String] { world.expected(definition).filter { !held.contains($0.key) } }

    private func equal() -> [String] {
        expected.filter { records[$0.key] != $0.value }
            .map { "\($0.key) should be \($0.value), is \(records[$0.key] ?? "not there")" }
    }

    /// The keys of the rows that the account refuses now, as far as the behavior sends them.
    func refused(_ environment: RunEnvironment) throws -> Set<String> {
        let refused = world.refused(definition)
        switch definition.behavior {
        case .updateOrCreate, .mirror, .delete: return refused
        case .createOnly: return refused.filter { records[$0] == nil }
        case .updateOnly: return refused.filter { records[$0] != nil }
        case .send:
            let inDoubt = try inDoubt(environment)
            let events = world.account.events
            return refused.filter {
                events[$0] == nil && !inDoubt.contains($0) && !deeds.confirmed.contains($0)
            }
        }
    }

    private var records: [String: String] { world.account.records }

    /// Every key of the table in any form, also of rows that cannot be sent.
    private var keysInTable: Set<String> {
        Set(
            world.source.rows.compactMap { row in
                guard case .text(let id) = row["id"] else { return nil }
                return id
            })
    }

    private func mirror() -> [String] {
        var found = equal()
        let keys = keysInTable
        if readsAll {
            for key in records.keys
            where !keys.contains(key) && !key.hasPrefix("foreign") && !deeds.forgotten.contains(key) {
                found.append("\(key) vanished and is still there")
            }
        }
        for (key, count) in world.account.created where count > world.account.removed[key, default: 0] + 1 {
            found.append("\(key) was created \(count) times and removed \(world.account.removed[key, default: 0])")
        }
        return found + foreign()
    }

    /// What was there stays as it was, and so does what was created: as its row was then.
    private func createOnly() -> [String] {
        var found: [String] = []
        for key in expected.keys where records[key] == nil { found.append("\(key) was not created") }
        for key in world.there where records[key] != "{}" {
            found.append("\(key) was there and was written over with \(records[key] ?? "nothing")")
        }
        for (key, payload) in world.account.made where records[key] != payload {
            found.append("\(key) was created as \(payload) and is \(records[key] ?? "not there")")
        }
        return found + foreign()
    }

    private func updateOnly() -> [String] {
        var found: [String] = []
        for (key, payload) in expected {
            guard let record = records[key] else { continue }
            if record != payload { found.append("\(key) should be \(payload), is \(record)") }
        }
        if !world.account.created.isEmpty { found.append("\(world.account.created.count) were created") }
        return found + foreign()
    }

    private func delete() -> [String] {
        var found: [String] = []
        for key in world.valid(definition).keys where records[key] != nil { found.append("\(key) is still there") }
        for (key, count) in world.account.removed where count != 1 { found.append("\(key) was removed \(count) times") }
        return found + foreign()
    }

    private func foreign() -> [String] {
        (1...5).filter { records["foreign \($0)"] != "{}" }.map { "foreign \($0) was touched" }
    }

    /// Each once, or in doubt; none twice.
    private func send(_ environment: RunEnvironment) throws -> [String] {
        var found: [String] = []
        let events = world.account.events.mapValues(\.count)
        for (key, count) in events where count > 1 + deeds.resets + deeds.resent[key, default: 0] {
            found.append("\(key) was sent \(count) times")
        }
        let inDoubt = try inDoubt(environment)
        for key in expected.keys.sorted()
        where events[key] == nil && !inDoubt.contains(key) && !deeds.confirmed.contains(key) {
            found.append("\(key) was never sent")
        }
        return found
    }

    /// The keys of rows that are in doubt.
    func inDoubt(_ environment: RunEnvironment) throws -> Set<String> {
        let pending = try PendingFile.open(environment.state.sync(definition.name))
        let seed = try environment.database.memory(definition.name)?.seed ?? 0
        return Set(world.keys.filter { pending.find(Hash128.of($0, seed: seed))?.kind == .inDoubt })
    }
}
