import Foundation
import Testing

/// What a limit sends, and what a dry run says of a destination that it reads or cannot reach.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct LimitAndLookTests {
    private static func sync(_ name: String, _ behavior: String) -> String {
        """
          \(name):
            from: accounts
            to: planhat.company
            behavior: \(behavior)
            key: {column: id, field: externalId}
            mappings: {name: name}

        """
    }

    private static let syncs =
        sync("plain", "update_or_create") + sync("known", "update_only") + sync("fresh", "create_only")

    private func project() async throws -> CompanyProject {
        let project = try await CompanyProject(more: Self.syncs)
        for key in ["11", "12"] {
            let tried = try await project.sluice("test", "companies", "--key", key)
            #expect(tried.status == 0, "\(tried.everything)")
        }
        return project
    }

    @Test func limitCountsWhatIsSent() async throws {
        let project = try await project()
        let known = try #require(try await project.sluice("run", "known", "--limit", "2", "--json").runs().first)
        #expect(known["operations"]["updated"].int == 2 || known["operations"]["already_equal"].int == 2)
        #expect(known["rows"]["planned"].int == 2 && known["rows"]["skipped"].int == 10)
        try project.database.execute("insert into accounts values (1, 'Twice', 'Free', 1)")
        let fresh = try #require(try await project.sluice("run", "fresh", "--limit", "1", "--json").runs().first)
        #expect(fresh["operations"]["created"].int == 1 && fresh["rows"]["invalid"].int == 2)
        #expect(fresh["rows"]["deferred"].int == 10)
    }

    @Test func planSaysWhatIsThereForBehaviorsThatAsk() async throws {
        let project = try await project()
        for (sync, created, updated) in [("known", 0, 2), ("fresh", 10, 0)] {
            let report = try await project.sluice("plan", sync, "--json").json()["plans"][0]
            #expect(report["destination_read"].bool == true, "\(sync)")
            #expect(report["operations"]["created"].int == created, "\(sync)")
            #expect(report["operations"]["updated"].int == updated, "\(sync)")
        }
    }

    @Test func planOfADestinationThatIsDownIsMadeOrFailsWithinSeconds() async throws {
        let project = try await CompanyProject(rows: 2)
        try project.folder.write(
            CompanyProject.text("http://127.0.0.1:9", more: Self.syncs), to: "sluice.yaml")
        let made = try await project.sluice("plan", "plain", "--json", seconds: 20)
        #expect(made.status == 0, "\(made.everything)")
        let report = try made.json()["plans"][0]
        #expect(report["destination_read"].bool == false && report["operations"]["planned"].int == 2)
        #expect(report["warnings"][0]["code"].string == "destination_not_read")
        let failed = try await project.sluice("plan", "known", seconds: 20)
        #expect(failed.status == 1 && failed.everything.contains("waits 1 s"), "\(failed.everything)")
    }
}
