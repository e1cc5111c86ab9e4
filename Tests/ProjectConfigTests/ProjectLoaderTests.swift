import ConnectorKit
import Foundation
import ProjectConfig
import Records
import Testing

struct ProjectLoaderTests {
    static let whole = """
        version: 1
        sources:
          warehouse:
            type: server
            host: ${HOST:-127.0.0.1}
            port: 5432
            password: {file: secrets/warehouse.txt}
          local: {type: filedb, path: data/acme.db}
        destinations:
          crm: {type: crm, api_key: "${CRM_KEY}"}
        datasets:
          accounts: {source: warehouse, table: public.accounts}
          people:
            source: warehouse
            sql: |
              select id, email
              from people * 2

        notify: {webhook: "${SLACK_URL}", on: [failure, stale]}
        syncs:
          companies:
            from: accounts
            to: crm.company
            behavior: update_or_create
            key: {column: id, field: externalId}
            mappings:
              name: account_name
              custom.Plan: plan
              custom.Number of seats: 2024
              status: {constant: customer}
              owner: {column: csm_email, lookup: email}
              phone: {column: phone, nulls: skip}
            schedule: {cron: "0 6 * * mon-fri", timezone: Europe/Stockholm}
            guards: {removed_percent_max: 12.5, removed_rows_min: 7, schema_change_percent_max: 0, cleared_percent_max: 25}
            allow_unknown_custom: true
            paused: true
            renamed_from: accounts_old
          people:
            from: people
            to: crm.person
            behavior: update_or_create
            key: {column: id, field: externalId, within: account_id}
            mappings:
              companyId: {column: account_id, lookup: externalId}
            schedule: {after: [companies]}
          events:
            from: {source: local, table: "\\"My Schema\\".\\"t\\""}
            to: crm.event
            behavior: send
            key: {columns: [account_id, day]}
            first_run: skip
            on_change: send_again
            mappings: {value: v}
            schedule: {every: 1h30m}
            notify: {command: notify-send sluice}
        """

    private func whole() throws -> Project {
        try TemporaryProject(["sluice.yaml": Self.whole]).load().project
    }

    @Test func everyPartOfAProjectIsRead() throws {
        let project = try whole()
        #expect(project.sources.keys.sorted() == ["local", "warehouse"])
        #expect(project.datasets["accounts"]?.relation == .table(schema: "public", name: "accounts"))
        #expect(project.datasets["people"]?.relation == .query("select id, email\nfrom people * 2"))
        #expect(project.syncs.map(\.name) == ["companies", "people", "events"])
        #expect(project.file == "sluice.yaml")
        #expect(project.files == [project.directory + "/sluice.yaml"])
        #expect(project.notify?.events == [.failure, .stale])
        #expect(project.sync("nobody") == nil)
    }

    @Test func everyWordOfASyncIsRead() throws {
        let sync = try #require(try whole().sync("companies"))
        #expect(sync.dataset.name == "accounts")
        #expect(sync.destination == "crm" && sync.object == "company" && sync.behavior == .updateOrCreate)
        #expect(sync.key.columns == ["id"] && sync.key.field == "externalId" && sync.key.within == nil)
        #expect(
            sync.mappings.map(\.field) == [
                "name", "custom.Plan", "custom.Number of seats", "status", "owner", "phone",
            ])
        #expect(
            sync.mappings.map(\.source) == [
                .column("account_name", lookup: nil, nulls: .clear), .column("plan", lookup: nil, nulls: .clear),
                .column("2024", lookup: nil, nulls: .clear), .constant(.text("customer")),
                .column("csm_email", lookup: "email", nulls: .clear), .column("phone", lookup: nil, nulls: .skip),
            ])
        #expect(sync.guards.removedPercentMax == 12.5 && sync.guards.removedRowsMin == 7)
        #expect(sync.guards.clearedPercentMax == 25)
        #expect(sync.guards.invalidPercentMax == 50 && sync.guards.schemaChangePercentMax == 0)
        #expect(sync.allowUnknownCustom && sync.paused && sync.renamedFrom == "accounts_old")
        #expect(sync.firstRun == .backfill && sync.onChange == .ignore && sync.notify == nil)
        guard case .cron(let cron, let zone) = sync.schedule?.trigger else {
            Issue.record("no cron")
            return
        }
        #expect(cron.text == "0 6 * * mon-fri" && cron.weekdays == [1, 2, 3, 4, 5] && zone == "Europe/Stockholm")
    }

    @Test func sendAndInlineDatasetsAreRead() throws {
        let project = try whole()
        let events = try #require(project.sync("events"))
        #expect(events.dataset.name == "events.from" && events.dataset.source == "local")
        #expect(events.dataset.relation == .table(schema: "My Schema", name: "t"))
        #expect(events.key.columns == ["account_id", "day"] && events.key.field == nil)
        #expect(events.firstRun == .skip && events.onChange == .sendAgain)
        #expect(events.schedule?.trigger == .every(seconds: 5_400))
        #expect(events.notify?.events == NotifyDefinition.Event.allCases)
        #expect(project.sync("people")?.key.within == "account_id")
        #expect(project.sync("people")?.schedule?.trigger == .after(["companies"]))
    }

    @Test func everyPartKnowsItsPlace() throws {
        let sync = try #require(try whole().sync("companies"))
        #expect(sync.location == Location(file: "sluice.yaml", line: 21, column: 3))
        #expect(sync.key.location == Location(file: "sluice.yaml", line: 25, column: 5))
        #expect(sync.mappings[1].location == Location(file: "sluice.yaml", line: 28, column: 7))
        #expect(sync.mappings[1].valueLocation == Location(file: "sluice.yaml", line: 28, column: 20))
    }

    @Test func wholeProjectHasNothingWrong() throws {
        let loaded = try TemporaryProject(["sluice.yaml": Self.whole]).load()
        #expect(loaded.warnings.isEmpty)
        #expect(Validation.validate(loaded.project, catalog: FakeCatalog.catalog).isEmpty)
    }

    @Test(arguments: [
        ("42", Value.integer(42)), ("-7", .integer(-7)), ("0x1F", .integer(31)), ("0o17", .integer(15)),
        ("1.50", .decimal("1.5")), ("-0.0", .decimal("0")), (".5", .decimal("0.5")), ("1e3", .double(1_000)),
        ("99999999999999999999", .decimal("99999999999999999999")), ("true", .boolean(true)),
        ("no", .text("no")), ("'42'", .text("42")), ("\"true\"", .text("true")), ("~", .null), ("", .null),
        ("2026-01-31", .text("2026-01-31")), ("12:30:45", .text("12:30:45")), ("1_000", .text("1_000")),
        ("[a, 1, true, null, 1.50]", .array("[\"a\",1,true,null,1.5]")),
        ("{b: 1, a: [x]}", .json("{\"b\":1,\"a\":[\"x\"]}")),
    ])
    func constantsFollowYAML12(_ text: String, _ value: Value) throws {
        let project = try TemporaryProject(["sluice.yaml": Sample.mapping("custom.X: {constant: \(text)}")])
        #expect(try project.load().project.syncs.first?.mappings.first?.source == .constant(value))
    }

    @Test func byteOrderMarkAndWindowsLineEndsAreRead() throws {
        let text = "\u{FEFF}" + Sample.project.replacingOccurrences(of: "\n", with: "\r\n")
        #expect(try TemporaryProject(["sluice.yaml": text]).load().project.syncs.count == 1)
    }

    @Test func emptySectionsAreAllowed() throws {
        let text = "version: 1\nsources:\ndestinations:\ninclude:\ndatasets: {}\nsyncs:\nenvironments:\n"
        #expect(try TemporaryProject(["sluice.yaml": text]).load().project.syncs.isEmpty)
    }

    @Test func missingProjectSaysHowToMakeOne() throws {
        let problems = try TemporaryProject().problems()
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("error[file_not_found]: there is no file `sluice.yaml`") == true)
        #expect(problems.first?.contains("sluice init") == true)
    }

    @Test func directoryInPlaceOfAProjectSaysWhichFileToName() throws {
        let problems = try TemporaryProject(["acme/sluice.yaml": Sample.project]).problems("acme")
        #expect(
            problems == [
                "error[file_is_directory]: `acme` is a directory, not a file\n"
                    + "  hint: name the file in it: `--project acme/sluice.yaml`"
            ])
    }

    @Test func tooLargeProjectIsRefusedAtItsEdge() throws {
        let comment = Sample.project + "#"
        let project = try TemporaryProject()
        let filler = String(repeating: "x", count: (1 << 20) - comment.utf8.count)
        try project.write(Data((comment + filler).utf8), to: "sluice.yaml")
        #expect(project.problems().isEmpty)
        try project.write(Data((comment + filler + "x").utf8), to: "sluice.yaml")
        #expect(project.problems().first?.hasPrefix("error[file_too_large]") == true)
    }

    @Test func mappingsAreCountedAtTheirEdge() throws {
        let lines = (1...1_000).map { "custom.F\($0): c\($0)" }
        let text =
            Sample.connections
            + Sample.company.replacingOccurrences(
                of: "      name: account_name\n", with: lines.map { "      \($0)\n" }.joined())
        #expect(try TemporaryProject(["sluice.yaml": text]).load().project.syncs.first?.mappings.count == 1_000)
    }

    @Test func problemsBeyondTheLimitAreCounted() throws {
        let text = "version: 1\nsources:\n" + (1...300).map { "  s\($0): x\n" }.joined()
        let problems = try TemporaryProject(["sluice.yaml": text]).problems()
        #expect(problems.count == 201)
        #expect(problems.last?.contains("100 more problems are not shown") == true)
    }

    @Test func pathsAreShownFromTheWorkingDirectory() throws {
        let project = try TemporaryProject(["acme/sluice.yaml": "version: 3\n"])
        #expect(project.problems("acme/sluice.yaml").first?.hasPrefix("acme/sluice.yaml:1:10: error") == true)
        let elsewhere = ProjectLoader(environment: [:], workingDirectory: "/nowhere")
        let errors = #expect(throws: ProjectErrors.self) {
            try elsewhere.load(project.directory + "/acme/sluice.yaml")
        }
        #expect(errors?.diagnostics.first?.file == project.directory + "/acme/sluice.yaml")
    }

    @Test func diagnosticsSurviveJSON() throws {
        let diagnostic = Diagnostic(
            .warning, code: "a_code", message: "m", hint: "h", at: Location(file: "f", line: 1, column: 2))
        let data = try JSONEncoder().encode(diagnostic)
        #expect(try JSONDecoder().decode(Diagnostic.self, from: data) == diagnostic)
        #expect(diagnostic.rendered == "f:1:2: warning[a_code]: m\n  hint: h")
    }
}
