import Foundation
import Testing

/// A planted key and a planted password are looked for in everything that sluice prints and keeps.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct SecretTests {
    private static let key = "planted-key-" + String(repeating: "7Qx2", count: 90)
    private static let wrongKey = "planted-wrong-" + String(repeating: "9Zk4", count: 90)
    private static let password = "planted-pass/&%20word+\u{E4}"

    /// Each secret as it is, and in the forms in which it might travel.
    private static let forbidden: [String] = [key, wrongKey, password].flatMap { secret in
        [
            secret, Data(secret.utf8).base64EncodedString(),
            secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? secret,
            String(secret.prefix(24)),
        ]
    }

    private static let commands: [[String]] = [
        ["check"], ["check", "--json", "--verbose"], ["check", "--offline"], ["objects", "planhat", "company"],
        ["tables", "local"], ["tables", "warehouse"], ["preview", "accounts"], ["preview", "far", "--verbose"],
        ["plan", "companies", "--records", "20", "--json"], ["test", "companies"], ["run", "companies", "--verbose"],
        ["run", "companies", "far", "--json", "--verbose"], ["run", "far", "--verbose"], ["run", "--all"],
        ["run", "companies", "--full", "--verbose"], ["runs", "--json"], ["show", "--json"], ["show", "1"],
        ["records", "1"], ["record", "companies", "3"], ["record", "companies", "3", "--json"],
        ["resend", "companies", "--key", "3", "--verbose"], ["reset", "companies", "--yes"],
        ["plan", "far", "--verbose"], ["schema"], ["run", "nobody"],
        ["plan", "companies", "--out", ".sluice/companies.saved"], ["run", "--plan", ".sluice/companies.saved"],
    ]

    private func text(_ address: String) -> String {
        CompanyProject.text(
            address,
            more: """
                  far:
                    from: far
                    to: planhat.company
                    behavior: update_or_create
                    key: {column: id, field: externalId}
                    mappings: {name: name}
                """
        )
        .replacing(
            "  local: {type: sqlite, path: data.db}",
            with: """
                  local: {type: sqlite, path: data.db}
                  warehouse: {type: postgres, host: \(host), port: \(port), database: nowhere, user: \(user),
                    password: "${WAREHOUSE_PASSWORD}", sslmode: prefer, connect_timeout_seconds: 3}
                """
        )
        .replacing(
            "  accounts: {source: local, table: accounts}",
            with: """
                  accounts: {source: local, table: accounts}
                  far: {source: warehouse, table: public.accounts}
                """)
    }

    /// A real server refuses the planted password; without one, nothing listens.
    private var host: String { PostgresServer.value("HOST") ?? "127.0.0.1" }
    private var port: String { PostgresServer.value("PORT") ?? "1" }
    private var user: String { PostgresServer.value("USER") ?? "nobody" }

    private func project(_ options: [String], key: String) async throws -> (CompanyProject, [String: String]) {
        let project = try await CompanyProject(rows: 12, sandbox: ["--token", Self.key] + options)
        try project.folder.write(text(project.planhat.address), to: "sluice.yaml")
        return (project, ["PLANHAT_API_KEY": key, "WAREHOUSE_PASSWORD": Self.password])
    }

    private func expectSilence(_ project: CompanyProject, _ environment: [String: String]) async throws -> [Int32] {
        var statuses: [Int32] = []
        for command in Self.commands {
            let ended = try await project.sluice(command, environment: environment)
            statuses.append(ended.status)
            for secret in Self.forbidden where ended.everything.contains(secret) {
                Issue.record("\(command.joined(separator: " ")) printed a secret: \(ended.everything.prefix(2_000))")
            }
        }
        let files = project.folder.files(under: ".sluice")
        #expect(files.contains { $0.hasSuffix(".db") })
        for file in files {
            let bytes = try Data(contentsOf: URL(filePath: project.folder.path + "/.sluice/" + file))
            for secret in Self.forbidden where bytes.range(of: Data(secret.utf8)) != nil {
                Issue.record("\(file) in the state directory holds a secret")
            }
        }
        return statuses
    }

    @Test func noSecretIsPrintedOrKeptWhenRunsSucceed() async throws {
        let (project, environment) = try await project([], key: Self.key)
        let statuses = try await expectSilence(project, environment)
        #expect(statuses[10] == 0 && statuses[12] == 1)
    }

    @Test func noSecretIsPrintedOrKeptWhenTheKeyIsRefused() async throws {
        let (project, environment) = try await project([], key: Self.wrongKey)
        let statuses = try await expectSilence(project, environment)
        #expect(statuses[0] == 4 && statuses[10] == 1)
    }

    @Test func noSecretIsKeptWhenTheOtherSideRepeatsItInItsAnswers() async throws {
        let rules = [
            "--fail", "status=401 message=\"bad token \(Self.key)\" method=GET",
            "--fail", "refuse where externalId=3 message=\"no \(Self.key) here\"",
            "--fail", "status=400 message=\"Bearer \(Self.key)\" every=3 method=PUT",
        ]
        let (project, environment) = try await project(rules, key: Self.key)
        _ = try await expectSilence(project, environment)
    }

    @Test func whatIsKeptIsForItsOwnerOnly() async throws {
        let (project, environment) = try await project([], key: Self.key)
        _ = try await project.sluice("run", "companies", environment: environment)
        let state = project.folder.path + "/.sluice"
        for file in project.folder.files(under: ".sluice") {
            let mode = try FileManager.default.attributesOfItem(atPath: state + "/" + file)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(file) has the mode \(String(mode ?? 0, radix: 8))")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: state)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }
}
