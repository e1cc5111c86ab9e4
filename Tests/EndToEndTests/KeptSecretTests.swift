import Foundation
import Testing

/// Secrets of the vault work wherever a project refers to one, and are looked for in all that comes of whole runs.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct KeptSecretTests {
    private static let key = "planted-key-" + String(repeating: "8Lw5", count: 90)
    private static let path = "/planted-hook-path-3kQ9"
    private static let signing = "whsec_" + Data("planted-signing-key-0123456789ab".utf8).base64EncodedString()

    private func set(_ name: String, _ value: String, _ project: CompanyProject) async throws {
        let command = "printf '%s' \"$VALUE\" | \"$0\" secrets set \(name)"
        let ended = try await project.folder.start(
            "/bin/sh", ["-c", command, SluiceProgram.path], environment: ["VALUE": value]
        ).wait()
        #expect(ended.status == 0, "\(ended.everything)")
    }

    private func project(_ listener: WebhookListener) async throws -> CompanyProject {
        let more = """
                notify: {webhook: {secret: hook}, signing_secret: {secret: signing}, allow_private: true, on: [failure]}
                schedule: {every: 10m}
            """
        let project = try await CompanyProject(rows: 12, sandbox: ["--token", Self.key], more: more)
        let text = CompanyProject.text(project.planhat.address, more: more)
            .replacing("\"${PLANHAT_API_KEY}\"", with: "{secret: planhat.key}")
        try project.folder.write(text, to: "sluice.yaml")
        try await set("planhat.key", Self.key, project)
        try await set("hook", "http://127.0.0.1:\(listener.port)\(Self.path)", project)
        try await set("signing", Self.signing, project)
        return project
    }

    private func expectSilence(_ text: String, _ place: String) {
        for secret in [Self.key, Self.path, Self.signing, String(Self.key.prefix(24))] where text.contains(secret) {
            Issue.record("\(place) shows a secret: \(text.prefix(2_000))")
        }
    }

    @Test func secretsOfTheVaultAreUsedByRunsAndNoticesAndShownNowhere() async throws {
        let listener = try WebhookListener()
        let project = try await project(listener)
        #expect(try await project.folder.sluice("run", "companies").status == 0)
        try project.database.execute("alter table accounts rename to gone")
        let failed = try await project.folder.sluice("run", "companies", "--verbose")
        #expect(failed.status == 1)
        let notice = try #require(listener.requests.first)
        #expect(notice.hasPrefix("POST \(Self.path) HTTP/1.1"))
        #expect(notice.lowercased().contains("webhook-signature: v1,"))
        expectSilence(notice.components(separatedBy: "\r\n").dropFirst().joined(), "the notice")

        listener.close()
        let commands = [
            ["check"], ["check", "--json", "--verbose"], ["run", "companies", "--json"], ["runs", "--json"],
            ["show", "2", "--json"], ["records", "1"], ["record", "companies", "3", "--json"], ["export"],
            ["secrets", "list"], ["plan", "companies", "--json"], ["objects", "planhat", "company"],
        ]
        for command in commands {
            expectSilence(try await project.folder.sluice(command).everything, command.joined(separator: " "))
        }
        expectSilence(failed.everything, "run")
        let state = project.folder.path + "/.sluice/"
        for file in project.folder.files(under: ".sluice") {
            let bytes = try Data(contentsOf: URL(filePath: state + file))
            expectSilence(String(decoding: bytes, as: UTF8.self), file)
        }
    }

    @Test func serverUsesThemAndNoPageNoJSONAndNoLineOfItsLogShowsOne() async throws {
        let listener = try WebhookListener()
        let project = try await project(listener)
        let serving = try await ServedSluice(project)
        try await serving.logged("\"state\":\"succeeded\"")
        let visitor = try PageVisitor(serving)
        try project.database.execute("alter table accounts rename to gone")
        #expect(try visitor.post("/syncs/companies/run", from: "/syncs/companies").status == 303)
        try await serving.logged("notice sent")
        #expect(listener.requests.count == 1 && listener.requests[0].hasPrefix("POST \(Self.path) "))
        listener.close()
        // The answer that cannot be had, and what is said of it, are searched as well.
        for page in ["/sources/local", "/destinations/planhat"] {
            #expect(try visitor.post(page + "/check", from: page).status == 303)
        }
        let pages = try visitor.everything()
        #expect(pages.count > 30, "\(pages.keys.sorted())")
        #expect(pages["/syncs/companies"]?.status == 200 && pages["/audit"]?.status == 200)
        for (path, answer) in pages { expectSilence(answer.head + answer.body, path) }
        expectSilence(try LoopbackHTTP.get("/metrics", port: serving.port), "/metrics")
        let ended = try await serving.stop()
        #expect(ended.status == 0)
        expectSilence(ended.everything, "the log")
    }
}
