import ConnectorKit
import Foundation
import ProjectConfig
import Records
import TestKit
import Testing

/// How the file is read as YAML; what is refused stands in `Bad/`.
struct YAMLTests {
    @Test(arguments: [
        "sql: select count(*), a * b, *", "sql: |\n        *alias\n        &anchor",
        "sql: >-\n        *a\n        - &b",
        "sql: 'it''s *x'", "sql: \"say \\\"&x\\\" *y\"", "sql: x # &no *no", "sql: \"a\n        &b *c\"",
        "sql: a -- b\n        and c > d | e",
    ])
    func textsWithStarsAndAmpersandsAreNoAliases(_ line: String) throws {
        let text =
            "version: 1\ndatasets:\n    a:\n      source: local\n      \(line)\n    b: {source: local, table: t}\n"
        #expect(try TemporaryProject(["sluice.yaml": text]).load().project.datasets.count == 2)
    }

    @Test(arguments: [
        "a: &x 1", "a: *x", "- *x", "- &x a", "[*x]", "{a: *x}", "{\"a\":*x}", "? *x\n: b", "&x a: b", "*x : b",
        "a: !!str &x b", "a: |\n  text\nb: *x", "- - *x", "a: 'q'\nb: \"r\"\nc: &d e",
        "a:\n  - b: |\n      text\n    c: *x",
    ])
    func anchorsAndAliasesAreRefusedWhereverTheyStand(_ text: String) throws {
        let problems = try TemporaryProject(["sluice.yaml": text + "\n"]).problems()
        #expect(problems.count == 1)
        #expect(problems.first?.contains("anchors and aliases are not supported") == true)
    }

    @Test func explicitTextTagMakesAText() throws {
        let project = try TemporaryProject(["sluice.yaml": Sample.mapping("custom.X: {constant: !!str 42}")])
        #expect(try project.load().project.syncs.first?.mappings.first?.source == .constant(.text("42")))
    }

    @Test func repeatedKeysAreAllNamedInTheirOrder() throws {
        let text = "version: 1\nsources: {a: {type: x, p: 1, p: 2, p: 3, q: 4}}\nsyncs: {}\nsyncs: {}\n"
        let problems = try TemporaryProject(["sluice.yaml": text]).problems()
        #expect(
            problems.map { $0.prefix { $0 != "\n" } } == [
                "sluice.yaml:2:30: error[duplicate_key]: the key `p` is here twice; the first is at sluice.yaml:2:24",
                "sluice.yaml:2:36: error[duplicate_key]: the key `p` is here twice; the first is at sluice.yaml:2:24",
                "sluice.yaml:4:1: error[duplicate_key]: the key `syncs` is here twice; the first is at sluice.yaml:3:1",
            ])
    }

    @Test func manyRepeatedKeysEnd() throws {
        let text = "version: 1\n" + (0..<500).map { "k\($0 % 50): 1\n" }.joined()
        let problems = try TemporaryProject(["sluice.yaml": text]).problems()
        #expect(!problems.isEmpty)
        #expect(problems.allSatisfy { $0.contains("duplicate_key") })
    }

    @Test func columnsCountCharacters() throws {
        let text = "version: 1\nsources: {å: {type: \"é\"}}\n"
        #expect(try TemporaryProject(["sluice.yaml": text]).problems().first?.hasPrefix("sluice.yaml:2:11: ") == true)
    }

    /// Whatever stands in the file: an answer, no crash, and places inside the file.
    @Test func randomChangesNeverCrash() throws {
        var random = SeededRandom(seed: 20_261)
        let base = Array(ProjectLoaderTests.whole)
        let pieces: [String] = [
            "\t", ":", "[", "]", "{", "}", "\"", "'", "|", ">", "#", "- ", "? ", "&a", "*a", "!x", "\n", "  ", "${",
            "%",
            "@", "\u{0}", "\u{E000}", "---", "...", "<<: ", "é", "null", ",",
        ]
        let project = try TemporaryProject()
        for _ in 0..<300 {
            var text = base
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                if Bool.random(using: &random) {
                    text.removeSubrange(place..<min(text.count, place + Int.random(in: 1...12, using: &random)))
                } else {
                    text.insert(contentsOf: pieces[Int.random(in: 0..<pieces.count, using: &random)], at: place)
                }
            }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
            try project.write(Data(String(text).utf8), to: "sluice.yaml")
            do {
                let loaded = try project.load()
                _ = Validation.validate(loaded.project, catalog: FakeCatalog.catalog)
            } catch let errors as ProjectErrors {
                #expect(!errors.diagnostics.isEmpty)
                #expect(errors.diagnostics.allSatisfy { ($0.line ?? 1) >= 1 && ($0.line ?? 1) <= lines + 1 })
            }
        }
    }
}

struct TableNameTests {
    @Test(
        arguments: [
            ("t", nil, "t"), ("s.t", "s", "t"), ("\"My Schema\".\"t\"", "My Schema", "t"), ("s.\"a.b\"", "s", "a.b"),
            ("\"say \"\"x\"\"\"", nil, "say \"x\""), ("My Table", nil, "My Table"),
        ] as [(String, String?, String)])
    func namesAreSplit(_ text: String, _ schema: String?, _ name: String) throws {
        #expect(try TableName.parse(text) == .table(schema: schema, name: name))
    }

    @Test(arguments: ["", ".", "a.", ".a", "a.b.c", "\"a", "\"a\"b", "a\"b", "\"\"", " . "])
    func otherTextsAreNoTables(_ text: String) {
        #expect(throws: TableName.Malformed.self) { try TableName.parse(text) }
    }
}

struct SchemaAndTemplateTests {
    @Test func schemaIsJSONAndKnowsEveryConnector() throws {
        let text = ProjectSchema.json(catalog: FakeCatalog.catalog)
        let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(root["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        let definitions = try #require(root["$defs"] as? [String: Any])
        for name in ["source_filedb", "source_server", "destination_crm"] {
            let definition = try #require(definitions[name] as? [String: Any])
            #expect(definition["additionalProperties"] as? Bool == false)
        }
        let crm = try #require(definitions["destination_crm"] as? [String: Any])
        #expect(crm["required"] as? [String] == ["type", "api_key"])
    }

    @Test func everyReferenceInTheSchemaHasItsDefinition() throws {
        let text = ProjectSchema.json(catalog: FakeCatalog.catalog)
        let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let definitions = try #require(root["$defs"] as? [String: Any])
        for match in text.matches(of: /"#\/\$defs\/([a-z_]+)"/) {
            #expect(definitions[String(match.1)] != nil)
        }
    }

    @Test func schemaIsTheSameEachTime() {
        #expect(
            ProjectSchema.json(catalog: FakeCatalog.catalog) == ProjectSchema.json(catalog: FakeCatalog.catalog))
    }

    @Test func starterProjectLoadsAndIsValid() throws {
        let text = ProjectTemplate.project(catalog: FakeCatalog.catalog)
        let problems = try TemporaryProject(["sluice.yaml": text]).problems(environment: ["CRM_API_KEY": "k"])
        #expect(problems == [])
    }

    @Test func starterProjectStaysValidWithEveryCommentedSettingSwitchedOn() throws {
        let text = ProjectTemplate.project(catalog: FakeCatalog.catalog)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in
                line.hasPrefix("    # ") && line.contains(": ") && !line.contains("sql")
                    ? "    " + line.dropFirst(6) : String(line)
            }.joined(separator: "\n")
        #expect(try TemporaryProject(["sluice.yaml": text]).problems() == [])
    }

    @Test func starterKeepsSecretsOutOfVersionControl() {
        let lines = ProjectTemplate.gitignore.split(separator: "\n")
        #expect(lines.contains(".sluice/") && lines.contains(".env") && lines.contains(".env.*"))
        #expect(ProjectTemplate.environmentExample(catalog: FakeCatalog.catalog).contains("\nCRM_API_KEY=\n"))
    }
}
