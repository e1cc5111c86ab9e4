import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// One small history, killed at its first durable step, at its second, and so on to the last.
struct EveryStepTests {
    @Test(arguments: [nil, 0, 1, 31, 33, 64, 100, .max] as [Int?])
    func runKilledAtAnyStepIsMadeGoodByTheNextStart(bytes: Int?) async throws {
        var step = 0
        while try await killed(at: step, bytes: bytes) { step += 1 }
        // Plan, journal, snapshot, pending file, of two runs.
        #expect(step > 25, "only \(step) steps")
    }

    /// Whether the history reached that step.
    private func killed(at step: Int, bytes: Int?) async throws -> Bool {
        let folder = try Scratch.make()
        defer { Scratch.remove(folder) }
        let world = World(seed: 1)
        let object = SimulatedDestination.object(batchItemsMax: 2)
        world.source.rows = (1...5).map { row($0, "a") } + [row(6, "bad")]
        let crash = CrashPlan(step: step, bytes: bytes)
        let dying = try world.environment(folder, object: object, crash: crash)
        do {
            _ = try await RunSync(Definitions.first, options: RunOptions(), environment: dying).run()
            world.source.rows = (1...3).map { row($0, "b") } + [row(4, "a"), row(5, "a"), row(6, "c"), row(7, "bad")]
            _ = try await RunSync(Definitions.first, options: RunOptions(), environment: dying).run()
        } catch {
            #expect(crash.isDead, "step \(step): \(error)")
        }
        guard crash.isDead else { return false }
        try await recover(world, folder, object, step: step)
        return true
    }

    private func recover(_ world: World, _ folder: String, _ object: DestinationObject, step: Int) async throws {
        world.source.rows = [row(1, "a"), row(2, "b"), row(3, "d"), row(5, "a"), row(7, "bad"), row(8, "e")]
        let environment = try world.environment(folder, object: object, isAnother: true)
        let records = try await RunSync(Definitions.first, options: RunOptions(), environment: environment).run()
        for record in records {
            #expect(record.rows.isBalanced && record.operations.isBalanced, "step \(step)")
            #expect(record.state.isFinal && record.error?.code != "books_unbalanced", "step \(step)")
        }
        for (key, payload) in world.expected(Definitions.first) {
            #expect(world.account.records[key] == payload, "step \(step)")
        }
        #expect(world.account.created.values.allSatisfy { $0 == 1 }, "step \(step)")
        #expect(records.last?.operations.rejected == 1 && records.last?.operations.undelivered == 0, "step \(step)")
        #expect(try environment.database.unfinishedRuns().isEmpty, "step \(step)")
        try expectTries(environment, step: step)
        let again = try await RunSync(Definitions.first, options: RunOptions(), environment: environment).run()
        #expect(again.count == 1 && again[0].rows.planned == 1 && again[0].rows.unchanged == 5, "step \(step)")
    }

    /// The history knows as many refusals in a row as the pending file counts.
    private func expectTries(_ environment: RunEnvironment, step: Int) throws {
        let memory = try #require(try environment.database.memory("things"))
        let pending = try PendingFile.open(environment.state.sync("things"))
        let life = try RunHistory(environment.database).life(sync: "things", key: "k7")
        let entry = pending.find(Hash128.of("k7", seed: memory.seed))
        #expect(entry?.tries == UInt32(life.count { $0.outcome == .rejected }), "step \(step)")
        #expect(pending.count == 1, "step \(step)")
        let snapshot = try #require(try Snapshot.open(environment.state.sync("things")).snapshot)
        let known = Set((1...8).map { Hash128.of("k\($0)", seed: memory.seed) })
        #expect((0..<snapshot.count).allSatisfy { known.contains(snapshot.record(at: $0).key) }, "step \(step)")
    }

    /// A run that a guard stops, and the next one, which the guard stops too.
    @Test(arguments: [nil, 1, .max] as [Int?])
    func runKilledBeforeItsGuardIsStoppedByTheNextStart(bytes: Int?) async throws {
        for step in 0..<8 {
            let folder = try Scratch.make()
            defer { Scratch.remove(folder) }
            let world = World(seed: 1)
            let object = SimulatedDestination.object(batchItemsMax: 2)
            world.source.rows = [row(1, "a"), ["id": .null], ["id": .null]]
            let dying = try world.environment(folder, object: object, crash: CrashPlan(step: step, bytes: bytes))
            do { _ = try await RunSync(Definitions.first, options: RunOptions(), environment: dying).run() } catch {}
            let environment = try world.environment(folder, object: object, isAnother: true)
            let records = try await RunSync(Definitions.first, options: RunOptions(), environment: environment).run()
            #expect(records.allSatisfy { $0.state == .stoppedByGuard }, "step \(step)")
            #expect(world.account.requests.isEmpty, "step \(step)")
        }
    }

    private func row(_ number: Int, _ name: String) -> SimulatedSource.Row {
        ["id": .text("k\(number)"), "name": .text(name), "seats": .integer(1)]
    }
}
