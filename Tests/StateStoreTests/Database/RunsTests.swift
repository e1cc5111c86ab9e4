import Foundation
import Records
import StateStore
import Testing

struct RunsTests {
    @Test func runsAreNumberedFromOneInEachStateDirectory() throws {
        try ControlFixture.withDatabase { database in
            let ids = try [database.newRun("a").id, database.newRun("b").id, database.newRun("a").id]
            #expect(ids == [1, 2, 3])
        }
    }

    @Test func everyFigureOfARunComesBack() throws {
        try ControlFixture.withDatabase { database in
            let run = Self.full(id: try database.newRun().id)
            try database.update(run)
            #expect(try database.run(run.id) == run)
            #expect(try database.lastRun(sync: "companies") == run)
            #expect(try database.lastRun(sync: "people") == nil)
        }
    }

    @Test func runIsPrintedAsTheInterfacePromises() throws {
        let json = """
            {"id": 12, "sync": "companies", "state": "completed_with_rejections", "full": false, "full_reason": null,
            "limited": false, "trigger": "cli", "started_at": "2026-11-23T06:00:00.000Z",
            "ended_at": "2026-11-23T06:00:04.210Z",
            "rows": {"scanned": 12408, "carried": 0, "unchanged": 12121, "invalid": 47, "held": 0, "skipped": 0,
            "deferred": 0, "planned": 240},
            "operations": {"planned": 240, "removals": 0, "accepted": 238, "rejected": 2, "undelivered": 0,
            "in_doubt": 0, "created": 30, "updated": 200, "already_equal": 8, "sent": 0, "removed": 0},
            "requests": 1, "bytes_sent": 61230,
            "reasons": [{"code": "duplicate_key", "count": 47}, {"code": "refused_by_destination", "count": 2}],
            "guard": null, "error": null, "effort": null, "warnings": []}
            """
        var run = try JSONDecoder().decode(RunRecord.self, from: Data(json.utf8))
        #expect(try Self.object(JSONEncoder().encode(run)) == Self.object(Data(json.utf8)))
        #expect(run.endedAt == Moment(milliseconds: noon.milliseconds + 4_210))
        run.guard = GuardRecord(name: "removed", message: "m", hint: "h")
        run.error = RunFailure(code: "c", message: "m", hint: "h")
        let again = try JSONDecoder().decode(RunRecord.self, from: JSONEncoder().encode(run))
        #expect(again == run)
    }

    @Test func aRunKeepsTheFirstOfItsWarningsAndTellsThemBesideItsEffort() throws {
        try ControlFixture.withDatabase { database in
            var run = try database.createRun(
                sync: "a", trigger: "cli", full: false, limited: false, startedAt: noon, state: .running)
            #expect(run.warnings.isEmpty)
            var effort = RunEffort()
            for number in 1...30 {
                effort.warn(Reason(code: "w\(number)", message: "m", hint: "h"))
                effort.warn(Reason(code: "w1", message: "m", hint: "h"))
            }
            run.effort = effort
            try database.update(run)
            let kept = try #require(try database.run(run.id))
            #expect(kept == run && kept.warnings.map(\.code) == (1...20).map { "w\($0)" })
            let object = try #require(try Self.object(JSONEncoder().encode(kept)))
            let told = object["warnings"] as? [[String: String]]
            #expect(told?.count == 20 && told?.first == ["code": "w1", "message": "m", "hint": "h"])
            #expect((object["effort"] as? [String: Any])?["warnings"] == nil)
        }
    }

    @Test func outcomeIsPrintedAsTheInterfacePromises() throws {
        let json = """
            {"key": "k4", "outcome": "in_doubt", "code": "c", "message": "said no to k4", "hint": "look", "run": 3}
            """
        let encoded = try JSONEncoder().encode(OutcomeRecord.sample(3, 4, .inDoubt, code: "c"))
        #expect(try Self.object(encoded) == Self.object(Data(json.utf8)))
    }

    @Test func unknownRunIsAnError() throws {
        try ControlFixture.withDatabase { database in
            let run = RunRecord(
                id: 9, sync: "a", state: .running, full: false, limited: false, trigger: "cli", startedAt: noon)
            let calls: [() throws -> Void] = [
                { try database.update(run) }, { _ = try database.lastAppliedPosition(run: 9) },
                { _ = try database.requestCancel(run: 9, at: noon) },
                { _ = try database.apply(run: 9, position: 0, outcomes: [], figures: run) },
                { try database.seal(run, definition: "", at: noon) },
            ]
            for call in calls {
                let error = #expect(throws: StateError.self) { try call() }
                #expect(error?.code == "unknown_run")
            }
            let found = try database.run(9)
            #expect(found == nil)
            #expect(try database.isCancelRequested(run: 9) == false)
        }
    }

    @Test(arguments: RunState.allCases)
    func unfinishedRunsAreThoseInAStateThatIsNotFinal(state: RunState) throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun(state: state)
            #expect(try database.unfinishedRuns().map(\.id) == (state.isFinal ? [] : [run.id]))
            #expect(try database.unfinishedRuns(sync: "companies").map(\.id) == (state.isFinal ? [] : [run.id]))
            #expect(try database.unfinishedRuns(sync: "people").isEmpty)
        }
    }

    @Test func cancelIsNotAskedOfAFinishedRun() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.finishedRun()
            #expect(try database.requestCancel(run: run.id, at: noon) == .succeeded)
            #expect(try database.isCancelRequested(run: run.id) == false)
        }
    }

    @Test func cancelSurvivesAnUpdateOfTheRun() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            _ = try database.requestCancel(run: run.id, at: noon)
            try database.update(run)
            #expect(try database.isCancelRequested(run: run.id))
        }
    }

    @Test func latestSealedPlanIsTheNewestOfItsSync() throws {
        try ControlFixture.withDatabase { database in
            #expect(try database.latestSealedPlan(sync: "companies") == nil)
            for sync in ["companies", "companies", "people"] {
                var run = try database.newRun(sync)
                run.rows.planned = Int(run.id)
                try database.seal(run, definition: "d\(run.id)", at: noon)
            }
            _ = try database.newRun()
            let plan = try #require(try database.latestSealedPlan(sync: "companies"))
            #expect(plan.run.id == 2)
            #expect(plan.run.rows.planned == 2)
            #expect(plan.definition == "d2")
            #expect(plan.sealedAt == noon)
            #expect(plan.appliedPosition == -1)
        }
    }

    // MARK: Settling

    @Test func frameIsAppliedOnce() throws {
        try ControlFixture.withDatabase { database in
            var run = try database.newRun()
            #expect(try database.lastAppliedPosition(run: run.id) == -1)
            run.operations.rejected = 2
            let frame: [OutcomeRecord] = [.sample(run.id, 3, batch: 0), .sample(run.id, 4, batch: 0)]
            let exchange = ExchangeRecord(run: run.id, number: 0, batch: 0, at: noon, method: "PUT", path: "/x")
            #expect(
                try database.apply(run: run.id, position: 0, outcomes: frame, exchanges: [exchange], figures: run))
            var stale = run
            stale.operations.rejected = 99
            #expect(try !database.apply(run: run.id, position: 0, outcomes: [.sample(run.id, 5)], figures: stale))
            #expect(try database.run(run.id)?.operations.rejected == 2)
            #expect(try database.lastAppliedPosition(run: run.id) == 0)
            #expect(try RunHistory(database).outcomes(run: run.id, limit: 10) == frame)
            #expect(try database.apply(run: run.id, position: 7, outcomes: [.sample(run.id, 5)], figures: run))
            #expect(try database.lastAppliedPosition(run: run.id) == 7)
            #expect(try !database.apply(run: run.id, position: 3, outcomes: [.sample(run.id, 6)], figures: run))
            #expect(try RunHistory(database).outcomeCounts(run: run.id) == [.rejected: 3])
        }
    }

    @Test func frameThatFailsHalfWayLeavesNothing() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            let frame: [OutcomeRecord] = [.sample(run.id, 0), .sample(77, 1)]
            #expect(throws: StateError.self) {
                _ = try database.apply(run: run.id, position: 0, outcomes: frame, figures: run)
            }
            #expect(try database.lastAppliedPosition(run: run.id) == -1)
            #expect(try RunHistory(database).outcomeCounts(run: run.id).isEmpty)
        }
    }

    @Test func laterOutcomeOfAnOperationReplacesTheEarlier() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            try database.record(outcomes: [.sample(run.id, 0, .undelivered)])
            try database.record(outcomes: [.sample(run.id, 0, .rejected)])
            #expect(try RunHistory(database).outcomeCounts(run: run.id) == [.rejected: 1])
        }
    }

    @Test func struckDuplicatesTakeThePlaceOfWhatWasSaidOfTheirKeys() throws {
        try ControlFixture.withDatabase { database in
            let run = try database.newRun()
            let other = try database.newRun()
            try database.record(outcomes: [
                .sample(run.id, -1, key: "a", .held), .sample(run.id, -2, key: "b", .skipped),
                .sample(run.id, -3, key: "a", .invalid), .sample(other.id, -1, key: "a", .held),
            ])
            let struck: [OutcomeRecord] = [
                .sample(run.id, -5, key: "a", .invalid, code: "duplicate_key"),
                .sample(run.id, -4, key: "a", .invalid, code: "duplicate_key"),
            ]
            let removed = try database.replaceOutcomes(run: run.id, of: [.of("a", seed: 1)], with: struck)
            #expect(removed == [.held: 1, .invalid: 1])
            let history = RunHistory(database)
            #expect(try history.outcomes(run: run.id, limit: 10).map(\.sequence) == [-5, -4, -2])
            #expect(try history.outcomeCounts(run: other.id) == [.held: 1])
            try database.discardOutcomes(run: run.id)
            #expect(try history.outcomeCounts(run: run.id).isEmpty)
        }
    }

    @Test func closingStoresTheRunAndTheMemoryTogether() throws {
        try ControlFixture.withDatabase { database in
            var run = try database.newRun()
            run.state = .succeeded
            run.endedAt = noon
            var memory = SyncMemory(name: "companies", seed: 5)
            memory.lastCompleteRun = run.id
            try database.close(run, memory: memory)
            #expect(try database.run(run.id) == run)
            #expect(try database.memory("companies") == memory)
            memory.lastCompleteRun = 99
            run.state = .failed
            #expect(throws: StateError.self) { try database.close(run, memory: memory) }
            #expect(try database.run(run.id)?.state == .succeeded, "neither, where one cannot be")
        }
    }

    // MARK: Samples

    static func full(id: Int64) -> RunRecord {
        var run = RunRecord(
            id: id, sync: "companies", state: .completedWithRejections, full: true, limited: true, trigger: "schedule",
            startedAt: noon)
        run.fullReason = "the mapping changed"
        run.endedAt = Moment(milliseconds: noon.milliseconds + 4_210)
        run.rows.scanned = 1
        run.rows.carried = 2
        run.rows.unchanged = 3
        run.rows.invalid = 4
        run.rows.held = 5
        run.rows.skipped = 6
        run.rows.deferred = 7
        run.rows.planned = 8
        run.operations.planned = 9
        run.operations.removals = 10
        run.operations.accepted = 11
        run.operations.rejected = 12
        run.operations.undelivered = 13
        run.operations.inDoubt = 14
        run.operations.created = 15
        run.operations.updated = 16
        run.operations.alreadyEqual = 17
        run.operations.sent = 18
        run.operations.removed = 19
        run.requests = 20
        var effort = RunEffort()
        effort.scanMilliseconds = 1
        effort.retries = 2
        effort.answers = ["200": 3, RunEffort.noAnswer: 4]
        run.effort = effort
        run.bytesSent = 1 << 40
        run.reasons = [ReasonCount(code: "duplicate_key", count: 4)]
        run.guard = GuardRecord(name: "invalid", message: "50 % are \"invalid\"", hint: "look")
        run.error = RunFailure(code: "plan_stale", message: "m", hint: "h")
        return run
    }

    static func object(_ data: Data) throws -> NSDictionary? {
        try JSONSerialization.jsonObject(with: data) as? NSDictionary
    }
}
