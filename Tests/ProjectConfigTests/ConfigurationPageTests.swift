import ConnectorKit
import Foundation
import ProjectConfig
import Testing

/// `docs/configuration.md` tells the truth.
struct ConfigurationPageTests {
    private static func page() throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
    }

    @Test func everyExampleLoads() throws {
        let examples = try Self.page().components(separatedBy: "```yaml\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        #expect(examples.count >= 4)
        for example in examples {
            let loaded = try TemporaryProject(["sluice.yaml": example]).load()
            #expect(loaded.warnings.isEmpty)
        }
    }

    @Test func exampleOfAnEnvironmentLoads() throws {
        let example = try #require(
            try Self.page().components(separatedBy: "```yaml\n").first { $0.contains("environments:\n") }?
                .components(separatedBy: "```").first)
        let project = try TemporaryProject(["sluice.yaml": example]).load(environmentName: "test").project
        #expect(project.syncs.first?.schedule == nil)
        #expect(project.syncs.first?.mappings.count == 2)
    }

    @Test func partialProjectIsValidatedWithoutConsequences() throws {
        let text =
            Sample.project.replacingOccurrences(of: "filedb, path: data/acme.db", with: "[]")
            .replacingOccurrences(of: "name: account_name", with: "nmae: account_name")
            + "    schedule: {after: [gone]}\n"
        let project = try TemporaryProject(["sluice.yaml": text])
        let (loaded, found) = ProjectLoader(environment: [:], workingDirectory: project.directory)
            .check("sluice.yaml", catalog: FakeCatalog.catalog)
        #expect(loaded == nil)
        #expect(found.map(\.code) == ["wrong_kind", "unknown_field"])
    }

    @Test func checkOfAGoodProjectHandsItOver() throws {
        let project = try TemporaryProject(["sluice.yaml": Sample.project])
        let (loaded, found) = ProjectLoader(environment: [:], workingDirectory: project.directory)
            .check("sluice.yaml", catalog: FakeCatalog.catalog)
        #expect(loaded?.project.syncs.count == 1)
        #expect(found.isEmpty)
    }
}
