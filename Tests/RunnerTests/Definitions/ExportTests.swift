import Foundation
import ProjectConfig
import Runner
import TestKit
import Testing

@Suite struct ExportTests {
    @Test func whatIsExportedLoadsAsTheSameDefinitions() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        try fixture.save(
            .sync, "later",
            DefinitionsFixture.sync.replacing("custom.My Field", with: "custom.Other")
                + """
                schedule: {cron: "0 6 * * *", timezone: Europe/Stockholm}
                guards: {invalid_percent_max: 12.5, removed_rows_min: 3}
                notify: {webhook: "https://hooks.example.com/planted", on: [failure, guard]}
                paused: true

                """)
        let before = try fixture.definitions.project()
        let text = try fixture.definitions.export(by: fixture.by)
        #expect(!text.contains("planted"))
        let other = try DefinitionsFixture(text)
        let after = try other.definitions.project()
        #expect(Self.described(after.project) == Self.described(before.project))
        #expect(after.entries.allSatisfy { !$0.isEditable })
        // Exporting it again gives the same text.
        #expect(try other.definitions.export(by: fixture.by) == text)
    }

    @Test func strangeTextsComeBackAsTheyWere() throws {
        for text in [
            "", " ", "a: b", "- x", "#", "yes", "1", "1.0", "null", "~", "a\nb", "a\n", "\na", "a\n\n", " a\nb",
            "a\n b\n",
            "a\r\nb", "a\tb", "\"quoted\"", "it's", "ä\u{2028}b", "a\u{FEFF}b", "back\\slash", "a #b", "{x}", "[y]",
            "&a",
            "*b",
            "!t", "%d", "@x", "`y`", "|", ">", "select 1 -- $${x}\nfrom \"a b\"\n  where c = 'd: e' # f", "\u{7}",
            "日本\n語",
            "trailing \nspace", "x\n   \ny", "?", "a,b", "0x10", ".5", "=", "<<",
        ] {
            let value = DefinitionValue.mapping([
                .init("key", .text(text)), .init("list", .list([.text(text), .text("b")])),
                .init("inner", .mapping([.init("deep", .text(text))])),
            ])
            let yaml = YAMLWriter.text(value)
            let (found, problems) = DefinitionValue.parse(yaml, file: "x")
            #expect(found == value, "\(text.debugDescription) as \(yaml) \(problems)")
        }
    }

    @Test func aSecretInAFileIsExportedAsAReference() throws {
        let fixture = try DefinitionsFixture(
            "version: 1\ndestinations:\n  my-crm: {type: account, api_key: planted-key}\n")
        let text = try fixture.definitions.export(by: fixture.by)
        #expect(
            text == "version: 1\n\ndestinations:\n  my-crm:\n    type: account\n    api_key: \"${MY_CRM_API_KEY}\"\n")
    }

    @Test func pathsOfIncludedFilesAreAsFromTheProject() throws {
        let fixture = try DefinitionsFixture("version: 1\ninclude: [more/a.yaml]\n")
        try FileManager.default.createDirectory(
            atPath: fixture.folder + "/more", withIntermediateDirectories: false)
        try fixture.write(
            """
            sources:
              local: {type: file, path: data.db}
              far: {type: server, host: a, password: {file: ../secret.txt}}

            """, to: "more/a.yaml")
        let text = try fixture.definitions.export(by: fixture.by)
        #expect(text.contains("path: more/data.db\n"))
        #expect(text.contains("password: {file: secret.txt}\n"))
    }

    /// Everything but the places.
    private static func described(_ project: Project) -> [String] {
        let connections = (Array(project.sources) + Array(project.destinations)).map { name, connection in
            "\(name) \(connection.type) "
                + connection.settings.map { "\($0.key)=\($0.value.content)" }.sorted().joined()
        }
        let syncs = project.syncs.map { sync in
            let mappings = sync.mappings.map { "\($0.field)=\($0.source)" }
            return "\(sync.name) \(sync.dataset.relation) \(sync.destination) \(sync.object) \(sync.behavior) "
                + "\(sync.key.columns) \(sync.key.field ?? "") \(mappings) \(sync.guards) \(sync.paused) "
                + "\(trigger(sync.schedule?.trigger)) \(sync.notify.map { "\($0.events)" } ?? "")"
        }
        return connections.sorted() + syncs
    }

    /// A cron line as it was written: the sets that it came to have no order.
    private static func trigger(_ trigger: ScheduleDefinition.Trigger?) -> String {
        if case .cron(let line, let zone) = trigger { return "\(line.text) \(zone)" }
        return String(describing: trigger)
    }
}
