import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Update only: what is not at the destination is skipped and looked for again.
struct UpdateOnlyTests {
    private let sync = things(behavior: .updateOnly)

    @Test func onlyRecordsThatExistAreUpdated() async throws {
        let fixture = try RunFixture(rows(5))
        fixture.account.records = ["k2": "{}", "k4": "{}", "z": "{}"]
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.state == .succeeded)
        #expect(record.rows.skipped == 3 && record.rows.planned == 2 && record.operations.updated == 2)
        #expect(record.reasons.isEmpty)
        #expect(try fixture.outcomes(record, .skipped) == ["k1", "k3", "k5"])
        #expect(fixture.account.records["k1"] == nil && fixture.account.records["k2"] == payload("k2"))
    }

    @Test func skippedRecordIsLookedForAgain() async throws {
        let fixture = try RunFixture(rows(2))
        fixture.account.records = ["k2": "{}"]
        try await fixture.run(RunOptions(), sync)
        #expect(try await fixture.run(RunOptions(), sync).rows.skipped == 1)
        fixture.account.records["k1"] = "{}"
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.rows.unchanged == 1 && record.operations.updated == 1)
    }

    @Test func fewCandidatesAreReadOneByOne() async throws {
        let fixture = try RunFixture(rows(20))
        try await fixture.run(RunOptions(), sync)
        #expect(fixture.account.singleReads == 20 && fixture.account.pagedReads == 0)
    }

    @Test func manyCandidatesAreReadInOneGo() async throws {
        let fixture = try RunFixture(rows(21))
        fixture.account.records = Dictionary(uniqueKeysWithValues: rows(300).indices.map { ("k\($0 + 11)", "{}") })
        let record = try await fixture.run(RunOptions(), sync)
        #expect(fixture.account.singleReads == 0 && fixture.account.pagedReads == 1)
        #expect(record.rows.skipped == 10 && record.operations.updated == 11)
    }

    @Test func nothingChangedReadsNothing() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.records = ["k1": "{}", "k2": "{}", "k3": "{}"]
        try await fixture.run(RunOptions(), sync)
        let reads = fixture.account.singleReads
        #expect(try await fixture.run(RunOptions(), sync).rows.unchanged == 3)
        #expect(fixture.account.singleReads == reads)
    }

    @Test func readThatFailsFailsTheRunAndSendsNothing() async throws {
        let fixture = try RunFixture(rows(3))
        fixture.account.readError = ConnectorError(
            code: "forbidden", message: "May not read.", hint: "Let it.", disposition: .fixConfiguration)
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.state == .failed && record.error?.code == "forbidden")
        #expect(fixture.account.requests.isEmpty && record.rows == RowLedger())
    }

    @Test func readIsRepeatedAndGivesUpAfterSevenTries() async throws {
        let fixture = try RunFixture(rows(1))
        fixture.account.readError = ConnectorError(
            code: "server_error", message: "Busy.", hint: "Wait.", disposition: .retry(after: nil))
        #expect(try await fixture.run(RunOptions(), sync).error?.code == "server_error")
        #expect(fixture.account.singleReads == 7)
    }

    @Test func duplicatesAreInvalidAndNotLookedFor() async throws {
        let fixture = try RunFixture(rows(3) + [row("k1", "Bea")])
        fixture.account.records = ["k1": "{}", "k2": "{}"]
        let record = try await fixture.run(RunOptions(), sync)
        #expect(record.rows.invalid == 2 && record.rows.skipped == 1 && record.operations.updated == 1)
        #expect(fixture.account.singleReads == 2)
    }
}
