import Foundation
import Records
import Runner
import StateStore
import Synchronization
import Testing
import WebUI

/// What the page of a run that goes on says of how fast it is.
@Suite struct LiveRateTests {
    @Test func aRunThatGoesOnTellsItsRateAndWhatIsLeftOnlyWhereTheTotalIsKnown() async throws {
        let fixture = try WebFixture()
        let run = try fixture.run("companies", .running) { run in
            (run.operations.planned, run.operations.accepted, run.operations.updated) = (0, 0, 0)
        }
        let environment = fixture.site.environment
        let lock = try #require(try SyncLock.acquire(environment.state.sync("companies")))
        defer { lock.release() }
        let clock = Mutex(Int64(0))
        let listener = fixture.site.board.listener {
            Moment(milliseconds: WebFixture.now.milliseconds - clock.withLock { $0 })
        }
        func tell(_ secondsAgo: Int64, _ progress: RunProgress) {
            clock.withLock { $0 = secondsAgo * 1_000 }
            listener(progress)
        }
        func page() async throws -> String { try await fixture.ask("/runs/\(run.id)").text }

        tell(20, .started(run: run.id, sync: "companies", isResumed: false))
        tell(10, .scanning(rows: 0))
        tell(10, .scanning(rows: 5_000))
        #expect(try await page().contains(", 500 rows a second.</p>"))
        // What is done before is no part of the rate, and a wait is.
        tell(4, .delivering(done: 20, of: 120))
        tell(2, .waiting(reason: "the limit.", duration: .seconds(1)))
        let waits = try await page()
        #expect(!waits.contains("a second") && !waits.contains(" left.") && waits.contains(": the limit.</span>"))
        tell(0, .delivering(done: 60, of: 120))
        #expect(try await page().contains(", 10 records a second, about 6.0 s left.</p>"))
    }

    /// However quickly a run goes on, its reader is told of it four times a second at the most.
    @Test func aReaderIsToldFourTimesASecondAtTheMost() async throws {
        let fixture = try WebFixture()
        let run = try fixture.run("companies", .running) { $0.operations.accepted = 0 }
        let lock = try #require(try SyncLock.acquire(fixture.site.environment.state.sync("companies")))
        defer { lock.release() }
        let database = fixture.site.environment.database
        let pauses = Mutex<[Duration]>([])
        let told: @Sendable (Duration) throws -> Void = { pause in
            let count = pauses.withLock { pauses in
                pauses.append(pause)
                return pauses.count
            }
            var record = run
            record.operations.accepted = count
            if count == 40 { (record.state, record.endedAt) = (.succeeded, WebFixture.now) }
            try database.close(record, memory: nil)
        }
        fixture.naps.told.withLock { $0 = told }
        let events = try await fixture.ask("/runs/\(run.id)/events").text
            .components(separatedBy: "\n\n").filter { $0.contains("event: run") }
        let waited = pauses.withLock { $0 }
        #expect(waited.count == 40 && waited.allSatisfy { $0 >= .milliseconds(250) })
        // One at once, one after each pause, and there was news each time.
        #expect(events.count == 41 && events.last?.contains(#""ended":true"#) == true)
    }
}
