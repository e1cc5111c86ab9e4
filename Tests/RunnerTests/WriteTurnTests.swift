import Records
import Runner
import StateStore
import Testing

/// Writes to one object follow one another, and a run of chosen records speaks of them alone.
struct WriteTurnTests {
    @Test func turnIsTakenByOneAtATime() throws {
        let fixture = try RunFixture()
        let turn = WriteTurn(path: fixture.folder + "/turn.lock")
        let held = try #require(try turn.take())
        #expect(try WriteTurn(path: fixture.folder + "/turn.lock").take() == nil)
        held.release()
        try #require(try turn.take()).release()
    }

    @Test func rowsThatWereNotAskedForDoNotMakeAChosenRunIncomplete() async throws {
        let fixture = try RunFixture([row("k1"), row(nil), row("k2"), row("k2"), row("k3")])
        var options = RunOptions()
        options.onlyKeys = ["k1"]
        let record = try await fixture.run(options)
        #expect(record.state == .succeeded && record.operations.accepted == 1)
        #expect(record.rows.deferred == 4 && record.rows.invalid == 0)
        options.onlyKeys = ["k2"]
        #expect(try await fixture.run(options).rows.invalid == 2)
    }
}
