import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import SyncCore
import TestKit
import Testing

/// What the destination refuses: named, tried again, held in time, and never taken for arrived.
struct RefusalTests {
    @Test(arguments: [SimulatedAttribution.each, .counted, .whole])
    func rejectedRecordIsNamedAndTheOthersArrive(attribution: SimulatedAttribution) async throws {
        let fixture = try RunFixture(rows(20))
        fixture.account.attribution = attribution
        fixture.account.refuse { key, _ in ["k3", "k17"].contains(key) ? noGood : nil }
        let record = try await fixture.run()
        #expect(record.state == .completedWithRejections)
        #expect(record.operations.accepted == 18 && record.operations.rejected == 2)
        #expect(record.operations.created == 18)
        #expect(record.reasons == [ReasonCount(code: "refused_by_destination", count: 2)])
        #expect(try fixture.outcomes(record, .rejected) == ["k17", "k3"])
        #expect(fixture.account.records.count == 18)
    }

    @Test func rejectedRecordIsTriedAgainByEachRunAlthoughItsRowDidNotChange() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.refuse { key, _ in key == "k2" ? noGood : nil }
        for _ in 1...4 {
            let record = try await fixture.run()
            #expect(record.operations.rejected == 1)
            #expect(fixture.account.requests.last?.keys.contains("k2") == true)
        }
        fixture.account.refuse { _, _ in nil }
        let record = try await fixture.run()
        #expect(record.state == .succeeded && record.operations.created == 1)
        #expect(try await fixture.run().rows.unchanged == 3)
    }

    @Test(arguments: [true, false])
    func recordIsHeldAfterTenRefusalsUntilItIsDue(othersArrive: Bool) async throws {
        let fixture = try RunFixture(othersArrive ? rows(2) : rows(1))
        fixture.account.refuse { key, _ in key == "k1" ? noGood : nil }
        for _ in 1...10 { #expect(try await fixture.run().operations.rejected == 1) }
        let sent = fixture.account.requests.count
        let held = try await fixture.run()
        #expect(held.state == .completedWithRejections && held.rows.held == 1 && held.rows.planned == 0)
        #expect(held.reasons == [ReasonCount(code: "held_after_refusals", count: 1)])
        #expect(try fixture.outcomes(held, .held) == ["k1"])
        #expect(fixture.account.requests.count == sent)
        // A quarter of an hour at first, due at 95 % of it.
        fixture.time.advance(by: .seconds(854))
        #expect(try await fixture.run().rows.held == 1)
        fixture.time.advance(by: .seconds(2))
        #expect(try await fixture.run().operations.rejected == 1)
        #expect(try await fixture.run().rows.held == 1)
        fixture.time.advance(by: .seconds(856))
        #expect(try await fixture.run().rows.held == 1)
        fixture.time.advance(by: .seconds(856))
        #expect(try await fixture.run().operations.rejected == 1)
    }

    @Test func heldRecordIsTriedAtOnceWhenItsRowChanges() async throws {
        let fixture = try await heldOnce()
        fixture.source.rows[0] = row("k1", "Bea")
        #expect(try await fixture.run().operations.rejected == 1)
        #expect(try await fixture.run().operations.rejected == 1)
    }

    @Test func heldRecordIsTriedAtOnceWhenTheMappingChanges() async throws {
        let fixture = try await heldOnce()
        let record = try await fixture.run(RunOptions(), things(mappings: [("name", "name")]))
        #expect(record.rows.held == 0 && record.operations.rejected == 1)
    }

    @Test func heldRecordIsTriedAtOnceByAFullRun() async throws {
        let fixture = try await heldOnce()
        let record = try await fixture.run(full: true)
        #expect(record.rows.held == 0 && record.operations.rejected == 1)
    }

    private func heldOnce() async throws -> RunFixture {
        let fixture = try RunFixture(rows(2))
        fixture.account.refuse { key, _ in key == "k1" ? noGood : nil }
        for _ in 1...10 { try await fixture.run() }
        #expect(try await fixture.run().rows.held == 1)
        return fixture
    }

    private static let wanting = Reason(
        code: "forbidden", message: "Missing permission: thing.update", hint: "Give the service account the permission."
    )

    @Test(arguments: [SimulatedAttribution.each, .whole]) func wantOfAPermissionStopsTheRunAndNamesIt(
        _ attribution: SimulatedAttribution
    ) async throws {
        let fixture = try RunFixture(rows(30))
        fixture.account.attribution = attribution
        fixture.account.refuse { _, _ in Self.wanting }
        let record = try await fixture.run()
        #expect(record.state == .failed && record.error?.code == "forbidden")
        #expect(record.error?.message.contains("Missing permission: thing.update") == true)
        #expect(record.error?.hint == Self.wanting.hint)
    }

    @Test(arguments: [SimulatedAttribution.each, .whole], [1, 3]) func fewRowsOfWhichNoneIsPermittedStopTheRunToo(
        _ attribution: SimulatedAttribution, count: Int
    ) async throws {
        let fixture = try RunFixture(rows(count))
        fixture.account.attribution = attribution
        fixture.account.refuse { _, _ in Self.wanting }
        for _ in 1...12 {
            let record = try await fixture.run()
            #expect(record.state == .failed && record.error?.code == "forbidden")
            #expect(record.error?.message.contains("Missing permission: thing.update") == true)
            #expect(record.operations.undelivered == count && record.operations.rejected == 0)
            #expect(record.reasons == [ReasonCount(code: "forbidden", count: count)])
        }
        fixture.account.refuse { _, _ in nil }
        let healed = try await fixture.run()
        #expect(healed.state == .succeeded && healed.operations.created == count)
    }

    @Test func aPermissionThatWasTakenAwayStopsTheRunOfOneChangedRow() async throws {
        let fixture = try RunFixture(rows(3))
        try await fixture.run()
        fixture.account.refuse { _, _ in Self.wanting }
        fixture.source.rows[0] = row("k1", "Bea")
        for _ in 1...2 {
            let record = try await fixture.run()
            #expect(record.state == .failed && record.error?.code == "forbidden")
            #expect(record.operations.undelivered == 1)
        }
        fixture.account.refuse { _, _ in nil }
        #expect(try await fixture.run().operations.updated == 1)
    }

    /// A few such rows may lack it each by itself.
    @Test func fewRowsWithoutAPermissionAreRejectedAlone() async throws {
        let fixture = try RunFixture(rows(30))
        fixture.account.refuse { key, _ in key.hasPrefix("k1") ? Self.wanting : nil }
        let first = try await fixture.run()
        #expect(first.state == .completedWithRejections && first.operations.rejected == 11)
        let second = try await fixture.run()
        #expect(second.state == .completedWithRejections && second.operations.rejected == 11)
    }

    @Test(arguments: [2, 30]) func allLeavesOutWhatElseWritesTheObject(count: Int) async throws {
        let fixture = try RunFixture(rows(count))
        fixture.account.refuse { _, _ in Self.wanting }
        var more = things()
        more.name = "more"
        let project = Project(directory: "/", file: "sluice.yaml", syncs: [things(), more])
        let results = try await RunSyncs(environment: try fixture.environment())
            .runAll(project, options: RunOptions())
        #expect(results.map(\.sync) == ["things", "more"])
        #expect(results[0].records.last?.error?.code == "forbidden")
        #expect(results[1].records.isEmpty && results[1].leftOut == "things may not write thing")
    }

    @Test func acceptedThenRejectedThenBackIsUnchangedAndClearsTheRetry() async throws {
        let fixture = try RunFixture(rows(2))
        try await fixture.run()
        fixture.account.refuse { _, payload in payload.contains("Bea") ? noGood : nil }
        fixture.source.rows[0] = row("k1", "Bea")
        #expect(try await fixture.run().operations.rejected == 1)
        fixture.source.rows[0] = row("k1")
        let record = try await fixture.run()
        #expect(record.state == .succeeded && record.rows.unchanged == 2 && record.requests == 0)
        let environment = try fixture.environment()
        #expect(try PendingFile.open(environment.state.sync("things")).count == 0)
    }

    @Test func acceptedThenUnknownThenBackIsSentAgain() async throws {
        let fixture = try RunFixture(rows(2))
        try await fixture.run()
        fixture.account.fault { _, _ in .lostAfter(records: 1) }
        fixture.source.rows[0] = row("k1", "Bea")
        let unknown = try await fixture.run()
        #expect(unknown.state == .failed && unknown.operations.undelivered == 1)
        #expect(fixture.account.records["k1"] == payload("k1", "Bea"))
        fixture.account.fault { _, _ in .none }
        fixture.source.rows[0] = row("k1")
        let record = try await fixture.run()
        #expect(record.rows.planned == 1 && record.operations.accepted == 1)
        #expect(fixture.account.records["k1"] == payload("k1"))
    }

    @Test func recordsOfABatchThatWasNotTakenApartToItsEndAreSentAgain() async throws {
        // The batch was answered as a whole, some arrived; before its halves were answered the credentials went.
        let fixture = try RunFixture(rows(8))
        try await fixture.run()
        fixture.account.attribution = .counted
        fixture.account.refuse { key, payload in key == "k1" && payload.contains("Bea") ? noGood : nil }
        fixture.account.fault { number, _ in number == 1 ? .none : .unauthorized }
        fixture.source.rows = rows(8, "Bea")
        let broken = try await fixture.run()
        #expect(broken.state == .failed && broken.operations.undelivered == 8)
        #expect(fixture.account.records["k8"] == payload("k8", "Bea"))
        fixture.account.fault { _, _ in .none }
        fixture.source.rows = rows(8)
        try await fixture.run()
        #expect(fixture.account.records["k8"] == payload("k8"))
    }

    @Test(arguments: [SimulatedAttribution.counted, .whole])
    func onePoisonRowOfFiveThousandCostsFewExtraRequests(attribution: SimulatedAttribution) async throws {
        let fixture = try RunFixture(rows(5_000))
        fixture.source.batchRowsMax = 4_096
        fixture.account.attribution = attribution
        fixture.account.refuse { key, _ in key == "k3210" ? noGood : nil }
        let record = try await fixture.run()
        #expect(record.operations.accepted == 4_999 && record.operations.rejected == 1)
        #expect(record.operations.created == 4_999)
        // Two for each halving of 5,000, of which there are thirteen.
        #expect(record.requests <= 1 + 26)
    }

    @Test(arguments: [50, 60])
    func largeBatchesThatAreRefusedWholeFailTheRunWhileMoreIsToBeSent(itemsMax: Int) async throws {
        let fixture = try RunFixture(rows(400))
        fixture.account.attribution = .each
        fixture.account.refuse { _, _ in noGood }
        let object = SimulatedDestination.object(batchItemsMax: itemsMax)
        let record = try await fixture.run(in: fixture.environment(object: object))
        #expect(record.state == .failed && record.error?.code == "destination_refuses_all")
        #expect(record.operations.rejected == itemsMax)
    }

    @Test(arguments: [20, 60])
    func namedRefusalsOfTheLastBatchDoNotFailTheRun(itemsMax: Int) async throws {
        let fixture = try RunFixture(rows(60))
        fixture.account.attribution = .each
        fixture.account.refuse { _, _ in noGood }
        let object = SimulatedDestination.object(batchItemsMax: itemsMax)
        let record = try await fixture.run(in: fixture.environment(object: object))
        #expect(record.state == .completedWithRejections && record.operations.rejected == 60)
    }

    @Test(arguments: [SimulatedAttribution.counted, .whole])
    func destinationThatRefusesEverythingFailsTheRun(attribution: SimulatedAttribution) async throws {
        let fixture = try RunFixture(rows(400))
        fixture.account.attribution = attribution
        fixture.account.refuse { _, _ in noGood }
        let small = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 20))
        let record = try await fixture.run(in: small)
        #expect(record.state == .failed && record.error?.code == "destination_refuses_all")
        #expect(record.operations.rejected >= 50 && record.operations.rejected <= 60)
        #expect(record.operations.undelivered == 400 - record.operations.rejected)
        #expect(fixture.account.records.isEmpty)
    }

    @Test func fiftyRefusalsAmongAcceptancesDoNotFailTheRun() async throws {
        let fixture = try RunFixture(rows(200))
        fixture.account.attribution = .counted
        fixture.account.refuse { key, _ in Int(key.dropFirst()).map { $0 <= 100 } == true ? noGood : nil }
        let record = try await fixture.run()
        #expect(record.state == .completedWithRejections)
        #expect(record.operations.rejected == 100 && record.operations.accepted == 100)
        #expect(record.operations.created == 100)
    }
    // MARK: What the search for refused rows may cost

    @Test(arguments: [SimulatedAttribution.counted, .whole])
    func manyRefusedRowsAmongOthersCostSomeHundredRequestsAndNoRowIsLost(
        attribution: SimulatedAttribution
    ) async throws {
        let fixture = try RunFixture(rows(2_000))
        fixture.account.attribution = attribution
        fixture.account.refuse { key, _ in Int(key.dropFirst()).map { $0 % 20 == 1 } == true ? nil : noGood }
        let first = try await fixture.run()
        let operations = first.operations
        #expect(first.state == .completedWithRejections && first.error == nil)
        #expect(first.requests <= 1 + SearchBudget.requestsMin + 2_000 / SearchBudget.acceptedForOne)
        #expect(operations.accepted > 0 && operations.rejected > 150 && operations.undelivered > 0)
        #expect(operations.accepted + operations.rejected + operations.undelivered == 2_000)
        #expect(
            Set(first.reasons) == [
                ReasonCount(code: "refused_by_destination", count: operations.rejected),
                ReasonCount(code: "not_taken_apart", count: operations.undelivered),
            ])
        let outcome = try RunHistory(fixture.environment().database)
            .outcomes(run: first.id, outcome: .undelivered, limit: 1).first
        #expect(outcome?.reason.message.contains(noGood.message) == true)
        #expect(outcome?.reason.hint.contains("run the sync again") == true)
        // Once the rows that were named are right, the next run names others.
        let named = Set(
            try RunHistory(fixture.environment().database)
                .outcomes(run: first.id, outcome: .rejected, limit: 2_000).map(\.key))
        fixture.account.refuse { key, _ in
            named.contains(key) || Int(key.dropFirst()).map { $0 % 20 == 1 } == true ? nil : noGood
        }
        let second = try await fixture.run()
        #expect(second.rows.unchanged == operations.accepted && second.operations.accepted >= named.count)
        #expect(second.operations.rejected > 0 && second.state == .completedWithRejections)
        fixture.account.refuse { _, _ in nil }
        #expect(try await fixture.run().state == .succeeded)
        #expect(fixture.account.records.count == 2_000)
        #expect(try await fixture.run().rows.unchanged == 2_000)
    }

    @Test func manyRefusalsInARowEndTheSearchInTheirBatchAlone() async throws {
        let fixture = try RunFixture(rows(1_500))
        fixture.account.attribution = .whole
        fixture.account.refuse { key, _ in
            Int(key.dropFirst()).map { (2...500).contains($0) || $0 == 1_200 } == true ? noGood : nil
        }
        let object = SimulatedDestination.object(batchItemsMax: 500)
        let record = try await fixture.run(in: fixture.environment(object: object))
        let operations = record.operations
        #expect(record.state == .completedWithRejections && operations.accepted == 1_000)
        #expect((RefusalStreak.laterLimit + 1...RefusalStreak.laterLimit + 20).contains(operations.rejected))
        #expect(operations.undelivered == 500 - operations.rejected)
        #expect(try fixture.outcomes(record, .rejected).contains("k1200"))
    }

    @Test func oneRefusedRowInEachOfManyBatchesIsAlwaysFound() async throws {
        let fixture = try RunFixture(rows(60_000))
        fixture.account.attribution = .counted
        fixture.account.refuse { key, _ in Int(key.dropFirst()).map { $0 % 2_000 == 7 } == true ? noGood : nil }
        let object = SimulatedDestination.object(batchItemsMax: 2_000)
        let record = try await fixture.run(in: fixture.environment(object: object))
        #expect(record.operations.rejected == 30 && record.operations.accepted == 59_970)
        #expect(record.operations.undelivered == 0)
    }
}
