import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// What a run sends: what was added and changed, and nothing else.
struct ComparingTests {
    @Test func firstRunSendsEveryRow() async throws {
        let fixture = try RunFixture(rows(3))
        let record = try await fixture.run()
        #expect(record.state == .succeeded)
        #expect(record.full && record.fullReason == "first_run")
        #expect(record.rows.scanned == 3 && record.rows.planned == 3)
        #expect(record.operations.accepted == 3 && record.operations.created == 3)
        #expect(record.requests == 1 && record.bytesSent > 0)
        #expect(fixture.account.records == ["k1": payload("k1"), "k2": payload("k2"), "k3": payload("k3")])
    }

    @Test func runWithNothingChangedSendsNothing() async throws {
        let fixture = try RunFixture(rows(300))
        try await fixture.run()
        let record = try await fixture.run()
        #expect(record.state == .succeeded && !record.full && record.fullReason == nil)
        #expect(record.rows.unchanged == 300 && record.rows.planned == 0)
        #expect(record.requests == 0)
        #expect(fixture.account.requests.count == 1)
    }

    @Test func onlyTheChangedRowIsSent() async throws {
        let fixture = try RunFixture(rows(300))
        try await fixture.run()
        fixture.source.rows[7] = row("k8", "Bea")
        let record = try await fixture.run()
        #expect(record.rows.unchanged == 299 && record.rows.planned == 1)
        #expect(record.operations.updated == 1 && record.operations.created == 0)
        #expect(fixture.account.requests.last?.keys == ["k8"])
        #expect(fixture.account.records["k8"] == payload("k8", "Bea"))
    }

    @Test func rowThatGoesAwayStaysAtTheDestinationAndKnown() async throws {
        let fixture = try RunFixture(rows(3))
        try await fixture.run()
        fixture.source.rows = rows(2)
        #expect(try await fixture.run().rows.unchanged == 2)
        fixture.source.rows = rows(3)
        let record = try await fixture.run()
        #expect(record.rows.unchanged == 3)
        #expect(fixture.account.records.count == 3)
    }

    @Test func columnThatIsNotMappedChangesNothing() async throws {
        let fixture = try RunFixture(rows(3))
        let onlyNames = things(mappings: [("name", "name")])
        try await fixture.run(RunOptions(), onlyNames)
        fixture.source.rows[0]["seats"] = .integer(9)
        #expect(try await fixture.run(RunOptions(), onlyNames).rows.unchanged == 3)
    }

    @Test func emptyDatasetIsFineAtFirst() async throws {
        let fixture = try RunFixture()
        let record = try await fixture.run()
        #expect(record.state == .succeeded)
        #expect(record.rows == RowLedger())
    }

    @Test func integerAndTextKeyAreOneKey() async throws {
        let fixture = try RunFixture([row("1")])
        try await fixture.run()
        fixture.source.rows = [["id": .integer(1), "name": .text("Bea"), "seats": .integer(1)]]
        let record = try await fixture.run()
        #expect(record.operations.updated == 1 && record.operations.created == 0)
        #expect(fixture.account.created == ["1": 1])
    }

    @Test func rowsWithoutAKeyAreInvalidAndNamedByTheirPlace() async throws {
        let fixture = try RunFixture([row("k1"), row(nil), row("  "), row("")])
        let record = try await fixture.run()
        #expect(record.state == .stoppedByGuard)
        fixture.source.rows = [row("k1"), row("k2"), row("k3"), row(nil)]
        let second = try await fixture.run()
        #expect(second.state == .completedWithRejections)
        #expect(second.rows.invalid == 1 && second.operations.accepted == 3)
        #expect(second.reasons == [ReasonCount(code: "missing_key", count: 1)])
        let outcomes = try RunHistory(fixture.environment().database).outcomes(run: second.id, limit: 10)
        #expect(outcomes.first?.message.hasPrefix("Row 4 of the scan") == true)
    }

    @Test func valueThatCannotBeCastStopsItsRowAlone() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.source.rows[1]["seats"] = .text("many")
        let record = try await fixture.run()
        #expect(record.state == .completedWithRejections)
        #expect(record.rows.invalid == 1 && record.operations.accepted == 2)
        #expect(try fixture.outcomes(record, .invalid) == ["k2"])
        fixture.source.rows[1]["seats"] = .text("12")
        #expect(try await fixture.run().operations.created == 1)
        #expect(fixture.account.records["k2"] == payload("k2", seats: 12))
    }

    @Test func recordsAlreadyEqualAreCountedApart() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.records = ["k1": payload("k1"), "k2": payload("k2", "Old")]
        let record = try await fixture.run()
        #expect(record.operations.created == 1 && record.operations.updated == 1)
        #expect(record.operations.alreadyEqual == 1)
    }

    @Test func progressTellsStartScanPlanDeliveryAndEnd() async throws {
        let fixture = try RunFixture(rows(3))
        let record = try await fixture.run()
        #expect(
            fixture.progress == [
                .started(run: record.id, sync: "things", isResumed: false), .stage(.prepare), .stage(.scan),
                .scanning(rows: 3), .stage(.plan), .planned(operations: 3), .stage(.deliver),
                .delivering(done: 3, of: 3), .stage(.close), .ended(record),
            ])
    }

    @Test func sourceThatBreaksOffFailsTheRunAndPlansNothing() async throws {
        let fixture = try RunFixture(rows(300))
        fixture.source.beforeBatch { batch in
            guard batch == 2 else { return }
            throw RunError(code: "connection_lost", message: "Gone.", hint: "Try again.")
        }
        let record = try await fixture.run()
        #expect(record.state == .failed && record.error?.code == "connection_lost")
        #expect(record.rows == RowLedger() && record.operations.planned == 0)
        #expect(fixture.account.requests.isEmpty)
        #expect(try fixture.environment().state.plannedRuns().isEmpty)
        fixture.source.beforeBatch { _ in }
        #expect(try await fixture.run().operations.created == 300)
    }

    @Test func exchangesAreRecordedWithTheirBatchAndOperations() async throws {
        let fixture = try RunFixture(rows(5))
        let small = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 2))
        let record = try await fixture.run(in: small)
        #expect(record.requests == 3)
        let exchanges = try RunHistory(small.database).exchanges(run: record.id, limit: 10)
        #expect(exchanges.map(\.number) == [0, 1, 2] && exchanges.map(\.batch) == [0, 1, 2])
        #expect(exchanges.map(\.firstSequence) == [0, 2, 4] && exchanges.map(\.lastSequence) == [1, 3, 4])
        #expect(exchanges.allSatisfy { $0.isWrite && $0.status == 200 })
        #expect(exchanges.reduce(0) { $0 + $1.requestBytes } == Int(record.bytesSent))
    }

    @Test func fieldOfTheAccountIsFoundAndAnUnknownOneIsRefused() async throws {
        let fixture = try RunFixture(rows(2))
        fixture.account.fields = [.init("custom.Plan", .text)]
        let good = try await fixture.run(RunOptions(), things(mappings: [("custom.Plan", "name")]))
        #expect(good.state == .succeeded)
        #expect(fixture.account.records["k1"] == "{\"externalId\":\"k1\",\"custom\":{\"Plan\":\"Ann\"}}")
        let bad = try await fixture.run(RunOptions(), things(mappings: [("custom.Plant", "name")]))
        #expect(bad.state == .failed && bad.error?.code == "unknown_custom_field")
        #expect(bad.error?.hint.contains("custom.Plan") == true)
        #expect(bad.error?.message.hasPrefix("sluice.yaml:1:1: The account has no field") == true)
    }
}
