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

    /// What a shell did while a run of slow requests was under way: the exit codes that it told by name.
    private struct Meanwhile {
        var project: CompanyProject
        var told: [String: Int]
        var printed: String

        func file(_ name: String) throws -> String {
            try String(contentsOfFile: project.folder.path + "/" + name, encoding: .utf8)
        }

        /// How the run ended that was under way.
        func first() throws -> Finished {
            Finished(
                status: Int32(told["first"] ?? -1), signal: nil, output: try file("first.json"),
                errors: try file("first.err"))
        }
    }

    /// Starts a run and does `script` once the run is in the history and, if asked for, its plan is made, which is when
    /// the first write is on its way. A shell does it, since these tests share their threads with others that may
    /// keep them busy for seconds.
    private func meanwhile(
        latency: Int = 900, rows: Int = 30_000, isPlanned: Bool = true, _ script: String
    ) async throws -> Meanwhile {
        let project = try await CompanyProject(rows: rows, sandbox: ["--latency", String(latency)])
        return try await meanwhile(on: project, isPlanned: isPlanned, script)
    }

    private func meanwhile(on project: CompanyProject, isPlanned: Bool, _ script: String) async throws -> Meanwhile {
        let shown = isPlanned ? "\"planned\" : [1-9]" : "\"state\" : \"running\""
        let whole = """
            set -m
            "$SLUICE" run companies --json > first.json 2> first.err & pid=$!
            for i in $(seq 500); do
              if "$SLUICE" runs --json | grep -q '\(shown)'; then break; fi
              sleep 0.02
            done
            \(script)
            wait $pid; echo "first $?"
            """
        let environment = project.token.merging(["SLUICE": SluiceProgram.path]) { _, given in given }
        let shell = try project.folder.start("/bin/bash", ["-c", whole], environment: environment)
        let ended = try await shell.wait(seconds: 90)
        var told: [String: Int] = [:]
        for line in ended.output.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let number = Int(words[1]) { told[String(words[0])] = number }
        }
        return Meanwhile(project: project, told: told, printed: ended.everything)
    }

    @Test func aSecondRunOfTheSameSyncIsRefusedOrWaits() async throws {
        let done = try await meanwhile(
            """
            "$SLUICE" run companies --json > busy.json; echo "busy $?"
            "$SLUICE" run companies --json --wait > waited.json; echo "waited $?"
            """)
        #expect(done.told == ["busy": 1, "waited": 0, "first": 0], "\(done.printed)")
        let busy = try JSON(parsing: done.file("busy.json"))
        #expect(busy["error"]["code"].string == "sync_already_running", "\(busy)")
        let waited = try JSON(parsing: done.file("waited.json"))["runs"][0]
        #expect(waited.rows("unchanged") == 30_000, "\(waited)")
        #expect(try done.project.arrived() == done.project.expected())
    }

    @Test func cancelFromAnotherProcessStopsTheRunPolitely() async throws {
        let done = try await meanwhile("\"$SLUICE\" cancel 1; echo \"cancel $?\"")
        #expect(done.told["cancel"] == 0, "\(done.printed)")
        try await expectCancelled(done.project, done.first())
        let late = try await done.project.sluice("cancel", "1")
        #expect(late.status == 0 && late.output.contains("ended already"), "\(late.everything)")
    }

    /// Cancels the run and tells how long it took to end, in milliseconds.
    private static let cancelling = """
        asked=${EPOCHREALTIME/./}; "$SLUICE" cancel 1; echo "cancel $?"; wait $pid; echo "ended $?"
        echo "took $(( (${EPOCHREALTIME/./} - asked) / 1000 ))"
        """

    @Test func cancelEndsAWaitThatPlanhatAskedFor() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "status=429 retry-after=300 times=1 method=PUT"])
        let done = try await meanwhile(on: project, isPlanned: true, Self.cancelling)
        #expect(done.told["cancel"] == 0 && done.told["ended"] == 130, "\(done.printed)")
        #expect(done.told["took"] ?? .max < 30_000, "\(done.printed)")
        let run = try #require(try await project.sluice("runs", "--json").runs().first)
        #expect(run.state == "cancelled" && run.isBalanced && run.operations("undelivered") == 12, "\(run)")
        // The five minutes hold for every later run; here they are lifted by hand.
        for limits in [project.folder.path + "/.sluice/limits", project.folder.limits] {
            try FileManager.default.removeItem(atPath: limits)
        }
        let next = try await project.sluice("run", "companies", "--json")
        #expect(next.status == 0, "\(next.everything)")
        #expect(try project.arrived() == project.expected())
        #expect(try project.planhat.state()["created_again"].members.isEmpty)
    }

    @Test(.enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)"))
    func cancelEndsASlowQuery() async throws {
        let project = try await CompanyProject()
        let account = try PostgresAccount(project)
        defer { account.drop() }
        try account.useQuery("select * from \(account.table) where id < 7 or pg_sleep(300)::text = ''")
        let done = try await meanwhile(on: project, isPlanned: false, Self.cancelling)
        #expect(done.told["cancel"] == 0 && done.told["ended"] == 130, "\(done.printed)")
        #expect(done.told["took"] ?? .max < 30_000, "\(done.printed)")
        let run = try #require(try await project.sluice("runs", "--json").runs().first)
        #expect(run.state == "cancelled" && run.isBalanced && run.operations("planned") == 0, "\(run)")
        try account.useQuery("select * from \(account.table)")
        let next = try await project.sluice("run", "companies", "--json")
        #expect(next.status == 0, "\(next.everything)")
        #expect(try project.arrived() == project.expected())
    }

    @Test(arguments: [false, true]) func controlCStopsTheRunPolitely(isPlanned: Bool) async throws {
        let done = try await meanwhile(isPlanned: isPlanned, "kill -INT $pid")
        try await expectCancelled(done.project, done.first())
    }

    @Test func controlCEndsTheWaitForAnotherRun() async throws {
        let done = try await meanwhile(
            rows: 20_000,
            """
            "$SLUICE" run companies --json --wait > waiting.json & waiting=$!
            sleep 0.7; kill -INT $waiting; wait $waiting; echo "waiting $?"
            """)
        #expect(done.told == ["waiting": 130, "first": 0], "\(done.printed)")
        #expect(try JSON(parsing: done.file("waiting.json"))["error"]["code"].string == "cancelled")
    }

    private func expectCancelled(_ project: CompanyProject, _ ended: Finished) async throws {
        #expect(ended.status == 130 && ended.signal == nil, "\(ended.everything)")
        let run = try #require(try await project.sluice("runs", "--json").runs().first)
        #expect(run.state == "cancelled" && run.isBalanced && run["ended_at"] != .null, "\(run)")
        #expect(run.operations("accepted") < 30_000)
        // What was accepted is known, the rest comes with the next run, and nothing twice.
        let next = try await project.sluice("run", "companies", "--json")
        #expect(next.status == 0, "\(next.everything)")
        #expect(try project.arrived() == project.expected())
        #expect(try project.planhat.state()["created_again"].members.isEmpty)
        let accepted = try await project.sluice("runs", "--json").runs().reduce(0) { $0 + $1.operations("accepted") }
        #expect(accepted == 30_000)
    }

    @Test func aSecondControlCEndsItAtOnceAndNothingIsLost() async throws {
        let done = try await meanwhile(
            latency: 3_000, rows: 12_000,
            """
            kill -INT $pid; sleep 0.3
            kill -0 $pid; echo "running $?"
            asked=${EPOCHREALTIME/./}; kill -INT $pid; wait $pid; echo "ended $?"
            echo "took $(( (${EPOCHREALTIME/./} - asked) / 1000 ))"
            """)
        #expect(done.told["running"] == 0 && done.told["ended"] == 130, "\(done.printed)")
        #expect(done.told["took"] ?? 9_999 < 1_000, "\(done.printed)")
        let project = done.project
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
