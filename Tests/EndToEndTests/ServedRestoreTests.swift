import Foundation
import Testing

/// `sluice restore` while `sluice serve` holds the state.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ServedRestoreTests {
    /// On a port that stays the same.
    private func serve(_ project: CompanyProject, _ port: Int) async throws -> ServedSluice {
        try await ServedSluice(project, ["--listen", "127.0.0.1:\(port)"])
    }

    private func freePort() throws -> Int {
        let listener = try WebhookListener()
        defer { listener.close() }
        return listener.port
    }

    @Test func theServerStopsItsRunAndGoesOnWithTheRestoredStateAsTheSameProcess() async throws {
        let project = try await CompanyProject(rows: 11_000, sandbox: ["--latency", "2500"])
        let port = try freePort()
        let serving = try await serve(project, port)
        let visitor = try PageVisitor(serving)
        #expect(try await project.sluice("backup", "copy.sluice").status == 0)
        let refused = try await project.sluice("restore", "copy.sluice", "--json")
        #expect(try refused.status == 1 && refused.json()["error"]["code"].string == "state_not_empty")
        // What comes now is gone after the restore: a run of its own, and a scheduled one that is going on.
        #expect(try await project.sluice("run", "companies", "--limit", "1").status == 0)
        let scheduled = CompanyProject.text(project.planhat.address, more: "    schedule: {every: 10m}")
        try project.folder.write(scheduled, to: "sluice.yaml")
        try await serving.logged("\"message\":\"run begun\"")
        try await project.until("run 2 sends") { $0.first?.operations("planned") == 10_999 }
        #expect(try visitor.get("/runs/2.json").status == 200)

        let restored = try await project.sluice("restore", "copy.sluice", "--force", "--json")
        #expect(restored.status == 0, "\(restored.everything)")
        #expect(try restored.json()["generation"].int == 1)
        #expect(restored.errors.contains("The server stops"))

        // The same process, at the same address.
        #expect(serving.child.isRunning)
        let lock = try String(contentsOfFile: project.folder.path + "/.sluice/server/lock", encoding: .utf8)
        #expect(lock.hasPrefix("pid \(serving.child.pid)\n"))
        let printed = try serving.child.printed()
        for text in ["stopping for a restore", "run left unfinished", "the state was restored"] {
            #expect(printed.contains(text), "\(text): \(printed)")
        }
        #expect(printed.components(separatedBy: "first_link").count == 2, "the link was printed once")

        // Its pages show the old state: people are the same, sessions have ended, the second run never was.
        #expect(try visitor.get("/overview").status == 303)
        try visitor.post("/sign-in", [("name", "Ada"), ("password", PageVisitor.password)], from: "/sign-in")
        #expect(try visitor.get("/overview").status == 200)
        #expect(try visitor.get("/runs/2.json").status == 404)
        try await project.until("the schedule's run ends") { $0.last?.state == "succeeded" }
        let found = try await project.runs()
        #expect(found.count == 1 && found[0]["id"].int == 1 && found[0]["trigger"].string == "schedule", "\(found)")
        #expect(found[0].operations("accepted") == 11_000 && found[0].isBalanced)
        #expect(try project.arrived() == project.expected())
        #expect(try project.planhat.state()["created_again"].members.isEmpty)
        #expect(try await serving.stop().status == 0)
    }

    @Test func aRunOfAnotherProcessKeepsTheServerServingTheStateThatItHas() async throws {
        let project = try await CompanyProject(rows: 3, sandbox: ["--latency", "20000"])
        let serving = try await serve(project, try freePort())
        #expect(try await project.sluice("backup", "copy.sluice").status == 0)
        let run = try project.start("run", "companies")
        try await project.until("run 1 has begun") { $0.first?.state == "running" }
        let refused = try await project.sluice("restore", "copy.sluice", "--force", "--json")
        #expect(try refused.status == 1 && refused.json()["error"]["code"].string == "state_in_use")
        #expect(try !serving.child.printed().contains("stopping"))
        #expect(run.isRunning)
        run.kill()
        #expect(try await project.runs().map(\.state) == ["interrupted"])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: project.folder.path + "/.sluice/restore") == ["lock"])
        #expect(try await serving.stop().status == 0)
    }

    @Test func aServerThatIsKilledWhileItPutsTheBackupInPlaceFinishesAtItsNextStart() async throws {
        let project = try await CompanyProject(rows: 12)
        #expect(try await project.sluice("run", "companies").status == 0)
        #expect(try await project.sluice("backup", "copy.sluice").status == 0)
        try project.database.execute("update accounts set plan = 'Business'")
        #expect(try await project.sluice("run", "companies").status == 0)
        // Removing them takes long enough to be met.
        let state = project.folder.path + "/.sluice"
        for number in 0..<20_000 { try Data().write(to: URL(filePath: "\(state)/plans/x\(number)")) }
        let port = try freePort()
        let serving = try await serve(project, port)
        let restore = try project.start("restore", "copy.sluice", "--force", "--json")
        while restore.isRunning, !FileManager.default.fileExists(atPath: state + "/sluice.db.restoring") {
            try await Task.sleep(for: .milliseconds(1))
        }
        serving.child.kill()
        let next = try await serve(project, port)
        let ended = try await restore.wait()
        #expect(try ended.status == 0 && ended.json()["generation"].int == 1, "\(ended.everything)")
        #expect(try next.child.printed().contains("the state was restored"))
        #expect(try await project.runs().count == 1)
        let again = try await project.sluice("run", "companies", "--json")
        #expect(try again.runs().last?.operations("accepted") == 12, "\(again.everything)")
        #expect(try await next.stop().status == 0)
    }
}
