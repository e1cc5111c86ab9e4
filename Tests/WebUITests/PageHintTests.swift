import Foundation
import Records
import Runner
import StateStore
import Testing
import WebUI

/// What is to be done is said on pages as it is done there.
@Suite struct PageHintTests {
    /// Codes of which the documentation names a command, and nobody who reads a page can do what it does there: they come
    /// from the command line, from the start of the server, or from where it runs; or their hint on pages names none.
    private static let byCommandOnly: Set<String> = [
        "file_empty", "first_link_invalid", "not_in_doubt", "plan_file_missing",
        "restore_not_served", "restore_not_taken", "restore_unfinished", "restart_failed", "sandbox_not_started",
        "state_newer", "state_unwritable",
        "unknown_guard", "unknown_run",
    ]

    /// The codes whose page names a command of the program.
    private func codesWithCommands() throws -> Set<String> {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let text = try String(contentsOfFile: root + "/docs/errors.md", encoding: .utf8)
        var codes: Set<String> = []
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|")
            guard let code = cells.first?.replacing("`", with: "").trimmingCharacters(in: .whitespaces),
                let action = cells.last, action.contains(/sluice [a-z]+/)
            else { continue }
            codes.insert(code)
        }
        return codes
    }

    @Test func everyCodeWhoseHintNamesACommandSaysWhatToDoInThePages() async throws {
        let fixture = try WebFixture()
        let codes = try codesWithCommands()
        #expect(codes.count > 20 && Self.byCommandOnly.isSubset(of: codes))
        var silent: [String] = []
        for code in codes.subtracting(Self.byCommandOnly).sorted() {
            let page = try await fixture.ask("/errors?code=\(code)").text
            #expect(PageMarkup(page).problems == [], "\(code)")
            if !page.contains("In these pages: ") { silent.append(code) }
        }
        #expect(silent == [])
    }

    @Test func aRunThatFailedLeadsToWhatItsHintNamesACommandFor() async throws {
        let fixture = try WebFixture()
        let run = try fixture.run("companies", .failed) {
            $0.error = RunFailure(code: "state_lost", message: "Lost.", hint: "Use sluice reset to start over.")
        }
        for path in ["/runs/\(run.id)", "/syncs/companies"] {
            let page = try await fixture.ask(path).text
            #expect(page.contains("<a href=\"/syncs/companies/reset\">Reset companies…</a>"), "\(path)")
            #expect(!page.contains("sluice reset"), "\(path)")
        }
        // A program is told what the command line says.
        #expect(try await fixture.ask("/runs/\(run.id).json").text.contains("sluice reset"))
    }

    @Test func aHintLeadsNobodyWhereTheyMayNotGo() async throws {
        let fixture = try WebFixture(rights: [.see])
        let run = try fixture.run("companies", .failed) {
            $0.error = RunFailure(code: "state_lost", message: "Lost.", hint: "Use sluice reset.")
        }
        let page = try await fixture.ask("/runs/\(run.id)").text
        #expect(page.contains("or reset the sync to start over") && !page.contains("/syncs/companies/reset"))
    }

    @Test func aRunsPageShowsWhatItWarnedOf() async throws {
        let fixture = try WebFixture()
        let run = try fixture.run("companies", .succeeded) {
            $0.effort = RunEffort()
            $0.effort?.warn(Reason(code: "possible_duplicates", message: "20 would be twice.", hint: "Look first."))
        }
        let page = try await fixture.ask("/runs/\(run.id)").text
        #expect(PageMarkup(page).problems == [] && page.contains("20 would be twice.") && page.contains("Look first."))
        #expect(page.contains("/errors?code=possible_duplicates"))
    }

    @Test func aGuardIsPassedOnThePageOfItsRun() async throws {
        let fixture = try WebFixture()
        let hint = "Nothing was sent. Run again with --accept-guard removed."
        let stopped = try fixture.run("companies", .stoppedByGuard) {
            $0.guard = GuardRecord(name: "removed", message: "Many are removed.", hint: hint)
        }
        let page = try await fixture.ask("/runs/\(stopped.id)").text
        #expect(PageMarkup(page).problems == [] && !page.contains("--accept-guard"))
        #expect(page.contains(">Go on with this plan</button>") && page.contains(">guard removed</a>"))
        #expect(page.contains("/errors?code=stopped_by_guard"))
        let withheld = try fixture.run("companies", .succeeded) {
            $0.guard = GuardRecord(name: "keyless_rows", message: "Withheld.", hint: "Use --accept-guard keyless_rows.")
        }
        let other = try await fixture.ask("/runs/\(withheld.id)").text
        #expect(other.contains(">Run, and remove them all the same</button>") && !other.contains("--accept-guard"))
    }
}
