import ConnectorKit
import Records
import Runner
import StateStore
import TestKit
import Testing

/// A key of which it is only assumed that the destination matches it: nobody gets second records in silence.
struct KeyWatchTests {
    private static let object = {
        var object = SimulatedDestination.object(batchItemsMax: 5_000)
        for index in object.keys.indices { object.keys[index].isMatchAssumed = true }
        return object
    }()

    private func run(_ fixture: RunFixture, isFull: Bool = false) async throws -> RunRecord {
        var options = RunOptions()
        options.isFull = isFull
        return try await fixture.run(options, in: try fixture.environment(object: Self.object))
    }

    private func sizes(_ fixture: RunFixture) -> [Int] { fixture.account.requests.map(\.keys.count) }

    private func warnings(_ fixture: RunFixture) -> [String] {
        fixture.progress.compactMap { if case .warned(let reason) = $0 { reason.code } else { nil } }
    }

    @Test func keyThatMatchesCostsOneSmallBatch() async throws {
        let fixture = try RunFixture(rows(50))
        #expect(try await run(fixture).operations.created == 50)
        fixture.source.rows = rows(50, "Bea")
        let record = try await run(fixture)
        #expect(record.state == .succeeded && record.operations.updated == 50)
        #expect(sizes(fixture) == [50, 20, 30])
        #expect(warnings(fixture).isEmpty)
    }

    @Test func keyThatDoesNotMatchStopsTheRunAfterItsFirstBatch() async throws {
        let fixture = try RunFixture(rows(50))
        fixture.account.matchesKeys = false
        #expect(try await run(fixture).operations.created == 50)
        fixture.source.rows = rows(50, "Bea")
        let record = try await run(fixture)
        #expect(record.state == .failed && record.error?.code == "key_not_matched")
        let message = record.error?.message ?? ""
        #expect(message.contains("20 records") && message.contains("k1 (id of k1)"), "\(message)")
        #expect(record.operations.accepted == 20 && record.operations.undelivered == 30)
        #expect(sizes(fixture) == [50, 20])
        // What was accepted stays so: the rest alone is sent once the key matches.
        fixture.account.matchesKeys = true
        let last = try await run(fixture)
        #expect(last.state == .succeeded && last.rows.unchanged == 20 && last.operations.updated == 30)
    }

    @Test func newRecordsAreNoneThatShouldBeThere() async throws {
        let fixture = try RunFixture(rows(20))
        _ = try await run(fixture)
        fixture.source.rows = (1...40).map { row("n\($0)") } + rows(20)
        let grown = try await run(fixture)
        #expect(grown.state == .succeeded && grown.operations.created == 40 && warnings(fixture).isEmpty)
        // Among new ones those are counted that cannot be new.
        fixture.account.matchesKeys = false
        fixture.source.rows = (1...5).map { row("m\($0)") } + (1...40).map { row("n\($0)", "Bea") } + rows(20)
        let record = try await run(fixture)
        #expect(record.error?.code == "key_not_matched")
        #expect(record.operations.accepted == 20)
    }

    @Test(arguments: [1, 3])
    func recordsDeletedByHandAmongOthersAreAWarning(count: Int) async throws {
        let fixture = try RunFixture(rows(50))
        _ = try await run(fixture)
        for number in 1...count { fixture.account.records["k\(number)"] = nil }
        fixture.source.rows = rows(50, "Bea")
        let record = try await run(fixture)
        #expect(record.state == .succeeded && record.operations.accepted == 50)
        #expect(Set(warnings(fixture)) == ["known_record_created"])
    }

    @Test func oneRecordAloneIsAWarning() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.matchesKeys = false
        _ = try await run(fixture)
        fixture.source.rows = [row("k1", "Bea"), row("k2"), row("k3")]
        let record = try await run(fixture)
        #expect(record.state == .succeeded && record.operations.created == 1)
        #expect(warnings(fixture) == ["known_record_created"])
    }

    @Test func recordsThatMayNeverHaveArrivedAreNotMissed() async throws {
        let fixture = try RunFixture(rows(30))
        fixture.account.fault { _, _ in .failedBefore }
        #expect(try await run(fixture).state == .failed)
        fixture.account.fault { _, _ in .none }
        let record = try await run(fixture)
        #expect(record.state == .succeeded && record.operations.created == 30 && warnings(fixture).isEmpty)
    }

    @Test func halvesThatMakeRecordsAgainStopTheRun() async throws {
        let fixture = try RunFixture(rows(40))
        fixture.account.matchesKeys = false
        fixture.account.attribution = .counted
        fixture.account.refuse { key, _ in key == "k7" ? noGood : nil }
        let record = try await run(fixture)
        #expect(record.state == .failed && record.error?.code == "key_not_matched")
        #expect(record.operations.accepted == 39 && record.operations.rejected == 1)
        // With a key that matches the halves find what is there.
        let other = try RunFixture(rows(40))
        other.account.attribution = .counted
        other.account.refuse { key, _ in key == "k7" ? noGood : nil }
        #expect(try await run(other).error == nil)
    }

    @Test func keyThatIsCertainIsNotDoubted() async throws {
        let fixture = try RunFixture(rows(30))
        _ = try await fixture.run()
        fixture.account.records = [:]
        let record = try await fixture.run(full: true)
        #expect(record.state == .succeeded && record.operations.created == 30)
        #expect(sizes(fixture) == [30, 30] && warnings(fixture).isEmpty)
    }

    @Test func whatWasForgottenIsNew() async throws {
        let fixture = try RunFixture(rows(30))
        _ = try await run(fixture)
        fixture.account.records = [:]
        #expect(try await run(fixture, isFull: true).error?.code == "key_not_matched")
        try ResetState(things(), environment: try fixture.environment(object: Self.object)).reset()
        fixture.account.records = [:]
        let record = try await run(fixture)
        #expect(record.state == .succeeded && record.operations.created == 30)
    }
}
