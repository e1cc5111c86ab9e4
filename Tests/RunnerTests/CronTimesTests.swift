import ProjectConfig
import Runner
import StateStore
import Testing

/// A moment as its text without seconds and fraction (`2026-03-29 01:00`, UTC).
func utc(_ text: String) -> Moment {
    Moment(text: text.replacing(" ", with: "T") + ":00.000Z") ?? Moment(milliseconds: 0)
}

/// When a cron line is due, over the changes of clocks, leap days and months' ends.
struct CronTimesTests {
    private func times(_ line: String, _ zone: String = "UTC") throws -> CronTimes {
        CronTimes(try CronExpression(line), zone: ZoneRules(zone))
    }

    /// The due moments from `start`, as many as are asked for, as UTC.
    private func next(_ count: Int, _ line: String, _ zone: String = "UTC", from start: String) throws -> [String] {
        let times = try times(line, zone)
        var moment = utc(start)
        var found: [String] = []
        for _ in 0..<count {
            moment = try #require(times.next(after: moment))
            found.append(String(moment.text.prefix(16)).replacing("T", with: " "))
        }
        return found
    }

    @Test func timeOfDayThatTheSpringChangeSkipsIsDueAtTheChange() throws {
        let found = try next(3, "30 2 * * *", "Europe/Stockholm", from: "2026-03-27 12:00")
        #expect(found == ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"])
        let york = try next(3, "30 2 * * *", "America/New_York", from: "2026-03-07 00:00")
        #expect(york == ["2026-03-07 07:30", "2026-03-08 07:00", "2026-03-09 06:30"])
    }

    @Test func timeOfDayThatTheAutumnChangeShowsTwiceIsDueOnce() throws {
        let found = try next(3, "30 2 * * *", "Europe/Stockholm", from: "2026-10-23 12:00")
        #expect(found == ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"])
        let sydney = try next(2, "30 2 * * *", "Australia/Sydney", from: "2026-04-03 20:00")
        #expect(sydney == ["2026-04-04 15:30", "2026-04-05 16:30"])
    }

    @Test func severalSkippedTimesAreOneAtTheChange() throws {
        let found = try next(3, "*/10 2 * * *", "Europe/Stockholm", from: "2026-03-29 00:00")
        #expect(found == ["2026-03-29 01:00", "2026-03-30 00:00", "2026-03-30 00:10"])
    }

    @Test func everyQuarterOfAnHourGoesOnThroughBothChanges() throws {
        for zone in ["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"] {
            for start in ["2026-03-08 00:00", "2026-03-28 20:00", "2026-04-04 10:00", "2026-10-24 20:00"] {
                let times = try times("*/15 * * * *", zone)
                var moment = utc(start)
                for _ in 0..<200 {
                    let next = try #require(times.next(after: moment))
                    #expect(next.milliseconds - moment.milliseconds == 900_000, "\(zone) \(next.text)")
                    moment = next
                }
            }
        }
    }

    @Test func changeAtMidnightSkipsNoDay() throws {
        // In Havana the clock goes from 00:00 to 01:00.
        let found = try next(3, "0 0 * * *", "America/Havana", from: "2026-03-07 00:00")
        #expect(found == ["2026-03-07 05:00", "2026-03-08 05:00", "2026-03-09 04:00"])
    }

    @Test func halfHourZonesAndHalfHourChangesAreFollowed() throws {
        #expect(try next(1, "0 6 * * *", "Asia/Kolkata", from: "2026-01-01 00:00") == ["2026-01-01 00:30"])
        // Lord Howe puts its clock on by half an hour at 02:00.
        let found = try next(2, "15 2 * * *", "Australia/Lord_Howe", from: "2026-10-03 12:00")
        #expect(found == ["2026-10-03 15:30", "2026-10-04 15:15"])
    }

    @Test func oneTimeOfDayIsDueOnceOnEachDayOfAYear() throws {
        for zone in ["UTC", "Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "Pacific/Apia"]
        {
            for line in ["0 6 * * *", "30 2 * * *", "59 23 * * *", "0 0 * * *"] {
                let times = try times(line, zone)
                let end = utc("2027-01-01 12:00")
                var moment = utc("2026-01-01 12:00")
                var count = 0
                while let next = times.next(after: moment), next <= end {
                    let hours = (next.milliseconds - moment.milliseconds) / 3_600_000
                    #expect(count == 0 || (22...26).contains(hours), "\(zone) \(line) \(next.text)")
                    moment = next
                    count += 1
                }
                #expect(count == 365, "\(zone) \(line)")
            }
        }
    }

    /// Minute by minute, with nothing but the clock: what is due is what the clock shows for the first time, and what it
    /// jumps over.
    @Test(arguments: [
        "Europe/Stockholm", "America/New_York", "Australia/Adelaide", "America/St_Johns", "Asia/Kathmandu",
    ])
    func dueMomentsAreThoseThatAClockShows(zone: String) throws {
        let rules = ZoneRules(zone)
        for line in ["7,37 1-3 * * *", "0 */2 * * *", "15 2 * * sun", "45 23 1,8,29 3,4,10,11 *"] {
            let cron = try CronExpression(line)
            let times = CronTimes(cron, zone: rules)
            for start in [
                "2026-03-06 12:00", "2026-03-27 12:00", "2026-04-03 12:00", "2026-10-02 12:00", "2026-10-30 12:00",
            ] {
                var expected: [Moment] = []
                var shown = Set<Int64>()
                let first = utc(start).milliseconds / 60_000
                for minute in (first - 180)..<(first + 4 * 1_440) {
                    let local = local(minute * 60, rules)
                    // What the clock skipped since the minute before counts as shown now.
                    let before = self.local(minute * 60 - 60, rules)
                    let new = local > before ? Array(stride(from: before + 60, through: local, by: 60)) : [local]
                    let isDue = new.contains { shown.insert($0).inserted && matches($0, cron) }
                    if isDue && minute > first { expected.append(Moment(milliseconds: minute * 60_000)) }
                }
                var found: [Moment] = []
                var moment = utc(start)
                while let next = times.next(after: moment), next < utc(start).plus(seconds: 4 * 86_400) {
                    found.append(next)
                    moment = next
                }
                #expect(found == expected, "\(zone) \(line) \(start)")
            }
        }
    }

    private func local(_ seconds: Int64, _ rules: ZoneRules) -> Int64 { rules.local(seconds) }

    private func matches(_ local: Int64, _ cron: CronExpression) -> Bool {
        let moment = Moment(milliseconds: local * 1_000).text
        func number(_ from: Int, _ count: Int) -> Int { Int(moment.dropFirst(from).prefix(count)) ?? -1 }
        let weekday = Int((local / 86_400 + 4) % 7)
        return cron.minutes.contains(number(14, 2)) && cron.hours.contains(number(11, 2))
            && cron.months.contains(number(5, 2)) && cron.days.contains(number(8, 2)) && cron.weekdays.contains(weekday)
    }

    @Test func leapDayComesEveryFourYearsAndOnceAfterEight() throws {
        #expect(try next(2, "0 0 29 2 *", from: "2026-01-01 00:00") == ["2028-02-29 00:00", "2032-02-29 00:00"])
        #expect(try next(1, "0 0 29 2 *", from: "2096-03-01 00:00") == ["2104-02-29 00:00"])
    }

    @Test func dayOfTheMonthOrOfTheWeekSufficesWhereBothAreGiven() throws {
        let found = try next(4, "0 12 13 * fri", from: "2026-11-01 00:00")
        #expect(found == ["2026-11-06 12:00", "2026-11-13 12:00", "2026-11-20 12:00", "2026-11-27 12:00"])
        let both = try next(2, "0 12 1 * fri", from: "2026-11-28 00:00")
        #expect(both == ["2026-12-01 12:00", "2026-12-04 12:00"])
    }

    @Test func monthsWithoutThatDayAreLeftOut() throws {
        let found = try next(3, "0 0 31 * *", from: "2026-01-31 00:00")
        #expect(found == ["2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00"])
    }

    @Test func namesListsRangesAndStepsMeanWhatTheySay() throws {
        #expect(
            try next(2, "5,10 8-18/5 * jan mon", from: "2026-01-01 00:00") == ["2026-01-05 08:05", "2026-01-05 08:10"])
        #expect(try next(1, "0 0 * * 7", from: "2026-11-28 00:00") == ["2026-11-29 00:00"])
        #expect(try next(1, "@weekly", from: "2026-11-28 00:00") == ["2026-11-29 00:00"])
        #expect(try next(1, "@yearly", from: "2026-11-28 00:00") == ["2027-01-01 00:00"])
    }

    @Test func nextIsLaterThanTheMomentItself() throws {
        let times = try times("0 6 * * *")
        #expect(times.next(after: utc("2026-11-28 06:00")) == utc("2026-11-29 06:00"))
        #expect(
            times.next(after: Moment(milliseconds: utc("2026-11-28 06:00").milliseconds - 1)) == utc("2026-11-28 06:00")
        )
        #expect(times.next(after: Moment(milliseconds: -1)) == utc("1970-01-01 06:00"))
    }

    // MARK: The longest gap

    private func gap(_ line: String, _ zone: String = "UTC", from start: String = "2026-06-01 12:00") throws -> Double?
    {
        try times(line, zone).longestGapSeconds(from: utc(start)).map { Double($0) / 3_600 }
    }

    @Test func longestGapIsTheOneOverTheNightTheWeekendOrTheMonths() throws {
        #expect(try gap("*/15 * * * *") == 0.25)
        #expect(try gap("0 6 * * *") == 24)
        #expect(try gap("0 8-18 * * *") == 14)
        #expect(try gap("0 6 * * mon-fri") == 72)
        #expect(try gap("0 8-18 * * mon-fri") == 62)
        #expect(try gap("0 0 1 * *") == 31 * 24)
        // Every five minutes, of one month only.
        #expect(try gap("*/5 * * 1 *").map { Int($0) } == 334 * 24)
        #expect(try gap("0 0 1 1 *") == 366 * 24)
        // The month's first, or any Monday.
        #expect(try gap("0 0 1 * mon") == 7 * 24)
    }

    @Test func longestGapCountsTheHourThatTheClockIsPutBack() throws {
        #expect(try gap("0 6 * * *", "Europe/Stockholm") == 25)
        #expect(try gap("0 1,4 * * *", "Europe/Stockholm") == 21)
        #expect(try gap("0 0,12 * * *", "America/New_York") == 13)
        #expect(try gap("0 * * * *", "Europe/Stockholm") == 1)
        #expect(try gap("0 6 * * sun", "Australia/Sydney") == 169)
        #expect(try gap("0 6 * * *", "Asia/Tokyo") == 24)
    }

    @Test func longestGapOfALineThatIsRarelyDueReachesOverTheYear() throws {
        #expect(try gap("0 0 29 2 *") == 1_461 * 24)
        #expect(try gap("0 0 29 2 *", from: "2096-03-01 00:00") == nil)
        #expect(try gap("0 0 29 2 *", from: "2095-03-01 00:00") == 8 * 365 * 24 + 24)
    }
}

/// Schedules as people say them.
struct ScheduleWordsTests {
    private func words(_ line: String, _ zone: String = "UTC") throws -> String {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        return ScheduleWords.schedule(
            ScheduleDefinition(.cron(try CronExpression(line), timeZone: zone), location: here))
    }

    @Test func commonCronLinesAreSaidInWords() throws {
        #expect(try words("0 6 * * *", "Europe/Stockholm") == "every day at 06:00 Europe/Stockholm")
        #expect(try words("30 6,18 * * mon-fri") == "Monday to Friday at 06:30 and 18:30 UTC")
        #expect(try words("0 6 * * sun,sat") == "every Saturday and Sunday at 06:00 UTC")
        #expect(try words("*/15 * * * *") == "every 15 minutes")
        #expect(try words("* * * * *") == "every minute")
        #expect(try words("@hourly") == "every hour at minute 0")
        #expect(try words("0 0 1 * *") == "on day 1 of every month at 00:00 UTC")
        #expect(try words("0 0 1 1,7 *") == "on day 1 of January and July at 00:00 UTC")
        #expect(try words("*/7 3 * 2 mon") == "cron */7 3 * 2 mon UTC")
    }

    @Test func otherSchedulesAreSaidInWords() {
        let here = Location(file: "sluice.yaml", line: 1, column: 1)
        func words(_ trigger: ScheduleDefinition.Trigger) -> String {
            ScheduleWords.schedule(ScheduleDefinition(trigger, location: here))
        }
        #expect(words(.every(seconds: 900)) == "every 15 minutes")
        #expect(words(.every(seconds: 3_600)) == "every hour")
        #expect(words(.every(seconds: 5_400)) == "every 1 hour 30 minutes")
        #expect(words(.after(["companies"])) == "after companies")
        #expect(words(.after(["a", "b", "c"])) == "after a, b and c")
        #expect(ScheduleWords.schedule(nil) == "by hand")
    }

    @Test func momentsAreShownOnTheClockOfTheirZone() {
        let stockholm = ZoneRules("Europe/Stockholm")
        let now = utc("2026-11-28 17:00")
        #expect(ScheduleWords.moment(utc("2026-11-30 05:00"), zone: stockholm, now: now) == "Mon 30 Nov 06:00")
        #expect(ScheduleWords.moment(utc("2026-12-31 23:00"), zone: stockholm, now: now) == "Fri 1 Jan 2027 00:00")
    }
}
