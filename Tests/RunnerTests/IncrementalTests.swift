import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Datasets that are read from where the last run left off. The table in memory understands the two questions that are
/// asked of it.
struct IncrementalTests {
    private static let here = Location(file: "sluice.yaml", line: 1, column: 1)

    private func sync(
        _ complete: IncrementalDefinition.CompleteScan = .every(seconds: 86_400), overlap: Int = 0,
        behavior: Behavior = .updateOrCreate
    ) -> SyncDefinition {
        var sync = things(behavior: behavior, mappings: [("name", "name")])
        sync.dataset.incremental = IncrementalDefinition(
            column: "seats", overlap: .number(overlap), completeScan: complete, location: Self.here)
        return sync
    }

    @Test func onlyNewRowsAreReadAfterTheFirstRun() async throws {
        let fixture = try RunFixture((1...10).map { row("k\($0)", seats: $0) })
        #expect(try await fixture.run(RunOptions(), sync()).rows.scanned == 10)
        fixture.source.rows += [row("k11", seats: 11)]
        let record = try await fixture.run(RunOptions(), sync())
        #expect(record.rows.scanned == 2 && record.rows.unchanged == 1 && record.operations.created == 1)
        #expect(try await fixture.run(RunOptions(), sync()).rows.scanned == 1)
    }

    @Test func lateRowsWithinTheOverlapAreCaught() async throws {
        let fixture = try RunFixture((1...10).map { row("k\($0)", seats: $0 * 10) })
        try await fixture.run(RunOptions(), sync(overlap: 25))
        fixture.source.rows += [row("late", seats: 76), row("too late", seats: 74)]
        let record = try await fixture.run(RunOptions(), sync(overlap: 25))
        #expect(record.operations.created == 1 && fixture.account.records["late"] != nil)
        #expect(fixture.account.records["too late"] == nil)
    }

    @Test func aCompleteScanCatchesTheRestAndComesWhenItIsDue() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        try await fixture.run(RunOptions(), sync(.runs(3)))
        fixture.source.rows += [row("old", seats: 0)]
        #expect(try await fixture.run(RunOptions(), sync(.runs(3))).rows.scanned == 1)
        #expect(try await fixture.run(RunOptions(), sync(.runs(3))).rows.scanned == 1)
        #expect(try await fixture.run(RunOptions(), sync(.runs(3))).operations.created == 1)
        fixture.time.advance(by: .seconds(86_400))
        #expect(try await fixture.run(RunOptions(), sync()).rows.scanned == 6)
    }

    @Test func aClockThatWasSetBackMakesTheScanComplete() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        try await fixture.run(RunOptions(), sync())
        fixture.time.advance(by: .seconds(-365 * 86_400))
        #expect(try await fixture.run(RunOptions(), sync()).rows.scanned == 5)
        #expect(try await fixture.run(RunOptions(), sync()).rows.scanned == 1)
    }

    @Test func aRefusedRowIsCarriedUntilItIsAccepted() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        fixture.account.refuse { key, _ in key == "k2" ? noGood : nil }
        #expect(try await fixture.run(RunOptions(), sync()).operations.rejected == 1)
        fixture.source.rows += [row("k6", seats: 6)]
        let second = try await fixture.run(RunOptions(), sync())
        #expect(second.rows.scanned == 2 && second.rows.carried == 1 && second.operations.rejected == 1)
        #expect(second.operations.created == 1)
        fixture.account.refuse { _, _ in nil }
        let third = try await fixture.run(RunOptions(), sync())
        #expect(third.rows.carried == 1 && third.operations.created == 1 && third.state == .succeeded)
        #expect(try await fixture.run(RunOptions(), sync()).rows.carried == 0)
    }

    @Test func rowsThatWereNotTakenApartAreReadAgain() async throws {
        let fixture = try RunFixture((1...2_000).map { row("k\($0)", seats: $0) })
        fixture.account.attribution = .counted
        fixture.account.refuse { key, _ in Int(key.dropFirst()).map { $0 % 20 == 1 } == true ? nil : noGood }
        let first = try await fixture.run(RunOptions(), sync())
        #expect(first.state == .completedWithRejections && first.operations.undelivered > 0)
        fixture.account.refuse { _, _ in nil }
        let second = try await fixture.run(RunOptions(), sync())
        #expect(second.rows.scanned == 2_000 && second.state == .succeeded)
        #expect(second.operations.accepted == 2_000 - first.operations.accepted)
        #expect(try await fixture.run(RunOptions(), sync()).rows.scanned == 1)
    }

    @Test func aCarriedRowThatHasChangedIsTakenFromTheScan() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        fixture.account.refuse { key, payload in key == "k2" && payload.contains("Ann") ? noGood : nil }
        try await fixture.run(RunOptions(), sync())
        fixture.source.rows[1] = row("k2", "Bea", seats: 7)
        let record = try await fixture.run(RunOptions(), sync())
        #expect(record.rows.carried == 0 && record.operations.created == 1)
        #expect(fixture.account.records["k2"]?.contains("Bea") == true)
    }

    @Test func aCarriedRowIsNotSentOnceItsNewerRowIsInvalid() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        var sync = sync()
        sync.mappings = things().mappings
        fixture.account.refuse { key, _ in key == "k2" ? noGood : nil }
        try await fixture.run(RunOptions(), sync)
        fixture.source.rows[1]["seats"] = .integer(9)
        fixture.source.rows[1]["name"] = .bytes([0xFF])
        #expect(try await fixture.run(RunOptions(), sync).rows.invalid == 1)
        fixture.account.refuse { _, _ in nil }
        fixture.source.rows += [row("k6", seats: 20)]
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.rows.carried == 0 && fixture.account.records["k2"] == nil)
        fixture.source.rows[1] = row("k2", "Bea", seats: 21)
        #expect(try await fixture.run(RunOptions(), sync).operations.created == 1)
    }

    @Test func forgettingOneRecordLosesNoOthersWhereTheCarriedRowsAreDamaged() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        fixture.account.refuse { key, _ in ["k2", "k3"].contains(key) ? noGood : nil }
        #expect(try await fixture.run(RunOptions(), sync()).operations.rejected == 2)
        let carried = fixture.folder + "/state/syncs/things/carried"
        try Files.cut(carried, to: Files.size(carried) / 2)
        _ = try ForgetRecord(sync(), environment: try fixture.environment())
            .forget("k2", includingFingerprint: false, by: .commandLine)
        fixture.account.refuse { _, _ in nil }
        #expect(try await fixture.run(RunOptions(), sync()).rows.scanned == 5)
        #expect(fixture.account.records["k3"] != nil)
    }

    /// One byte in the middle of what was refused, with a whole head and a whole end.
    private func damageCarried(_ fixture: RunFixture) throws {
        try Files.damage(fixture.folder + "/state/syncs/things/carried", at: 64 + 40)
    }

    @Test(arguments: [false, true]) func damagedCarriedRowsAreReadAgain(full: Bool) async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        fixture.account.refuse { key, _ in ["k2", "k3"].contains(key) ? noGood : nil }
        #expect(try await fixture.run(RunOptions(), sync()).operations.rejected == 2)
        try damageCarried(fixture)
        var options = RunOptions()
        options.isFull = full
        let second = try await fixture.run(options, sync())
        #expect(second.rows.scanned == 5 && second.operations.rejected == 2, "\(second)")
        fixture.account.refuse { _, _ in nil }
        #expect(try await fixture.run(RunOptions(), sync()).operations.created == 2)
        #expect(fixture.account.records.count == 5)
    }

    @Test func whatIsDamagedWhileARunGoesIsReadByTheNext() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        fixture.account.refuse { key, _ in ["k2", "k3"].contains(key) ? noGood : nil }
        try await fixture.run(RunOptions(), sync())
        // Held, so that the next run has them nowhere but in that file.
        for _ in 1...10 { try await fixture.run(RunOptions(), sync()) }
        fixture.source.rows += [row("k6", seats: 6)]
        fixture.account.refuse { _, _ in nil }
        fixture.account.onWrite { _ in try? damageCarried(fixture) }
        let record = try await fixture.run(RunOptions(), sync())
        #expect(record.rows.scanned == 2 && record.rows.held == 2 && record.operations.created == 1, "\(record)")
        fixture.account.onWrite { _ in }
        #expect(try await fixture.run(RunOptions(), sync()).rows.scanned == 6)
        fixture.time.advance(by: .seconds(86_400))
        try await fixture.run(RunOptions(), sync())
        #expect(fixture.account.records.count == 6)
    }

    @Test func aRunThatFailedIsReadAgain() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        try await fixture.run(RunOptions(), sync())
        fixture.source.rows += [row("k6", seats: 6), row("k7", seats: 7)]
        fixture.account.fault { _, _ in .unauthorized }
        #expect(try await fixture.run(RunOptions(), sync()).state == .failed)
        fixture.account.fault { _, _ in .none }
        #expect(try await fixture.run(RunOptions(), sync()).operations.created == 2)
    }

    @Test func anIncrementalScanClaimsNoRemovals() async throws {
        let fixture = try RunFixture((1...20).map { row("k\($0)", seats: $0) })
        let mirror = sync(behavior: .mirror)
        try await fixture.run(RunOptions(), mirror)
        fixture.source.rows.removeFirst()
        #expect(try await fixture.run(RunOptions(), mirror).operations.removals == 0)
        fixture.time.advance(by: .seconds(86_400))
        #expect(try await fixture.run(RunOptions(), mirror).operations.removed == 1)
    }

    @Test func nothingNewIsNoReasonForAGuard() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        try await fixture.run(RunOptions(), sync())
        var blank = row("k9")
        blank["seats"] = .null
        fixture.source.rows = [blank]
        let record = try await fixture.run(RunOptions(), sync())
        #expect(record.state == .succeeded && record.rows.scanned == 0)
    }

    @Test func anotherDatasetOrMappingIsReadWhole() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0) })
        try await fixture.run(RunOptions(), sync())
        var other = sync()
        other.mappings = things().mappings
        #expect(try await fixture.run(RunOptions(), other).rows.scanned == 5)
        var elsewhere = other
        elsewhere.dataset.relation = .table(schema: nil, name: "others")
        #expect(try await fixture.run(RunOptions(), elsewhere).rows.scanned == 5)
    }

    @Test func aColumnThatDoesNotGrowIsRefused() async throws {
        let fixture = try RunFixture([row("k1")])
        var wrong = sync()
        wrong.dataset.incremental?.column = "name"
        #expect(try await fixture.run(RunOptions(), wrong).error?.code == "incremental_column")
    }

    /// A database without a largest value of such a type speaks of a query that nobody wrote.
    @Test func aColumnWithoutALargestValueIsNamedWithItsType() async throws {
        let fixture = try RunFixture([row("k1")])
        let said = SourceError(
            code: "sql_error", message: "function max(uuid) does not exist at line 1, column 8 of the query",
            hint: "Try psql.", disposition: .fixConfiguration)
        fixture.source.beforeBatch { _ in throw said }
        // A column that could grow has nothing to do with what went wrong.
        #expect(try await fixture.run(RunOptions(), sync()).error?.code == "sql_error")
        for (type, text) in [(ColumnType.uuid, "uuid"), (.boolean, "boolean"), (.json, "jsonb")] {
            fixture.source.columns[2] = Column(name: "seats", type: type, declaredType: text)
            let error = try #require(try await fixture.run(RunOptions(), sync()).error)
            #expect(error.code == "incremental_column" && !error.message.contains("max("))
            #expect(error.message.contains("Column seats of sync things has the type \(text)"), "\(error.message)")
            #expect(error.hint.contains("times, dates or whole numbers"))
        }
    }

    /// As SQLite keeps them.
    @Test func truthValuesThatAreKeptAsNumbersDoNotGrow() async throws {
        let fixture = try RunFixture([row("k1", seats: 1), row("k2", seats: 0)])
        #expect(try await fixture.run(RunOptions(), sync()).state == .succeeded)
        fixture.source.columns[2] = Column(name: "seats", type: .boolean, declaredType: "BOOLEAN")
        let error = try await fixture.run(RunOptions(), sync()).error
        #expect(error?.code == "incremental_column" && error?.message.contains("the type BOOLEAN") == true)
    }

    @Test func aRunSaysHowMuchItRead() async throws {
        let fixture = try RunFixture((1...3).map { row("k\($0)", seats: $0) })
        #expect(try await fixture.run(RunOptions(), sync()).effort?.scan == .complete)
        let record = try await fixture.run(RunOptions(), sync())
        #expect(record.effort?.scan == .recent)
        #expect(RunSentence.ended(record) == "Nothing had to be sent: 1 recent row read, none of them changed.")
        let plan = try await PlanSync(sync(), options: RunOptions(), environment: try fixture.environment())
            .plan(examplesMax: 0)
        #expect(plan.scan == .recent)
        #expect(try await fixture.run().effort?.scan == nil)
    }

    // MARK: Times

    /// Rows whose time lies so many seconds after the simulated clock's start.
    private func timed(_ rows: [(key: String, seconds: Int64)]) -> [SimulatedSource.Row] {
        rows.map { key, seconds in
            var made = row(key)
            made["seats"] = .timestamp((1_795_000_000 + seconds) * 1_000_000)
            return made
        }
    }

    private func timedSync(_ overlap: IncrementalDefinition.Overlap) -> SyncDefinition {
        var sync = sync()
        sync.dataset.incremental?.overlap = overlap
        return sync
    }

    @Test func oneRowOfTheFutureDoesNotHideTheOthersAndIsTold() async throws {
        let sync = timedSync(.seconds(60))
        let fixture = try RunFixture(timed([("k1", -7_200), ("k2", -3_600), ("future", 90 * 86_400)]))
        #expect(try await fixture.run(RunOptions(), sync).operations.created == 3)
        fixture.source.rows += timed([("late", -3_630), ("new", -60), ("too late", -3_700)])
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.operations.created == 2 && record.rows.scanned == 4)
        let told = fixture.progress.compactMap { if case .warned(let warning) = $0 { warning } else { nil } }
        #expect(told.first?.code == "incremental_ahead" && told.first?.message.contains("2027-02-") == true)
        // It is in the history too, where whoever was not there finds it.
        #expect(record.warnings.map(\.code) == ["incremental_ahead"])
        #expect(try fixture.environment().database.run(record.id)?.warnings == record.warnings)
    }

    @Test func onlyRowsOfTheFutureAreReadByEveryRun() async throws {
        let sync = timedSync(.seconds(60))
        let fixture = try RunFixture(timed([("k1", 7_200), ("k2", 7_300)]))
        try await fixture.run(RunOptions(), sync)
        fixture.source.rows += timed([("k3", 100)])
        #expect(try await fixture.run(RunOptions(), sync).operations.created == 1)
    }

    /// The same without a zone.
    private func local(_ rows: [(key: String, seconds: Int64)]) -> [SimulatedSource.Row] {
        timed(rows).map { row in
            var row = row
            if case .timestamp(let micros) = row["seats"] { row["seats"] = .localTimestamp(micros) }
            return row
        }
    }

    @Test func whereAllRowsAreOfTheFutureThoseThatComeBeforeThemAreRead() async throws {
        let sync = timedSync(.seconds(60))
        for make in [timed, local] {
            let fixture = try RunFixture(make([("future", 90 * 86_400)]))
            try await fixture.run(RunOptions(), sync)
            fixture.time.advance(by: .seconds(3_600))
            fixture.source.rows += make([("k1", 900), ("k2", 1_800), ("slow clock", -1_800)])
            let record = try await fixture.run(RunOptions(), sync)
            #expect(record.operations.created == 3 && record.effort?.scan == .recent)
        }
    }

    @Test func aTimeWithoutAZoneThatIsAheadOfUTCHidesNothing() async throws {
        let sync = timedSync(.seconds(60))
        let fixture = try RunFixture(local([("k1", -3_600), ("ahead", 13 * 3_600)]))
        try await fixture.run(RunOptions(), sync)
        fixture.time.advance(by: .seconds(3_600))
        fixture.source.rows += local([("k2", 1_800)])
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.operations.created == 1 && record.effort?.scan == .recent)
        // It may be the time of a place where it is later: nobody is told.
        #expect(!fixture.progress.contains { if case .warned = $0 { true } else { false } })
    }

    @Test func everythingIsReadWhereTheNewestValueFellBehind() async throws {
        let fixture = try RunFixture((1...5).map { row("k\($0)", seats: $0 * 10) })
        try await fixture.run(RunOptions(), sync(overlap: 5))
        fixture.source.rows[4]["seats"] = .integer(45)
        #expect(try await fixture.run(RunOptions(), sync(overlap: 5)).effort?.scan == .recent)
        fixture.source.rows.removeLast(2)
        fixture.source.rows += [row("k6", seats: 30)]
        let record = try await fixture.run(RunOptions(), sync(overlap: 5))
        #expect(record.effort?.scan == .complete && record.operations.created == 1)
        #expect(try await fixture.run(RunOptions(), sync(overlap: 5)).effort?.scan == .recent)
    }

    @Test func aPlanThatIsSentLaterTellsOfNoTimesThatHavePassed() async throws {
        let sync = timedSync(.seconds(60))
        let fixture = try RunFixture(timed([("k1", -60)]))
        let path = fixture.folder + "/a.plan"
        _ = try await PlanSync(sync, options: RunOptions(), environment: try fixture.environment())
            .plan(examplesMax: 0, out: path)
        fixture.time.advance(by: .seconds(4 * 3_600))
        fixture.source.rows = timed([("k1", 3 * 3_600)])
        var options = RunOptions()
        options.reviewed = try ReviewedPlan(path: path)
        #expect(try await fixture.run(options, sync).operations.created == 1)
        #expect(!fixture.progress.contains { if case .warned = $0 { true } else { false } })
    }

    @Test func aClockThatIsALittleAheadIsNotTold() async throws {
        let fixture = try RunFixture(timed([("k1", 30)]))
        try await fixture.run(RunOptions(), timedSync(.seconds(60)))
        #expect(!fixture.progress.contains { if case .warned = $0 { true } else { false } })
    }

    @Test func anOverlapOfAnotherKindThanTheColumnIsRefused() async throws {
        let numbers = try RunFixture([row("k1", seats: 5)])
        let wrong = try await numbers.run(RunOptions(), timedSync(.seconds(600))).error
        #expect(wrong?.code == "incremental_column" && wrong?.hint.contains("whole number") == true)
        #expect(try await numbers.run(RunOptions(), timedSync(.seconds(0))).state == .succeeded)
        let times = try RunFixture(timed([("k1", -5)]))
        let other = try await times.run(RunOptions(), timedSync(.number(600))).error
        #expect(other?.code == "incremental_column" && other?.hint.contains("10m") == true)
    }
}
