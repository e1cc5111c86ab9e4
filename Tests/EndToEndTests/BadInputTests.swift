import Foundation
import Testing

/// What is said about each mistake is compared with a file of `Golden/`. SLUICE_UPDATE_GOLDEN=1 writes them anew.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct BadInputTests {
    private static let golden = SluiceProgram.root + "/Tests/EndToEndTests/Golden"
    private static let isUpdating = ProcessInfo.processInfo.environment["SLUICE_UPDATE_GOLDEN"] == "1"

    @Test(arguments: BadInput.all.filter { $0.needs != .postgres })
    func theMessageIsTheGoldenOne(of mistake: BadInput) async throws {
        try await compare(mistake)
    }

    @Test(
        .enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)"),
        arguments: BadInput.all.filter { $0.needs == .postgres })
    func theMessageAboutPostgresIsTheGoldenOne(of mistake: BadInput) async throws {
        try await compare(mistake)
    }

    @Test func everyGoldenFileHasItsCaseAndEveryNameIsThereOnce() throws {
        let names = BadInput.all.map(\.name)
        #expect(Set(names).count == names.count && names.count >= 60)
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.golden)
        #expect(Set(files) == Set(names.map { $0 + ".txt" }))
    }

    private func compare(_ mistake: BadInput) async throws {
        let text = try await outcome(mistake)
        let path = Self.golden + "/\(mistake.name).txt"
        if Self.isUpdating { return try Data(text.utf8).write(to: URL(filePath: path)) }
        let expected =
            FileManager.default.fileExists(atPath: path) ? try String(contentsOfFile: path, encoding: .utf8) : ""
        #expect(text == expected, "\(mistake.name): SLUICE_UPDATE_GOLDEN=1 writes the file anew")
    }

    private func outcome(_ mistake: BadInput) async throws -> String {
        let folder = try WorkFolder()
        let planhat = mistake.needs == .planhat ? try await LocalPlanhat(folder, mistake.sandbox) : nil
        try SQLiteFile(path: folder.path + "/data.db").execute(CompanyProject.table(rows: 6) + mistake.sql)
        try folder.write(try project(mistake, planhat), to: "sluice.yaml")
        for (name, text) in mistake.files { try place(name, text, in: folder) }
        var environment = ["PLANHAT_API_KEY": "sandbox-token"]
        if mistake.needs == .postgres { environment["WAREHOUSE_PASSWORD"] = PostgresServer.value("PASSWORD") ?? "" }
        environment.merge(mistake.environment) { _, given in given }
        environment = environment.filter { !$0.value.isEmpty }
        let ended = try await folder.sluice(mistake.command, environment: environment)
        let isNoticed = ended.status != 0 || ended.errors.contains("warning[") || mistake.isAllowed
        #expect(isNoticed, "\(mistake.name) is not noticed")
        var text = "$ sluice \(mistake.command.joined(separator: " "))\nends with \(ended.status)\n"
        if !ended.output.isEmpty { text += "--- standard output\n" + ended.output }
        if !ended.errors.isEmpty { text += "--- standard error\n" + ended.errors }
        return normalised(text, folder, planhat)
    }

    private func place(_ name: String, _ text: String?, in folder: WorkFolder) throws {
        let path = folder.path + "/" + name
        switch text {
        case nil: try FileManager.default.removeItem(atPath: path)
        case "CUT": try Data(contentsOf: URL(filePath: path)).prefix(4_096).write(to: URL(filePath: path))
        case let text?: try folder.write(text, to: name)
        }
    }

    private func project(_ mistake: BadInput, _ planhat: LocalPlanhat?) throws -> String {
        var text = CompanyProject.text("http://127.0.0.1:8471")
        if mistake.needs == .postgres {
            text = text.replacing("\ndestinations:", with: "\n" + Self.warehouse + "\ndestinations:")
                .replacing(
                    "\nsyncs:", with: "\n  warehouse_accounts: {source: far, table: pg_catalog.pg_class}\nsyncs:")
        }
        for (old, new) in mistake.edits {
            guard text.contains(old) else { throw ChildError(description: "\(mistake.name): no \(old) to edit") }
            text = text.replacing(old, with: new)
        }
        if let planhat { text = text.replacing("127.0.0.1:8471", with: "127.0.0.1:\(planhat.port)") }
        return text.replacing("PGPORT", with: PostgresServer.value("PORT") ?? "")
    }

    private static let warehouse = """
          far:
            type: postgres
            host: 127.0.0.1
            port: PGPORT
            database: sluice_test
            user: sluice_test
            password: "${WAREHOUSE_PASSWORD}"
            sslmode: prefer
        """

    private func normalised(_ text: String, _ folder: WorkFolder, _ planhat: LocalPlanhat?) -> String {
        var text = text.replacing("/private" + folder.path, with: "FOLDER").replacing(folder.path, with: "FOLDER")
        if let planhat { text = text.replacing(":\(planhat.port)", with: ":PORT") }
        if let port = PostgresServer.value("PORT") { text = text.replacing(port, with: "PGPORT") }
        return text.replacing(#/after \d+\.\d s/#, with: "after N s").replacing(#/in \d+ ms/#, with: "in N ms")
            .replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#, with: "TIME").replacing(
                #/[\d,]+ bytes/#, with: "N bytes")
    }
}
