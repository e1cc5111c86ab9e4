import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// A mirror removes what it wrote and what vanished from its source, and nothing else.
struct MirrorTests {
    private let mirror = things(behavior: .mirror)

    private func accepting(_ names: String...) -> RunOptions {
        var options = RunOptions()
        options.acceptedGuards = Set(names)
        return options
    }

    @Test func vanishedRecordIsRemoved() async throws {
        let fixture = try RunFixture(rows(20))
        fixture.account.records = ["foreign": "{}"]
        let first = try await fixture.run(RunOptions(), mirror)
        #expect(first.operations.created == 20 && first.operations.removals == 0)
        fixture.source.rows = Array(rows(20).dropFirst()) + [row("new")]
        let second = try await fixture.run(RunOptions(), mirror)
        #expect(second.state == .succeeded && second.operations.removals == 1 && second.operations.removed == 1)
        #expect(second.operations.accepted == 2 && second.rows.planned == 1)
        #expect(fixture.account.records["k1"] == nil && fixture.account.records["foreign"] == "{}")
        #expect(fixture.account.records.count == 21)
        #expect(try await fixture.run(RunOptions(), mirror).operations.removals == 0)
    }

    @Test func removalsComeLast() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = Array(rows(20).dropFirst()) + [row("new")]
        try await fixture.run(RunOptions(), mirror)
        #expect(fixture.account.requests.suffix(2).map(\.keys) == [["new"], ["k1"]])
    }

    @Test func recordThatComesBackIsCreatedAgain() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = Array(rows(20).dropFirst())
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = rows(20)
        let record = try await fixture.run(RunOptions(), mirror)
        #expect(record.operations.created == 1 && fixture.account.records.count == 20)
    }

    @Test func manyVanishedRecordsAreStoppedByTheGuard() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = rows(10)
        let stopped = try await fixture.run(RunOptions(), mirror)
        #expect(stopped.state == .stoppedByGuard && stopped.guard?.name == "removed")
        #expect(stopped.operations.removals == 10 && stopped.operations.undelivered == 10)
        #expect(fixture.account.records.count == 20)
        let accepted = try await fixture.run(accepting("removed"), mirror)
        #expect(accepted.operations.removed == 10 && fixture.account.records.count == 10)
    }

    @Test func emptySourceIsStopped() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = []
        #expect(try await fixture.run(RunOptions(), mirror).guard?.name == "empty_scan")
        #expect(fixture.account.records.count == 20)
    }

    @Test func invalidRowIsNotRemoved() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        var changed = rows(20)
        changed[0]["seats"] = .text("many")
        fixture.source.rows = changed + [row("k2", "Twin")]
        let record = try await fixture.run(RunOptions(), mirror)
        #expect(record.operations.removals == 0 && record.rows.invalid == 3)
        #expect(fixture.account.records.count == 20)
    }

    @Test func rowWithoutAKeyWithholdsRemovals() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = Array(rows(20).dropFirst()) + [row(nil)]
        let record = try await fixture.run(RunOptions(), mirror)
        #expect(record.state == .completedWithRejections && record.guard?.name == "keyless_rows")
        #expect(record.operations.removals == 0 && fixture.account.records.count == 20)
        #expect(try await fixture.run(accepting("keyless_rows"), mirror).operations.removed == 1)
    }

    @Test func firstRemovalsAfterAChangeToMirrorAskFirst() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run()
        fixture.source.rows = Array(rows(20).dropFirst())
        let stopped = try await fixture.run(RunOptions(), mirror)
        #expect(stopped.guard?.name == "first_removals" && fixture.account.records.count == 20)
        let record = try await fixture.run(accepting("first_removals"), mirror)
        #expect(record.operations.removed == 1 && fixture.account.pagedReads > 0)
        fixture.source.rows = Array(rows(20).dropFirst(2))
        #expect(try await fixture.run(RunOptions(), mirror).operations.removed == 1)
    }

    @Test func limitedRunRemovesNothing() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = Array(rows(20).dropFirst())
        var options = RunOptions()
        options.limit = 5
        #expect(try await fixture.run(options, mirror).operations.removals == 0)
    }

    @Test func changedKeyRemovesNothing() async throws {
        let fixture = try RunFixture(rows(5))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = (1...5).map { row("n\($0)", "k\($0)") }
        var other = mirror
        other.key.columns = ["name"]
        other.mappings.removeFirst()
        let record = try await fixture.run(RunOptions(), other)
        #expect(record.fullReason == "key_changed" && record.operations.removals == 0)
        #expect(fixture.account.records.count == 5)
    }

    @Test(arguments: [true, false]) func idsAreTakenFromAnswersOrLookedUpOnce(tells: Bool) async throws {
        let fixture = try RunFixture(rows(500))
        fixture.account.tellsIDs = tells
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = Array(rows(500).dropFirst(30))
        let record = try await fixture.run(RunOptions(), mirror)
        #expect(record.operations.removed == 30 && fixture.account.records.count == 470)
        #expect(fixture.account.pagedReads == (tells ? 0 : 1))
    }

    /// Where the destination would read its whole list for each, it is read once for all, however few they are.
    @Test(arguments: [true, false]) func fewRemovalsAreFoundOneByOneOrByOneRead(isFoundByList: Bool) async throws {
        var object = SimulatedDestination.object(batchItemsMax: 5_000)
        if isFoundByList { object.keysFoundByList = ["externalId"] }
        let fixture = try RunFixture(rows(500))
        fixture.account.tellsIDs = false
        let environment = try fixture.environment(object: object)
        try await fixture.run(RunOptions(), mirror, in: environment)
        fixture.source.rows = Array(rows(500).dropFirst(10))
        let record = try await fixture.run(RunOptions(), mirror, in: environment)
        #expect(record.operations.removed == 10 && fixture.account.records.count == 490)
        #expect(fixture.account.pagedReads == (isFoundByList ? 1 : 0))
    }

    @Test func recordThatIsGoneAlreadyCountsAsDone() async throws {
        let fixture = try RunFixture(rows(500))
        try await fixture.run(RunOptions(), mirror)
        fixture.account.records["k1"] = nil
        fixture.source.rows = Array(rows(500).dropFirst(2))
        let record = try await fixture.run(RunOptions(), mirror)
        #expect(record.state == .succeeded && record.operations.removed == 2)
        #expect(try await fixture.run(RunOptions(), mirror).operations.removals == 0)
    }

    @Test func archiveAndClearNameTheRecordByItsID() async throws {
        for (removal, wanted) in [
            (Removal.archive, "{\"_id\":\"id of k1\",\"archived\":true}"),
            (.clear, "{\"_id\":\"id of k1\",\"name\":null,\"seats\":null}"),
        ] {
            let fixture = try RunFixture(rows(20))
            var sync = mirror
            sync.removal = removal
            try await fixture.run(RunOptions(), sync)
            fixture.source.rows = Array(rows(20).dropFirst())
            let record = try await fixture.run(RunOptions(), sync)
            #expect(record.operations.removed == 1 && fixture.account.records["k1"] == wanted)
        }
    }

    @Test func refusedRemovalIsTriedAgain() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        fixture.account.refuse { key, _ in key == "k1" ? noGood : nil }
        fixture.source.rows = Array(rows(20).dropFirst())
        let record = try await fixture.run(RunOptions(), mirror)
        #expect(record.operations.rejected == 1 && record.state == .completedWithRejections)
        fixture.account.refuse { _, _ in nil }
        #expect(try await fixture.run(RunOptions(), mirror).operations.removed == 1)
    }

    @Test func removalsGoOnAfterAKill() async throws {
        let fixture = try RunFixture(rows(200))
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows = Array(rows(200).dropFirst(15))
        let crash = CrashPoint(at: 12, only: .journalOpen)
        let dying = try fixture.environment(steps: crash.hook)
        _ = try? await RunSync(mirror, options: RunOptions(), environment: dying).run()
        #expect(crash.isDead && fixture.account.records.count > 185)
        let records = try await RunSync(mirror, options: RunOptions(), environment: try fixture.environment()).run()
        #expect(records.first?.operations.removed == 15 && records.first?.operations.removals == 15)
        #expect(fixture.account.records.count == 185 && fixture.account.removed.values.allSatisfy { $0 == 1 })
    }

    @Test func lostStateRefusesUntilReset() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), mirror)
        let folder = fixture.folder + "/state/syncs/things"
        for name in try Files.names(folder) where name.hasPrefix("snapshot") || name.hasPrefix("journal") {
            try Files.damage(folder + "/" + name)
        }
        #expect(try await fixture.run(RunOptions(), mirror).error?.code == "state_lost")
    }
}

/// Create only and delete.
struct CreateAndDeleteTests {
    @Test(arguments: [5, 100]) func whatIsThereIsSkippedAndRemembered(count: Int) async throws {
        let sync = things(behavior: .createOnly)
        let fixture = try RunFixture(rows(count))
        fixture.account.records = ["k1": "{}", "k2": "{}"]
        let first = try await fixture.run(RunOptions(), sync)
        #expect(first.rows.skipped == 2 && first.operations.created == count - 2)
        #expect(fixture.account.records["k1"] == "{}")
        let reads = fixture.account.singleReads + fixture.account.pagedReads
        fixture.source.rows = rows(count, "Bea")
        let second = try await fixture.run(RunOptions(), sync)
        #expect(second.rows.unchanged == count && second.rows.planned == 0)
        #expect(fixture.account.singleReads + fixture.account.pagedReads == reads)
    }

    @Test func planOfADeleteSyncSaysWhatARunWouldRemove() async throws {
        let sync = things(behavior: .delete, mappings: [])
        let fixture = try RunFixture(rows(2))
        let report = try await PlanSync(sync, options: RunOptions(), environment: fixture.environment())
            .plan(examplesMax: 0)
        #expect(report.promise == "remove 2 records" && report.operations.removed == 2)
        #expect(report.kinds.new == 0 && report.kinds.changed == 0 && report.kinds.removed == 2)
        let sent = try await PlanSync(things(), options: RunOptions(), environment: fixture.environment())
            .plan(examplesMax: 0)
        #expect(sent.promise == "send 2 records" && sent.kinds.new == 2 && sent.operations.removed == 0)
    }

    @Test func fewRowsOfADeleteSyncAreFoundByOneReadWhereOnlyTheListShowsThem() async throws {
        var object = SimulatedDestination.object(batchItemsMax: 5_000)
        object.keysFoundByList = ["externalId"]
        let fixture = try RunFixture(rows(5))
        for row in [1, 2, 4, 5, 6] { fixture.account.records["k\(row)"] = "{}" }
        let record = try await fixture.run(
            RunOptions(), things(behavior: .delete, mappings: []), in: fixture.environment(object: object))
        #expect(record.operations.removed == 4 && record.rows.skipped == 1)
        #expect(fixture.account.pagedReads == 1 && fixture.account.records.keys.sorted() == ["k6"])
    }

    @Test(arguments: [5, 100]) func rowsOfADeleteSyncAreRemovedOnce(count: Int) async throws {
        let sync = things(behavior: .delete, mappings: [])
        let fixture = try RunFixture(rows(count))
        for row in 1...count + 1 { fixture.account.records["k\(row)"] = "{}" }
        fixture.account.records["k3"] = nil
        let first = try await fixture.run(RunOptions(), sync)
        #expect(first.state == .succeeded && first.operations.removed + first.rows.skipped == count)
        #expect(fixture.account.records.keys.sorted() == ["k\(count + 1)"])
        let second = try await fixture.run(RunOptions(), sync)
        #expect(second.rows.unchanged == count && second.rows.planned == 0)
        // A row that vanishes and comes back is removed again.
        fixture.source.rows = Array(rows(count).dropFirst())
        #expect(try await fixture.run(RunOptions(), sync).operations.removals == 0)
        fixture.account.records["k1"] = "{}"
        fixture.source.rows = rows(count)
        #expect(try await fixture.run(RunOptions(), sync).operations.removed == 1)
        #expect(fixture.account.records["k1"] == nil)
    }
}
