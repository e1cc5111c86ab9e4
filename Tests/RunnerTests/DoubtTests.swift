import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit
import Testing

/// Answers that do not say whether rows that are sent once arrived: what becomes of the batch, and of those after it.
struct DoubtTests {
    private static let events = SimulatedDestination.object(batchItemsMax: 10, repeatable: .never)

    private var sync: SyncDefinition {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        return things(behavior: .send, key: KeyDefinition(columns: ["id"], field: nil, location: here))
    }

    private func timesSent(_ fixture: RunFixture) -> Set<Int> { Set(fixture.account.events.values.map(\.count)) }

    @Test(arguments: [SimulatedFault.lostAfter(records: .max), .failedBefore])
    func oneDoubtfulBatchDoesNotKeepTheOthersBack(_ fault: SimulatedFault) async throws {
        let fixture = try RunFixture(rows(35))
        let environment = try fixture.environment(object: Self.events)
        fixture.account.fault { number, _ in number == 3 ? fault : .none }
        let first = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(first.operations.inDoubt == 5 && first.operations.sent == 30 && first.operations.undelivered == 0)
        #expect(first.state == .completedWithRejections && first.error == nil)
        #expect(try fixture.outcomes(first, .inDoubt).count == 5)
        let second = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(second.rows.held == 5 && second.rows.unchanged == 30 && second.operations.sent == 0)
        #expect(timesSent(fixture) == [1] && fixture.account.requests.count == 4)
    }

    @Test func threeDoubtfulAnswersInARowStopTheRunAndTheNextOneGoesOn() async throws {
        let fixture = try RunFixture(rows(45))
        let environment = try fixture.environment(object: Self.events)
        fixture.account.fault { _, _ in .failedBefore }
        let first = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(first.state == .failed && first.error?.code == "destination_down")
        #expect(first.operations.inDoubt == 30 && first.operations.undelivered == 15)
        #expect(fixture.account.requests.count == DoubtStreak.limit)
        fixture.account.fault { _, _ in .none }
        let second = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(second.rows.held == 30 && second.operations.sent == 15 && second.state == .completedWithRejections)
        #expect(fixture.account.events.count == 15 && timesSent(fixture) == [1])
    }

    @Test func doubtfulAnswersThatAreNotInARowDoNotStopTheRun() async throws {
        let fixture = try RunFixture(rows(70))
        fixture.account.fault { number, _ in number % 2 == 0 ? .failedBefore : .none }
        let record = try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: Self.events))
        #expect(record.operations.inDoubt == 40 && record.operations.sent == 30)
        #expect(record.state == .completedWithRejections)
    }

    @Test func runWhoseLastBatchesAreAllInDoubtHasFinished() async throws {
        let fixture = try RunFixture(rows(30))
        fixture.account.fault { _, _ in .failedBefore }
        let record = try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: Self.events))
        #expect(record.operations.inDoubt == 30 && record.state == .completedWithRejections && record.error == nil)
    }

    @Test func answerThatRefusesRowsIsAnAnswer() async throws {
        let fixture = try RunFixture(rows(60))
        fixture.account.refuse { key, _ in key == "k25" ? noGood : nil }
        fixture.account.fault { number, _ in [0, 1, 3, 4].contains(number) ? .failedBefore : .none }
        let record = try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: Self.events))
        #expect(record.operations.inDoubt == 40 && record.operations.sent == 19 && record.operations.rejected == 1)
    }

    @Test func whatFollowsADoubtfulBatchIsSmallAndWaits() async throws {
        let fixture = try RunFixture(rows(8_000))
        let object = SimulatedDestination.object(batchItemsMax: 5_000, repeatable: .never)
        fixture.account.fault { number, _ in number < 2 ? .failedBefore : .none }
        let record = try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: object))
        #expect(fixture.account.requests.map(\.keys.count) == [5_000, 1_000, 1_000, 1_000])
        #expect(record.operations.inDoubt == 6_000 && record.operations.sent == 2_000)
        #expect(fixture.time.slept.filter { $0 >= .milliseconds(2_500) }.count == 2)
    }

    @Test func batchThatTookTooLongIsFollowedBySmallerOnes() async throws {
        let fixture = try RunFixture(rows(30))
        fixture.account.fault { number, _ in number == 0 ? .lostAfter(records: .max) : .none }
        let record = try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: Self.events))
        #expect(fixture.account.requests.map(\.keys.count) == [10, 5, 5, 5, 5])
        #expect(record.operations.inDoubt == 10 && record.operations.sent == 20 && timesSent(fixture) == [1])
    }

    @Test func partOfABatchInDoubtLeavesTheOtherParts() async throws {
        let fixture = try RunFixture(rows(10))
        fixture.account.fault { number, keys in
            keys.count > 5 ? .tooLarge(items: 5) : number == 1 ? .failedBefore : .none
        }
        let record = try await fixture.run(RunOptions(), sync, in: try fixture.environment(object: Self.events))
        #expect(record.operations.inDoubt == 5 && record.operations.sent == 5)
    }

    @Test func cancelWhileItWaitsLeavesTheRestUnsent() async throws {
        let fixture = try RunFixture(rows(30))
        var environment = try fixture.environment(object: Self.events)
        let database = environment.database
        environment.time.sleep = { _ in _ = try database.requestCancel(run: 1, at: Moment(milliseconds: 0)) }
        fixture.account.fault { _, _ in .failedBefore }
        let record = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(record.state == .cancelled && record.operations.undelivered == 20)
        #expect(record.operations.inDoubt == 10 && fixture.account.requests.count == 1)
    }

    @Test func whatIsKeyedIsStillRepeated() async throws {
        let fixture = try RunFixture(rows(25))
        fixture.account.fault { number, _ in number < 4 ? .failedBefore : .none }
        let object = SimulatedDestination.object(batchItemsMax: 10)
        let record = try await fixture.run(RunOptions(), things(), in: try fixture.environment(object: object))
        #expect(record.operations.accepted == 25 && record.operations.inDoubt == 0)
    }

    /// An object that is removed from and whose writes are not repeated.
    private static var doubtful: DestinationObject {
        var object = SimulatedDestination.object(batchItemsMax: 10, repeatable: .never)
        object.behaviors = [.mirror, .delete]
        object.removals = Removal.allCases
        return object
    }

    private func gone(_ fixture: RunFixture) -> [[String]] {
        fixture.progress.compactMap { step in
            if case .gone(let keys) = step { keys } else { nil }
        }
    }

    /// A mirror of twenty records, of which the write of `k1` is in doubt and its row has vanished.
    private func vanishedInDoubt(arrived: Bool) async throws -> (RunFixture, SyncDefinition, RunEnvironment) {
        let fixture = try RunFixture(rows(20))
        let (mirror, environment) = (things(behavior: .mirror), try fixture.environment(object: Self.doubtful))
        try await fixture.run(RunOptions(), mirror, in: environment)
        fixture.source.rows[0] = row("k1", "Bea")
        fixture.account.fault { _, _ in arrived ? .lostAfter(records: .max) : .failedBefore }
        #expect(try await fixture.run(RunOptions(), mirror, in: environment).operations.inDoubt == 1)
        fixture.account.fault { _, _ in .none }
        fixture.source.rows.removeFirst()
        return (fixture, mirror, environment)
    }

    @Test(arguments: [true, false])
    func mirrorRemovesWhatVanishedInDoubtAndDoesNotHoldItToo(arrived: Bool) async throws {
        let (fixture, mirror, environment) = try await vanishedInDoubt(arrived: arrived)
        let record = try await fixture.run(RunOptions(), mirror, in: environment)
        #expect(record.operations.removals == 1 && record.operations.removed == 1 && record.state == .succeeded)
        #expect(record.rows.held == 0 && record.rows.carried == 0 && gone(fixture).isEmpty)
        #expect(fixture.account.records["k1"] == nil && fixture.account.records.count == 19)
        let next = try await fixture.run(RunOptions(), mirror, in: environment)
        #expect(next.rows.unchanged == 19 && next.rows.held == 0 && next.operations.removals == 0)
    }

    @Test func mirrorThatRemovesNothingHoldsWhatVanishedInDoubt() async throws {
        let (fixture, mirror, environment) = try await vanishedInDoubt(arrived: true)
        var options = RunOptions()
        options.limit = 1
        let limited = try await fixture.run(options, mirror, in: environment)
        fixture.source.rows.append(row(nil))
        let withheld = try await fixture.run(RunOptions(), mirror, in: environment)
        for record in [limited, withheld] {
            #expect(record.rows.held == 1 && record.rows.carried == 1 && record.operations.removals == 0)
            #expect(try fixture.outcomes(record, .held) == ["k1"])
        }
        #expect(withheld.guard?.name == "keyless_rows" && gone(fixture) == [["k1"], ["k1"]])
        #expect(fixture.account.records.count == 20)
    }

    @Test func removalInDoubtOfAnEarlierRunIsMadeAgainAndNotHeldToo() async throws {
        let fixture = try RunFixture(rows(20))
        let (mirror, environment) = (things(behavior: .mirror), try fixture.environment(object: Self.doubtful))
        try await fixture.run(RunOptions(), mirror, in: environment)
        fixture.source.rows.removeFirst()
        fixture.account.fault { _, _ in .lostAfter(records: .max) }
        #expect(try await fixture.run(RunOptions(), mirror, in: environment).operations.inDoubt == 1)
        fixture.account.fault { _, _ in .none }
        let record = try await fixture.run(RunOptions(), mirror, in: environment)
        #expect(record.operations.removed == 1 && record.rows.held == 0 && record.state == .succeeded)
        #expect(fixture.account.removed == ["k1": 1])
    }

    @Test func deleteDoesNotForgetWhatVanishedInDoubt() async throws {
        let fixture = try RunFixture(rows(2))
        fixture.account.records = ["k1": "{}", "k2": "{}"]
        let sync = things(behavior: .delete, mappings: [])
        let environment = try fixture.environment(object: Self.doubtful)
        fixture.account.fault { _, keys in keys == ["k1"] ? .failedBefore : .none }
        let first = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(first.operations.inDoubt == 1 && first.operations.removed == 1)
        fixture.account.fault { _, _ in .none }
        fixture.source.rows.removeFirst()
        for _ in 1...2 {
            let record = try await fixture.run(RunOptions(), sync, in: environment)
            #expect(record.rows.held == 1 && record.rows.carried == 1 && record.operations.removed == 0)
        }
        #expect(gone(fixture) == [["k1"], ["k1"]] && fixture.account.records.keys.sorted() == ["k1"])
        #expect(try ConfirmRecords(sync, environment: environment).confirm(["k1"]).confirmed == 1)
        #expect(try await fixture.run(RunOptions(), sync, in: environment).rows.held == 0)
        // Once it is settled the key is forgotten as others are, so that a row that comes back counts.
        fixture.source.rows = rows(2)
        #expect(try await fixture.run(RunOptions(), sync, in: environment).operations.removed == 1)
    }

    @Test func rowInDoubtThatVanishedIsToldAndHeldUntilItIsConfirmed() async throws {
        let fixture = try RunFixture(rows(3))
        let environment = try fixture.environment(object: Self.events)
        fixture.account.fault { _, _ in .failedBefore }
        #expect(try await fixture.run(RunOptions(), sync, in: environment).operations.inDoubt == 3)
        fixture.account.fault { _, _ in .none }
        fixture.source.rows = rows(1)
        for _ in 1...2 {
            let record = try await fixture.run(RunOptions(), sync, in: environment)
            #expect(record.rows.held == 3 && record.rows.carried == 2 && record.rows.scanned == 1)
            #expect(record.state == .completedWithRejections && record.operations.sent == 0)
            #expect(record.reasons == [ReasonCount(code: "in_doubt", count: 3)])
            #expect(try fixture.outcomes(record, .held) == ["k1", "k2", "k3"])
        }
        #expect(fixture.progress.filter { $0 == .gone(keys: ["k2", "k3"]) }.count == 2)
        var options = RunOptions()
        options.onlyPending = .inDoubt
        #expect(try await fixture.run(options, sync, in: environment).operations.sent == 1)
        #expect(try ConfirmRecords(sync, environment: environment).confirm(nil).confirmed == 2)
        let settled = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(settled.rows.held == 0 && settled.rows.carried == 0 && settled.state == .succeeded)
    }
}
