import Records
import StateStore
import Testing

/// When complete runs ended, for the plot of how old the data got.
@Suite struct CompleteTimesTests {
    private static func minutes(_ count: Int64) -> Moment { Moment(milliseconds: noon.milliseconds + count * 60_000) }

    private func times(
        _ database: ControlDatabase, since begin: Moment, limit: Int = 45_000, reach: Int = 5_000
    ) throws -> [Moment] {
        try RunHistory(database).completeTimes(sync: "companies", since: begin, limit: limit, reach: reach)
    }

    @Test func thoseSinceAMomentAndTheLastBeforeItComeOldestFirst() throws {
        try ControlFixture.withDatabase { database in
            for minute in Int64(0)..<6 {
                _ = try database.finishedRun(at: Self.minutes(minute))
                _ = try database.finishedRun("people", at: Self.minutes(minute))
            }
            #expect(try times(database, since: Self.minutes(3)) == (2...5).map { Self.minutes($0) })
            #expect(try times(database, since: noon) == (0...5).map { Self.minutes($0) })
            #expect(try times(database, since: Self.minutes(99)) == [Self.minutes(5)])
            // Where there are too many the newest count, and the one before them.
            #expect(try times(database, since: noon, limit: 2) == (3...5).map { Self.minutes($0) })
        }
    }

    @Test func onlyRunsOfAllRowsThatCameToTheirEndCount() throws {
        try ControlFixture.withDatabase { database in
            _ = try database.finishedRun(at: noon)
            for (minute, state) in [(1, RunState.failed), (2, .cancelled), (3, .running)] {
                _ = try database.newRun(at: Self.minutes(Int64(minute)), state: state)
            }
            var few = try database.createRun(
                sync: "companies", trigger: "web", full: false, limited: true, startedAt: Self.minutes(4),
                state: .running)
            (few.state, few.endedAt) = (.succeeded, Self.minutes(4))
            try database.update(few)
            #expect(try times(database, since: Self.minutes(1)) == [noon])
            #expect(try times(database, since: Self.minutes(1), reach: 0) == [])
            #expect(try RunHistory(database).completeTimes(sync: "nobody", since: noon) == [])
        }
    }
}
