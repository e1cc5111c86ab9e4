import ProjectConfig
import Testing

@Suite struct RereadPaceTests {
    private let start = ContinuousClock.now

    @Test func whatWasReadIsNotReadAgain() {
        let pace = RereadPace()
        #expect(!pace.isFailing && !pace.isDue(at: start + .seconds(1_000_000)))
    }

    @Test func eachFailureDoublesTheWaitUpToAMinute() {
        var pace = RereadPace()
        var now = start
        for seconds in [5, 10, 20, 40, 60, 60, 60] {
            pace.failed(at: now)
            #expect(pace.isFailing)
            let due = now + .seconds(seconds)
            #expect(!pace.isDue(at: due - .milliseconds(1)) && pace.isDue(at: due), "after \(seconds) s")
            now = due
        }
    }

    @Test func itNeverEndsAndNeverOverflows() {
        var pace = RereadPace()
        for _ in 1...10_000 { pace.failed(at: start) }
        #expect(!pace.isDue(at: start + .seconds(59)) && pace.isDue(at: start + .seconds(60)))
    }

    @Test func whatIsDueStaysDueUntilItWasTried() {
        var pace = RereadPace()
        pace.failed(at: start)
        for seconds in [5, 6, 3_600] { #expect(pace.isDue(at: start + .seconds(seconds))) }
        pace.failed(at: start + .seconds(3_600))
        #expect(!pace.isDue(at: start + .seconds(3_609)) && pace.isDue(at: start + .seconds(3_610)))
    }
}
