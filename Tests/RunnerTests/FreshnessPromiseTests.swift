import ProjectConfig
import Runner
import StateStore
import Testing

/// How old the data may get by the schedules.
struct FreshnessPromiseTests {
    private static let now = utc("2026-06-01 12:00")

    private func hours(_ name: String, _ syncs: [SyncDefinition], paused: Set<String> = []) -> Int64? {
        FreshnessPromise(syncs, paused: paused).seconds(name, from: Self.now).map { $0 / 3_600 }
    }

    private func daily() throws -> ScheduleDefinition.Trigger {
        .cron(try CronExpression("0 6 * * *"), timeZone: "Europe/Stockholm")
    }

    @Test func everyPromisesItselfCronItsLongestGapAndByHandNothing() throws {
        let syncs = [sync("a", .every(seconds: 7_200)), sync("b", try daily()), sync("c", nil)]
        #expect(hours("a", syncs) == 2)
        #expect(hours("b", syncs) == 25)
        #expect(hours("c", syncs) == nil)
        #expect(hours("unknown", syncs) == nil)
    }

    @Test func whatFollowsPromisesAsTheSlowestOfItsParents() throws {
        let syncs = [
            sync("a", .every(seconds: 7_200)), sync("b", try daily()), sync("c", .after(["a", "b"])),
            sync("d", .after(["c", "a"])), sync("e", .after(["a"])),
        ]
        #expect(hours("c", syncs) == 25)
        #expect(hours("d", syncs) == 25)
        #expect(hours("e", syncs) == 2)
        let due = FreshnessPromise(syncs, paused: []).due("d", after: Self.now)
        #expect(due?.first == utc("2026-06-02 04:00") && due?.second == utc("2026-06-03 04:00"))
    }

    @Test func whatFollowsOneThatIsRunByHandPausedOrMissingPromisesNothing() throws {
        var paused = sync("p", .every(seconds: 60))
        paused.paused = true
        let syncs = [
            sync("hand", nil), paused, sync("a", .every(seconds: 60)), sync("b", .after(["a", "hand"])),
            sync("c", .after(["p"])), sync("d", .after(["a", "nowhere"])), sync("e", .after(["b"])),
            sync("f", .after(["a"])),
        ]
        for name in ["b", "c", "d", "e"] {
            #expect(hours(name, syncs) == nil, "\(name)")
            #expect(FreshnessPromise(syncs, paused: []).due(name, after: Self.now) == nil, "\(name)")
        }
        #expect(hours("f", syncs) == 0)
        #expect(hours("f", syncs, paused: ["a"]) == nil)
    }

    @Test func whatIsKeptIsWhatWouldBeAnswered() throws {
        let rare = ScheduleDefinition.Trigger.cron(try CronExpression("0 0 29 2 *"), timeZone: "UTC")
        let syncs = [sync("a", try daily()), sync("b", rare), sync("c", .after(["a", "b"]))]
        let kept = KeptDueTimes()
        for _ in 1...2 {
            for moment in [Self.now, utc("2027-01-01 00:00")] {
                for name in ["a", "b", "c"] {
                    let asked = FreshnessPromise(syncs, paused: []).due(name, after: moment)
                    let answer = FreshnessPromise(syncs, paused: [], kept: kept).due(name, after: moment)
                    #expect(answer?.first == asked?.first && answer?.second == asked?.second && asked != nil)
                }
            }
        }
    }

    @Test func manyThatFollowOneAnotherAreEachAskedOnce() {
        // A ladder, of which the ways double with each step; and a circle, which the project's check refuses.
        var syncs = [sync("0a", .every(seconds: 3_600)), sync("0b", .every(seconds: 7_200))]
        for step in 1...40 {
            let parents = ["\(step - 1)a", "\(step - 1)b"]
            syncs += [sync("\(step)a", .after(parents)), sync("\(step)b", .after(parents))]
        }
        #expect(hours("40a", syncs) == 2)
        let circle = [sync("x", .after(["y"])), sync("y", .after(["x"]))]
        #expect(hours("x", circle) == nil)
    }
}
