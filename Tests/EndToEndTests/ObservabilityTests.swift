import Foundation
import Testing

/// What a person, a log and a trace see of a run.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ObservabilityTests {
    @Test func theLastLineSaysWhatDidNotArrive() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "refuse where externalId=5 times=1"])
        let bad = try await project.sluice("run", "companies")
        #expect(bad.output.hasSuffix("\n1 of 12 rows did not arrive. 11 changes did.\n"), "\(bad.everything)")
        let good = try await project.sluice("run", "companies")
        #expect(good.output.hasSuffix("\nAll 1 change arrived, of 12 rows read.\n"), "\(good.everything)")
        #expect(good.errors.isEmpty, "a short run without a terminal has nothing to tell: \(good.errors)")
    }

    @Test func aWaitSaysForWhat() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "status=429 retry-after=2 times=1"])
        let ended = try await project.sluice("run", "companies")
        #expect(ended.status == 0 && ended.errors.contains("s: Planhat asked to slow down"), "\(ended.everything)")
        let shown = try await project.sluice("show")
        #expect(shown.output.contains("3 x 200, 1 x 429; 1 retry"), "\(shown.output)")
        #expect(shown.output.contains("for the rate limit"), "\(shown.output)")
        let effort = try await project.sluice("show", "--json").json()["effort"]
        #expect(effort["retries"].int == 1 && effort["rate_limit_wait_ms"].int ?? 0 >= 2_000, "\(effort)")
    }

    @Test func aRunThatFailsBeforeItsPlanShowsWhatWasAnswered() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "status=403 method=GET"])
        let text = try String(contentsOfFile: project.folder.path + "/sluice.yaml", encoding: .utf8)
        try project.folder.write(text.replacing("update_or_create", with: "update_only"), to: "sluice.yaml")
        let ended = try await project.sluice("run", "companies", "--json")
        #expect(ended.status == 1, "\(ended.everything)")
        let shown = try await project.sluice("show")
        #expect(shown.output.contains(" 403 in "), "\(shown.output)")
        #expect(!shown.output.contains("1970-"), "\(shown.output)")
    }

    @Test func logLinesAreJSONWithRunAndSyncWhereAskedFor() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "status=429 retry-after=1 times=1"])
        let ended = try await project.sluice(
            "run", "companies", "--verbose", environment: ["SLUICE_LOG_FORMAT": "json"])
        #expect(ended.status == 0, "\(ended.everything)")
        let lines = try ended.errors.split(separator: "\n").map { try JSON(parsing: String($0)) }
        #expect(lines.count >= 6, "\(ended.errors)")
        for line in lines {
            #expect(line["run"].int == 1 && line["sync"].string == "companies", "\(line)")
            #expect(line["level"] != .null && line["at"] != .null && line["message"] != .null, "\(line)")
        }
        let messages = lines.compactMap { $0["message"].string }
        #expect(messages.first == "run begun" && messages.last == "run ended", "\(messages)")
        #expect(messages.contains { $0.hasPrefix("waits: Planhat asked") }, "\(messages)")
        #expect(lines.contains { $0["seconds"].int ?? 0 >= 1 }, "\(ended.errors)")
        let last = try #require(lines.last)
        #expect(last["level"].string == "info" && last["state"].string == "succeeded", "\(last)")
        #expect(last["scanned"].int == 12 && last["accepted"].int == 12 && last["not_arrived"].int == 0, "\(last)")
        #expect(last["full"].bool == true && last["duration_ms"].int ?? 0 > 0, "\(last)")
        let scan = lines.first { $0["message"].string == "stage ended" && $0["stage"].string == "scan" }
        #expect(scan?["rows"].int == 12 && scan?["duration_ms"].int != nil, "\(ended.errors)")
        #expect(!ended.errors.contains(project.planhat.token))
        let wrong = try await project.sluice("run", "companies", environment: ["SLUICE_LOG_FORMAT": "xml"])
        #expect(wrong.errors.contains("invalid_option"), "\(wrong.everything)")
    }

    @Test func theLogOfARunThatDidNotEndWellSaysSoInItsLevel() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "refuse where externalId=5"])
        let log = ["SLUICE_LOG_FORMAT": "json"]
        let some = try await project.sluice("run", "companies", "--quiet", environment: log)
        let told = try lastEvent(some)
        #expect(told["message"].string == "run ended" && told["level"].string == "warning", "\(some.everything)")
        #expect(told["state"].string == "completed_with_rejections" && told["rejected"].int == 1, "\(told)")
        try project.database.execute("alter table accounts rename to gone")
        let failed = try await project.sluice("run", "companies", environment: log)
        let last = try lastEvent(failed)
        #expect(last["message"].string == "run ended" && last["level"].string == "error", "\(failed.everything)")
        #expect(last["state"].string == "failed" && last["code"].string?.isEmpty == false, "\(last)")
    }

    private func lastEvent(_ ended: Finished) throws -> JSON {
        try JSON(parsing: String(ended.errors.split(separator: "\n").last { $0.hasPrefix("{") } ?? ""))
    }

    @Test func aTraceIsWrittenAndHoldsNoSecret() async throws {
        let project = try await CompanyProject(rows: 6_000)
        let ended = try await project.sluice("run", "companies", "--trace", "trace.json")
        #expect(ended.status == 0, "\(ended.everything)")
        let text = try String(contentsOfFile: project.folder.path + "/trace.json", encoding: .utf8)
        let events = try JSON(parsing: text).list
        let spans = events.filter { $0["ph"].string == "X" }
        #expect(spans.filter { $0["cat"].string == "request" }.count == 4, "\(text)")
        #expect(Set(spans.compactMap { $0["name"].string }).isSuperset(of: ["scan", "plan", "deliver", "close"]))
        #expect(!text.contains(project.planhat.token))
        let nowhere = try await project.sluice("run", "companies", "--trace", "no/such/folder/trace.json")
        #expect(nowhere.status == 1 && nowhere.errors.contains("trace_unwritable"), "\(nowhere.everything)")
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script(1) for a terminal"))
    func aTerminalSeesStagesTheTotalAndTheWait() async throws {
        let project = try await CompanyProject(
            rows: 12_000, sandbox: ["--latency", "300", "--fail", "status=429 retry-after=1 times=1"])
        let child = try project.folder.start(
            "/usr/bin/script", ["-qec", "\(SluiceProgram.path) run companies", "/dev/null"],
            environment: project.token.merging(["TERM": "xterm", "COLUMNS": "120"]) { $1 })
        let ended = try await child.wait()
        #expect(ended.status == 0)
        for part in [
            "companies: read 12,000 rows in ", " of 12,000", "companies  waits ", "s: Planhat asked", "about ",
        ] {
            #expect(ended.output.contains(part), "\(part): \(ended.output)")
        }
        #expect(ended.output.contains("All 12,000 changes arrived, of 12,000 rows read."))
    }
}
