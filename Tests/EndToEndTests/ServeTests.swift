import Foundation
import Glibc
import Testing

/// `sluice serve` keeps schedules, also when it is killed or stopped in the middle of runs.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ServeTests {
    private func expectTruth(_ project: CompanyProject) async throws {
        #expect(try project.arrived() == project.expected())
        #expect(try project.planhat.state()["created_again"].members.isEmpty)
        for run in try await project.runs() where JSON.finalStates.contains(run.state) {
            #expect(run.isBalanced && run["ended_at"] != .null, "\(run)")
        }
    }

    @Test func killedServerGoesOnWithItsRunsAtTheNextStart() async throws {
        let project = try await CompanyProject(
            rows: 12_000, sandbox: ["--latency", "900"], more: "    schedule: {every: 10m}")
        for kill in 1...2 {
            let serving = try await ServedSluice(project)
            try await project.until("run 1 sends for the \(kill). time") { runs in
                runs.last.map { $0.operations("planned") > 0 && $0.state == "running" } ?? false
            }
            serving.child.kill()
            #expect(try await project.runs().map(\.state) == ["interrupted"])
        }
        let serving = try await ServedSluice(project)
        try await project.until("run 1 ends") { $0.last?.state == "succeeded" }
        let found = try await project.runs()
        #expect(
            found.count == 1 && found[0]["trigger"].string == "schedule" && found[0].operations("accepted") == 12_000)
        try await expectTruth(project)
        let metrics = try LoopbackHTTP.get("/metrics", port: serving.port)
        #expect(metrics.contains("sluice_runs_total{sync=\"companies\",state=\"succeeded\"} 1"), "\(metrics)")
        #expect(try LoopbackHTTP.get("/readyz", port: serving.port).contains("ready"))
        #expect(try await serving.stop().status == 0)
    }

    /// Three connections, so that none waits for another's turn.
    @Test func serverKilledDuringThreeScheduledRunsGoesOnWithAllOfThemAndTellsTheTruth() async throws {
        let project = try await CompanyProject(rows: 18_000, sandbox: ["--latency", "2000"])
        try project.folder.write(Self.threeSyncs(project.planhat.address), to: "sluice.yaml")
        let names: Set = ["first", "second", "third"]
        let serving = try await ServedSluice(project)
        try await project.until("all three send") { runs in
            runs.count == 3 && runs.allSatisfy { $0.operations("planned") == 6_000 && $0.state == "running" }
        }
        serving.child.kill()
        let left = try await project.runs()
        #expect(left.map(\.state) == ["interrupted", "interrupted", "interrupted"])
        #expect(left.contains { $0.operations("accepted") < 6_000 })

        let next = try await ServedSluice(project)
        try await project.until("all three end") { $0.allSatisfy { $0.state == "succeeded" } }
        let found = try await project.runs()
        #expect(Set(found.compactMap { $0["id"].int }) == [1, 2, 3] && found.count == 3, "\(found)")
        #expect(Set(found.compactMap { $0["sync"].string }) == names)
        for run in found {
            #expect(run["trigger"].string == "schedule" && run.operations("accepted") == 6_000, "\(run)")
            #expect(run.rows("scanned") == 6_000 && run.operations("in_doubt") == 0)
        }
        try await expectTruth(project)
        let visitor = try PageVisitor(next)
        let metrics = try LoopbackHTTP.get("/metrics", port: next.port)
        for name in names {
            let page = try JSON(parsing: visitor.get("/syncs/\(name).json").body)
            #expect(page["runs"].list.map(\.state) == ["succeeded"] || page["runs"] == .null, "\(page)")
            #expect(metrics.contains("sluice_runs_total{sync=\"\(name)\",state=\"succeeded\"} 1"), "\(metrics)")
        }
        for run in found {
            let id = run["id"].int ?? 0
            #expect(try JSON(parsing: visitor.get("/runs/\(id).json").body) == run)
        }
        #expect(try await next.stop().status == 0)
    }

    private static func threeSyncs(_ address: String) -> String {
        let connection = "{type: planhat, base_url: \"\(address)\", api_key: \"${PLANHAT_API_KEY}\"}"
        let names = ["first", "second", "third"]
        let syncs = names.enumerated().map { part, name in
            """
              \(name):
                from: {source: local, sql: "select * from accounts where id % 3 = \(part)"}
                to: planhat_\(name).company
                behavior: update_or_create
                key: {column: id, field: externalId}
                mappings: \(CompanyProject.mappings)
                schedule: {every: 10m}
            """
        }
        return """
            version: 1
            sources:
              local: {type: sqlite, path: data.db}
            destinations:
            \(names.map { "  planhat_\($0): \(connection)" }.joined(separator: "\n"))
            syncs:
            \(syncs.joined(separator: "\n"))
            """
    }

    @Test func stoppedServerLeavesItsRunToTheNextStartAndRecordsCollisions() async throws {
        let project = try await CompanyProject(
            rows: 12_000, sandbox: ["--latency", "5000"], more: "    schedule: {every: 10s}")
        let serving = try await ServedSluice(project)
        try await project.until("a collision") { $0.contains { $0.state == "skipped" } }
        let second = try await project.sluice("serve", "--listen", "127.0.0.1:0", "--json")
        #expect(try second.status == 1 && second.json()["error"]["code"].string == "server_already_running")
        let stopped = try await serving.stop()
        #expect(stopped.status == 0, "\(stopped.everything)")
        let left = try await project.runs()
        #expect(left.map(\.state) == ["skipped", "interrupted"], "\(left)")
        #expect(left[0]["error"]["code"].string == "sync_already_running")
        #expect(left[1].operations("accepted") < 12_000)
        for line in stopped.errors.split(separator: "\n") where !line.hasPrefix("Stopping:") {
            let fields = try JSON(parsing: String(line))
            #expect(fields["level"] != .null && fields["message"] != .null, "\(line)")
        }
        #expect(!stopped.everything.contains(project.planhat.token))
        #expect(stopped.errors.contains("\"sync\":\"companies\"") && stopped.errors.contains("\"run\":1"))

        let next = try await ServedSluice(project)
        try await project.until("run 1 ends") { $0.last?.state == "succeeded" }
        #expect(try await next.stop().status == 0)
        try await expectTruth(project)
    }

    @Test func sampleDataThatCannotBeReadKeepsNoServerFromStarting() async throws {
        let project = try await CompanyProject(rows: 3)
        let sample = "{type: planhat, base_url: \"http://127.0.0.1:1\", api_key: \"${PLANHAT_API_KEY}\"}"
        let text = CompanyProject.text(project.planhat.address)
            .replacing("datasets:", with: "  local-planhat: \(sample)\ndatasets:")
        try project.folder.write(text, to: "sluice.yaml")
        try project.folder.write("", to: "sample-data/acme.db")
        try project.folder.write("{damaged", to: ".sluice/local-planhat.json")
        let serving = try await ServedSluice(project)
        try await serving.logged("sandbox_data_corrupt")
        #expect(try LoopbackHTTP.get("/readyz", port: serving.port).contains("ready"))
        #expect(try await serving.stop().status == 0)
    }

    @Test func pauseAndResumeSayWhatTheyChanged() async throws {
        let project = try await CompanyProject(rows: 3, more: "    paused: true")
        let paused = try await project.sluice("pause", "companies", "--json").json()
        #expect(paused["paused"].bool == true && paused["was_paused"].bool == false)
        #expect(paused["paused_by_file"].bool == true && paused["sync"].string == "companies")
        #expect(try await project.sluice("pause", "companies").output == "companies was paused already.\n")
        let resumed = try await project.sluice("resume", "companies")
        #expect(resumed.output == "companies is back.\n" && resumed.errors.contains("still says paused: true"))
        #expect(try await project.sluice("resume", "nobody").status == 2)
    }
}

/// Notices of `sluice run`, as from cron.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct NoticeEndToEndTests {
    @Test func commandIsToldOfAFailureAndOfItsEnd() async throws {
        let project = try await CompanyProject(
            rows: 3, more: "    notify: {command: \"cat >> told.json; echo >> told.json\", on: [failure, recovery]}")
        func told() throws -> [JSON] {
            let text = try String(contentsOfFile: project.folder.path + "/told.json", encoding: .utf8)
            return try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
        }
        try project.database.execute("alter table accounts rename to gone")
        #expect(try await project.sluice("run", "companies", "--json").status == 1)
        #expect(try await project.sluice("run", "companies", "--json").status == 1)
        #expect(try told().map { $0["event"].string } == ["failure"])
        #expect(try told()[0]["run"]["id"].int == 1 && told()[0]["run"]["state"].string == "failed")
        try project.database.execute("alter table gone rename to accounts")
        #expect(try await project.sluice("run", "companies", "--json").status == 0)
        #expect(try told().map { $0["event"].string } == ["failure", "recovery"])
    }

    @Test func webhookIsPostedToAndItsRefusalChangesNothing() async throws {
        let listener = try WebhookListener()
        let hook = "\"http://127.0.0.1:\(listener.port)/T0PSECRET\""
        let project = try await CompanyProject(
            rows: 3, more: "    notify: {webhook: \(hook), form: slack, allow_private: true}")
        try project.database.execute("update accounts set id = 1")
        let first = try await project.sluice("run", "companies")
        #expect(first.status == 5, "\(first.everything)")
        let request = try #require(listener.requests.first)
        #expect(request.hasPrefix("POST /T0PSECRET HTTP/1.1") && request.contains("{\"text\":\"A guard stopped run 1"))
        #expect(listener.requests.count == 1)
        listener.close()
        try project.database.execute("alter table accounts rename to gone")
        let second = try await project.sluice("run", "companies")
        #expect(second.status == 1 && second.errors.contains("A notice was not delivered."), "\(second.everything)")
        #expect(!second.everything.contains("T0PSECRET"))
    }
}
