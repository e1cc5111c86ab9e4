import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Runs that send everything, and runs that send part of it.
struct FullRunTests {
    @Test func fullRunSendsEveryRowAgain() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        let record = try await fixture.run(full: true)
        #expect(record.full && record.fullReason == "requested")
        #expect(record.operations.alreadyEqual == 5 && record.operations.created == 0)
        #expect(try await fixture.run().rows.unchanged == 5)
    }

    @Test func changedMappingSendsEveryRowAndSaysWhy() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        let onlyNames = things(mappings: [("name", "name")])
        let record = try await fixture.run(RunOptions(), onlyNames)
        #expect(record.full && record.fullReason == "mapping_changed" && record.rows.planned == 5)
        #expect(try await fixture.run(RunOptions(), onlyNames).rows.unchanged == 5)
    }

    @Test(arguments: [true, false])
    func fullRunThatBrokeOffIsMadeUpForByTheNext(isRequested: Bool) async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        let definition = isRequested ? things() : things(mappings: [("name", "name")])
        let small = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 2))
        let done = fixture.account.requests.count
        fixture.account.fault { number, _ in number == done + 1 ? .unauthorized : .none }
        var options = RunOptions()
        options.isFull = isRequested
        let broken = try await fixture.run(options, definition, in: small)
        #expect(broken.state == .failed && broken.operations.undelivered == 4)
        fixture.account.fault { _, _ in .none }
        let record = try await fixture.run(RunOptions(), definition)
        #expect(record.fullReason == "full_run_unfinished" && record.operations.accepted == 6)
        #expect(try await fixture.run(RunOptions(), definition).rows.unchanged == 6)
    }

    @Test func limitedRunAfterAChangedMappingLeavesTheRestToTheNext() async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        let definition = things(mappings: [("name", "name")])
        var options = RunOptions()
        options.limit = 2
        #expect(try await fixture.run(options, definition).operations.accepted == 2)
        let record = try await fixture.run(RunOptions(), definition)
        #expect(record.fullReason == "mapping_changed" && record.operations.accepted == 6)
        #expect(try await fixture.run(RunOptions(), definition).rows.unchanged == 6)
    }

    @Test func orderOfTheMappingsLinesChangesNothing() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        let turned = things(mappings: [("seats", "seats"), ("name", "name")])
        #expect(try await fixture.run(RunOptions(), turned).rows.unchanged == 5)
    }

    @Test func changedKeyForgetsWhatWasKnown() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        let byEmail = things(key: KeyDefinition(columns: ["id"], field: "email", location: things().location))
        let record = try await fixture.run(RunOptions(), byEmail)
        #expect(record.fullReason == "key_changed" && record.rows.planned == 5)
        #expect(try await fixture.run(RunOptions(), byEmail).rows.unchanged == 5)
        let files = try fixture.environment().state.sync("things")
        #expect(try Snapshot.open(files).snapshot?.count == 5)
    }

    @Test func rowsThatAnotherAccountDidNotGetAreSentThereByTheNextRun() async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        fixture.account.records = [:]
        let object = SimulatedDestination.object(batchItemsMax: 2)
        let other = try fixture.environment(object: object, identity: "account 2")
        fixture.account.fault { number, _ in number == 2 ? .unauthorized : .none }
        let broken = try await fixture.run(in: other)
        #expect(broken.fullReason == "destination_changed" && broken.state == .failed)
        #expect(broken.operations.accepted == 2)
        fixture.account.fault { _, _ in .none }
        let record = try await fixture.run(in: other)
        #expect(record.rows.unchanged == 2 && record.operations.created == 4)
        #expect(fixture.account.records.count == 6)
    }

    @Test func emptyScanForAnotherAccountForgetsTheFirst() async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        fixture.account.records = [:]
        fixture.source.rows = []
        let other = try fixture.environment(identity: "account 2")
        #expect(try await fixture.run(in: other).state == .succeeded)
        fixture.source.rows = rows(6)
        #expect(try await fixture.run(in: other).operations.created == 6)
    }

    @Test func limitSendsTheFirstChangesAndDefersTheRest() async throws {
        let fixture = try RunFixture(rows(10))
        var options = RunOptions()
        options.limit = 4
        let record = try await fixture.run(options)
        #expect(record.state == .succeeded && record.limited)
        #expect(record.rows.planned == 4 && record.rows.deferred == 6 && record.rows.scanned == 10)
        let next = try await fixture.run(options)
        #expect(next.rows.unchanged == 4 && next.rows.planned == 4 && next.rows.deferred == 2)
        #expect(try await fixture.run().operations.created == 2)
        #expect(fixture.account.created.count == 10)
    }

    @Test func limitDoesNotHideAChangedColumnFromTheGuard() async throws {
        let fixture = try RunFixture(rows(10))
        try await fixture.run()
        fixture.source.columns[1].declaredType = "VARCHAR"
        fixture.source.rows = rows(10, "Bea")
        var options = RunOptions()
        options.limit = 1
        #expect(try await fixture.run(options).state == .succeeded)
        let record = try await fixture.run()
        #expect(record.state == .stoppedByGuard && record.guard?.name == "schema_change")
    }

    @Test func damagedFingerprintsMakeAFullRunWithThatReason() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run()
        let folder = fixture.folder + "/state/syncs/things"
        for name in try Files.names(folder) where name.hasPrefix("snapshot") || name.hasPrefix("journal") {
            try Files.damage(folder + "/" + name)
        }
        let record = try await fixture.run()
        #expect(record.full && record.fullReason == "state_lost" && record.operations.alreadyEqual == 5)
        #expect(try await fixture.run().rows.unchanged == 5)
    }
}
