import Foundation
import Testing

/// Secrets, backup, restore, forget and export, by the program itself.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct KeepingTests {
    private static let secret = "planted-vault-" + String(repeating: "5Wn8", count: 90)
    private static let forbidden = [
        secret, Data(secret.utf8).base64EncodedString(), String(secret.prefix(24)),
    ]

    /// A project whose API key is kept by sluice itself.
    private func project() async throws -> CompanyProject {
        let project = try await CompanyProject(rows: 12, sandbox: ["--token", Self.secret])
        let text = CompanyProject.text(project.planhat.address)
            .replacing("\"${PLANHAT_API_KEY}\"", with: "{secret: planhat_key}")
        try project.folder.write(text, to: "sluice.yaml")
        return project
    }

    private func set(_ name: String, _ value: String, in folder: WorkFolder) async throws -> Finished {
        try folder.write(value + "\n", to: "given.txt")
        let ended = try await folder.start(
            "/bin/sh", ["-c", "exec \"$0\" secrets set \"$1\" < given.txt", SluiceProgram.path, name], environment: [:]
        ).wait()
        try FileManager.default.removeItem(atPath: folder.path + "/given.txt")
        return ended
    }

    private func expectSilence(_ ended: Finished, _ what: String) {
        for secret in Self.forbidden where ended.everything.contains(secret) {
            Issue.record("\(what) printed a secret: \(ended.everything.prefix(2_000))")
        }
    }

    @Test func noKeptSecretIsPrintedOrLeftAnywhereInAWholeRun() async throws {
        let project = try await project()
        let folder = project.folder
        let missing = try await folder.sluice("run", "companies", "--json")
        #expect(missing.status != 0 && missing.output.contains("unknown_secret"))
        let stored = try await set("planhat_key", Self.secret, in: folder)
        #expect(stored.status == 0)
        expectSilence(stored, "secrets set")
        let commands: [[String]] = [
            ["check"], ["check", "--json", "--verbose"], ["plan", "companies", "--records", "20", "--json"],
            ["run", "companies", "--verbose"], ["run", "companies", "--full", "--json", "--verbose"],
            ["runs", "--json"], ["show", "1"], ["show", "1", "--json"], ["records", "1"],
            ["record", "companies", "3", "--json"], ["secrets", "list"], ["secrets", "list", "--json"], ["export"],
            ["export", "--json"], ["backup", "copy.sluice", "--json"], ["secrets", "rotate"],
            ["run", "companies", "--full", "--verbose"], ["forget", "companies", "--key", "3", "--json"],
        ]
        for command in commands {
            let ended = try await folder.sluice(command)
            #expect(ended.status == 0, "\(command): \(ended.everything.prefix(1_000))")
            expectSilence(ended, command.joined(separator: " "))
        }
        for file in folder.files() where !file.hasPrefix("data") {
            let bytes = try Data(contentsOf: URL(filePath: folder.path + "/" + file))
            for secret in Self.forbidden where bytes.range(of: Data(secret.utf8)) != nil {
                Issue.record("\(file) holds a secret")
            }
        }
        #expect(try project.arrived() == project.expected())
    }

    @Test func aWrongKeyIsToldAndTheRightOneGoesOn() async throws {
        let project = try await project()
        let key = Data(repeating: 3, count: 32).base64EncodedString()
        try project.folder.write(Self.secret, to: "given.txt")
        let stored = try await project.folder.start(
            "/bin/sh", ["-c", "exec \"$0\" secrets set planhat_key < given.txt", SluiceProgram.path],
            environment: ["SLUICE_SECRET_KEY": key]
        ).wait()
        #expect(stored.status == 0)
        let wrong = Data(repeating: 4, count: 32).base64EncodedString()
        let refused = try await project.sluice("run", "companies", "--json", environment: ["SLUICE_SECRET_KEY": wrong])
        #expect(refused.status != 0 && refused.output.contains("secret_key_wrong"))
        let none = try await project.sluice("run", "companies", "--json")
        #expect(none.status != 0 && none.output.contains("secret_key_missing"))
        let right = try await project.sluice("run", "companies", environment: ["SLUICE_SECRET_KEY": key])
        #expect(right.status == 0, "\(right.everything)")
    }

    @Test func aStateThatWasBackedUpAndRestoredGoesOn() async throws {
        let project = try await CompanyProject(rows: 12)
        let folder = project.folder
        #expect(try await project.sluice("run", "companies").status == 0)
        let made = try await project.sluice("backup", "copy.sluice", "--json")
        #expect(made.status == 0)
        #expect(try made.json()["generation"].int == 1)
        let refused = try await project.sluice("restore", "copy.sluice", "--json")
        #expect(refused.status == 1 && refused.output.contains("state_not_empty"))
        try FileManager.default.removeItem(atPath: folder.path + "/.sluice")
        #expect(try await project.sluice("restore", "copy.sluice").status == 0)
        let next = try await project.sluice("run", "companies", "--json")
        #expect(try next.runs().last?["rows"]["unchanged"].int == 12)
        let missing = try await project.sluice("backup", "x", "--state", folder.path + "/nowhere", "--json")
        #expect(missing.output.contains("state_missing"))
    }

    /// Killed at random moments, each time with a run going on beside it: the file of before stays whole.
    @Test func aBackupThatIsKilledLeavesTheOneBefore() async throws {
        let project = try await CompanyProject(rows: 2_000)
        #expect(try await project.sluice("run", "companies").status == 0)
        #expect(try await project.sluice("backup", "copy.sluice").status == 0)
        for number in 0..<8 {
            let run = try project.start("run", "companies", "--full")
            let backup = try project.start("backup", "copy.sluice")
            try await Task.sleep(for: .milliseconds(5 + number * 12))
            backup.kill()
            #expect(try await run.wait().status == 0)
            let target = project.folder.path + "/restored.\(number)"
            let ended = try await project.sluice("restore", "copy.sluice", "--state", target)
            #expect(ended.status == 0, "\(ended.everything)")
        }
        #expect(try await project.sluice("backup", "copy.sluice").status == 0)
        #expect(!project.folder.files(under: ".sluice").contains { $0.hasPrefix("backup.new") })
    }

    @Test func whatIsExportedIsTheSameProject() async throws {
        let project = try await CompanyProject(rows: 3)
        let exported = try await project.sluice("export")
        #expect(exported.status == 0)
        #expect(!FileManager.default.fileExists(atPath: project.folder.path + "/.sluice"))
        #expect(try await project.sluice("run", "companies").status == 0)
        try project.folder.write(exported.output, to: "sluice.yaml")
        #expect(try await project.sluice("export").output == exported.output)
        let next = try await project.sluice("run", "companies", "--json")
        #expect(try next.runs().last?["rows"]["unchanged"].int == 3)
    }
}
