import ConnectorKit
import Foundation
import ProjectConfig
import Runner
import StateStore
import TestKit
import Testing

@Suite struct DefinitionsTests {
    private static let file = """
        version: 1
        sources:
          warehouse: {type: server, host: db.example.com, password: "${PASSWORD}"}
        destinations:
          crm: {type: account, api_key: {secret: shared_key}}
        datasets:
          accounts: {source: warehouse, table: public.accounts}
        syncs:
          companies:
            from: accounts
            to: crm.thing
            behavior: update_or_create
            key: {column: id, field: id}
            mappings: {name: name}

        """

    // MARK: Making

    @Test func aWholeProjectIsMadeWithoutAFile() throws {
        let fixture = try DefinitionsFixture()
        #expect(try fixture.definitions.project().project.syncs.isEmpty)
        try fixture.saveAll()
        let project = try fixture.definitions.project()
        #expect(project.entries.count == 4)
        #expect(project.entries.allSatisfy { $0.isInForce && $0.isEditable })
        let sync = try #require(project.project.sync("companies"))
        #expect(sync.dataset.relation == .query("select id, name\nfrom accounts"))
        #expect(sync.mappings.map(\.field) == ["name", "custom.My Field"])
    }

    @Test func projectIsReadAgainOnceAFileOrADefinitionHasChanged() throws {
        let fixture = try DefinitionsFixture(Self.file)
        let file = fixture.folder + "/sluice.yaml"
        func age(_ seconds: Double) throws {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: file)
        }
        func write(_ text: String) throws {
            let handle = try FileHandle(forWritingTo: URL(filePath: file))
            try handle.truncate(atOffset: 0)
            try handle.write(contentsOf: Data(text.utf8))
            try handle.close()
        }
        try age(1_000)
        let definitions = fixture.definitions
        func names() throws -> [String] { try definitions.project().project.syncs.map(\.name) }
        #expect(try names() == ["companies"])
        // Nothing tells that it is another one: what was read is kept.
        let other = Self.file.replacing("  companies:", with: "  companiez:")
        try write(other)
        try age(1_000)
        #expect(try names() == ["companies"])
        try age(1_001)
        #expect(try names() == ["companiez"])
        try write(Self.file)
        try age(1_001)
        definitions.forget()
        #expect(try names() == ["companies"])
        try write(Self.file.replacing("id}", with: "id }"))
        try age(1_001)
        #expect(try names() == ["companies"])
        let sync = DefinitionsFixture.sync.replacing("custom.My Field", with: "custom.Other")
        _ = try definitions.save(.sync, "again", yaml: sync, from: nil, by: fixture.by)
        #expect(try names().sorted() == ["again", "companies"])
    }

    @Test func filesAndPagesMakeOneProject() throws {
        let fixture = try DefinitionsFixture(Self.file)
        let sync = DefinitionsFixture.sync.replacing("custom.My Field: seats", with: "custom.Seats: seats")
        try fixture.save(.sync, "more", sync)
        let project = try fixture.definitions.project()
        #expect(project.project.syncs.map(\.name) == ["companies", "more"])
        let ofFile = try #require(project.entry(.sync, "companies"))
        #expect(!ofFile.isEditable)
        #expect(ofFile.part.location == Location(file: "sluice.yaml", line: 9, column: 3))
        #expect(project.entry(.sync, "more")?.isEditable == true)
    }

    @Test func whatAFormEnteredIsTheSameAsYAML() throws {
        let fixture = try DefinitionsFixture()
        let value = DefinitionValue.mapping([
            .init("type", .typed("server")), .init("host", .typed("db.example.com")), .init("port", .typed("5433")),
        ])
        #expect(
            try fixture.definitions.save(.source, "warehouse", value, from: nil, by: fixture.by) == .saved(revision: 1))
        #expect(try fixture.text(.source, "warehouse") == "type: server\nhost: db.example.com\nport: 5433\n")
    }

    @Test func whoChangesAnOldRevisionIsToldSo() async throws {
        let fixture = try DefinitionsFixture()
        let first = try fixture.save(.source, "local", "type: server\nhost: a\n")
        let second = try fixture.save(.source, "local", "type: server\nhost: b\n", from: first)
        #expect(second == 2)
        for revision in [first, nil] {
            let found = await code {
                _ = try fixture.definitions.save(
                    .source, "local", yaml: "type: server\nhost: c\n", from: revision, by: fixture.by)
            }
            #expect(found == "definition_changed")
        }
        #expect(try fixture.text(.source, "local")?.contains("host: b") == true)
    }

    // MARK: What is wrong

    @Test func eachProblemIsToldAtItsField() throws {
        let fixture = try DefinitionsFixture()
        #expect(try fixture.refusal(.source, "w", "type: server\n") == ["host: missing_setting"])
        #expect(try fixture.refusal(.source, "w", "type: serve\nhost: a\n") == ["type: unknown_type"])
        #expect(try fixture.refusal(.source, "w", "host: a\n") == ["type: missing_key"])
        #expect(
            try fixture.refusal(.source, "w", "type: server\nhost: a\nport: 0\nhosst: b\n")
                == ["port: invalid_setting", "hosst: unknown_setting"])
        #expect(try fixture.refusal(.source, "a b", "type: server\nhost: a\n") == [": invalid_name"])
        #expect(try fixture.refusal(.source, "w", "type: [").count == 1)
        #expect(try fixture.refusal(.source, "w", "a: &b 1\n") == [": yaml_unsupported"])
        #expect(try DefinitionStore(fixture.database).all().isEmpty)
    }

    @Test func problemsOfASyncAreToldAtTheirFields() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        let bad = DefinitionsFixture.sync
            .replacing("from: accounts", with: "from: account")
            .replacing("  name: name", with: "  nam: name")
            .replacing("update_or_create", with: "upsert")
        let problems = try fixture.refusal(.sync, "second", bad)
        #expect(problems.contains("from: unknown_dataset"))
        #expect(problems.contains("behavior: invalid_value"))
        let field = DefinitionsFixture.sync.replacing("  name: name", with: "  nam: name")
        #expect(try fixture.refusal(.sync, "second", field).first == "mappings/nam: unknown_field")
    }

    @Test func aNameOfAFileIsNotTaken() throws {
        let fixture = try DefinitionsFixture(Self.file)
        #expect(
            try fixture.refusal(.source, "warehouse", "type: server\nhost: evil.example.com\n")
                == [": defined_in_file"])
    }

    @Test func aFileThatDefinesTheSameNameLaterWins() throws {
        let fixture = try DefinitionsFixture()
        try fixture.save(.source, "warehouse", "type: server\nhost: pages.example.com\n")
        try fixture.write(Self.file)
        let project = try fixture.definitions.project()
        #expect(project.project.sources["warehouse"]?.settings["host"]?.literal == "db.example.com")
        #expect(project.warnings.map(\.code) == ["defined_in_file"])
        let both = project.entries.filter { $0.part.name == "warehouse" }
        #expect(both.map(\.isInForce) == [true, false])
        #expect(both.last?.part.hiddenBy == Location(file: "sluice.yaml", line: 3, column: 3))
    }

    @Test func whatAFileBreaksIsLeftOutAndTold() throws {
        let fixture = try DefinitionsFixture(Self.file)
        try fixture.save(.dataset, "more", "source: warehouse\ntable: more\n")
        try fixture.save(.sync, "second", DefinitionsFixture.sync.replacing("accounts", with: "more"))
        try fixture.write(
            Self.file.replacing("warehouse", with: "lake"))
        let project = try fixture.definitions.project()
        #expect(project.project.syncs.map(\.name) == ["companies"])
        #expect(project.entry(.dataset, "more")?.problems.map(\.code) == ["unknown_source"])
        #expect(project.entry(.sync, "second")?.isInForce == false)
        // Once the file is right again, so are they.
        try fixture.write(Self.file)
        #expect(try fixture.definitions.project().project.syncs.count == 2)
    }

    @Test func aFileThatIsWrongIsToldAsEver() throws {
        let fixture = try DefinitionsFixture("version: 1\nsyncs: 5\n")
        #expect(throws: ProjectErrors.self) { _ = try fixture.definitions.project() }
    }

    @Test func aServersProjectIsReadAgainWhenItIsToldToAndTheLastGoodOneStays() throws {
        let fixture = try DefinitionsFixture(Self.file)
        let definitions = fixture.definitions(followsFiles: false)
        func names() throws -> [String] { try definitions.project().project.syncs.map(\.name) }
        #expect(try definitions.reread().project.syncs.map(\.name) == ["companies"])
        try fixture.write(Self.file.replacing("  companies:", with: "  renamed:"))
        #expect(try names() == ["companies"])
        #expect(try definitions.reread().project.syncs.map(\.name) == ["renamed"])
        #expect(try names() == ["renamed"])

        try fixture.write("version: 1\nsyncs: 5\n")
        #expect(throws: ProjectErrors.self) { _ = try definitions.reread() }
        #expect(try names() == ["renamed"])
        definitions.forget()
        #expect(throws: ProjectErrors.self) { _ = try definitions.project() }
        try fixture.write(Self.file)
        #expect(try definitions.reread().project.syncs.map(\.name) == ["companies"])
    }

    @Test func nothingIsChangedWhileTheProjectFileHasErrors() throws {
        let fixture = try DefinitionsFixture(Self.file)
        let sync = DefinitionsFixture.sync.replacing("custom.My Field", with: "custom.Other")
        try fixture.save(.sync, "again", sync)
        try fixture.write("version: 1\nsyncs: 5\n")
        #expect(try fixture.refusal(.sync, "third", sync) == [": project_file_broken"])
        #expect(try fixture.refusal(.sync, "again", sync + "paused: true\n", from: 1).last == ": project_file_broken")
        let answer = try fixture.definitions.remove(.sync, "again", from: 1, by: fixture.by)
        guard case .refused(let problems) = answer else { return #expect(Bool(false), "it was removed") }
        #expect(problems.map(\.diagnostic.code) == ["project_file_broken"])
        #expect(problems.first?.diagnostic.message.contains("sluice.yaml:2") == true)
        try fixture.write(Self.file)
        try fixture.save(.sync, "again", sync + "paused: true\n", from: 1)
    }

    @Test func whatAProjectFileWaitsForCanBeMade() throws {
        let fixture = try DefinitionsFixture(Self.file.replacing("  accounts:", with: "  others:"))
        #expect(throws: ProjectErrors.self) { _ = try fixture.definitions.project() }
        try fixture.save(.dataset, "accounts", "source: warehouse\ntable: public.accounts\n")
        #expect(try fixture.definitions.project().project.syncs.map(\.name) == ["companies"])
    }

    // MARK: Less trusted than files

    @Test(arguments: ["${HOME}", "a${X:-b}"])
    func variablesOfTheServerAreNotForThePages(text: String) throws {
        let fixture = try DefinitionsFixture()
        #expect(
            try fixture.refusal(.source, "w", "type: server\nhost: \"\(text)\"\n") == ["host: reference_not_allowed"])
    }

    @Test func filesOfTheServerAreNotForThePages() throws {
        let fixture = try DefinitionsFixture()
        let file = "type: server\nhost: evil.example.com\npassword: {file: /etc/passwd}\n"
        #expect(try fixture.refusal(.source, "w", file) == ["password: reference_not_allowed"])
        for path in ["/etc/passwd", "../other.db", ".sluice/sluice.db", "link/sluice.db", "."] {
            try? FileManager.default.createSymbolicLink(
                atPath: fixture.folder + "/link", withDestinationPath: fixture.state.path)
            let found = try fixture.refusal(.source, "w", "type: file\npath: \(path)\n")
            #expect(path == "." || found == ["path: path_not_allowed"], "\(path)")
        }
        try fixture.save(.source, "v", "type: file\npath: data/acme.db\n")
    }

    @Test func secretsOfOthersAreNotForThePages() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        try fixture.vault.set("shared", Secret("x"), by: fixture.by)
        for name in ["source.warehouse.password", "shared", "source.evil.other"] {
            let yaml = "type: server\nhost: evil.example.com\npassword: {secret: \(name)}\n"
            #expect(try fixture.refusal(.source, "evil", yaml) == ["password: reference_not_allowed"], "\(name)")
        }
        try fixture.vault.set("source.evil.password", Secret("x"), by: fixture.by)
        let yaml = "type: server\nhost: evil.example.com\npassword: {secret: source.evil.password}\n"
        #expect(try fixture.refusal(.source, "evil", yaml) == ["password: secret_needed_again"])
    }

    @Test func commandsAreNotForThePages() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        let yaml = DefinitionsFixture.sync + "notify: {command: \"rm -rf /\"}\n"
        #expect(try fixture.refusal(.sync, "second", yaml) == ["notify/command: command_not_allowed"])
    }

    // MARK: Secrets

    @Test func anEnteredSecretGoesToTheVault() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        #expect(
            try fixture.text(.source, "warehouse")
                == "type: server\nhost: db.example.com\npassword: {secret: source.warehouse.password}\n")
        #expect(try fixture.vault.value("source.warehouse.password").reveal() == "planted-password")
        let yaml = try #require(try fixture.definitions.yaml(of: .destination, "crm"))
        #expect(yaml == "destinations:\n  crm:\n    type: account\n    api_key: {secret: destination.crm.api_key}\n")
        let log = try AuditLog(database: fixture.database, time: RunTime(fixture.clock)).page()
        #expect(!log.contains { "\($0)".contains("planted") })
    }

    @Test func anEmptySecretKeepsTheOneThereIs() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        let yaml = "type: server\nhost: db.example.com\npassword: \"\"\ntimeout_seconds: 5\n"
        try fixture.save(.source, "warehouse", yaml, from: 1)
        #expect(try fixture.text(.source, "warehouse")?.contains("{secret: source.warehouse.password}") == true)
        #expect(try fixture.vault.value("source.warehouse.password").reveal() == "planted-password")
    }

    @Test(arguments: [
        "type: server\nhost: evil.example.com\npassword: \"\"\n",
        "type: server\nhost: evil.example.com\npassword: {secret: source.warehouse.password}\n",
        "type: server\nhost: db.example.com\nport: 5433\npassword: \"\"\n",
    ])
    func aSecretGoesToNoOtherAddress(yaml: String) throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        #expect(try fixture.refusal(.source, "warehouse", yaml, from: 1) == ["password: secret_needed_again"])
        try fixture.save(
            .source, "warehouse",
            yaml.replacing("\"\"", with: "second").replacing("{secret: source.warehouse.password}", with: "second"),
            from: 1)
        #expect(try fixture.vault.value("source.warehouse.password").reveal() == "second")
    }

    @Test func sayingADefaultIsNoOtherAddress() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        try fixture.save(
            .source, "warehouse", "type: server\nhost: db.example.com\nport: 5432\npassword: \"\"\n", from: 1)
    }

    @Test func aSecretThatIsTakenOutOfADefinitionIsForgotten() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        try fixture.save(.source, "warehouse", "type: server\nhost: db.example.com\n", from: 1)
        #expect(try fixture.vault.list().map(\.name) == ["destination.crm.api_key"])
    }

    @Test func signingSecretOfAWebhookGoesIntoTheVaultAndPrivateAddressesAreForFilesOnly() throws {
        let fixture = try DefinitionsFixture(Self.file)
        func yaml(_ more: String) -> String {
            DefinitionsFixture.sync + "notify: {webhook: \"https://hooks.example.com/planted\", \(more)}\n"
        }
        let key = "whsec_" + Data(repeating: 7, count: 32).base64EncodedString()
        let refused = try fixture.refusal(.sync, "people", yaml("allow_private: true"))
        #expect(refused.contains { $0.hasSuffix("private_address_not_allowed") }, "\(refused)")
        try fixture.save(.sync, "people", yaml("signing_secret: \"\(key)\""))
        #expect(try fixture.vault.value("sync.people.signing_secret").reveal() == key)
        #expect(try fixture.text(.sync, "people")?.contains("whsec_") == false)
    }

    @Test func theAddressOfAWebhookIsASecretToo() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        let yaml = DefinitionsFixture.sync + "notify: {webhook: \"https://hooks.example.com/planted\", on: [failure]}\n"
        try fixture.save(.sync, "companies", yaml, from: 1)
        #expect(try fixture.text(.sync, "companies")?.contains("planted") == false)
        #expect(try fixture.vault.value("sync.companies.webhook").reveal() == "https://hooks.example.com/planted")
    }

    // MARK: Removing and renaming

    @Test func whatIsNeededIsNotRemoved() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        guard
            case .refused(let problems) = try fixture.definitions.remove(.dataset, "accounts", from: 1, by: fixture.by)
        else {
            Issue.record("it was removed")
            return
        }
        #expect(problems.map(\.diagnostic.code) == ["unknown_dataset"])
    }

    @Test func aRemovedSyncIsAnOrphanWithItsState() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        try fixture.database.save(SyncMemory(name: "companies", seed: 1, definition: "{}"))
        #expect(try fixture.definitions.project().orphans.isEmpty)
        _ = try fixture.definitions.remove(.sync, "companies", from: 1, by: fixture.by)
        #expect(try fixture.definitions.project().orphans == ["companies"])
        #expect(try fixture.database.memory("companies") != nil)
        try fixture.save(.sync, "companies", DefinitionsFixture.sync)
        #expect(try fixture.definitions.project().orphans.isEmpty)
    }

    @Test func removingAConnectionForgetsItsSecrets() throws {
        let fixture = try DefinitionsFixture()
        try fixture.save(.source, "warehouse", "type: server\nhost: a\npassword: planted\n")
        _ = try fixture.definitions.remove(.source, "warehouse", from: 1, by: fixture.by)
        #expect(try fixture.vault.list().isEmpty)
    }

    @Test func aRenamedSourceKeepsItsSecretAndItsDatasets() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        #expect(
            try fixture.definitions.rename(.source, "warehouse", to: "lake", from: 1, by: fixture.by)
                == .saved(revision: 2))
        #expect(try fixture.text(.source, "lake")?.contains("{secret: source.lake.password}") == true)
        #expect(try fixture.vault.value("source.lake.password").reveal() == "planted-password")
        #expect(try fixture.vault.list().map(\.name) == ["destination.crm.api_key", "source.lake.password"])
        #expect(try fixture.text(.dataset, "accounts")?.hasPrefix("source: lake\n") == true)
        #expect(try fixture.definitions.project().project.syncs.count == 1)
    }

    @Test func aRenamedSyncCarriesItsOldName() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        try fixture.save(
            .sync, "later",
            DefinitionsFixture.sync.replacing("custom.My Field", with: "custom.Other")
                + "schedule: {after: [companies]}\n")
        _ = try fixture.definitions.rename(.sync, "companies", to: "firms", from: 1, by: fixture.by)
        let project = try fixture.definitions.project().project
        #expect(project.sync("firms")?.renamedFrom == "companies")
        #expect(project.sync("later")?.schedule?.trigger == .after(["firms"]))
    }

    @Test func aRenamedDestinationTakesItsSyncsAlong() throws {
        let fixture = try DefinitionsFixture()
        try fixture.saveAll()
        _ = try fixture.definitions.rename(.destination, "crm", to: "cs", from: 1, by: fixture.by)
        #expect(try fixture.definitions.project().project.sync("companies")?.destination == "cs")
    }

    @Test func aNameThatAFileUsesIsNotChanged() throws {
        let fixture = try DefinitionsFixture()
        try fixture.save(.source, "warehouse", "type: server\nhost: a\n")
        try fixture.write("version: 1\ndatasets:\n  accounts: {source: warehouse, table: a}\n")
        guard
            case .refused(let problems) = try fixture.definitions.rename(
                .source, "warehouse", to: "lake", from: 1, by: fixture.by)
        else {
            Issue.record("it was renamed")
            return
        }
        #expect(problems.map(\.diagnostic.code) == ["unknown_source"])
        #expect(try fixture.text(.source, "warehouse") != nil)
    }
}
