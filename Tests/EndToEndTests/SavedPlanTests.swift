import Foundation
import Testing

/// `plan --out` and `run --plan` with the real program.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct SavedPlanTests {
    private func saved(_ project: CompanyProject, _ more: String...) async throws -> Finished {
        try await project.sluice(["plan", "companies", "--out", "companies.plan"] + more)
    }

    private func refused(
        _ project: CompanyProject, _ arguments: [String] = ["run", "--plan", "companies.plan"],
        with code: String, _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let before = try project.arrived()
        let ended = try await project.sluice(arguments)
        #expect(ended.status == 1 && ended.everything.contains(code), "\(ended.everything)", sourceLocation: location)
        #expect(try project.arrived() == before, sourceLocation: location)
        return ended.everything
    }

    @Test func whatWasLookedAtIsSentAndOnlyOnce() async throws {
        let project = try await CompanyProject()
        let plan = try await saved(project)
        #expect(plan.status == 0, "\(plan.everything)")
        #expect(plan.output.contains("saved in companies.plan; to send exactly this: sluice run --plan companies.plan"))
        let run = try await project.sluice("run", "--plan", "companies.plan")
        #expect(run.status == 0, "\(run.everything)")
        #expect(try project.arrived() == project.expected())
        let text = try await refused(project, with: "plan_used")
        #expect(
            text == """
                error[plan_used]: The plan companies.plan was sent already, by run 1. Nothing was sent.
                  hint: Make the plan again and look at it: sluice plan companies --out companies.plan.

                """, "\(text)")
        #expect(try await project.sluice("runs", "--json").runs().count == 1)
    }

    /// By each command that writes a file of a name it is given.
    @Test func whatIsNoFileIsNotWrittenOver() async throws {
        let project = try await CompanyProject()
        let folder = project.folder
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0 && symlink("/proc/self/fd/1", folder.path + "/out") == 0)
        let cases: [([String], String)] = [
            (["plan", "companies", "--out"], "plan_file_unwritable"),
            (["run", "companies", "--trace"], "trace_unwritable"), (["backup"], "backup_file_unwritable"),
            (["sandbox", "--listen", "127.0.0.1:0", "--data"], "sandbox_data_unwritable"),
        ]
        #expect(try await saved(project).status == 0)
        for (command, code) in cases {
            for name in ["pipe", "out", "."] {
                let ended = try await project.sluice(command + [name])
                #expect(ended.status == 1 && ended.errors.contains(code), "\(name): \(ended.everything)")
                #expect(ended.errors.contains("Name a file"), "\(name): \(ended.everything)")
            }
        }
        var status = stat()
        #expect(lstat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
        let before = try Data(contentsOf: URL(filePath: folder.path + "/sluice.yaml"))
        let backup = try await project.sluice("backup", "sluice.yaml")
        #expect(backup.errors.contains("sluice.yaml is there and is no backup"), "\(backup.everything)")
        #expect(try Data(contentsOf: URL(filePath: folder.path + "/sluice.yaml")) == before)
        #expect(try project.arrived().isEmpty)
    }

    @Test func programsGetThePlaceAndTheCode() async throws {
        let project = try await CompanyProject()
        let plan = try await saved(project, "--json")
        #expect(try plan.json()["plans"][0]["saved_in"].string == "companies.plan")
        try project.database.execute("update accounts set name = 'Other' where id = 3")
        let run = try await project.sluice("run", "companies", "--plan", "companies.plan", "--json")
        let record = try run.runs()[0]
        #expect(run.status == 1 && record["error"]["code"].string == "plan_source_changed", "\(run.everything)")
        #expect(record["state"].string == "failed" && record["operations"]["accepted"].int == 0)
        #expect(try project.arrived().isEmpty)
    }

    @Test func planThatNoLongerFitsIsRefusedWithItsReason() async throws {
        let project = try await CompanyProject()
        _ = try await saved(project)
        let text = CompanyProject.text(project.planhat.address)
        try project.folder.write(text.replacing("seats}", with: "seats, phone: plan}"), to: "sluice.yaml")
        _ = try await refused(project, with: "plan_definition_changed")
        let firms = text.replacing("companies:", with: "firms:")
        try project.folder.write(firms, to: "sluice.yaml")
        _ = try await refused(project, ["run", "firms", "--plan", "companies.plan"], with: "plan_of_other_sync")
        let gone = try await project.sluice("run", "--plan", "companies.plan")
        #expect(gone.status == 2 && gone.errors.contains("unknown_sync"), "\(gone.everything)")
        for (old, new) in [("127.0.0.1", "localhost"), ("planhat.company", "planhat.asset")] {
            try project.folder.write(text.replacing(old, with: new), to: "sluice.yaml")
            _ = try await refused(project, with: "plan_of_other_account")
        }
        try project.folder.write(text, to: "sluice.yaml")
        _ = try await refused(
            project, ["run", "--plan", "companies.plan", "--state", "other"], with: "plan_of_other_state")
        #expect(try await project.sluice("run", "companies").status == 0)
        _ = try await refused(project, with: "plan_state_changed")
        try project.folder.write("hello", to: "companies.plan")
        _ = try await refused(project, with: "plan_file_damaged")
    }

    @Test func savedPlanThatAGuardWouldStopNeedsItsName() async throws {
        let project = try await CompanyProject(rows: 3)
        try project.database.execute("insert into accounts select null, 'x', 'y', 1 from accounts, accounts b")
        let plan = try await saved(project)
        #expect(plan.status == 5 && plan.output.contains("run --plan companies.plan --accept-guard invalid"))
        #expect(try await project.sluice("run", "--plan", "companies.plan").status == 5)
        #expect(try project.arrived().isEmpty)
        let run = try await project.sluice("run", "--plan", "companies.plan", "--accept-guard", "invalid")
        #expect(run.status == 3, "\(run.everything)")
        #expect(try project.arrived().count == 3)
    }

    @Test func aKilledRunOfASavedPlanIsFinishedByTheNext() async throws {
        let project = try await CompanyProject(rows: 40, sandbox: ["--latency", "400"])
        _ = try await saved(project)
        let child = try project.start("run", "--plan", "companies.plan")
        let plans = project.folder.path + "/.sluice/syncs/companies/journal"
        while child.isRunning, !FileManager.default.fileExists(atPath: plans) {
            try await Task.sleep(for: .milliseconds(2))
        }
        child.kill()
        #expect(try await project.sluice("run", "companies").status == 0)
        #expect(try project.arrived() == project.expected())
        #expect(try await project.sluice("run", "--plan", "companies.plan").status == 1)
    }
}
