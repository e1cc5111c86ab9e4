import Records
import StateStore
import Testing

struct RunHistoryTests {
    @Test func runsArePagedNewestFirst() throws {
        try ControlFixture.withDatabase { database in
            for number in 0..<6 { _ = try database.newRun(number % 2 == 0 ? "a" : "b") }
            let history = RunHistory(database)
            #expect(try history.runs(limit: 4).map(\.id) == [6, 5, 4, 3])
            #expect(try history.runs(limit: 4, offset: 4).map(\.id) == [2, 1])
            #expect(try history.runs(sync: "a", limit: 2).map(\.id) == [5, 3])
            #expect(try history.runs(sync: "a", limit: 2, offset: 2).map(\.id) == [1])
            #expect(try history.runs(sync: "c", limit: 2).isEmpty)
            #expect(try history.runs(limit: 0).isEmpty)
            #expect(try history.runs(limit: -1, offset: -1).isEmpty)
            #expect(try history.lastRunPerSync().map(\.id) == [5, 6])
        }
    }

    @Test func pageIsNeverLongerThanItsLimit() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            try database.record(outcomes: (0...RunHistory.pageMax).map { .sample(run.id, $0) })
            #expect(try RunHistory(database).outcomes(run: run.id, limit: .max).count == RunHistory.pageMax)
        }
    }

    @Test func outcomesAreFilteredByOutcomeAndCode() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            try database.record(outcomes: [
                .sample(run.id, 2, .rejected, code: "b"), .sample(run.id, 1, .rejected, code: "a"),
                .sample(run.id, 0, .rejected, code: "b"), .sample(run.id, -1, .invalid, code: "a"),
            ])
            let history = RunHistory(database)
            func sequences(_ outcome: OutcomeKind?, _ code: String?, _ limit: Int = 10, _ offset: Int = 0) throws
                -> [Int]
            {
                try history.outcomes(run: run.id, outcome: outcome, code: code, limit: limit, offset: offset)
                    .map(\.sequence)
            }
            #expect(try sequences(nil, nil) == [-1, 0, 1, 2])
            #expect(try sequences(.rejected, nil) == [1, 0, 2])
            #expect(try sequences(.rejected, nil, 1, 2) == [2])
            #expect(try sequences(.rejected, "b") == [0, 2])
            #expect(try sequences(nil, "a") == [-1, 1])
            #expect(try sequences(.held, nil).isEmpty)
        }
    }

    @Test func keysAreFoundByTheirBeginningWithTheirOutcomeAndPageByPage() throws {
        try ControlFixture.withDatabase { database in
            let (run, other) = (try database.newRun(), try database.newRun())
            try database.record(outcomes: [
                .sample(run.id, 3, key: "ab3", .rejected), .sample(run.id, 1, key: "ab1", .invalid, code: "a"),
                .sample(run.id, 2, key: "ab2", .rejected, code: "b"), .sample(run.id, 4, key: "b"),
                .sample(run.id, 5, key: ""), .sample(other.id, 6, key: "ab6"), .sample(run.id, 7, key: "ab%"),
            ])
            let history = RunHistory(database)
            func sequences(
                _ prefix: String, _ outcome: OutcomeKind? = nil, code: String? = nil, after: Int? = nil, limit: Int = 10
            ) throws -> [Int] {
                var filter = OutcomeFilter()
                filter.keyPrefix = prefix
                filter.outcome = outcome
                filter.code = code
                filter.after = after.map { OutcomeFilter.Cursor(code: "", sequence: $0) }
                return try history.outcomes(run: run.id, filter, limit: limit).map(\.sequence)
            }
            #expect(try sequences("ab") == [1, 2, 3, 7])
            #expect(try sequences("ab", limit: 2) == [1, 2])
            #expect(try sequences("ab", after: 2, limit: 2) == [3, 7])
            #expect(try sequences("ab", .rejected) == [2, 3, 7])
            // What another outcome takes up does not count for the page.
            #expect(try sequences("ab", .rejected, limit: 1) == [2])
            #expect(try sequences("ab", .rejected, code: "b") == [2])
            #expect(try sequences("ab%") == [7])
            #expect(try sequences("c").isEmpty)
        }
    }

    @Test func reasonsBeyondWhatAPageCountsAreAsManyAsTheRunSays() throws {
        try ControlFixture.withDatabase { database in
            var run = try database.newRun()
            try database.record(
                outcomes: (0..<5).map { .sample(run.id, $0, code: "few") }
                    + (5..<15).map { .sample(run.id, $0, code: "many") })
            run.reasons = [ReasonCount(code: "many", count: 900), ReasonCount(code: "few", count: 5)]
            try database.update(run)
            let found = try RunHistory(database).boundedReasons(run: run.id, countMax: 10)
            #expect(found.map(\.reason.code) == ["many", "few"] && found.map(\.count) == [900, 5])
        }
    }

    @Test func reasonsOfWhichOnlySomeRowsAreKeptAreAsManyAsTheRunSays() throws {
        try ControlFixture.withDatabase { database in
            var run = try database.newRun()
            try database.record(
                outcomes: (0..<5).map { .sample(run.id, $0, code: "first") } + [.sample(run.id, 5, code: "later")])
            run.reasons = [ReasonCount(code: "later", count: 5_000_000), ReasonCount(code: "first", count: 5)]
            try database.update(run)
            let found = try RunHistory(database).boundedReasons(run: run.id)
            #expect(found.map(\.reason.code) == ["later", "first"] && found.map(\.count) == [5_000_000, 5])
        }
    }

    @Test func outcomesComeBackwardsBeforeARow() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            try database.record(outcomes: [
                .sample(run.id, 2, .rejected, code: "b"), .sample(run.id, 1, .rejected, code: "a"),
                .sample(run.id, 0, .rejected, code: "b"), .sample(run.id, -1, .invalid, code: "a"),
            ])
            let history = RunHistory(database)
            func before(_ outcome: OutcomeKind?, _ code: String?, _ edge: OutcomeFilter.Cursor) throws -> [Int] {
                var filter = OutcomeFilter()
                (filter.outcome, filter.code, filter.before) = (outcome, code, edge)
                return try history.outcomes(run: run.id, filter, limit: 10).map(\.sequence)
            }
            #expect(try before(nil, nil, .init(code: "b", sequence: 2)) == [1, 0, -1])
            #expect(try before(.rejected, nil, .init(code: "b", sequence: 2)) == [0, 1])
            #expect(try before(.rejected, "b", .init(code: "b", sequence: 2)) == [0])
            #expect(try before(.rejected, nil, .init(code: "a", sequence: 1)).isEmpty)
        }
    }

    @Test func reasonsComeWithTheirFirstThreeKeysMostFrequentFirst() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            var outcomes: [OutcomeRecord] = [.sample(run.id, -1, key: "", .invalid, code: "missing_key")]
            outcomes += (0..<5).map { .sample(run.id, $0) }
            outcomes += (5..<7).map { .sample(run.id, $0, .invalid) }
            try database.record(outcomes: outcomes)
            let reasons = try RunHistory(database).boundedReasons(run: run.id)
            #expect(reasons.map(\.count) == [5, 2, 1])
            #expect(reasons.map(\.examples) == [["k0", "k1", "k2"], ["k5", "k6"], [""]])
            #expect(reasons.map(\.outcome) == [.rejected, .invalid, .invalid])
            #expect(reasons[0].reason == outcomes[1].reason)
            #expect(try RunHistory(database).outcomeCounts(run: run.id) == [.rejected: 5, .invalid: 3])
        }
    }

    @Test func lifeOfARecordIsOfItsSyncOnly() throws {
        try ControlFixture.withDatabase { database in
            for sync in ["companies", "people", "companies"] {
                let run = try database.newRun(sync)
                try database.record(outcomes: [.sample(run.id, 0, key: "acme"), .sample(run.id, 1, key: "")])
            }
            let history = RunHistory(database)
            #expect(try history.life(sync: "companies", key: "acme").map(\.run) == [3, 1])
            #expect(try history.life(sync: "companies", key: "acme", limit: 1).map(\.run) == [3])
            #expect(try history.life(sync: "companies", key: "").isEmpty)
            #expect(try history.life(sync: "companies", key: "ACME").isEmpty)
            #expect(try history.life(sync: "none", key: "acme").isEmpty)
        }
    }

    @Test func exchangesAreFoundByBatchAndByOperation() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            var exchange = ExchangeRecord(run: run.id, number: 0, at: noon, method: "GET", path: "/users?limit=1")
            exchange.error = "connection_refused"
            var sent = ExchangeRecord(run: run.id, number: 1, batch: 4, attempt: 2, at: noon, method: "PUT", path: "/c")
            sent.status = 206
            sent.milliseconds = 12
            sent.requestBytes = 1 << 33
            sent.responseBytes = 3
            sent.requestBody = "[{\"é\":1}]"
            sent.responseBody = "{}"
            sent.isWrite = true
            sent.firstSequence = 100
            sent.lastSequence = 199
            try database.record(exchanges: [exchange, sent])
            var again = sent
            again.status = 500
            try database.record(exchanges: [again])
            let history = RunHistory(database)
            #expect(try history.exchanges(run: run.id, limit: 10) == [exchange, sent])
            #expect(try history.exchanges(run: run.id, limit: 1, offset: 1) == [sent])
            #expect(try history.exchanges(run: run.id, batch: 4) == [sent])
            #expect(try history.exchanges(run: run.id, sequence: 100) == [sent])
            #expect(try history.exchanges(run: run.id, sequence: 199) == [sent])
            #expect(try history.exchanges(run: run.id, sequence: 200).isEmpty)
            #expect(try history.exchanges(run: run.id + 1, limit: 10).isEmpty)
            #expect(try history.nextExchangeNumber(run: run.id) == 2)
            #expect(try history.nextExchangeNumber(run: run.id + 1) == 0)
        }
    }
}
