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

    func problems(_ last: RunRecord, _ environment: RunEnvironment) throws -> [String] {
        var found: [String] = []
        if ![.succeeded, .completedWithRejections].contains(last.state) {
            found.append("the last run is \(last.state.rawValue), \(last.error as Any) \(last.guard as Any)")
        }
        for (key, count) in world.account.created where count != 1 && definition.behavior != .mirror {
            found.append("\(key) was created \(count) times")
        }
        switch definition.behavior {
        case .mirror: found += mirror()
        case .createOnly: found += createOnly()
        case .updateOnly: found += updateOnly()
        case .delete: found += delete()
        case .send: found += try send(environment)
        case .updateOrCreate: break
        }
        return found
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
        var found: [String] = []
        for (key, payload) in world.expected(definition) where records[key] != payload {
            found.append("\(key) should be \(payload), is \(records[key] ?? "not there")")
        }
        let keys = keysInTable
        for key in records.keys where !keys.contains(key) { found.append("\(key) vanished and is still there") }
        for (key, count) in world.account.created where count > world.account.removed[key, default: 0] + 1 {
            found.append("\(key) was created \(count) times and removed \(world.account.removed[key, default: 0])")
        }
        return found
    }

    private func createOnly() -> [String] {
        var found: [String] = []
        for key in world.expected(definition).keys where records[key] == nil { found.append("\(key) was not created") }
        for (key, payload) in records where payload == "{}" && world.account.created[key] != nil {
            found.append("\(key) was there and was created")
        }
        return found + foreign()
    }

    private func updateOnly() -> [String] {
        var found: [String] = []
        for (key, payload) in world.expected(definition) {
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
        for (key, count) in events where count > 1 { found.append("\(key) was sent \(count) times") }
        let pending = try PendingFile.open(environment.state.sync(definition.name))
        let seed = try environment.database.memory(definition.name)?.seed ?? 0
        for key in world.expected(definition).keys where events[key] == nil {
            if pending.find(Hash128.of(key, seed: seed))?.kind != .inDoubt { found.append("\(key) was never sent") }
        }
        return found
    }
}
