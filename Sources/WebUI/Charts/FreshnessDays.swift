internal import Records
internal import Runner
package import StateStore

/// How old the data got on each of the last 30 days (UTC), from when the runs ended that looked at everything.
package struct FreshnessDays: Sendable {
    package struct Day: Sendable, Hashable {
        /// `2026-11-29`.
        package var name: String
        /// Nil where no complete run had ended by then.
        package var oldestHours: Double?
    }

    package static let count = 30
    private static let dayMilliseconds: Int64 = 86_400_000

    /// Oldest first; today's is as of now.
    package let days: [Day]

    /// - Parameter completeAt: oldest first.
    package init(completeAt: [Moment], now: Moment) {
        let ends = completeAt.map(\.milliseconds)
        let today = now.milliseconds / Self.dayMilliseconds
        days = (0..<Int64(Self.count)).map { index in
            let start = (today - Int64(Self.count) + 1 + index) * Self.dayMilliseconds
            let end = min(start + Self.dayMilliseconds, now.milliseconds)
            return Day(
                name: String(Moment(milliseconds: start).text.prefix(10)),
                oldestHours: Self.oldest(ends, start, end).map { Double($0) / 3_600_000 })
        }
    }

    /// The data are oldest just before a run makes them whole, or at the end of the day.
    private static func oldest(_ ends: [Int64], _ start: Int64, _ end: Int64) -> Int64? {
        var last = ends.last { $0 <= start }
        var oldest: Int64?
        for moment in ends.filter({ $0 > start && $0 < end }) + [end] {
            if let last { oldest = max(oldest ?? 0, moment - last) }
            last = moment
        }
        return oldest
    }

    /// From when on complete runs matter to the picture.
    package static func begin(_ now: Moment) -> Moment {
        Moment(milliseconds: (now.milliseconds / dayMilliseconds - Int64(count) + 1) * dayMilliseconds)
    }
}
