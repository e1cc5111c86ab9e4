import Foundation
import Testing

/// Limits, guards, locks, cancellation: what steers a run.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct RunControlTests {
    private func run(_ project: CompanyProject, _ options: String...) async throws -> (Finished, JSON) {
        let ended = try await project.sluice(["run", "companies", "--json"] + options)
        return (ended, try #require(ended.runs().first, "\(ended.everything)"))
    }

    @Test func limitSendsTheFirstChangesAndTheNextRunTheRest() async throws {
        let project = try await CompanyProject()
        let (ended, limited) = try await run(project, "--limit", "5")
        #expect(ended.status == 0 && limited["limited"].bool == true && limited.isBalanced)
        #expect(limited.operations("created") == 5 && limited.rows("deferred") == 7)
        let (_, rest) = try await run(project)
        #expect(rest.operations("created") == 7 && rest.rows("unchanged") == 5)
        #expect(try project.arrived() == project.expected())
    }

    @Test func fullSendsEveryRecordAgain() async throws {
        let project = try await CompanyProject()
        _ = try await run(project)
        let (ended, full) = try await run(project, "--full")
        #expect(ended.status == 0 && full["full"].bool == true && full["full_reason"] != .null && full.isBalanced)
        #expect(full.operations("already_equal") == 12 && full.rows("unchanged") == 0)
    }

    @Test func aGuardStopsARunUntilAPersonAcceptsIt() async throws {
        let project = try await CompanyProject()
        _ = try await run(project)
        try project.database.execute("create table kept as select * from accounts; delete from accounts")
        let plan = try await project.sluice("plan", "companies")
        #expect(plan.status == 5 && plan.output.contains("empty_scan"), "\(plan.everything)")
        let (ended, stopped) = try await run(project)
        #expect(ended.status == 5 && stopped.state == "stopped_by_guard" && stopped["requests"].int == 0)
        #expect(stopped["guard"]["name"].string == "empty_scan" && stopped.isBalanced, "\(stopped)")
        let text = try await project.sluice("show")
        #expect(text.output.contains("--accept-guard"), "\(text.output)")
        let (accepted, gone) = try await run(project, "--accept-guard", "empty_scan")
        #expect(accepted.status == 0 && gone.state == "succeeded", "\(accepted.everything)")
    }

    @Test func mostlyInvalidRowsStopTheRun() async throws {
        let project = try await CompanyProject()
        try project.database.execute("update accounts set id = null where id > 4")
        let (ended, stopped) = try await run(project)
        #expect(ended.status == 5 && stopped["guard"]["name"].string == "invalid", "\(stopped)")
        #expect(try project.planhat.companies().isEmpty)
        let (accepted, rest) = try await run(project, "--accept-guard", "invalid")
        #expect(accepted.status == 3 && rest.operations("created") == 4 && rest.isBalanced, "\(accepted.everything)")
    }

    /// A run of three slow requests.
    private func slow(_ latency: Int) async throws -> (CompanyProject, Child) {
        let project = try await CompanyProject(rows: 12_000, sandbox: ["--latency", String(latency)])
        return (project, try project.start("run", "companies", "--json"))
    }

    /// Waits until the run is in the history and, if asked for, its plan is made: then its first write is under way.
    private func underWay(_ project: CompanyProject, isPlanned: Bool = true) async throws -> Int {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let runs = try await project.sluice("runs", "--json").runs()
            if let run = runs.first, run.state == "running", !isPlanned || run.operations("planned") > 0 {
                return run["id"].int ?? 0
            }
        }
        throw ChildError(description: "the run never was under way")
    }

    @Test func aSecondRunOfTheSameSyncIsRefusedOrWaits() async throws {
        let (project, child) = try await slow(700)
        _ = try await underWay(project)
        let busy = try await project.sluice("run", "companies", "--json")
        #expect(
            try busy.status == 1 && busy.json()["error"]["code"].string == "sync_already_running", "\(busy.everything)")
        let waited = try await project.sluice("run", "companies", "--json", "--wait")
        #expect(waited.status == 0, "\(waited.everything)")
        #expect(try waited.runs()[0].rows("unchanged") == 12_000)
        let first = try await child.wait()
        #expect(first.status == 0, "\(first.everything)")
        #expect(try project.arrived() == project.expected())
    }

    @Test func cancelFromAnotherProcessStopsTheRunPolitely() async throws {
        let (project, child) = try await slow(900)
        let id = try await underWay(project)
        let cancel = try await project.sluice("cancel", String(id))
        #expect(cancel.status == 0, "\(cancel.everything)")
        try await expectCancelled(project, try await child.wait(seconds: 30))
        let late = try await project.sluice("cancel", String(id))
        #expect(late.status == 0 && late.output.contains("ended already"), "\(late.everything)")
    }

    @Test(arguments: [false, true]) func controlCStopsTheRunPolitely(isPlanned: Bool) async throws {
        let (project, child) = try await slow(900)
        _ = try await underWay(project, isPlanned: isPlanned)
        child.signal(SIGINT)
        try await expectCancelled(project, try await child.wait(seconds: 30))
    }

    @Test func controlCEndsTheWaitForAnotherRun() async throws {
        let (project, child) = try await slow(900)
        _ = try await underWay(project)
        let waiting = try project.start("run", "companies", "--json", "--wait")
        try await Task.sleep(for: .milliseconds(200))
        waiting.signal(SIGINT)
        let ended = try await waiting.wait(seconds: 10)
        #expect(ended.status == 130, "\(ended.everything)")
        let first = try await child.wait()
        #expect(first.status == 0, "\(first.everything)")
    }

    private func expectCancelled(_ project: CompanyProject, _ ended: Finished) async throws {
        #expect(ended.status == 130 && ended.signal == nil, "\(ended.everything)")
        let run = try #require(try await project.sluice("runs", "--json").runs().first)
        #expect(run.state == "cancelled" && run.isBalanced && run["ended_at"] != .null, "\(run)")
        #expect(run.operations("accepted") < 12_000)
        // What was accepted is known, the rest comes with the next run, and nothing twice.
        let next = try await project.sluice("run", "companies", "--json")
        #expect(next.status == 0, "\(next.everything)")
        #expect(try project.arrived() == project.expected())
        #expect(try project.planhat.state()["created_again"].members.isEmpty)
        let accepted = try await project.sluice("runs", "--json").runs().reduce(0) { $0 + $1.operations("accepted") }
        #expect(accepted == 12_000)
    }

    @Test func aSecondControlCEndsItAtOnceAndNothingIsLost() async throws {
        let (project, child) = try await slow(3_000)
        _ = try await underWay(project)
        child.signal(SIGINT)
        try await Task.sleep(for: .milliseconds(300))
        #expect(child.isRunning)
        let asked = ContinuousClock.now
        child.signal(SIGINT)
        let ended = try await child.wait(seconds: 3)
        #expect(ended.status == 130 && ContinuousClock.now - asked < .seconds(1), "\(ended.everything)")
        let next = try await project.sluice("run", "companies", "--json")
        #expect(next.status == 0, "\(next.everything)")
        #expect(try project.arrived() == project.expected())
        for run in try await project.sluice("runs", "--json").runs() {
            #expect(JSON.finalStates.contains(run.state) && run.isBalanced, "\(run)")
        }
    }

    @Test func aRunIsTriedAgainThroughFaultsOfTheNetworkAndTheServer() async throws {
        let rules = [
            "status=503 retry-after=0 every=2 times=2", "drop-after times=1 method=PUT",
            "cut-answer after=2 times=1 method=PUT",
        ]
        let project = try await CompanyProject(rows: 12_000, sandbox: rules.flatMap { ["--fail", $0] })
        let (ended, done) = try await run(project)
        #expect(ended.status == 0 && done.isBalanced && done.operations("accepted") == 12_000, "\(ended.everything)")
        #expect(try project.arrived() == project.expected())
        #expect(try project.planhat.state()["created_again"].members.isEmpty)
    }

    @Test func aRefusedRecordIsTriedAgainAlthoughItsRowDidNotChange() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "refuse where externalId=5 times=2"])
        #expect(try await run(project).0.status == 3)
        let (again, second) = try await run(project)
        #expect(again.status == 3 && second.operations("rejected") == 1 && second.rows("unchanged") == 11)
        let (last, third) = try await run(project)
        #expect(last.status == 0 && third.operations("created") == 1)
    }

    @Test func severalSyncsEndWithTheWorstOfTheirCodes() async throws {
        let more = """
              lost:
                from: {source: local, table: missing}
                to: planhat.company
                behavior: update_or_create
                key: {column: id, field: externalId}
                mappings: {description: name}
            """
        let project = try await CompanyProject(sandbox: ["--fail", "refuse where externalId=5"], more: more)
        #expect(try await project.sluice("run", "companies", "--json").status == 3)
        let both = try await project.sluice("run", "companies", "lost", "--json")
        let runs = try both.runs()
        #expect(both.status == 1 && runs.map(\.state) == ["completed_with_rejections", "failed"], "\(both.everything)")
        #expect(runs[1]["error"]["code"].string == "table_not_found", "\(runs[1])")
        #expect(try await project.sluice("run", "companies", "nobody").status == 2)
    }

    @Test func updateOnlySkipsWhatIsNotThere() async throws {
        let project = try await CompanyProject()
        _ = try await run(project, "--limit", "3")
        let yaml = CompanyProject.text(project.planhat.address).replacing("update_or_create", with: "update_only")
            .replacing("name: name", with: "description: name").replacing("  companies:", with: "  notes:")
        try project.folder.write(yaml, to: "sluice.yaml")
        let ended = try await project.sluice("run", "notes", "--json")
        let notes = try #require(ended.runs().first)
        #expect(
            ended.status == 0 && notes.rows("skipped") == 9 && notes.operations("updated") == 3, "\(ended.everything)")
        #expect(try project.planhat.companies().count == 3)
    }
}
