import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import Synchronization
import TestKit
import Testing

/// A limit counts rows that are sent: a row that is struck out uses no place up, and what comes after the last one that is
/// sent is left for a later run.
struct LimitTests {
    private func limited(_ count: Int) -> RunOptions {
        var options = RunOptions()
        options.limit = count
        return options
    }

    @Test(arguments: [1, 64]) func rowsThatShareAKeyUseNoPlaceUp(size: Int) async throws {
        let fixture = try RunFixture([row("d"), row("d", "Bea"), row("k1"), row("k2")])
        fixture.source.batchRowsMax = size
        let record = try await fixture.run(limited(1))
        #expect(record.rows.invalid == 2 && record.rows.planned == 1 && record.rows.deferred == 1)
        #expect(fixture.account.requests.map(\.keys) == [["k1"]])
        #expect(try await fixture.run(limited(1)).operations.created == 1)
        #expect(fixture.account.records.keys.sorted() == ["k1", "k2"])
    }

    @Test func allRowsThatShareAKeyAreInvalidAlsoBeyondTheLimit() async throws {
        let fixture = try RunFixture([row("k1"), row("d"), row("d", "Bea"), row("d", "Cid")] + rows(5).dropFirst())
        let record = try await fixture.run(limited(1))
        #expect(record.rows.invalid == 3 && record.rows.planned == 1 && record.rows.deferred == 4)
        #expect(try fixture.outcomes(record, .invalid) == ["d", "d", "d"])
    }

    @Test func knownRowsThatShareAKeyAreInvalidBeyondTheLimitToo() async throws {
        let fixture = try RunFixture(rows(4))
        try await fixture.run()
        fixture.source.rows = rows(4, "Bea") + [row("k4", "Cid")]
        let record = try await fixture.run(limited(1))
        #expect(record.rows.invalid == 2 && record.rows.planned == 1 && record.rows.deferred == 2)
    }

    @Test(arguments: [5, 60]) func updatesOnlySendAsManyAsExist(count: Int) async throws {
        let fixture = try RunFixture(rows(count))
        fixture.account.records = ["k\(count - 1)": "{}", "k\(count)": "{}"]
        let record = try await fixture.run(limited(2), things(behavior: .updateOnly))
        #expect(record.operations.updated == 2 && record.rows.skipped == count - 2 && record.rows.deferred == 0)
        #expect(record.state == .succeeded)
    }

    @Test func nobodyIsAskedAboutWhatComesAfterTheLastRowThatIsSent() async throws {
        let fixture = try RunFixture(rows(60))
        fixture.account.records = Dictionary(uniqueKeysWithValues: (3...60).map { ("k\($0)", "{}") })
        let record = try await fixture.run(limited(1), things(behavior: .updateOnly))
        #expect(record.rows.skipped == 2 && record.rows.planned == 1 && record.rows.deferred == 57)
        #expect(fixture.account.requests.map(\.keys) == [["k3"]])
        #expect(fixture.account.singleReads == 20 && fixture.account.pagedReads == 0)
    }

    @Test(arguments: [5, 60]) func createsOnlySendAsManyAsAreNew(count: Int) async throws {
        let fixture = try RunFixture(rows(count))
        fixture.account.records = Dictionary(uniqueKeysWithValues: (1...count - 3).map { ("k\($0)", "{}") })
        let sync = things(behavior: .createOnly)
        let record = try await fixture.run(limited(2), sync)
        #expect(record.operations.created == 2 && record.rows.skipped == count - 3 && record.rows.deferred == 1)
        let next = try await fixture.run(limited(2), sync)
        #expect(next.operations.created == 1 && next.rows.unchanged == count - 1 && next.rows.deferred == 0)
    }

    /// The plan has many blocks, and what is remembered of each is written behind the last.
    @Test(arguments: [nil, 10] as [Int?]) func whatIsThereIsRememberedAlsoInALongPlan(limit: Int?) async throws {
        let fixture = try RunFixture(rows(95))
        let there = (1...95).filter { $0 % 2 == 1 }
        fixture.account.records = Dictionary(uniqueKeysWithValues: there.map { ("k\($0)", "{}") })
        let sync = things(behavior: .createOnly)
        let environment = try fixture.environment(object: SimulatedDestination.object(batchItemsMax: 7))
        var options = RunOptions()
        options.limit = limit
        let record = try await fixture.run(options, sync, in: environment)
        #expect(record.operations.created == limit ?? 47 && record.rows.skipped == limit ?? 48)
        #expect(record.rows.deferred == (limit == nil ? 0 : 75))
        let (requests, reads) = (fixture.account.requests.count, fixture.account.pagedReads)
        let next = try await fixture.run(RunOptions(), sync, in: environment)
        #expect(next.rows.unchanged == 2 * (limit ?? 0) || next.rows.unchanged == 95)
        #expect(next.operations.created == (limit == nil ? 0 : 37))
        #expect(limit != nil || fixture.account.requests.count == requests && fixture.account.pagedReads == reads)
        #expect(try await fixture.run(RunOptions(), sync, in: environment).rows.unchanged == 95)
        #expect(fixture.account.records.count == 95 && fixture.account.records["k1"] == "{}")
    }

    @Test func deletesRemoveTheFirstThatAreThere() async throws {
        let fixture = try RunFixture(rows(60))
        fixture.account.records = Dictionary(uniqueKeysWithValues: (11...60).map { ("k\($0)", "{}") })
        let record = try await fixture.run(limited(25), things(behavior: .delete, mappings: []))
        #expect(record.rows.skipped == 10 && record.rows.planned == 25 && record.rows.deferred == 25)
        #expect(record.operations.removed == 25 && fixture.account.records.count == 25)
    }

    @Test(arguments: [6, 50]) func rowsWhoseRecordIsMissingUseNoPlaceUp(count: Int) async throws {
        let fixture = try RunFixture(rows(count))
        fixture.account.people = (3...count).map { ["_id": "p\($0)", "email": "k\($0)"] }
        let environment = try fixture.environment(object: NeedsTests.measure)
        let record = try await fixture.run(limited(1), NeedsTests.sync, in: environment)
        #expect(record.operations.sent == 1 && record.rows.invalid == 2 && record.rows.deferred == count - 3)
        #expect(fixture.account.events.count == 1)
    }

    @Test func mirrorSendsTheFirstAndRemovesNothing() async throws {
        let fixture = try RunFixture(rows(10))
        let sync = things(behavior: .mirror)
        try await fixture.run(RunOptions(), sync)
        fixture.source.rows = [row("d"), row("d", "Bea")] + rows(8, "Bea")
        let record = try await fixture.run(limited(3), sync)
        #expect(record.rows.planned == 3 && record.rows.invalid == 2 && record.rows.deferred == 5)
        #expect(record.operations.removals == 0 && fixture.account.records.count == 10)
    }

    @Test func rowThatCannotBeCastIsInvalidOnlyBeforeTheLastOneThatIsSent() async throws {
        func bad(_ id: String) -> SimulatedSource.Row { row(id).merging(["seats": .text("many")]) { $1 } }
        let fixture = try RunFixture([bad("b1"), row("k1"), bad("b2"), row("k2"), bad("b3")])
        let first = try await fixture.run(limited(1))
        #expect(first.rows.invalid == 1 && first.rows.planned == 1 && first.rows.deferred == 3)
        // A shared key moves the last row that is sent beyond one that had looked to stand after it.
        // Nothing is left beyond the limit once the shared key is struck out: what cannot be cast is not sent either.
        let few = try RunFixture([row("d"), row("d"), bad("b2")])
        let none = try await few.run(limited(1))
        #expect(none.operations.sent == 0 && few.account.requests.isEmpty && none.rows.invalid >= 2, "\(none.rows)")
        let other = try RunFixture([row("d"), bad("b2"), row("d"), row("k2"), bad("b3"), row("k3"), row("k4")])
        let record = try await other.run(limited(1))
        #expect(record.rows.invalid == 3 && record.rows.planned == 1 && record.rows.deferred == 3)
        #expect(try other.outcomes(record, .invalid) == ["b2", "d", "d"])
        #expect(record.reasons.map(\.code).contains("duplicate_key"))
    }

    @Test func rowsThatCannotBeCastAreCountedAndNamedHoweverManyThereAre() async throws {
        func bad(_ number: Int) -> SimulatedSource.Row { row("b\(number)").merging(["seats": .text("many")]) { $1 } }
        let shared = [row("d"), row("d"), row("e"), row("e"), row("f"), row("f")]
        let fixture = try RunFixture(shared + (1...5_000).map { bad($0) } + [row("k1"), row("k2"), bad(5_001)])
        fixture.source.batchRowsMax = 1_000
        var options = limited(1)
        options.acceptedGuards = ["invalid"]
        let record = try await fixture.run(options)
        // None stood after the one that is sent once the shared keys were struck out.
        #expect(record.rows.invalid == 5_006 && record.rows.planned == 1 && record.rows.deferred == 2)
        #expect(record.reasons.contains { $0.code == "duplicate_key" && $0.count == 6 })
        #expect(record.reasons.contains { $0.code == "cannot_cast" && $0.count == 5_000 }, "\(record.reasons)")
        #expect(fixture.account.requests.map(\.keys) == [["k1"]])
        #expect(try fixture.outcomes(record, .invalid).count == 1_000)
    }

    /// All before it are invalid too where it is, and so many are named.
    @Test func onlyOfRowsThatMayBeNamedIsTheWholeReasonKept() throws {
        let reason = Reason(code: "cannot_cast", message: String(repeating: "x", count: 300), hint: "Correct it.")
        let (last, next) = (OutcomeSink.keptMax - 1, OutcomeSink.keptMax)
        #expect(try SetAsideRow.payload(reason, number: last).count > 300)
        #expect(try SetAsideRow.payload(reason, number: next).count < 60)
    }

    @Test func limitThatIsLargerThanThePlanLeavesNothing() async throws {
        let fixture = try RunFixture(rows(4))
        let record = try await fixture.run(limited(4))
        #expect(record.rows.planned == 4 && record.rows.deferred == 0)
        #expect(try await fixture.run(limited(9)).rows.unchanged == 4)
    }

    /// What a plan takes nobody knows before the scan, so a run with room for the beginning may find too little later.
    @Test(arguments: [Behavior.updateOrCreate, .updateOnly])
    func planThatWouldFillTheDiskFailsTheRunBeforeAnythingIsSent(_ behavior: Behavior) async throws {
        let text = String(repeating: "x", count: 1 << 20)
        let fixture = try RunFixture(rows(40, text))
        fixture.account.records = ["k40": "{}"]
        fixture.source.batchRowsMax = 4
        let looks = Mutex(0)
        var steps = FileSteps.none
        steps.freeBytes = { _ in
            let isFirst = looks.withLock { looks in
                looks += 1
                return looks == 1
            }
            return isFirst ? DiskRoom.leftMin : DiskRoom.leftMin - 1
        }
        let record = try await fixture.run(
            limited(1), things(behavior: behavior), in: try fixture.environment(steps: steps))
        #expect(record.state == .failed && record.error?.code == "disk_full")
        #expect(fixture.account.requests.isEmpty && looks.withLock { $0 } == 2)
        #expect(try fixture.environment().state.plannedRuns().isEmpty)
        let next = try await fixture.run(limited(1), things(behavior: behavior))
        #expect(next.operations.accepted == 1 && next.state == .succeeded)
    }

    private func bad(_ id: String) -> SimulatedSource.Row { row(id).merging(["seats": .text("many")]) { $1 } }

    /// More rows than a run limited to one maps.
    private static let many = LimitReserve.rowsBesides + 100

    @Test(arguments: [true, false])
    func rowsFarBeyondTheLimitAreCountedAndNamedAsThoseBeforeIt(known: Bool) async throws {
        let fixture = try RunFixture(rows(Self.many) + [row("bad"), row("d")])
        fixture.source.batchRowsMax = 5_000
        if known { try await fixture.run() }
        fixture.source.rows = rows(Self.many, "Bea") + [bad("bad"), row("d", "Bea"), row("d", "Bea")]
        let record = try await fixture.run(limited(1))
        #expect(record.rows.planned == 1 && record.rows.invalid == 2 && record.rows.deferred == Self.many)
        #expect(try fixture.outcomes(record, .invalid) == ["d", "d"])
        #expect(fixture.account.requests.last?.keys == ["k1"])
        #expect(fixture.source.scans == (known ? 2 : 1))
        let rest = try await fixture.run()
        #expect(rest.rows.planned == Self.many - 1 && rest.rows.invalid == 3 && rest.rows.unchanged == 1)
        #expect(fixture.account.records["k\(Self.many)"] == payload("k\(Self.many)", "Bea"))
    }

    @Test func whereTheMappedRowsShareTheirKeysAllAreMapped() async throws {
        let twins = rows(LimitReserve.rowsBesides / 2 + 1).flatMap { [$0, $0] }
        let fixture = try RunFixture(twins + [bad("bad"), row("n1"), row("n2"), bad("late")])
        fixture.source.batchRowsMax = 5_000
        var options = limited(1)
        options.acceptedGuards = ["invalid"]
        let record = try await fixture.run(options)
        #expect(record.rows.planned == 1 && record.rows.deferred == 2 && record.rows.invalid == twins.count + 1)
        #expect(fixture.account.requests.map(\.keys) == [["n1"]] && fixture.source.scans == 2)
        #expect(record.reasons.contains { $0.code == "duplicate_key" && $0.count == twins.count })
        #expect(record.reasons.contains { $0.code == "cannot_cast" && $0.count == 1 })
        // Nothing of the first scan is left in the history.
        #expect(try fixture.outcomes(record, .invalid).count == 1_000 && record.rows.scanned == twins.count + 4)
    }

    @Test func oneMappedRowThatIsLeftIsEnough() async throws {
        let twins = rows(LimitReserve.rowsBesides / 2).flatMap { [$0, $0] }
        let fixture = try RunFixture(twins + [row("n1"), row("n2"), row("n3")])
        fixture.source.batchRowsMax = 5_000
        var options = limited(1)
        options.acceptedGuards = ["invalid"]
        let record = try await fixture.run(options)
        #expect(record.rows.planned == 1 && record.rows.deferred == 2 && fixture.source.scans == 1)
        #expect(fixture.account.requests.map(\.keys) == [["n1"]])
    }

    @Test func rowsFarBeyondTheLimitTakeNoRoomForWhatIsSent() async throws {
        let text = String(repeating: "x", count: 1 << 20)
        let large = (1...40).map { row("large\($0)", text) }
        let fixture = try RunFixture(rows(Self.many) + large)
        fixture.source.batchRowsMax = 5_000
        var steps = FileSteps.none
        let looks = Mutex(0)
        steps.freeBytes = { _ in
            looks.withLock { $0 += 1 }
            return DiskRoom.leftMin
        }
        let record = try await fixture.run(limited(1), in: try fixture.environment(steps: steps))
        #expect(record.operations.accepted == 1 && record.rows.deferred == Self.many + 39)
        // Once before planning: the plan never grew by what is looked for again.
        #expect(looks.withLock { $0 } == 1)
    }

    @Test func aLimitMayBeAsLargeAsNumbersAre() async throws {
        let fixture = try RunFixture(rows(3))
        #expect(try await fixture.run(limited(.max)).operations.created == 3)
    }

    @Test func planOfALimitedRunTakesTheRoomOfWhatIsSent() async throws {
        let fixture = try RunFixture(rows(20_000))
        try await fixture.run(limited(1))
        let path = try fixture.environment().state.planPath(run: 1)
        #expect(try Files.size(path) < 1 << 20)
    }
}
