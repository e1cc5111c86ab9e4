import ConnectorKit
import ProjectConfig
import Records
import Runner
import StateStore
import TestKit
import Testing

/// Rows that share a key: none is sent, all are named, whatever the first of them would have been.
struct DuplicateTests {
    private func twice(_ rows: [SimulatedSource.Row], scanning size: Int, _ fixture: RunFixture) async throws {
        fixture.source.rows = rows
        fixture.source.batchRowsMax = size
        let record = try await fixture.run()
        let shared = rows.filter { $0["id"] == .text("k1") }.count
        #expect(record.rows.invalid == shared)
        #expect(record.reasons.contains { $0.code == "duplicate_key" && $0.count == shared })
        #expect(try fixture.outcomes(record, .invalid) == Array(repeating: "k1", count: shared))
        #expect(!fixture.account.requests.dropFirst().contains { $0.keys.contains("k1") })
    }

    @Test(arguments: [1, 2, 64])
    func newKeysThatAreSharedAreAllInvalid(size: Int) async throws {
        let fixture = try RunFixture(rows(4))
        try await fixture.run()
        fixture.source.rows = rows(4) + [row("n1"), row("n2"), row("n1", "Bea"), row("n1")]
        fixture.source.batchRowsMax = size
        let record = try await fixture.run()
        #expect(record.rows.invalid == 3 && record.rows.planned == 1 && record.rows.unchanged == 4)
        #expect(try fixture.outcomes(record, .invalid) == ["n1", "n1", "n1"])
        #expect(fixture.account.records["n1"] == nil && fixture.account.records["n2"] != nil)
    }

    @Test(arguments: [1, 2, 64])
    func knownKeyIsInvalidWhereTheFirstRowWasUnchanged(size: Int) async throws {
        let fixture = try RunFixture(rows(4))
        try await fixture.run()
        try await twice(rows(4) + [row("k1", "Bea")], scanning: size, fixture)
        try await twice(rows(4) + [row("k1"), row("k1")], scanning: size, fixture)
    }

    @Test(arguments: [1, 2, 64])
    func knownKeyIsInvalidWhereTheFirstRowWasPlanned(size: Int) async throws {
        let fixture = try RunFixture(rows(4))
        try await fixture.run()
        try await twice([row("k1", "Bea"), row("k1", "Cil"), row("k2"), row("k3"), row("k4")], scanning: size, fixture)
        try await twice(
            [row("k1", "Bea"), row("k1"), row("k1", "Cil"), row("k2"), row("k3"), row("k4")], scanning: size, fixture)
        try await twice(
            [row("k1", "Bea"), row("k1", "Cil"), row("k1"), row("k2"), row("k3"), row("k4")], scanning: size, fixture)
    }

    @Test(arguments: [1, 2, 64])
    func keyIsInvalidWhereTheFirstRowWasHeld(size: Int) async throws {
        for known in [true, false] {
            let fixture = try RunFixture(known ? rows(5) : Array(rows(5).dropFirst()))
            try await fixture.run()
            fixture.account.refuse { key, _ in key == "k1" ? noGood : nil }
            fixture.source.rows = [row("k1", "Bea")] + rows(5).dropFirst()
            for _ in 1...10 { try await fixture.run() }
            #expect(try await fixture.run().rows.held == 1)
            fixture.source.rows.append(row("k1", "Bea"))
            fixture.source.batchRowsMax = size
            let record = try await fixture.run()
            #expect(record.rows.invalid == 2 && record.rows.held == 0 && record.rows.planned == 0)
            #expect(try fixture.outcomes(record, .invalid) == ["k1", "k1"])
        }
    }

    @Test func keyIsSentAgainOnceItIsUnique() async throws {
        let fixture = try RunFixture(rows(4) + [row("k1", "Bea")])
        #expect(try await fixture.run().operations.created == 3)
        fixture.source.rows = rows(4)
        let record = try await fixture.run()
        #expect(record.state == .succeeded && record.operations.created == 1)
        #expect(fixture.account.created.values.allSatisfy { $0 == 1 })
    }

    @Test func sharedKeyIsFoundAlsoByAFullRun() async throws {
        let fixture = try RunFixture(rows(6))
        try await fixture.run()
        fixture.source.rows += [row("k2")]
        let record = try await fixture.run(full: true)
        #expect(record.rows.invalid == 2 && record.operations.accepted == 5)
    }

    @Test func keysThatDifferInCaseAreOneWhereTheDestinationSaysSo() async throws {
        let fixture = try RunFixture([
            row("Ann@x.io"), row("ann@x.io", "Bea"), row("bea@x.io"), row("c@x.io"), row("d"),
        ])
        let byEmail = things(key: .init(columns: ["id"], field: "email", location: things().location))
        let record = try await fixture.run(RunOptions(), byEmail)
        #expect(record.rows.invalid == 2 && record.operations.created == 3)
    }
}
