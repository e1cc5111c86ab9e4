package import ProjectConfig
internal import Records
package import StateStore

/// When a cron line is due on the clock of a place.
///
/// A time of day that a change of the clock skips is due at the moment of the change, and one that the clock shows twice is
/// due the first time only. Where every hour is meant (`*/15 * * * *`) the line is about how often, not about a time of
/// day: then it goes on through a change as if there were none.
package struct CronTimes: Sendable {
    /// No cron line that is ever due has to wait longer: eight years between two 29ths of February around 2100.
    private static let daysMax: Int64 = 9 * 366

    private let cron: CronExpression
    private let zone: ZoneRules
    private let hours: [Int64]
    private let minutes: [Int64]
    /// In seconds since midnight, of a day on which no clock changes.
    private let timesOfDay: (first: Int64, last: Int64, longest: Int64)

    package init(_ cron: CronExpression, zone: ZoneRules) {
        self.cron = cron
        self.zone = zone
        hours = cron.hours.sorted().map(Int64.init)
        let minutes = cron.minutes.sorted().map(Int64.init)
        self.minutes = minutes
        let seconds = hours.flatMap { hour in minutes.map { hour * 3_600 + $0 * 60 } }
        timesOfDay = (
            seconds.first ?? 0, seconds.last ?? 0, zip(seconds, seconds.dropFirst()).map { $1 - $0 }.max() ?? 0
        )
    }

    /// The first due moment later than `moment`; nil where there is none.
    package func next(after moment: Moment) -> Moment? {
        let after = ZoneRules.seconds(moment)
        let first = ZoneRules.floored(zone.local(after), by: ZoneRules.day)
        for day in first..<(first + Self.daysMax) where isMeant(day) {
            let found = hours.count == 24 ? everyHour(of: day, after: after) : timeOfDay(on: day, after: after)
            if let found { return Moment(milliseconds: found * 1_000) }
        }
        return nil
    }

    /// So many days are looked at, and more only for a line that is due too rarely: a year with its changes of the clock.
    private static let gapDays: Int64 = 400

    /// The longest time between two due moments that follow each other; nil where it is not due twice.
    package func longestGapSeconds(from start: Moment) -> Int64? {
        let first = ZoneRules.floored(zone.local(ZoneRules.seconds(start)), by: ZoneRules.day)
        var longest: Int64?
        var last: Int64?
        for day in first..<(first + Self.daysMax) where isMeant(day) {
            // The first gap that leads out of the year still counts: nobody knows whether it is the longest.
            let isEnough = day >= first + Self.gapDays && longest != nil
            let times = dueTimes(on: day)
            if let last { longest = max(longest ?? 0, times.first - last) }
            if isEnough { return longest }
            if times.longest > 0 { longest = max(longest ?? 0, times.longest) }
            last = times.last
        }
        return longest
    }

    /// The first and the last due moment of a day, and the longest time between two of them; 0 where it has one.
    private func dueTimes(on day: Int64) -> (first: Int64, last: Int64, longest: Int64) {
        let start = zone.instant(ofLocal: day * ZoneRules.day)
        let isPlain = zone.instant(ofLocal: (day + 1) * ZoneRules.day) - start == ZoneRules.day
        guard isPlain else { return dueTimesOfChange(on: day, start) }
        return (start + timesOfDay.first, start + timesOfDay.last, timesOfDay.longest)
    }

    /// The same on a day on which the clock changes.
    private func dueTimesOfChange(on day: Int64, _ start: Int64) -> (first: Int64, last: Int64, longest: Int64) {
        var found: [Int64] = []
        var after = start - 1
        while let next = hours.count == 24 ? everyHour(of: day, after: after) : timeOfDay(on: day, after: after) {
            found.append(next)
            after = next
        }
        let longest = zip(found, found.dropFirst()).map { $1 - $0 }.max() ?? 0
        return (found.first ?? start, found.last ?? start, longest)
    }

    private func isMeant(_ day: Int64) -> Bool {
        let date = Calendar.civil(day)
        guard cron.months.contains(Int(date.month)) else { return false }
        // 1970-01-01 was a Thursday.
        let weekday = Int(((day + 4) % 7 + 7) % 7)
        let (isDay, isWeekday) = (cron.days.contains(Int(date.day)), cron.weekdays.contains(weekday))
        return cron.isEitherDayEnough ? isDay || isWeekday : isDay && isWeekday
    }

    private func timeOfDay(on day: Int64, after: Int64) -> Int64? {
        for hour in hours {
            for minute in minutes {
                let instant = zone.instant(ofLocal: day * ZoneRules.day + hour * 3_600 + minute * 60)
                if instant > after { return instant }
            }
        }
        return nil
    }

    private func everyHour(of day: Int64, after: Int64) -> Int64? {
        let end = zone.instant(ofLocal: (day + 1) * ZoneRules.day)
        var instant = max(zone.instant(ofLocal: day * ZoneRules.day), after + 1)
        let past = (zone.local(instant) % 60 + 60) % 60
        if past > 0 { instant += 60 - past }
        while instant < end {
            let minute = ZoneRules.floored(zone.local(instant), by: 60) % 60
            if minutes.contains((minute + 60) % 60) { return instant }
            instant += 60
        }
        return nil
    }
}
