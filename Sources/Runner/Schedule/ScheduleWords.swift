package import ProjectConfig
internal import Records
package import StateStore

/// Schedules as people say them.
package enum ScheduleWords {
    /// `every day at 06:00 Europe/Stockholm`, `every 15 minutes`, `after companies and people`, `by hand`.
    package static func schedule(_ schedule: ScheduleDefinition?) -> String {
        switch schedule?.trigger {
        case .cron(let cron, let zone): self.cron(cron, zone: zone)
        case .every(let seconds): "every " + duration(seconds)
        case .after(let names): "after " + list(names)
        case nil: "by hand"
        }
    }

    /// `Mon 30 Nov 06:00` on the clock of the schedule's zone; with the year where it is not this one.
    package static func moment(_ moment: Moment, zone: ZoneRules, now: Moment) -> String {
        let local = zone.local(moment)
        let day = ZoneRules.floored(local, by: ZoneRules.day)
        let date = Calendar.civil(day)
        let weekday = weekdays[Int(((day + 4) % 7 + 7) % 7)].prefix(3)
        let year = Calendar.civil(ZoneRules.floored(zone.local(now), by: ZoneRules.day)).year
        let clock = (local - day * ZoneRules.day) / 60
        return "\(weekday) \(date.day) \(months[Int(date.month) - 1].prefix(3))"
            + (date.year == year ? "" : " \(date.year)") + " " + time(Int(clock / 60), Int(clock % 60))
    }

    /// The clock that a schedule's moments are shown on.
    package static func zone(of schedule: ScheduleDefinition?) -> ZoneRules {
        if case .cron(_, let zone) = schedule?.trigger { return ZoneRules(zone) }
        return ZoneRules("UTC")
    }

    // MARK: Cron

    private static func cron(_ cron: CronExpression, zone: String) -> String {
        if let interval = interval(cron) { return interval }
        guard let days = days(cron), let times = times(cron) else { return "cron \(cron.text) \(zone)" }
        return "\(days) at \(times) \(zone)"
    }

    private static func interval(_ cron: CronExpression) -> String? {
        guard cron.hours.count == 24, isEveryDay(cron) else { return nil }
        let minutes = cron.minutes.sorted()
        if minutes.count == 1 { return "every hour at minute \(minutes[0])" }
        guard 60 % minutes.count == 0 else { return nil }
        let step = 60 / minutes.count
        guard minutes == Array(stride(from: 0, to: 60, by: step)) else { return nil }
        return step == 1 ? "every minute" : "every \(step) minutes"
    }

    private static func isEveryDay(_ cron: CronExpression) -> Bool {
        cron.days.count == 31 && cron.months.count == 12 && cron.weekdays.count == 7
    }

    private static func days(_ cron: CronExpression) -> String? {
        guard !cron.isEitherDayEnough else { return nil }
        if isEveryDay(cron) { return "every day" }
        let isEveryMonth = cron.months.count == 12
        if cron.days.count == 31 && isEveryMonth { return weekdays(cron.weekdays) }
        guard cron.weekdays.count == 7, cron.days.count <= 4 else { return nil }
        let days = "on day " + list(cron.days.sorted().map(String.init))
        if isEveryMonth { return days + " of every month" }
        return days + " of " + list(cron.months.sorted().map { months[$0 - 1] })
    }

    private static func weekdays(_ numbers: Set<Int>) -> String {
        // The week begins on Monday.
        let order = [1, 2, 3, 4, 5, 6, 0].filter { numbers.contains($0) }
        if order == [1, 2, 3, 4, 5] { return "Monday to Friday" }
        return "every " + list(order.map { weekdays[$0] })
    }

    private static func times(_ cron: CronExpression) -> String? {
        guard cron.hours.count * cron.minutes.count <= 4 else { return nil }
        return list(cron.hours.sorted().flatMap { hour in cron.minutes.sorted().map { time(hour, $0) } })
    }

    private static func time(_ hour: Int, _ minute: Int) -> String {
        (hour < 10 ? "0" : "") + "\(hour):" + (minute < 10 ? "0" : "") + "\(minute)"
    }

    // MARK: Words

    /// `15 minutes`, `hour`, `1 hour 30 minutes`: to be read after "every", or with its number after "for".
    package static func duration(_ seconds: Int, isCounted: Bool = false) -> String {
        var (rest, parts): (Int, [(Int, String)]) = (seconds, [])
        for (length, name) in [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")] where rest >= length {
            parts.append((rest / length, name))
            rest %= length
        }
        if parts.count == 1, parts[0].0 == 1, !isCounted { return parts[0].1 }
        return parts.map { "\($0) \($1)\($0 == 1 ? "" : "s")" }.joined(separator: " ")
    }

    /// `a, b and c`.
    package static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }

    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}
