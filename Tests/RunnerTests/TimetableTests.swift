import ProjectConfig
import Runner
import StateStore
import Testing

/// A sync of the fixture under another name, with a schedule.
func sync(_ name: String, _ trigger: ScheduleDefinition.Trigger? = nil, paused: Bool = false) -> SyncDefinition {
    var sync = things()
    sync.name = name
    sync.schedule = trigger.map { ScheduleDefinition($0, location: sync.location) }
    sync.paused = paused
    return sync
}

/// Which syncs are due, decided from the past and the time alone.
struct TimetableTests {
    private func cron(_ line: String, _ zone: String = "UTC") throws -> ScheduleDefinition.Trigger {
        .cron(try CronExpression(line), timeZone: zone)
    }

    private func table(_ syncs: SyncDefinition..., at start: String) -> Timetable {
        var table = Timetable()
        table.replace(syncs, at: utc(start))
        return table
    }

    private func due(_ table: inout Timetable, _ pasts: [String: SyncPast] = [:], at now: String) -> [String] {
        table.look(pasts, now: utc(now)).due.map(\.name)
    }

    private func run(_ began: String, completed: String? = nil) -> SyncPast {
        SyncPast(handledAt: utc(began), begunAt: utc(began), completedAt: completed.map(utc))
    }

    @Test func syncWithoutRunsIsDueAtItsNextTimeAndNotForThePast() throws {
        var table = table(sync("a", try cron("0 6 * * *")), at: "2026-11-28 07:00")
        #expect(due(&table, at: "2026-11-28 07:00").isEmpty)
        #expect(table.look([:], now: utc("2026-11-28 07:00")).next == utc("2026-11-29 06:00"))
        #expect(due(&table, at: "2026-11-29 06:00") == ["a"])
    }

    @Test func missedTimesOfADowntimeAreOneRun() throws {
        var table = table(sync("a", try cron("0 * * * *")), at: "2026-11-28 17:30")
        let past = ["a": run("2026-11-20 03:00")]
        #expect(due(&table, past, at: "2026-11-28 17:30") == ["a"])
        table.handled("a", at: utc("2026-11-28 17:30"))
        #expect(due(&table, past, at: "2026-11-28 17:59").isEmpty)
        #expect(due(&table, past, at: "2026-11-28 18:00") == ["a"])
    }

    @Test func runThatAnybodyStartedCountsForTheTimesBefore() throws {
        var table = table(sync("a", try cron("0 6 * * *")), at: "2026-11-28 08:00")
        #expect(due(&table, ["a": run("2026-11-28 07:10")], at: "2026-11-28 08:00").isEmpty)
        #expect(due(&table, ["a": run("2026-11-28 05:59")], at: "2026-11-28 08:00") == ["a"])
    }

    @Test func skippedRunCountsForCronAndEvery() throws {
        var table = table(sync("a", .every(seconds: 600)), at: "2026-11-28 08:00")
        var past = run("2026-11-28 08:00")
        past.handledAt = utc("2026-11-28 08:10")
        #expect(due(&table, ["a": past], at: "2026-11-28 08:15").isEmpty)
        #expect(due(&table, ["a": past], at: "2026-11-28 08:20") == ["a"])
    }

    @Test func everyIsDueAtOnceTheFirstTimeAndThenByItsPeriod() {
        var table = table(sync("a", .every(seconds: 900)), at: "2026-11-28 08:00")
        #expect(due(&table, at: "2026-11-28 08:00") == ["a"])
        #expect(due(&table, ["a": run("2026-11-28 08:00")], at: "2026-11-28 08:14").isEmpty)
        #expect(due(&table, ["a": run("2026-11-28 08:00")], at: "2026-11-28 08:15") == ["a"])
        #expect(due(&table, ["a": run("2026-11-28 08:00")], at: "2026-11-30 08:15") == ["a"])
    }

    @Test func pausedSyncsAreNotDueAndCatchUpOnce() throws {
        let line = try cron("0 6 * * *")
        var table = table(sync("a", line, paused: true), sync("b", line), at: "2026-11-28 05:00")
        var past = ["a": run("2026-11-27 06:00"), "b": run("2026-11-27 06:00")]
        past["b"]?.isPaused = true
        #expect(due(&table, past, at: "2026-11-28 07:00").isEmpty)
        #expect(table.standing(of: "a", past, now: utc("2026-11-28 07:00")) == .paused)
        past["b"]?.isPaused = false
        #expect(due(&table, past, at: "2026-11-30 07:00") == ["b"])
    }

    @Test func followerIsDueOnceEveryParentHasFinishedSinceItBegan() {
        var table = table(sync("a"), sync("b"), sync("c", .after(["a", "b"])), at: "2026-11-28 05:00")
        var past = ["a": run("2026-11-28 06:00", completed: "2026-11-28 06:05")]
        #expect(due(&table, past, at: "2026-11-28 06:10").isEmpty)
        #expect(table.standing(of: "c", past, now: utc("2026-11-28 06:10")) == .waiting(for: ["b"]))
        past["b"] = run("2026-11-28 06:00", completed: "2026-11-28 06:20")
        #expect(due(&table, past, at: "2026-11-28 06:20") == ["c"])
        past["c"] = run("2026-11-28 06:20", completed: "2026-11-28 06:30")
        #expect(due(&table, past, at: "2026-11-28 06:40").isEmpty)
        past["a"]?.completedAt = utc("2026-11-28 07:00")
        #expect(table.standing(of: "c", past, now: utc("2026-11-28 07:00")) == .waiting(for: ["b"]))
        past["b"]?.completedAt = utc("2026-11-28 07:10")
        #expect(due(&table, past, at: "2026-11-28 07:10") == ["c"])
    }

    @Test func parentThatFailedDoesNotCount() {
        var table = table(sync("a"), sync("b", .after(["a"])), at: "2026-11-28 05:00")
        let past = [
            "a": run("2026-11-28 08:00", completed: "2026-11-28 06:05"),
            "b": run("2026-11-28 06:06", completed: "2026-11-28 06:10"),
        ]
        #expect(due(&table, past, at: "2026-11-28 09:00").isEmpty)
    }

    @Test func followerThatWasSkippedIsDueStill() {
        var table = table(sync("a"), sync("b", .after(["a"])), at: "2026-11-28 05:00")
        var follower = run("2026-11-28 06:00")
        follower.handledAt = utc("2026-11-28 07:30")
        let past = ["a": run("2026-11-28 07:00", completed: "2026-11-28 07:05"), "b": follower]
        #expect(due(&table, past, at: "2026-11-28 08:00") == ["b"])
        table.postpone("b", until: utc("2026-11-28 08:01"))
        #expect(due(&table, past, at: "2026-11-28 08:00").isEmpty)
        #expect(due(&table, past, at: "2026-11-28 08:01") == ["b"])
    }

    @Test func earlierDueGoesFirstAndOtherwiseTheProjectsOrder() throws {
        let (five, six) = (try cron("0 5 * * *"), try cron("0 6 * * *"))
        var table = table(sync("z", six), sync("late", five), sync("a", six), at: "2026-11-28 04:00")
        #expect(due(&table, at: "2026-11-28 07:00") == ["late", "z", "a"])
    }

    @Test func changedScheduleIsNotDueForTimesBeforeTheChange() throws {
        var table = table(sync("a", try cron("0 18 * * *")), at: "2026-11-28 00:00")
        let past = ["a": run("2026-11-27 18:00")]
        table.replace([sync("a", try cron("0 6 * * *"))], at: utc("2026-11-28 12:00"))
        #expect(due(&table, past, at: "2026-11-28 12:00").isEmpty)
        #expect(due(&table, past, at: "2026-11-29 06:00") == ["a"])
        table.replace([], at: utc("2026-11-29 06:00"))
        #expect(due(&table, past, at: "2026-11-30 06:00").isEmpty)
        #expect(table.standing(of: "a", past, now: utc("2026-11-30 06:00")) == .byHand)
    }

    @Test func clockThatIsPutBackKeepsNobodyWaiting() throws {
        var table = table(sync("a", .every(seconds: 900)), sync("b", try cron("0 * * * *")), at: "2026-11-28 08:00")
        let past = ["a": run("2026-11-28 08:00"), "b": run("2026-11-28 08:00")]
        #expect(due(&table, past, at: "2026-11-27 08:05").isEmpty)
        #expect(due(&table, past, at: "2026-11-27 08:20") == ["a"])
        #expect(due(&table, past, at: "2026-11-27 09:00") == ["a", "b"])
    }

    @Test func clockThatIsPutForwardRunsEachOnce() throws {
        var table = table(sync("a", .every(seconds: 900)), sync("b", try cron("0 * * * *")), at: "2026-11-28 08:00")
        let past = ["a": run("2026-11-28 08:00"), "b": run("2026-11-28 08:00")]
        #expect(due(&table, past, at: "2026-11-29 08:05") == ["a", "b"])
        for name in ["a", "b"] { table.handled(name, at: utc("2026-11-29 08:05")) }
        #expect(due(&table, past, at: "2026-11-29 08:06").isEmpty)
    }

    /// A year of a service that looks once a minute, with its history made from what was due.
    @Test(arguments: ["Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Australia/Sydney"])
    func aYearOfLookingMissesNothingAndDoublesNothing(zone: String) throws {
        var table = Timetable()
        let start = utc("2026-01-01 00:00")
        let schedules = [
            "daily": try cron("30 2 * * *", zone), "weekly": try cron("0 9 * * mon", zone),
            "monthly": try cron("0 0 1 * *", zone), "often": .every(seconds: 21_600),
            "leap": try cron("0 0 29 2 *", zone),
        ]
        table.replace(schedules.map { sync($0.key, $0.value) }, at: start)
        var pasts: [String: SyncPast] = [:]
        var counts: [String: Int] = [:]
        var now = start
        let end = utc("2027-01-01 00:00")
        while now < end {
            let (due, next) = table.look(pasts, now: now)
            for sync in due {
                counts[sync.name, default: 0] += 1
                pasts[sync.name] = SyncPast(handledAt: now, begunAt: now, completedAt: now)
            }
            let soonest = due.isEmpty ? next ?? end : now.plus(seconds: 1)
            now = max(now.plus(seconds: 1), soonest)
        }
        #expect(counts["daily"] == 365 && counts["weekly"] == 52 && counts["leap"] == nil, "\(counts)")
        #expect(
            (12...13).contains(counts["monthly"] ?? 0) && (1_400...1_460).contains(counts["often"] ?? 0), "\(counts)")
    }
}
