import Foundation
import Testing

/// A run whose process is killed: what is shown of it until the next run has dealt with it.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct InterruptedTests {
    /// Starts a run and kills it as soon as its first write is on its way. A shell does it, since these tests share
    /// their threads with others that may keep them busy for seconds.
    private func killed() async throws -> CompanyProject {
        let project = try await CompanyProject(rows: 12_000, sandbox: ["--latency", "700"])
        let script = """
            "$SLUICE" run companies --json > first.json 2> first.err & pid=$!
            for i in $(seq 500); do
              if "$SLUICE" runs --json | grep -q '"planned" : [1-9]'; then break; fi
              sleep 0.02
            done
            "$SLUICE" runs --json > running.json
            kill -9 $pid; wait $pid; echo "first $?"
            """
        let environment = project.token.merging(["SLUICE": SluiceProgram.path]) { _, given in given }
        let ended = try await project.folder.start("/bin/bash", ["-c", script], environment: environment)
            .wait(seconds: 60)
        #expect(ended.output.contains("first 137"), "\(ended.everything)")
        let running = try String(contentsOfFile: project.folder.path + "/running.json", encoding: .utf8)
        #expect(try JSON(parsing: running)["runs"][0].state == "running", "\(running)")
        return project
    }

    @Test func aKilledRunIsShownAsInterrupted() async throws {
        let project = try await killed()
        let runs = try await project.sluice("runs", "--json").runs()
        #expect(runs.map(\.state) == ["interrupted"])
        #expect(try await project.sluice("show", "--json").json().state == "interrupted")
        #expect(try await project.sluice("runs").output.contains(" interrupted "))
        let shown = try await project.sluice("show")
        #expect(shown.status == 0 && shown.output.hasPrefix("companies: run 1 interrupted"), "\(shown.everything)")
        #expect(shown.output.contains("the next run of companies finishes it or plans anew"), "\(shown.output)")
        // The next run finishes it, and then it is a run like any other.
        try await project.sluice("run", "companies")
        let after = try await project.sluice("runs", "--json").runs()
        #expect(after.map(\.state) == ["succeeded", "succeeded"], "\(after)")
        #expect(try project.arrived() == project.expected())
    }

    @Test func cancelOfAKilledRunSaysWhatHappensNext() async throws {
        let project = try await killed()
        let text = try await project.sluice("cancel", "1")
        #expect(text.status == 0 && text.output.contains("not running any more"), "\(text.everything)")
        #expect(text.output.contains("The next run of companies closes it without sending the rest"))
        let json = try await project.sluice("cancel", "1", "--json")
        #expect(try json.status == 0 && json.json()["state"].string == "interrupted")
        #expect(try json.json()["run"].int == 1 && json.json()["sync"].string == "companies")
        let ended = try await project.sluice("run", "companies", "--json")
        #expect(
            try ended.status == 0 && ended.runs().map(\.state) == ["cancelled", "succeeded"], "\(ended.everything)")
        #expect(try project.arrived() == project.expected())
        let late = try await project.sluice("cancel", "1", "--json")
        #expect(try late.status == 0 && late.json()["state"].string == "cancelled")
        let nobody = try await project.sluice("cancel", "99", "--json")
        #expect(try nobody.status == 2 && nobody.json()["error"]["code"].string == "unknown_run")
    }
}
