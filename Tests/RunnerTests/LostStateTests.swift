import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Fingerprints that are of no use: damaged, gone, or of another control database.
struct LostStateTests {
    private enum Loss: CaseIterable, Sendable {
        case damaged, filesGone, databaseGone, otherDatabase

        func strike(_ folder: String) throws {
            let files = folder + "/syncs/things"
            switch self {
            case .damaged:
                for name in try Files.names(files) where name.hasPrefix("snapshot") || name.hasPrefix("journal") {
                    try Files.damage(files + "/" + name)
                }
            case .filesGone:
                for name in try Files.names(files) where name.hasPrefix("snapshot") || name.hasPrefix("journal") {
                    try FileManager.default.removeItem(atPath: files + "/" + name)
                }
            case .databaseGone, .otherDatabase:
                for name in try Files.names(folder) where name.hasPrefix("sluice.db") {
                    try FileManager.default.removeItem(atPath: folder + "/" + name)
                }
            }
        }

        /// A database in which a sync of the name is known, but under another seed.
        func settle(_ fixture: RunFixture, _ sync: SyncDefinition) throws {
            guard self == .otherDatabase else { return }
            var memory = SyncMemory(name: sync.name, seed: 12_345)
            memory.hasAccepted = true
            try fixture.environment().database.save(memory)
        }
    }

    private func fixture(_ sync: SyncDefinition, _ loss: Loss) async throws -> RunFixture {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), sync)
        try await fixture.run(RunOptions(), sync)
        try loss.strike(fixture.folder + "/state")
        try loss.settle(fixture, sync)
        return fixture
    }

    @Test(arguments: Loss.allCases) private func anUpdatingSyncSendsEveryRowOnceMore(_ loss: Loss) async throws {
        let sync = things()
        let fixture = try await fixture(sync, loss)
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.full && record.fullReason == "state_lost", "\(record)")
        #expect(record.operations.alreadyEqual == 20)
        for _ in 1...2 {
            let next = try await fixture.run(RunOptions(), sync)
            #expect(!next.full && next.rows.unchanged == 20 && next.operations.planned == 0)
        }
        #expect(fixture.account.records.count == 20)
    }

    @Test(arguments: Loss.allCases, [Behavior.mirror, .createOnly])
    private func aSyncThatMayNotRepeatRefusesUntilReset(_ loss: Loss, _ behavior: Behavior) async throws {
        let sync = things(behavior: behavior)
        let fixture = try await fixture(sync, loss)
        for _ in 1...2 {
            let refused = try await fixture.run(RunOptions(), sync)
            #expect(refused.state == .failed && refused.error?.code == "state_lost")
            #expect(refused.error?.message.contains("StateError") == false)
        }
        let reset = ResetState(sync, environment: try fixture.environment())
        #expect(try await reset.rowsToSend(sync) == (behavior == .mirror ? 20 : 0))
        try reset.reset()
        let again = try await fixture.run(RunOptions(), sync)
        #expect(again.state == .succeeded && again.fullReason == "first_run", "\(again)")
        #expect(fixture.account.records.count == 20 && fixture.account.removed.isEmpty)
        #expect(try await fixture.run(RunOptions(), sync).rows.unchanged == 20)
    }

    /// Rows that a first run skipped were never accepted, and are as little to be sent for a lost file.
    @Test func rowsThatWereOnlyRememberedAreNotSentWhereTheFilesAreGone() async throws {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        var sync = things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: here))
        sync.firstRun = .skip
        let fixture = try RunFixture(rows(5))
        let environment = try fixture.environment(
            object: SimulatedDestination.object(batchItemsMax: 10, repeatable: .never))
        #expect(try await fixture.run(RunOptions(), sync, in: environment).rows.skipped == 5)
        try Loss.filesGone.strike(fixture.folder + "/state")
        #expect(try await fixture.run(RunOptions(), sync, in: environment).error?.code == "state_lost")
        #expect(fixture.account.events.isEmpty)
    }

    @Test func aRefusalLeavesTheDatabaseAsItIs() async throws {
        let sync = things(behavior: .mirror)
        let fixture = try RunFixture(rows(3))
        fixture.account.refuse { key, _ in key == "k1" ? noGood : nil }
        try await fixture.run(RunOptions(), sync)
        try Loss.databaseGone.strike(fixture.folder + "/state")
        #expect(try await fixture.run(RunOptions(), sync).error?.code == "state_lost")
        let environment = try fixture.environment()
        #expect(try environment.database.memory("things") == nil)
    }

    /// A kill between the removal of what is of no use and the end of the run leaves nothing half known.
    @Test func aKillInTheFirstRunAfterwardsLosesNothing() async throws {
        for step in 1...40 {
            let sync = things()
            let fixture = try await fixture(sync, .databaseGone)
            let crash = CrashPoint(at: step)
            let dying = try fixture.environment(steps: crash.hook)
            _ = try? await RunSync(sync, options: RunOptions(), environment: dying).run()
            try await fixture.run(RunOptions(), sync)
            #expect(try await fixture.run(RunOptions(), sync).rows.unchanged == 20, "step \(step)")
            if !crash.isDead { break }
        }
    }
}

/// Runs of chosen rows after the mapping was edited: what they sent says nothing of the others.
struct EditedMappingTests {
    private let edited = things(mappings: [("name", "name")])

    @Test func testDoesNotHideThatTheMappingChanged() async throws {
        let fixture = try RunFixture(rows(10))
        try await fixture.run()
        var trial = RunOptions()
        (trial.limit, trial.isFull, trial.isTrial) = (1, true, true)
        #expect(try await fixture.run(trial, edited).operations.accepted == 1)
        let record = try await fixture.run(RunOptions(), edited)
        #expect(record.state == .succeeded && record.fullReason == "mapping_changed" && record.rows.planned == 10)
        #expect(try await fixture.run(RunOptions(), edited).rows.unchanged == 10)
    }

    @Test func resendDoesNotHideItEither() async throws {
        let fixture = try RunFixture(rows(10))
        try await fixture.run()
        var resend = RunOptions()
        resend.onlyKeys = ["k3"]
        try await fixture.run(resend, edited)
        let record = try await fixture.run(RunOptions(), edited)
        #expect(record.full && record.rows.planned == 10)
    }

    /// What was read says nothing of the rows that the dataset has now, whoever was sent first.
    @Test func limitedRunThatTookUpEverythingEndsTheEdit() async throws {
        let fixture = try RunFixture(rows(4))
        try await fixture.run()
        var limited = RunOptions()
        limited.limit = 100
        #expect(try await fixture.run(limited, edited).operations.accepted == 4)
        let memory = try #require(try fixture.environment().database.memory("things"))
        try await fixture.run(RunOptions(), edited)
        let after = try #require(try fixture.environment().database.memory("things"))
        #expect(memory.mappingRevision == after.mappingRevision)
    }
}
