import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// A column that was dropped and put back is null in every row; nothing else about the dataset tells it. A run that would empty
/// its field everywhere asks first.
struct ClearedFieldTests {
    private func begun(
        _ rows: [SimulatedSource.Row], _ definition: SyncDefinition = things()
    ) async throws -> RunFixture {
        let fixture = try RunFixture(rows)
        #expect(try await fixture.run(RunOptions(), definition).state == .succeeded)
        return fixture
    }

    private func empty(_ fixture: RunFixture, _ column: String = "seats") {
        for index in fixture.source.rows.indices { fixture.source.rows[index][column] = .null }
    }

    private func blank(_ id: String, _ name: String = "Ann") -> SimulatedSource.Row {
        ["id": .text(id), "name": .text(name), "seats": .null]
    }

    @Test func columnThatWasPutBackEmptyStopsTheRunBeforeItEmptiesItsField() async throws {
        let fixture = try await begun(rows(20))
        empty(fixture)
        let stopped = try await fixture.run()
        #expect(stopped.state == .stoppedByGuard && stopped.guard?.name == "cleared")
        let words = stopped.guard?.message ?? ""
        #expect(words.contains("seats") && words.contains("20 of 20"), "\(words)")
        #expect(words.contains("100 %, at most 10 %"), "\(words)")
        #expect(fixture.account.records["k1"] == payload("k1"))
        // As long as nobody accepts it, the next run asks too; and once the values are back there is nothing to ask.
        #expect(try await fixture.run().guard?.name == "cleared")
        fixture.source.rows = rows(20)
        #expect(try await fixture.run().rows.unchanged == 20)
    }

    @Test func whatWasAcceptedIsNotAskedAgain() async throws {
        let fixture = try await begun(rows(20))
        empty(fixture)
        _ = try await fixture.run()
        #expect(try await fixture.run(accepting: ["cleared"]).operations.updated == 20)
        #expect(fixture.account.records["k1"]?.contains("\"seats\":null") == true)
        for index in fixture.source.rows.indices { fixture.source.rows[index]["name"] = .text("Bea") }
        #expect(try await fixture.run().operations.updated == 20)
    }

    @Test func planTellsIt() async throws {
        let fixture = try await begun(rows(20))
        empty(fixture)
        let report = try await PlanSync(things(), options: RunOptions(), environment: fixture.environment())
            .plan(examplesMax: 0)
        #expect(report.guardRecord?.name == "cleared")
        #expect(report.guardRecord?.hint.contains("--accept-guard cleared") == true)
    }

    @Test func columnThatNeverHadAValueIsNoMatter() async throws {
        let fixture = try await begun((1...20).map { blank("k\($0)") })
        fixture.source.rows = (1...20).map { blank("k\($0)", "Bea") }
        #expect(try await fixture.run().operations.updated == 20)
    }

    @Test func columnThatFewRowsFillIsNoMatterWhileTheyFillIt() async throws {
        let sparse = [row("k1"), row("k2")] + (3...20).map { blank("k\($0)") }
        let fixture = try await begun(sparse)
        fixture.source.rows = sparse.prefix(2) + (3...20).map { blank("k\($0)", "Bea") }
        #expect(try await fixture.run().operations.updated == 18)
    }

    @Test func fieldOfAFewRecordsIsEmptiedWithoutAQuestion() async throws {
        let fixture = try await begun(rows(5))
        empty(fixture)
        #expect(try await fixture.run().operations.updated == 5)
    }

    @Test func fieldOfATenthOfTheRecordsIsEmptiedWithoutAQuestion() async throws {
        // Of a column that a tenth of the rows filled, and none fills any more.
        let fixture = try await begun((1...6).map { row("k\($0)") } + (7...60).map { blank("k\($0)") })
        empty(fixture)
        #expect(try await fixture.run().operations.updated == 6)
    }

    @Test func fieldThatANullLeavesAloneIsNoMatter() async throws {
        var skipping = things()
        skipping.mappings[1].source = .column("seats", lookup: nil, nulls: .skip)
        let fixture = try await begun(rows(20), skipping)
        empty(fixture)
        #expect(try await fixture.run(RunOptions(), skipping).state == .succeeded)
    }

    /// A file that was imported has blanks where it has nothing; a field is as empty by them.
    @Test func columnOfBlanksIsAsEmptyAsOneOfNulls() async throws {
        let fixture = try await begun(rows(20))
        for index in fixture.source.rows.indices { fixture.source.rows[index]["seats"] = .text(" ") }
        #expect(try await fixture.run().guard?.name == "cleared")
    }

    /// The run that a person lets pass one guard is stopped by the other, and goes on once that is accepted too.
    @Test func guardsThatAreAcceptedOneAfterTheOtherComeToAnEnd() async throws {
        let fixture = try await begun(rows(20))
        empty(fixture)
        fixture.source.columns[2].declaredType = "NUMERIC"
        #expect(try await fixture.run().guard?.all.map(\.name) == ["cleared", "schema_change"])
        #expect(try await fixture.run(accepting: ["cleared"]).guard?.all.map(\.name) == ["schema_change"])
        #expect(try await fixture.run(accepting: ["schema_change"]).operations.updated == 20)
    }

    @Test func newRecordsWithValuesDoNotHideThatTheOthersLoseTheirs() async throws {
        let fixture = try await begun(rows(20))
        empty(fixture)
        fixture.source.rows.append(row("k21"))
        #expect(try await fixture.run().guard?.name == "cleared")
    }

    @Test func oneRecordThatKeepsItsValueSaysThatTheColumnIsFilled() async throws {
        let fixture = try await begun(rows(20))
        empty(fixture)
        fixture.source.rows[7]["seats"] = .integer(1)
        #expect(try await fixture.run().operations.updated == 19)
    }

    @Test func shareOfAHundredSwitchesItOff() async throws {
        var definition = things()
        definition.guards.clearedPercentMax = 100
        let fixture = try await begun(rows(20), definition)
        empty(fixture)
        #expect(try await fixture.run(RunOptions(), definition).operations.updated == 20)
    }

    @Test func fullRunAfterAnEditedMappingAsksToo() async throws {
        let fixture = try await begun(rows(20))
        empty(fixture)
        let stopped = try await fixture.run(RunOptions(), things(mappings: [("seats", "seats")]))
        #expect(stopped.guard?.name == "cleared" && stopped.fullReason == "mapping_changed", "\(stopped)")
    }

    @Test func everyGuardThatSpeaksIsNamedWithItsFigures() async throws {
        let fixture = try await begun(rows(20))
        empty(fixture)
        fixture.source.columns[2].declaredType = "NUMERIC"
        let keyless: SimulatedSource.Row = ["id": .null, "name": .text("Ann"), "seats": .null]
        fixture.source.rows += Array(repeating: keyless, count: 21)
        let report = try await PlanSync(things(), options: RunOptions(), environment: fixture.environment())
            .plan(examplesMax: 0)
        let record = try await fixture.run()
        #expect(record.guard == report.guardRecord)
        let all = try #require(record.guard?.all)
        #expect(all.map(\.name) == ["invalid", "cleared", "schema_change"])
        #expect(all[0].message.contains("21 of 41") && all[2].message.contains("20 of 20"))
        let way = "--accept-guard invalid --accept-guard cleared --accept-guard schema_change."
        #expect(all.allSatisfy { $0.hint.hasSuffix(way) })
        let stored = try fixture.environment().database.run(record.id)
        #expect(stored?.guard == record.guard)
        let accepted = try await fixture.run(accepting: ["invalid", "cleared", "schema_change"])
        #expect(accepted.operations.updated == 20 && accepted.rows.invalid == 21)
    }
}
