import Foundation
import Records
import StateStore
import Testing

/// The pages of the history stay quick however much history there is. Sizes and limits here are a tenth of those that
/// are promised (100,000 runs, 1,000,000 outcomes, 50 ms), so that a page that walks the whole table is found but a busy
/// machine is not; `SLUICE_FULL_SIZE=1` takes the full ones.
@Suite(.serialized)
struct HistorySpeedTests {
    private static let isFull = ProcessInfo.processInfo.environment["SLUICE_FULL_SIZE"] == "1"
    /// What a sanitizer makes of all times, at most.
    private static let slower = ProcessInfo.processInfo.environment["SLUICE_SANITIZER"] == nil ? 1.0 : 30
    private static let runs = isFull ? 100_000 : 10_000
    private static let outcomes = isFull ? 1_000_000 : 100_000

    @Test func pagesAreReadInMillisecondsFromALongHistory() throws {
        try ControlFixture.withDatabase { database in
            let biggest = try fill(database)
            let history = RunHistory(database)
            let middle = Int64(Self.runs / 2)
            let limit = (Self.isFull ? 0.050 : 0.250) * Self.slower
            let pages: [(String, () throws -> Int)] = [
                ("first runs", { try history.runs(limit: 50).count }),
                ("last runs", { try history.runs(limit: 50, offset: Self.runs - 50).count }),
                ("runs of a sync", { try history.runs(sync: "sync3", limit: 50, offset: Self.runs / 20).count }),
                ("one run", { try history.run(middle) == nil ? 0 : 1 }),
                ("last of each", { try history.lastRunPerSync().count }),
                ("pasts", { try history.pasts().count }),
                ("unfinished", { try database.unfinishedRuns().count }),
                ("outcomes", { try history.outcomes(run: biggest, limit: 50).count }),
                ("rejected", { try history.outcomes(run: biggest, outcome: .rejected, limit: 50).count }),
                ("far", { try history.outcomes(run: biggest, limit: 50, offset: Self.outcomes / 20).count }),
                ("counts", { try history.outcomeCounts(run: biggest).count }),
                ("reasons of a page", { try history.boundedReasons(run: biggest).count }),
                (
                    "keys that begin so",
                    { try history.outcomes(run: biggest, Self.filter("account-5"), limit: 51).count }
                ),
                ("one key", { try history.outcomes(run: biggest, Self.filter("account-777"), limit: 51).count }),
                (
                    "keys with a reason",
                    { try history.outcomes(run: biggest, Self.filter("account-", .rejected), limit: 51).count }
                ),
                ("life", { try history.life(sync: "sync1", key: "account-7").count }),
                ("exchanges", { try history.exchanges(run: biggest, limit: 50).count }),
                ("exchange of one", { try history.exchanges(run: biggest, sequence: 7).count }),
                ("sealed", { try database.latestSealedPlan(sync: "sync1") == nil ? 0 : 1 }),
            ]
            for (name, page) in pages {
                let (count, seconds) = try quickest(page)
                if Self.isFull { print("\(name): \(count) in \(seconds * 1_000) ms") }
                #expect(count > 0, "\(name)")
                #expect(seconds < limit, "\(name)")
            }
        }
    }

    @Test func manyOutcomesAreStoredQuickly() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            let count = 100_000
            let outcomes = (0..<count).map { OutcomeRecord.sample(run.id, $0, key: "account-\($0 &* 7_919 % count)") }
            let start = ContinuousClock.now
            for chunk in stride(from: 0, to: count, by: 10_000) {
                try database.record(outcomes: Array(outcomes[chunk..<chunk + 10_000]))
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            if Self.isFull { print("\(count) outcomes stored in \(seconds) s") }
            #expect(seconds < (Self.isFull ? 1.5 : 6) * Self.slower)
            #expect(try RunHistory(database).outcomeCounts(run: run.id) == [.rejected: count])
        }
    }

    @Test func openingAnExistingDatabaseTakesMilliseconds() throws {
        try ControlFixture.with { fixture in
            _ = try ControlDatabase.open(path: fixture.path).newRun()
            let (_, seconds) = try quickest {
                try RunHistory(ControlDatabase.open(path: fixture.path)).runs(limit: 1).count
            }
            if Self.isFull { print("opened, with a first read, in \(seconds * 1_000) ms") }
            #expect(seconds < (Self.isFull ? 0.015 : 0.100) * Self.slower)
        }
    }

    private static func filter(_ prefix: String, _ outcome: OutcomeKind? = nil) -> OutcomeFilter {
        var filter = OutcomeFilter()
        filter.keyPrefix = prefix
        filter.outcome = outcome
        return filter
    }

    /// Of five tries.
    private func quickest(_ body: () throws -> Int) throws -> (count: Int, seconds: Double) {
        var best = Double.infinity
        var count = 0
        for _ in 0..<5 {
            let start = ContinuousClock.now
            count = try body()
            best = min(best, (ContinuousClock.now - start) / .seconds(1))
        }
        return (count, best)
    }

    /// Runs of ten syncs, outcomes in every hundredth run, a tenth of them in one. Returns that one.
    private func fill(_ database: ControlDatabase) throws -> Int64 {
        let each = Self.outcomes * 9 / 10 / (Self.runs / 100)
        for number in 0..<Self.runs {
            var run = try database.newRun("sync\(number % 10)", state: .succeeded)
            if number % 100 == 0 { try database.record(outcomes: outcomes(run.id, each)) }
            if number == 1 { try database.seal(run, definition: "{}", at: noon) }
            if number == Self.runs - 1 {
                run.state = .running
                try database.update(run)
            }
        }
        let biggest = try database.finishedRun("sync1").id
        for start in stride(from: 0, to: Self.outcomes / 10, by: 10_000) {
            try database.record(outcomes: outcomes(biggest, 10_000, from: start))
        }
        for number in 0..<200 {
            var exchange = ExchangeRecord(
                run: biggest, number: number, batch: number, at: noon, method: "PUT", path: "/c")
            exchange.firstSequence = number * 500
            exchange.lastSequence = number * 500 + 499
            exchange.requestBody = String(repeating: "x", count: 16 << 10)
            exchange.responseBody = exchange.requestBody
            try database.record(exchanges: [exchange])
        }
        return biggest
    }

    private func outcomes(_ run: Int64, _ count: Int, from start: Int = 0) -> [OutcomeRecord] {
        (start..<start + count).map { sequence in
            .sample(
                run, sequence, key: "account-\(sequence)", sequence % 3 == 0 ? .rejected : .invalid,
                code: "code_\(sequence % 5)")
        }
    }
}
