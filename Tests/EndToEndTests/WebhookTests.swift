import Foundation
import Testing

/// Where notices go, and where they never do.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct WebhookTests {
    /// A project whose runs fail.
    private func project(_ more: String) async throws -> CompanyProject {
        let project = try await CompanyProject(
            rows: 3, more: "    notify: {webhook: \"${HOOK}\", on: [failure]\(more)}")
        try project.database.execute("alter table accounts rename to gone")
        return project
    }

    private func fail(_ project: CompanyProject, _ hook: String) async throws -> Finished {
        let ended = try await project.sluice("run", "companies", environment: ["HOOK": hook])
        #expect(ended.status == 1, "\(ended.everything)")
        return ended
    }

    @Test func thisMachineIsNotPostedToUnlessTheProjectSaysSo() async throws {
        let listener = try WebhookListener()
        defer { listener.close() }
        let project = try await project("")
        for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "127.1"] {
            let ended = try await fail(project, "http://\(host):\(listener.port)/T0PSECRET")
            #expect(ended.errors.contains("is this machine or in a private network"), "\(host): \(ended.errors)")
            #expect(!ended.everything.contains("T0PSECRET"))
        }
        #expect(listener.requests.isEmpty)
        let allowed = try await self.project(", allow_private: true")
        let ended = try await fail(allowed, "http://localhost:\(listener.port)/x")
        #expect(!ended.errors.contains("not delivered"), "\(ended.errors)")
        #expect(listener.requests.count == 1)
    }

    @Test func whereCloudsKeepCredentialsIsNeverPostedTo() async throws {
        let project = try await project(", allow_private: true")
        for host in ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::]", "2852039166"] {
            let ended = try await fail(project, "http://\(host)/latest/meta-data")
            #expect(ended.errors.contains("has an address that nothing is posted to"), "\(host): \(ended.errors)")
        }
    }

    @Test func redirectIsNotFollowed() async throws {
        let target = try WebhookListener()
        let listener = try WebhookListener(
            answer: "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:\(target.port)/stolen")
        defer {
            target.close()
            listener.close()
        }
        let project = try await project(", allow_private: true")
        let ended = try await fail(project, "http://127.0.0.1:\(listener.port)/x")
        #expect(ended.errors.contains("answered a notice with status 307"), "\(ended.errors)")
        #expect(listener.requests.count == 3 && target.requests.isEmpty)
    }
}
