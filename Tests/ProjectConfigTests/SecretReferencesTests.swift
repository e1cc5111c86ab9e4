import ConnectorKit
import Foundation
import ProjectConfig
import Testing

struct SecretReferencesTests {
    private static func server(_ lines: String...) -> String {
        "version: 1\nsources:\n  w:\n    type: server\n" + lines.map { "    \($0)\n" }.joined()
    }

    private func settings(
        _ text: String, _ environment: [String: String] = [:], files: [String: String] = [:]
    ) throws -> ConnectorSettings {
        let project = try TemporaryProject(["sluice.yaml": text].merging(files) { first, _ in first })
        let loaded = try project.load(environment: environment)
        let connection = try #require(loaded.project.sources["w"])
        return try loaded.references.settings(for: connection, declaration: FakeCatalog.server.declaration)
    }

    @Test func referencesAreReplaced() throws {
        let text = Self.server(
            "host: a-${HOST}.${ZONE:-local}-$${x}$5", "port: ${PORT}", "password: ${PASSWORD:-}", "tls: ${TLS:-require}"
        )
        let found = try settings(text, ["HOST": "h", "PORT": "6543", "PASSWORD": "s3cret", "TLS": ""])
        #expect(found.text("host") == "a-h.local-${x}$5")
        #expect(found.integer("port") == 6_543)
        #expect(found.secret("password")?.reveal() == "s3cret")
        #expect(found.text("password") == nil)
        #expect(found.text("tls") == "require")
        #expect(found.name == "w")
    }

    @Test func defaultsAreFilledIn() throws {
        let found = try settings(Self.server("host: h"))
        #expect(found.integer("port") == 5_432)
        #expect(found.secret("password") == nil)
        #expect(found.settingNames == ["host", "port"])
    }

    @Test func fileGivesItsContentWithoutTheLastLineBreak() throws {
        let text = Self.server("host: h", "password: {file: secrets/p.txt}")
        #expect(try settings(text, files: ["secrets/p.txt": " a b\n"]).secret("password")?.reveal() == " a b")
        #expect(try settings(text, files: ["secrets/p.txt": "ab\r\n"]).secret("password")?.reveal() == "ab")
    }

    @Test func tooLargeSecretFileIsRefused() throws {
        let text = Self.server("host: h", "password: {file: p.txt}")
        let errors = #expect(throws: ProjectErrors.self) {
            try settings(text, files: ["p.txt": String(repeating: "x", count: (64 << 10) + 1)])
        }
        #expect(errors?.diagnostics.map(\.code) == ["unreadable_secret_file"])
    }

    @Test func missingVariablesAreAllNamedWithTheirPlaces() throws {
        let text = Self.server("host: ${HOST}", "password: ${WAREHOUSE_PASSWORD}")
        let errors = #expect(throws: ProjectErrors.self) { try settings(text, ["HOTS": "x"]) }
        #expect(
            errors?.diagnostics.map(\.rendered) == [
                "sluice.yaml:5:11: error[missing_variable]: the variable HOST is not set; `host` of `w` needs it\n"
                    + "  hint: set it in the environment, or write HOST=… into the file .env beside the project; "
                    + "did you mean HOTS?",
                "sluice.yaml:6:15: error[missing_variable]: the variable WAREHOUSE_PASSWORD is not set; "
                    + "`password` of `w` needs it\n"
                    + "  hint: set it in the environment, or write WAREHOUSE_PASSWORD=… into the file .env beside "
                    + "the project",
            ])
    }

    @Test func onlyTheConnectionAskedForIsLookedUp() throws {
        let text = Self.server("host: h") + "  other: {type: server, host: \"${NOT_SET}\"}\n"
        #expect(try settings(text).text("host") == "h")
    }

    @Test func wrongValueOfAVariableIsNotShown() throws {
        let text = Self.server("host: h", "port: ${SECRET}", "tls: ${SECRET}")
        let errors = #expect(throws: ProjectErrors.self) { try settings(text, ["SECRET": "hunter2"]) }
        #expect(errors?.diagnostics.map(\.code) == ["invalid_setting", "invalid_setting"])
        #expect(errors.map { !"\($0)".contains("hunter2") } == true)
    }

    @Test func variablesMayBeYesOrNo() throws {
        let project = try TemporaryProject([
            "sluice.yaml": "version: 1\nsources:\n  w: {type: filedb, path: /x.db, immutable: \"${FLAG}\"}\n"
        ])
        let loaded = try project.load(environment: ["FLAG": "yes"])
        let connection = try #require(loaded.project.sources["w"])
        let found = try loaded.references.settings(for: connection, declaration: FakeCatalog.source.declaration)
        #expect(found.boolean("immutable") == true)
        #expect(found.text("path") == "/x.db")
    }

    @Test func referencesPrintNothing() {
        let references = SecretReferences(variables: ["A": "hunter2"])
        var dumped = ""
        dump(references, to: &dumped)
        for text in ["\(references)", String(reflecting: references), dumped] {
            #expect(!text.contains("hunter2"))
        }
    }

    @Test func settingsKnowTheirVariables() throws {
        let project = try TemporaryProject(["sluice.yaml": Self.server("host: ${A}-${B:-c}", "port: 1")]).load().project
        let host = try #require(project.sources["w"]?.settings["host"])
        #expect(host.variableNames == ["A", "B"] && host.literal == nil)
        #expect(project.sources["w"]?.settings["port"]?.literal == "1")
    }
}
