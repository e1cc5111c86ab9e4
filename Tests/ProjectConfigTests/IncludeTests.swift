import ConnectorKit
import Foundation
import ProjectConfig
import Testing

struct IncludeTests {
    private static func sync(_ name: String) -> String {
        Sample.company.replacingOccurrences(of: "companies:", with: "\(name):")
    }

    @Test func includedFilesAreMergedSectionBySection() throws {
        let project = try TemporaryProject([
            "sluice.yaml": Sample.project + "include: [syncs/*.yaml, more.yaml]\n",
            "syncs/b.yaml": Self.sync("b"), "syncs/a.yaml": Self.sync("a"), "syncs/.hidden.yaml": "nonsense",
            "syncs/notes.txt": "nonsense", "syncs/deep/c.yaml": "nonsense",
            "more.yaml": "sources:\n  other: {type: filedb, path: more.db}\n",
        ]).load().project
        #expect(project.syncs.map(\.name) == ["companies", "a", "b"])
        #expect(project.sources.keys.sorted() == ["local", "other"])
        #expect(project.files.count == 4)
        #expect(project.syncs.last?.location.file == "syncs/b.yaml")
    }

    @Test func twoStarsFindFilesInAnyDirectory() throws {
        let project = try TemporaryProject([
            "sluice.yaml": "version: 1\ninclude: '**/*.sync.yaml'\n" + String(Sample.connections.dropFirst(11)),
            "a.sync.yaml": Self.sync("a"), "x/y/b.sync.yaml": Self.sync("b"), ".git/c.sync.yaml": "nonsense",
        ]).load().project
        #expect(project.syncs.map(\.name) == ["a", "b"])
    }

    @Test func includesMayIncludeAndAFileIsReadOnce() throws {
        let project = try TemporaryProject([
            "sluice.yaml": Sample.project + "include: [a.yaml, '*.yaml', ./a.yaml]\n",
            "a.yaml": "version: 1\ninclude: parts/b.yaml\n" + Self.sync("a"),
            "parts/b.yaml": "include: [../*.yaml]\n" + Self.sync("b"),
        ]).load().project
        #expect(project.syncs.map(\.name) == ["companies", "a", "b"])
    }

    @Test func nameInTwoFilesNamesBothPlaces() throws {
        let problems = try TemporaryProject([
            "sluice.yaml": Sample.project + "include: [syncs/again.yaml]\n", "syncs/again.yaml": Self.sync("companies"),
        ]).problems()
        #expect(
            problems == [
                "syncs/again.yaml:2:3: error[duplicate_definition]: the sync `companies` is defined twice; "
                    + "the first is at sluice.yaml:7:3\n  hint: rename or remove one of them"
            ])
    }

    @Test func includesTooDeepAreRefused() throws {
        var files = ["sluice.yaml": "version: 1\ninclude: f1.yaml\n"]
        for number in 1...12 { files["f\(number).yaml"] = "include: f\(number + 1).yaml\n" }
        let problems = try TemporaryProject(files).problems()
        #expect(problems.count == 1)
        #expect(problems.first?.contains("error[include_too_deep]") == true)
    }

    @Test func pipeInPlaceOfAFileDoesNotHang() throws {
        let problems = try TemporaryProject(["sluice.yaml": "version: 1\ninclude: /dev/null\n"]).problems()
        #expect(problems.first?.contains("`/dev/null` is not a regular file") == true)
    }

    @Test func pathsBeginAtTheFileThatSaysThem() throws {
        let project = try TemporaryProject([
            "sluice.yaml": Sample.project + "include: [more/*.yaml]\n",
            "more/x.yaml": "sources:\n  other: {type: filedb, path: ../more.db}\n",
        ])
        let loaded = try project.load()
        let other = try #require(loaded.project.sources["other"])
        let local = try #require(loaded.project.sources["local"])
        let declaration = FakeCatalog.source.declaration
        #expect(
            try loaded.references.settings(for: other, declaration: declaration).text("path")
                == project.directory + "/more.db")
        #expect(
            try loaded.references.settings(for: local, declaration: declaration).text("path")
                == project.directory + "/data/acme.db")
    }
}

struct EnvironmentTests {
    private static let project =
        Sample.project + """
            datasets:
              one: {source: local, sql: select 1}
            environments:
              test:
                sources:
                  local: {path: test.db}
                destinations:
                  crm: {region: eu}
                datasets:
                  one: {table: t}
                syncs:
                  companies:
                    behavior: update_only
                    mappings: {name: null, phone: phone}
                    guards: {invalid_percent_max: 1}
                    schedule: {every: 15m}
              other:
                sources:
                  local: {type: server, host: h}

            """

    @Test func environmentOverridesKeyByKey() throws {
        let project = try TemporaryProject(["sluice.yaml": Self.project]).load(environmentName: "test").project
        #expect(project.sources["local"]?.type == "filedb")
        #expect(project.sources["local"]?.settings["path"]?.literal == "test.db")
        #expect(project.destinations["crm"]?.settings.keys.sorted() == ["api_key", "region"])
        #expect(project.datasets["one"]?.relation == .table(schema: nil, name: "t"))
        let sync = try #require(project.syncs.first)
        #expect(sync.behavior == .updateOnly && sync.mappings.map(\.field) == ["phone"])
        #expect(sync.guards.invalidPercentMax == 1 && sync.guards.removedPercentMax == 10)
        #expect(sync.schedule?.trigger == .every(seconds: 900))
        #expect(sync.key.field == "externalId")
    }

    @Test func withoutAnEnvironmentNothingIsOverridden() throws {
        let project = try TemporaryProject(["sluice.yaml": Self.project]).load().project
        #expect(project.sources["local"]?.settings["path"]?.literal == "data/acme.db")
        #expect(project.syncs.first?.schedule == nil)
    }

    @Test func connectionOfAnotherTypeIsReplacedWhole() throws {
        let project = try TemporaryProject(["sluice.yaml": Self.project]).load(environmentName: "other").project
        #expect(project.sources["local"]?.type == "server")
        #expect(project.sources["local"]?.settings.keys.sorted() == ["host"])
    }

    @Test func environmentFilesAreReadInOrderAndTheProcessWins() throws {
        let project = try TemporaryProject([
            "sluice.yaml": Self.project, ".env": "CRM_KEY=plain\nA=1\nB=1\nC=1\n", ".env.test": "B=2\nC=2\n",
        ])
        func value(_ name: String, _ environment: String?) throws -> String {
            let loaded = try project.load(environment: ["C": "3"], environmentName: environment)
            let value = SettingValue(
                .text([.variable(name, default: nil)]), location: Location(file: "f", line: 1, column: 1),
                directory: "/")
            return try loaded.references.text(of: value, use: "the test").reveal()
        }
        #expect(try value("A", nil) == "1" && value("B", nil) == "1" && value("C", nil) == "3")
        #expect(try value("A", "test") == "1" && value("B", "test") == "2" && value("C", "test") == "3")
    }

    @Test func environmentFileAloneMakesAnEnvironment() throws {
        let project = try TemporaryProject(["sluice.yaml": Sample.project, ".env.staging": "CRM_KEY=s\n"])
        #expect(try project.load(environmentName: "staging").environmentName == "staging")
        #expect(project.problems(environmentName: "stagging").first?.contains("unknown_environment") == true)
        #expect(project.problems(environmentName: "../x").first?.contains("unknown_environment") == true)
    }

    @Test func mistakeInAnEnvironmentFileStopsTheProject() throws {
        let project = try TemporaryProject(["sluice.yaml": Sample.project, ".env": "# keys\nCRM_KEY=a\nOOPS\n"])
        #expect(
            project.problems() == [
                ".env:3:5: error[invalid_env_file]: there is no = after `OOPS`\n  hint: write OOPS=value"
            ])
    }
}
