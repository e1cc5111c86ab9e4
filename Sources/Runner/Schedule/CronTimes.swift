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

    package init(_ cron: CronExpression, zone: ZoneRules) {
        self.cron = cron
        self.zone = zone
        hours = cron.hours.sorted().map(Int64.init)
        minutes = cron.minutes.sorted().map(Int64.init)
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
