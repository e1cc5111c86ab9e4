import StateStore
import Testing
import WebUI

/// The plot of how old the data got, day by day.
@Suite struct FreshnessTests {
    private static let hour: Int64 = 3_600_000
    /// Noon.
    private static let now = Moment(milliseconds: 1_795_888_800_000 / 86_400_000 * 86_400_000 + 12 * hour)

    private static func ago(hours: Int64) -> Moment { Moment(milliseconds: now.milliseconds - hours * hour) }

    @Test func thirtyDaysAreShownAndThoseBeforeTheFirstCompleteRunAreGaps() {
        let days = FreshnessDays(completeAt: [Self.ago(hours: 60), Self.ago(hours: 6)], now: Self.now).days
        #expect(days.count == 30 && Set(days.map(\.name)).count == 30)
        // 60 hours ago was midnight, two days before today began at twelve hours ago.
        #expect(days.prefix(27).allSatisfy { $0.oldestHours == nil })
        #expect(days.suffix(3).map(\.oldestHours) == [24, 48, 54])
    }

    @Test func theAgeOfTodayGoesOnUntilNow() {
        let days = FreshnessDays(completeAt: [Self.ago(hours: 10)], now: Self.now).days
        #expect(days.last?.oldestHours == 10)
        #expect(days.dropLast().allSatisfy { $0.oldestHours == nil })
    }

    @Test func aRunBeforeTheThirtyDaysCountsOnTheFirst() {
        let days = FreshnessDays(completeAt: [Self.ago(hours: 24 * 40)], now: Self.now).days
        #expect(days.allSatisfy { $0.oldestHours != nil })
        #expect(days.last?.oldestHours == 960)
    }

    @Test func withoutACompleteRunThereIsNothing() {
        #expect(FreshnessDays(completeAt: [], now: Self.now).days.allSatisfy { $0.oldestHours == nil })
    }

    @Test func thePageAsksForCompleteRunsOnlyAndSaysTheBound() async throws {
        let fixture = try WebFixture()
        try fixture.run(minutesAgo: 600)
        let page = PageMarkup(try await fixture.ask("/syncs/companies").text).text
        #expect(page.contains("How old did the data get on each of the last 30 days?"))
        #expect(page.contains("Promised by the schedule"))
    }
}
