import ConnectorKit
import Foundation
import ProjectConfig
import Testing

/// Each file of `Bad/` is a project with something wrong in it; beside it stands what a person is told.
/// `SLUICE_UPDATE_GOLDEN=1` rewrites the expectations; read the difference before committing it.
struct BadProjectTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Bad").path

    static let cases: [String] = {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
        } catch {
            return []
        }
    }()

    @Test func thereAreManyBadProjects() {
        #expect(Self.cases.count >= 60)
    }

    @Test(arguments: cases)
    func badProjectIsExplained(_ name: String) throws {
        let rendered = Self.problems(of: name).map(\.rendered).joined(separator: "\n") + "\n"
        let path = Self.folder + "/\(name).expected"
        if ProcessInfo.processInfo.environment["SLUICE_UPDATE_GOLDEN"] == "1" {
            try rendered.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOfFile: path, encoding: .utf8)
        #expect(rendered == expected)
    }

    @Test(arguments: cases)
    func everyProblemHasACodeAndAPlace(_ name: String) {
        let problems = Self.problems(of: name)
        #expect(!problems.isEmpty)
        for problem in problems {
            #expect(problem.code.wholeMatch(of: /[a-z][a-z_]*/) != nil)
            #expect(!problem.message.isEmpty)
            #expect(problem.file != nil || problem.code.hasPrefix("file_") || problem.code == "unknown_environment")
        }
    }

    /// What loading, validating and resolving says. The first line of a file may pick an environment: `# env: NAME`.
    static func problems(of name: String) -> [Diagnostic] {
        let loader = ProjectLoader(
            environment: ["CRM_KEY": "k", "WAREHOUSE_PASWORD": "hunter2", "EMPTY": ""], workingDirectory: folder)
        let (loaded, found) = loader.check(
            "\(name).yaml", environmentName: environment(of: name), catalog: FakeCatalog.catalog)
        guard let loaded else { return found }
        return found + unresolved(loaded)
    }

    private static func unresolved(_ loaded: LoadedProject) -> [Diagnostic] {
        var found: [Diagnostic] = []
        let declarations =
            FakeCatalog.catalog.sources.map(\.declaration) + FakeCatalog.catalog.destinations.map(\.declaration)
        let connections = Array(loaded.project.sources.values) + Array(loaded.project.destinations.values)
        for connection in connections.sorted(by: { $0.name < $1.name }) {
            guard let declaration = declarations.first(where: { $0.type == connection.type }) else { continue }
            do {
                _ = try loaded.references.settings(for: connection, declaration: declaration)
            } catch {
                found += error.diagnostics
            }
        }
        return found
    }

    private static func environment(of name: String) -> String? {
        guard let text = try? String(contentsOfFile: folder + "/\(name).yaml", encoding: .utf8),
            let line = text.split(separator: "\n").first, line.hasPrefix("# env: ")
        else { return nil }
        return String(line.dropFirst(7))
    }
}
