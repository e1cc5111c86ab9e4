import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Fingerprints that were lost are not made anew from what one run was answered: they would look whole.
struct LostFingerprintTests {
    private static let events = SimulatedDestination.object(batchItemsMax: 10, repeatable: .never)

    private static var sending: SyncDefinition {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        return things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: here))
    }

    private enum Loss: CaseIterable, Sendable {
        case damaged, gone

        /// Strikes all that the last runs left, and not what the open one has.
        func strike(_ fixture: RunFixture) throws {
            let folder = fixture.folder + "/state/syncs/things"
            for name in try Files.names(folder) where name.hasPrefix("snapshot") || name.hasPrefix("journal.") {
                switch self {
                case .damaged: try Files.damage(folder + "/" + name)
                case .gone: try FileManager.default.removeItem(atPath: folder + "/" + name)
                }
            }
        }
    }

    private func sentOnce(_ fixture: RunFixture) -> Bool { fixture.account.events.values.allSatisfy { $0.count == 1 } }

    @Test(arguments: Loss.allCases) private func confirmingDoesNotStandInForThem(_ loss: Loss) async throws {
        let fixture = try RunFixture(rows(5))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), Self.sending, in: environment)
        fixture.source.rows = rows(7)
        fixture.account.fault { _, _ in .lostAfter(records: 2) }
        #expect(try await fixture.run(RunOptions(), Self.sending, in: environment).operations.inDoubt == 2)
        fixture.account.fault { _, _ in .none }
        try loss.strike(fixture)
        let before = try Files.listing(fixture.folder + "/state/syncs")
        for keys in [nil, ["k6"]] {
            let error = #expect(throws: StateError.self) {
                try ConfirmRecords(Self.sending, environment: environment).confirm(keys)
            }
            #expect(error?.code == "state_lost")
        }
        #expect(try Files.listing(fixture.folder + "/state/syncs") == before)
        let refused = try await fixture.run(RunOptions(), Self.sending, in: environment)
        #expect(refused.error?.code == "state_lost" && sentOnce(fixture))
    }

    /// What the interrupted run was answered is settled, and still nobody takes it for all that was sent.
    @Test(arguments: Loss.allCases) private func anInterruptedRunDoesNotStandInForThem(_ loss: Loss) async throws {
        let fixture = try RunFixture(rows(5))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), Self.sending, in: environment)
        fixture.source.rows = rows(7)
        let crash = CrashPoint(only: .journalSettled)
        let dying = try fixture.environment(object: Self.events, steps: crash.hook)
        _ = try? await RunSync(Self.sending, options: RunOptions(), environment: dying).run()
        #expect(crash.isDead && fixture.account.events.count == 7)
        try loss.strike(fixture)
        let next = try fixture.environment(object: Self.events)
        let records = try await RunSync(Self.sending, options: RunOptions(), environment: next).run()
        #expect(records.map(\.operations.inDoubt) == [2, 0], "\(records)")
        #expect(records.last?.error?.code == "state_lost")
        for _ in 1...2 {
            let again = try await fixture.run(RunOptions(), Self.sending, in: next)
            #expect(again.error?.code == "state_lost" && sentOnce(fixture))
        }
    }

    @Test(arguments: Loss.allCases)
    private func anUpdatingSyncFindsOutAfterAnInterruptedRun(_ loss: Loss) async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        fixture.source.rows = rows(7)
        let crash = CrashPoint(only: .journalSettled)
        let dying = try fixture.environment(steps: crash.hook)
        _ = try? await RunSync(things(), options: RunOptions(), environment: dying).run()
        try loss.strike(fixture)
        let record = try await fixture.run()
        #expect(record.fullReason == "state_lost" && record.operations.accepted == 7, "\(record)")
        #expect(try await fixture.run().rows.unchanged == 7)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test(arguments: Loss.allCases) private func whoeverResetsIsNotToldThatNothingWasKnown(_ loss: Loss) async throws {
        let fixture = try RunFixture(rows(5))
        let environment = try fixture.environment(object: Self.events)
        try await fixture.run(RunOptions(), Self.sending, in: environment)
        try loss.strike(fixture)
        #expect(try ResetState(Self.sending, environment: environment).knownCountIfWhole() == nil)
    }
}
