import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// `renamed_from` with a name of which nothing is known.
struct UnknownFormerNameTests {
    private static let unknown = "renamed_from_unknown"

    private enum Kind: CaseIterable, Sendable {
        case updating, mirror, events, madeOnce

        var isRefused: Bool { self == .events || self == .madeOnce }

        var sync: SyncDefinition {
            let here = Location(file: "sluice.yaml", line: 1, column: 1)
            return switch self {
            case .updating, .madeOnce: things()
            case .mirror: things(behavior: .mirror)
            case .events: things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: here))
            }
        }
    }

    /// - Parameter old: with a typing error, unless a test says otherwise.
    private func renamed(_ kind: Kind, from old: String = "thigns") -> SyncDefinition {
        var sync = kind.sync
        (sync.name, sync.renamedFrom) = ("better", old)
        return sync
    }

    /// - Parameter others: what the project has besides the sync that was renamed.
    private func environment(
        _ fixture: RunFixture, _ kind: Kind, others: [SyncDefinition] = []
    ) throws -> RunEnvironment {
        let object = SimulatedDestination.object(batchItemsMax: 10, repeatable: kind.isRefused ? .never : .byKey)
        var environment = try fixture.environment(object: object)
        var connections = try #require(environment.connections as? FixtureConnections)
        connections.syncs = others + [renamed(kind)]
        environment.connections = connections
        return environment
    }

    private func begun(_ kind: Kind) async throws -> RunFixture {
        let fixture = try RunFixture(rows(3))
        let first = try await fixture.run(RunOptions(), kind.sync, in: environment(fixture, kind))
        #expect(first.operations.accepted == 3)
        return fixture
    }

    private func isWarned(_ fixture: RunFixture) -> Bool {
        fixture.progress.contains { step in
            if case .warned(let warning) = step { warning.code == Self.unknown } else { false }
        }
    }

    @Test(arguments: [Kind.events, .madeOnce])
    private func whatIsSentOnceIsNotSentAgainForATypingError(_ kind: Kind) async throws {
        let fixture = try await begun(kind)
        let environment = try environment(fixture, kind)
        let sync = renamed(kind)
        for _ in 1...2 {
            let error = await #expect(throws: RunError.self) {
                try await RunSync(sync, options: RunOptions(), environment: environment).run()
            }
            #expect(error?.code == Self.unknown && error?.hint.hasPrefix("Did you mean things? ") == true)
            // As a server notes it of a scheduled run.
            _ = try environment.database.createRun(
                sync: "better", trigger: "schedule", full: false, limited: false, startedAt: Moment(milliseconds: 0),
                state: .failed)
        }
        #expect(
            await code {
                _ = try await PlanSync(sync, options: RunOptions(), environment: environment).plan(examplesMax: 0)
            } == Self.unknown)
        #expect(fixture.account.requests.count == 1 && fixture.source.scans == 1)
        let right = renamed(kind, from: "things")
        #expect(try await fixture.run(RunOptions(), right, in: environment).rows.unchanged == 3)
    }

    @Test(arguments: [Kind.updating, .mirror]) private func theOthersBeginAnewWithAWarning(_ kind: Kind) async throws {
        let fixture = try await begun(kind)
        let environment = try environment(fixture, kind)
        let plan = try await PlanSync(renamed(kind), options: RunOptions(), environment: environment)
            .plan(examplesMax: 0)
        #expect(plan.warnings.map(\.code) == [Self.unknown] && plan.fullReason == "first_run")
        let record = try await fixture.run(RunOptions(), renamed(kind), in: environment)
        #expect(record.fullReason == "first_run" && record.operations.alreadyEqual == 3 && isWarned(fixture))
        // Now it has its own.
        let next = try await PlanSync(renamed(kind), options: RunOptions(), environment: environment)
            .plan(examplesMax: 0)
        #expect(next.warnings.isEmpty && next.rows.unchanged == 3)
    }

    @Test(arguments: Kind.allCases) private func anOldLineDoesNoHarmOnANewMachine(_ kind: Kind) async throws {
        // Nothing at all.
        let empty = try RunFixture(rows(3))
        let none = try environment(empty, kind)
        #expect(try await empty.run(RunOptions(), renamed(kind), in: none).operations.accepted == 3)
        // A sync of the project has run here before this one.
        let fixture = try await begun(kind)
        let environment = try environment(fixture, kind, others: [kind.sync])
        #expect(try await fixture.run(RunOptions(), renamed(kind), in: environment).operations.accepted == 3)
        #expect(!isWarned(empty) && !isWarned(fixture))
    }

    @Test func aFormerNameOfAnotherSyncIsNotMeant() async throws {
        let fixture = try await begun(.events)
        var other = things()
        (other.name, other.renamedFrom) = ("other", "things")
        let environment = try environment(fixture, .events, others: [other])
        #expect(try await fixture.run(RunOptions(), renamed(.events), in: environment).operations.accepted == 3)
    }

    @Test(arguments: Kind.allCases) private func whatWasCarriedOutLongAgoStaysSo(_ kind: Kind) async throws {
        let fixture = try await begun(kind)
        let environment = try environment(fixture, kind)
        let sync = renamed(kind, from: "things")
        try await fixture.run(RunOptions(), sync, in: environment)
        var left = kind.sync
        left.name = "left"
        try await fixture.run(RunOptions(), left, in: environment)
        #expect(try await fixture.run(RunOptions(), sync, in: environment).rows.unchanged == 3)
        try ResetState(sync, environment: environment).reset()
        #expect(try await fixture.run(RunOptions(), sync, in: environment).operations.accepted == 3)
        #expect(!isWarned(fixture))
    }

    @Test func aNameThatOnlyFailedOrWasPausedIsKnown() async throws {
        let fixture = try await begun(.events)
        let environment = try environment(fixture, .events)
        try environment.database.setPaused("thigns", true)
        #expect(try await fixture.run(RunOptions(), renamed(.events), in: environment).operations.accepted == 3)
        #expect(try environment.database.isPaused("better"))
    }

    @Test func aResetSaysHowManyRowsItWouldSend() async throws {
        let fixture = try await begun(.events)
        let environment = try environment(fixture, .events)
        #expect(try await ResetState(renamed(.events), environment: environment).rowsToSend(renamed(.events)) == 3)
    }
}
