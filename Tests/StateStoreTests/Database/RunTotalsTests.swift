import Records
import StateStore
import Testing

/// The figures of metrics and schedules.
struct RunTotalsTests {
    private func end(_ run: RunRecord, _ state: RunState, _ database: ControlDatabase) throws {
        var run = run
        run.state = state
        run.endedAt = Moment(milliseconds: run.startedAt.milliseconds + 2_000)
        run.rows.scanned = 10
        run.operations.accepted = 3
        run.requests = 1
        run.bytesSent = 100
        try database.close(run, memory: nil)
    }

    private func begin(_ sync: String, at milliseconds: Int64, _ database: ControlDatabase) throws -> RunRecord {
        try database.createRun(
            sync: sync, trigger: "schedule", full: false, limited: false,
            startedAt: Moment(milliseconds: milliseconds), state: .running)
    }

    @Test func eachRunIsCountedOnceWhenItHasEnded() throws {
        try ControlFixture.withDatabase { database in
            let history = RunHistory(database)
            var counted = CountedRuns()
            #expect(try history.totals(after: &counted).isEmpty)
            let slow = try begin("a", at: 1_000, database)
            try end(try begin("a", at: 2_000, database), .succeeded, database)
            try end(try begin("a", at: 3_000, database), .succeeded, database)
            try end(try begin("b", at: 3_000, database), .failed, database)
            let first = try history.totals(after: &counted).sorted { $0.sync < $1.sync }
            #expect(first.map(\.sync) == ["a", "b"] && first.map(\.runs) == [2, 1] && first[1].state == .failed)
            #expect(first[0].rows.scanned == 20 && first[0].operations.accepted == 6 && first[0].milliseconds == 4_000)
            #expect(first[0].requests == 2 && first[0].bytesSent == 200)
            #expect(try history.totals(after: &counted).isEmpty && counted.unfinished == [slow.id])
            try end(slow, .cancelled, database)
            #expect(try history.totals(after: &counted).map(\.runs) == [1])
            #expect(try history.totals(after: &counted).isEmpty && counted.unfinished.isEmpty)
        }
    }

    @Test func pastLeavesOutWhatSaysNothingOfTheWhole() throws {
        try ControlFixture.withDatabase { database in
            let history = RunHistory(database)
            var complete = try begin("a", at: 1_000, database)
            complete.state = .succeeded
            complete.endedAt = Moment(milliseconds: 1_500)
            var memory = SyncMemory(name: "a", seed: 1)
            memory.lastCompleteRun = complete.id
            try database.close(complete, memory: memory)
            try end(try begin("a", at: 2_000, database), .failed, database)
            try end(try begin("a", at: 3_000, database), .skipped, database)
            var limited = try begin("a", at: 4_000, database)
            limited.limited = true
            try end(limited, .succeeded, database)
            try database.setPaused("b", true)
            let pasts = try history.pasts()
            #expect(
                pasts["a"]
                    == SyncPast(
                        handledAt: Moment(milliseconds: 3_000), begunAt: Moment(milliseconds: 2_000),
                        completedAt: Moment(milliseconds: 1_500)))
            #expect(pasts["b"] == SyncPast(isPaused: true))
        }
    }
}
