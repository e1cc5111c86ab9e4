import Records
import StateStore
import Testing

struct RetentionTests {
    @Test func plansExchangesAndOutcomesGoAfterTheirDays() throws {
        try ControlFixture.withDatabase { database in
            for days in [91, 15, 13] { try addRun(database, daysAgo: days) }
            let swept = try Retention().sweep(database, now: noon)
            #expect(swept.planRuns == [1, 2])
            #expect(swept.exchanges == 2)
            #expect(swept.outcomes == 2)
            #expect(swept.runs == 0)
            let history = RunHistory(database)
            #expect(try (1...3).map { try history.outcomeCounts(run: $0)[.rejected] } == [nil, 2, 2])
            #expect(try (1...3).map { try history.exchanges(run: $0, limit: 9).count } == [0, 0, 1])
            #expect(try history.runs(limit: 9).count == 3)
        }
    }

    @Test func planIsNamedUntilItIsSaidToBeGone() throws {
        try ControlFixture.withDatabase { database in
            try addRun(database, daysAgo: 20)
            #expect(try Retention().sweep(database, now: noon).planRuns == [1])
            #expect(try Retention().sweep(database, now: noon).planRuns == [1])
            try Retention.plansRemoved([1], database)
            #expect(try Retention().sweep(database, now: noon).planRuns == [])
        }
    }

    @Test func unfinishedRunKeepsEverything() throws {
        try ControlFixture.withDatabase { database in
            try addRun(database, daysAgo: 1_000, state: .interrupted)
            try addRun(database, daysAgo: 999)
            let swept = try Retention().sweep(database, now: noon)
            #expect(swept.planRuns == [2])
            #expect(try RunHistory(database).outcomeCounts(run: 1) == [.rejected: 2])
            #expect(try RunHistory(database).outcomeCounts(run: 2).isEmpty)
        }
    }

    @Test func oldRunsGoButTheLastAndTheLastCompleteOfASyncStay() throws {
        try ControlFixture.withDatabase { database in
            for days in [800, 799, 798, 797] { try addRun(database, daysAgo: days) }
            var memory = SyncMemory(name: "companies", seed: 1)
            memory.lastCompleteRun = 2
            try database.save(memory)
            let retention = Retention(planDays: 14, outcomeDays: 900, runDays: 730)
            #expect(try retention.sweep(database, now: noon).runs == 0, "their plan files are not yet gone")
            try Retention.plansRemoved([1, 2, 3, 4], database)
            #expect(try retention.sweep(database, now: noon).runs == 2)
            #expect(try RunHistory(database).runs(limit: 9).map(\.id) == [4, 2])
            #expect(try RunHistory(database).outcomeCounts(run: 1).isEmpty, "outcomes go with their run")
            #expect(try RunHistory(database).outcomeCounts(run: 2) == [.rejected: 2])
            #expect(try database.newRun().id == 5)
        }
    }

    @Test func numberOfARemovedRunIsNotGivenAgain() throws {
        try ControlFixture.withDatabase { database in
            for days in [800, 799] { try addRun(database, daysAgo: days) }
            try Retention.plansRemoved([1, 2], database)
            let retention = Retention(runDays: 1)
            #expect(try retention.sweep(database, now: noon).runs == 1)
            #expect(try database.newRun().id == 3)
        }
    }

    @Test func moreRowsThanOneTransactionTakesAreRemovedToo() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.finishedRun(at: noon.minus(days: 100))
            let count = Retention.rowsPerTransaction + 1
            try database.record(outcomes: (0..<count).map { .sample(run.id, $0) })
            let exchanges = (0...Retention.exchangesPerTransaction).map {
                ExchangeRecord(run: run.id, number: $0, at: noon, method: "PUT", path: "/c")
            }
            try database.record(exchanges: exchanges)
            let swept = try Retention().sweep(database, now: noon)
            #expect(swept.outcomes == count)
            #expect(swept.exchanges == exchanges.count)
        }
    }

    private func addRun(_ database: ControlDatabase, daysAgo: Int, state: RunState = .succeeded) throws {
        var run = try database.newRun(at: noon.minus(days: daysAgo))
        try database.record(outcomes: [.sample(run.id, 0), .sample(run.id, 1)])
        try database.record(exchanges: [ExchangeRecord(run: run.id, number: 0, at: noon, method: "PUT", path: "/c")])
        run.state = state
        try database.update(run)
    }
}
