import Foundation
import Testing

/// Every command: what it prints for people, what for programs, and how it ends.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct CommandTests {
    static let commands = [
        "init", "check", "objects", "tables", "preview", "plan", "run", "runs", "show", "records", "record", "resend",
        "confirm", "reset", "test", "cancel", "pause", "resume", "forget", "secrets", "people", "export", "backup",
        "restore", "serve", "sandbox", "demo", "schema", "completions", "version",
    ]

    @Test(arguments: commands) func theHelpOfEveryCommandShowsAnExample(command: String) async throws {
        let help = try await WorkFolder().sluice(command, "--help")
        #expect(help.status == 0 && help.errors.isEmpty)
        #expect(help.output.contains("sluice \(command)"), "\(help.output)")
        #expect(help.output.contains("Example: sluice \(command)"), "\(help.output)")
    }

    /// Of those that have some, the subcommands do something.
    static let subcommands = [
        "secrets set", "secrets list", "secrets remove", "secrets rotate", "people list", "people password",
    ]

    @Test(arguments: commands.filter { $0 != "secrets" && $0 != "people" } + subcommands)
    func everyCommandTakesTheCommonOptions(command: String) async throws {
        let help = try await WorkFolder().sluice(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(help.status == 0 && help.output.contains("sluice \(command)"), "\(help.everything)")
        for option in ["--project", "--state", "--env", "--json", "--quiet", "--verbose"] {
            #expect(help.output.contains("\n  \(option)"), "\(option): \(help.output)")
        }
    }

    @Test func theHelpNamesEveryCommand() async throws {
        let help = try await WorkFolder().sluice("--help")
        #expect(help.status == 0)
        for command in Self.commands { #expect(help.output.contains("\n  \(command) "), "\(command)") }
    }

    @Test func aWrongCommandLineEndsWithTwo() async throws {
        let folder = try WorkFolder()
        for arguments in [
            ["rum"], ["run"], ["run", "a", "--all"], ["run", "a", "--limit", "0"], ["check", "--loud"],
        ] {
            let ended = try await folder.sluice(arguments)
            #expect(ended.status == 2 && ended.output.isEmpty && !ended.errors.isEmpty, "\(arguments)")
            let json = try await folder.sluice(arguments + ["--json"])
            let error = try json.json()["error"]
            #expect(json.status == 2 && error["code"].string != nil && error["message"].string != nil, "\(arguments)")
        }
    }

    @Test func quietSaysNothingWhereAllWentWell() async throws {
        let folder = try WorkFolder()
        let made = try await folder.sluice("init", "mine", "--quiet")
        #expect(made.status == 0 && made.output.isEmpty && made.errors.isEmpty, "\(made.everything)")
        let demo = try await folder.sluice("demo", "--quiet")
        #expect(demo.status == 0 && demo.output.contains("duplicate_key"), "\(demo.everything)")
        #expect(!demo.output.contains("First run"), "\(demo.everything)")
    }

    @Test func commandsThatOnlyLookLeaveNothingBehind() async throws {
        let project = try await CompanyProject()
        let before = project.folder.entries()
        for (arguments, status) in [
            (["plan", "companies"], Int32(0)), (["runs"], 0), (["runs", "companies", "--json"], 0), (["show"], 2),
            (["records", "1"], 2), (["record", "companies", "7"], 0), (["check"], 0), (["objects", "planhat"], 0),
            (["tables", "local"], 0), (["preview", "accounts"], 0), (["schema"], 0),
        ] {
            let ended = try await project.sluice(arguments)
            #expect(ended.status == status, "\(arguments): \(ended.everything)")
            #expect(project.folder.entries() == before, "\(arguments)")
        }
    }

    @Test func initWritesAProjectThatIsValidAndNeverOverwrites() async throws {
        let folder = try WorkFolder()
        let first = try await folder.sluice("init", "mine")
        #expect(first.status == 0 && first.output.contains("mine/sluice.yaml"))
        #expect(folder.files(under: "mine") == [".env.example", ".gitignore", "sluice.yaml"])
        let check = try await folder.sluice(
            "check", "--offline", environment: ["PLANHAT_API_KEY": "x"], in: folder.path + "/mine")
        #expect(check.status == 0, "\(check.everything)")
        let second = try await folder.sluice("init", "mine", "--json")
        #expect(try second.status == 2 && second.json()["error"]["code"].string == "file_exists")
        let json = try await folder.sluice("init", "other", "--json")
        #expect(try json.json()["written"].list.count == 3)
    }

    @Test func checkTestsEveryConnectionStepByStep() async throws {
        let project = try await CompanyProject()
        let text = try await project.sluice("check")
        #expect(text.status == 0, "\(text.everything)")
        #expect(text.output.contains("local (sqlite") && text.output.contains("planhat (planhat"))
        #expect(text.output.contains("sync companies\n  ok     columns: accounts has all 4 columns"), "\(text.output)")
        #expect(text.output.contains("  ok     fields: all 3 mapped fields are there, 2 of them"), "\(text.output)")
        let json = try await project.sluice("check", "--json").json()
        #expect(json.keys == ["ok", "diagnostics", "connections"] && json["ok"].bool == true)
        let connections = json["connections"].list
        #expect(connections.map { $0["name"].string } == ["local", "planhat", "companies"])
        #expect(connections[2]["type"].string == "sync" && connections[2]["address"].string == "")
        for connection in connections {
            #expect(connection.keys == ["name", "type", "address", "steps", "warnings"])
            for step in connection["steps"].list {
                #expect(step.keys == ["step", "ok", "message", "hint"] && step["ok"].bool == true)
            }
        }
        let one = try await project.sluice("check", "local", "--json").json()
        #expect(one["connections"].list.count == 1)
        let offline = try await project.sluice("check", "--offline", "--json").json()
        #expect(offline["ok"].bool == true && offline["connections"].list.isEmpty)
        #expect(!project.folder.files().contains { $0.hasPrefix(".sluice") })
    }

    @Test func aConnectionThatDoesNotPassEndsWithFour() async throws {
        let project = try await CompanyProject()
        let wrong = ["PLANHAT_API_KEY": "wrong"]
        let ended = try await project.sluice("check", "planhat", environment: wrong)
        #expect(ended.status == 4 && ended.output.contains("FAILED"), "\(ended.everything)")
        let json = try await project.sluice("check", "planhat", "--json", environment: wrong)
        #expect(try json.status == 4 && json.json()["ok"].bool == false)
        let steps = try json.json()["connections"][0]["steps"].list
        #expect(steps.last?["ok"].bool == false && steps.last?["hint"].string?.isEmpty == false)
    }

    @Test func aSyncThatDoesNotFitItsEndsEndsWithFour() async throws {
        let project = try await CompanyProject()
        let wrong = CompanyProject.text(project.planhat.address)
            .replacing("name: name", with: "name: nmae").replacing("custom.Plan:", with: "custom.Plans:")
        try project.folder.write(wrong, to: "wrong.yaml")
        let text = try await project.sluice("check", "--project", "wrong.yaml")
        #expect(text.status == 4, "\(text.everything)")
        #expect(text.output.contains("FAILED columns: accounts has no column nmae.\n         Did you mean name?"))
        #expect(text.output.contains("FAILED fields: wrong.yaml:14:"))
        #expect(text.output.contains(": The account has no field custom.Plans."))
        let json = try await project.sluice("check", "companies", "--json", "--project", "wrong.yaml")
        let body = try json.json()
        #expect(json.status == 4 && body["ok"].bool == false)
        #expect(body["connections"].list.map { $0["name"].string } == ["local", "planhat", "companies"])
        #expect(body["connections"][2]["steps"].list.map { $0["step"].string } == ["columns", "fields"])
        #expect(body["connections"][2]["steps"].list.allSatisfy { $0["hint"].string?.isEmpty == false })
        // Where an end did not pass there is nothing to say of the sync.
        let closed = try await project.sluice("check", "--json", environment: ["PLANHAT_API_KEY": "wrong"])
        #expect(try closed.json()["connections"].list.count == 2 && closed.status == 4)
    }

    @Test func aFieldThatTheAccountComputesIsRefused() async throws {
        let project = try await CompanyProject()
        let wrong = CompanyProject.text(project.planhat.address)
            .replacing("custom.Plan:", with: "custom.Revenue per Seat:")
        try project.folder.write(wrong, to: "wrong.yaml")
        let text = try await project.sluice("check", "companies", "--project", "wrong.yaml")
        #expect(text.status == 4 && text.output.contains("Revenue per Seat is computed"), "\(text.everything)")
    }

    @Test func objectsShowsKeysBehaviorsAndTheAccountsOwnFields() async throws {
        let project = try await CompanyProject()
        let list = try await project.sluice("objects", "planhat", "--json").json()
        let names = list["objects"].list.compactMap { $0["name"].string }
        #expect(names.prefix(2) == ["company", "end_user"] && names.count > 20 && Set(names).count == names.count)
        let company = try await project.sluice("objects", "planhat", "company", "--json").json()
        #expect(company["keys"].list.map { $0["name"].string } == ["externalId", "sourceId", "_id"])
        #expect(company["keys"].list.map { $0["can_create"].bool } == [true, true, false])
        let custom = company["fields"].list.filter { $0["custom"].bool == true }.compactMap { $0["name"].string }
        #expect(custom.contains("custom.Plan") && custom.contains("custom.Renewal Date"), "\(custom)")
        let text = try await project.sluice("objects", "planhat", "company")
        #expect(text.status == 0 && text.output.contains("custom.Renewal Date") && text.output.contains("externalId"))
        let short = try await project.sluice("objects", "planhat")
        #expect(short.output.contains("end_user"))
        #expect(try await project.sluice("objects", "planhat", "compny").status == 2)
    }

    @Test(arguments: [80, 120]) func everyObjectFitsTheTerminal(width: Int) async throws {
        let project = try await CompanyProject()
        let columns = ["COLUMNS": String(width)]
        let list = try await project.sluice("objects", "planhat", environment: columns)
        let names = try await project.sluice("objects", "planhat", "--json").json()["objects"].list.compactMap {
            $0["name"].string
        }
        let shown = Set(
            list.output.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) })
        #expect(shown.isSuperset(of: names))
        for name in names {
            let object = try await project.sluice("objects", "planhat", name, environment: columns)
            let tooWide = (list.output + object.output).split(separator: "\n").filter { $0.count > width }
            #expect(object.status == 0 && tooWide.isEmpty, "\(name): \(tooWide)")
            #expect(!object.output.contains("…"), "nothing is cut: \(object.output)")
        }
    }

    @Test func anObjectSaysAllThatIsKnownOfItsFields() async throws {
        let project = try await CompanyProject()
        let text = try await project.sluice("objects", "planhat", "company").output
        for line in [
            "status", "choice", "One of: prospect, coming, customer, canceled, lost", "Needed to create",
            "reference to user", "Finds a record but never creates one", "Also written website",
            "set by the destination itself", "custom.Renewal Date",
        ] { #expect(text.contains(line), "\(line): \(text)") }
        let fields = try await project.sluice("objects", "planhat", "end_user", "--json").json()["fields"].list
        for field in fields {
            #expect(
                field.keys == [
                    "name", "aliases", "type", "choices", "refers_to", "lookups", "minimum", "maximum",
                    "excludes_zero", "characters_max", "required", "or_else", "writable", "custom", "help",
                ])
        }
        let company = try #require(fields.first { $0["name"].string == "companyId" })
        #expect(company["refers_to"].string == "company" && company["required"].bool == true)
        #expect(company["lookups"].list.first == .null && company["lookups"].list.contains(.string("externalId")))
    }

    @Test func tablesAndPreviewShowWhatThereIsToRead() async throws {
        let project = try await CompanyProject()
        let tables = try await project.sluice("tables", "local", "--json").json()["tables"][0]
        #expect(tables["name"].string == "accounts" && tables["columns"].list.count == 4)
        let text = try await project.sluice("tables", "local")
        #expect(text.status == 0 && text.output.contains("accounts (table") && text.output.contains("seats"))
        let preview = try await project.sluice("preview", "accounts", "--limit", "3", "--json").json()
        #expect(preview["rows"].list.count == 3 && preview["columns"].list.count == 4)
        #expect(preview["rows"][0].list == [.string("1"), .string("Account 1"), .string("Free"), .string("7")])
        let shown = try await project.sluice("preview", "companies", "--limit", "1")
        #expect(shown.status == 0 && shown.output.contains("Account 1") && !shown.output.contains("Account 2"))
    }

    @Test func planShowsWhatARunWouldDoAndLeavesNothingBehind() async throws {
        let project = try await CompanyProject()
        let writes = try project.planhat.writes()
        let text = try await project.sluice("plan", "companies", "--records", "2")
        #expect(text.status == 0 && text.output.contains("12"), "\(text.everything)")
        let json = try await project.sluice("plan", "companies", "--records", "2", "--json").json()["plans"][0]
        #expect(json.rows("scanned") == 12 && json.operations("planned") == 12 && json["examples"].list.count == 2)
        #expect(try project.planhat.writes() == writes && project.planhat.companies().isEmpty)
        let runs = try await project.sluice("runs", "--json").runs()
        #expect(runs.isEmpty)
        let left = project.folder.files(under: ".sluice").filter { $0.contains("plans/") || $0.contains("syncs/") }
        #expect(left.isEmpty, "\(left)")
    }

    @Test func planShowsOneRowOfEachReasonAndNamesRowsWithoutAKey() async throws {
        let project = try await CompanyProject()
        try project.database.execute(
            """
            insert into accounts values (null, 'a', 'Free', 1), (null, 'b', 'Free', 1), (null, 'c', 'Free', 1);
            insert into accounts values (20, 'd', 'Free', 'many'), (7, 'Twin', 'Free', 1);
            """)
        let plan = try await project.sluice("plan", "companies", "--records", "3")
        #expect(plan.status == 0 && plan.output.contains("  invalid (no key)\n"), "\(plan.everything)")
        #expect(plan.output.contains("  invalid 20\n") && plan.output.contains("  invalid 7\n"), "\(plan.output)")
        let json = try await project.sluice("plan", "companies", "--records", "3", "--json").json()["plans"][0]
        let codes = json["examples"].list.compactMap { $0["code"].string }
        #expect(Set(codes) == ["missing_key", "cannot_cast", "duplicate_key"] && codes.count == 3, "\(json)")
    }

    @Test func oneOfSomethingIsNotCalledMany() async throws {
        let project = try await CompanyProject(rows: 1)
        let plan = try await project.sluice("plan", "companies")
        #expect(plan.output.contains("a run would send 1 record (") && !plan.output.contains("1 records"))
        try await project.sluice("run", "companies")
        let shown = try await project.sluice("show")
        #expect(shown.status == 0 && shown.output.contains("  requests    1, "), "\(shown.everything)")
        #expect(!shown.output.contains("1 requests") && !shown.output.contains("1 records"), "\(shown.output)")
        let reset = try await project.sluice("reset", "companies", "--yes")
        #expect(reset.output == "Forgot 1 record; the next run sends 1 row.\n", "\(reset.everything)")
        let none = try await project.sluice("confirm", "companies", "--in-doubt")
        #expect(none.output == "0 records are now known to have arrived.\n", "\(none.everything)")
    }

    @Test func theHelpSaysWhatACommandEndsWithAndDoesBesides() async throws {
        let folder = try WorkFolder()
        for (command, words) in [
            ("cancel", ["Exit code: 0", "\"state\"", "interrupted"]), ("confirm", ["Exit code: 0", "\"confirmed\""]),
            ("test", ["interrupted is finished first"]), ("resend", ["interrupted is finished first"]),
            ("check", ["Exit code: 0", "sync"]), ("plan", ["Exit code: 0", "guard"]),
        ] {
            let help = try await folder.sluice(command, "--help", environment: ["COLUMNS": "120"]).output
            let text = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            for word in words { #expect(text.contains(word), "\(command): \(help)") }
        }
    }

    @Test func aRunIsShownAlikeByRunShowAndRuns() async throws {
        let project = try await CompanyProject()
        let run = try #require(try await project.sluice("run", "companies", "--json").runs().first)
        #expect(
            run.keys == [
                "id", "sync", "state", "full", "full_reason", "limited", "trigger", "started_at", "ended_at", "rows",
                "operations", "requests", "bytes_sent", "reasons", "guard", "error", "effort",
                "warnings",
            ])
        #expect(
            run["effort"].keys == [
                "prepare_ms", "scan_ms", "plan_ms", "deliver_ms", "close_ms", "rate_limit_wait_ms", "retry_wait_ms",
                "retries", "answers",
            ])
        #expect(run["effort"]["answers"] == .object(["200": .number(3)]), "two reads of the account's fields: \(run)")
        #expect(
            run["rows"].keys == [
                "scanned", "carried", "unchanged", "invalid", "held", "skipped", "deferred", "planned",
            ])
        #expect(
            run["operations"].keys == [
                "planned", "removals", "accepted", "rejected", "undelivered", "in_doubt", "created", "updated",
                "already_equal", "sent", "removed",
            ])
        #expect(run.isBalanced && run["trigger"].string == "cli" && run["requests"].int == 1)
        let stamp = try Regex(#"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"#)
        for name in ["started_at", "ended_at"] { #expect(run[name].string?.contains(stamp) == true, "\(run[name])") }
        let shown = try await project.sluice("show", String(run["id"].int ?? 0), "--json").json()
        #expect(shown == run)
        let newest = try await project.sluice("show", "--json").json()
        #expect(newest == run)
        #expect(try await project.sluice("runs", "companies", "--json").runs() == [run])
        let text = try await project.sluice("show")
        #expect(text.output.contains("12 created") && text.output.contains("PUT /companies 200"), "\(text.output)")
        #expect(text.output.contains("  answers     3 x 200\n") && text.output.contains("  stages      "))
        let runs = try await project.sluice("runs")
        #expect(runs.output.contains("companies") && runs.output.contains("succeeded"))
        #expect(try await project.sluice("show", "99").status == 2)
    }

    @Test func recordsAndRecordTellWhatHappenedToARow() async throws {
        let project = try await CompanyProject(sandbox: [
            "--fail", "refuse where externalId=5 message=\"closed account\"",
        ])
        try project.database.execute("insert into accounts values (null, 'No key', 'Free', 1), (7, 'Twin', 'Free', 1)")
        let ended = try await project.sluice("run", "companies")
        #expect(ended.status == 3 && ended.output.contains("closed account"), "\(ended.everything)")
        let records = try await project.sluice("records", "--json").json()["records"].list
        #expect(records.count == 4)
        for record in records {
            #expect(record.keys == ["key", "outcome", "code", "message", "hint", "run"], "\(record)")
            #expect(record["hint"].string?.isEmpty == false, "\(record)")
        }
        #expect(
            Set(records.compactMap { $0["code"].string }) == ["missing_key", "duplicate_key", "refused_by_destination"])
        let rejected = try await project.sluice("records", "1", "--outcome", "rejected", "--json").json()["records"]
            .list
        #expect(rejected.map { $0["key"].string } == ["5"])
        let csv = try await project.sluice("records", "1", "--csv")
        let lines = csv.output.split(separator: "\n")
        #expect(lines.first == "key,outcome,code,message,hint,run" && lines.count == 5)
        let text = try await project.sluice("records")
        #expect(text.status == 0 && text.output.contains("closed account"))
        #expect(try await project.sluice("records", "--outcome", "lost").status == 2)

        let life = try await project.sluice("record", "companies", "5", "--json").json()
        #expect(
            life["steps"][0]["exchanges"][0].keys.isSuperset(of: ["at", "method", "path", "milliseconds", "status"]))
        #expect(life["steps"].list.count == 1 && life["steps"][0]["outcome"].string == "rejected", "\(life)")
        let accepted = try await project.sluice("record", "companies", "6")
        #expect(accepted.status == 0 && accepted.output.contains("sent:"), "\(accepted.everything)")
        let stranger = try await project.sluice("record", "companies", "4711")
        #expect(stranger.status == 0 && stranger.output.contains("4711"))
    }

    @Test func resendSendsChosenRecordsInARunOfTheirOwn() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "refuse where externalId=5 times=1"])
        #expect(try await project.sluice("run", "companies").status == 3)
        let one = try await project.sluice("resend", "companies", "--key", "3", "--json")
        let run = try #require(one.runs().first)
        #expect(one.status == 0 && run.operations("planned") == 1 && run.isBalanced, "\(one.everything)")
        let refused = try await project.sluice("resend", "companies", "--rejected", "--json")
        #expect(try refused.status == 0 && refused.runs()[0].operations("created") == 1, "\(refused.everything)")
        #expect(try project.arrived() == project.expected())
        #expect(try await project.sluice("resend", "companies").status == 2)
        let gone = try await project.sluice("resend", "companies", "--key", "4711")
        #expect(gone.everything.contains("4711"), "\(gone.everything)")
        let none = try await project.sluice("confirm", "companies", "--in-doubt", "--json")
        #expect(try none.status == 0 && none.json()["confirmed"].int == 0)
    }

    @Test func resetForgetsWhatIsBelievedToBeThere() async throws {
        let project = try await CompanyProject()
        try await project.sluice("run", "companies")
        let asked = try await project.sluice("reset", "companies")
        #expect(asked.status == 2 && asked.errors.contains("12"), "\(asked.everything)")
        let reset = try await project.sluice("reset", "companies", "--yes", "--json")
        #expect(
            try reset.json() == .object(["forgotten": .number(12), "rows_to_send": .number(12)]), "\(reset.everything)")
        let run = try #require(try await project.sluice("run", "companies", "--json").runs().first)
        #expect(run["full"].bool == true && run["full_reason"] != .null && run.operations("already_equal") == 12)
    }

    @Test func testSendsOneRecordAndShowsRequestAndAnswer() async throws {
        let project = try await CompanyProject()
        let ended = try await project.sluice("test", "companies", "--key", "4")
        #expect(ended.status == 0 && ended.output.contains("Account 4") && ended.output.contains("PUT /companies"))
        #expect(try project.planhat.companies() == ["4|Account 4|Free|28"])
        let json = try await project.sluice("test", "companies", "--json")
        let run = try #require(json.runs().first)
        #expect(json.status == 0 && run["trigger"].string == "test" && run.operations("planned") == 1)
        // The rest is not forgotten.
        try await project.sluice("run", "companies")
        #expect(try project.arrived() == project.expected())
    }

    @Test func aPausedSyncIsLeftOutOfRunAll() async throws {
        let project = try await CompanyProject()
        #expect(try await project.sluice("pause", "companies").status == 0)
        let all = try await project.sluice("run", "--all")
        #expect(all.status == 0 && all.output.contains("paused"), "\(all.everything)")
        #expect(try project.planhat.companies().isEmpty)
        let resumed = try await project.sluice("resume", "companies", "--json").json()
        #expect(resumed["paused"].bool == false && resumed["was_paused"].bool == true)
        try await project.sluice("run", "--all")
        #expect(try project.arrived() == project.expected())
    }

    @Test func schemaCompletionsAndVersionPrintThemselves() async throws {
        let folder = try WorkFolder()
        let schema = try await folder.sluice("schema").json()
        #expect(schema["properties"]["syncs"] != .null)
        for shell in ["bash", "zsh", "fish"] {
            let script = try await folder.sluice("completions", shell)
            #expect(script.status == 0 && script.output.contains("sluice"))
        }
        #expect(try await folder.sluice("completions", "tcl").status == 2)
        #expect(try await folder.sluice("version").output.hasPrefix("sluice "))
        #expect(try await folder.sluice("version", "--json").json()["version"].string?.isEmpty == false)
    }

    @Test func theDemoShowsTwoRunsAndEndsByItself() async throws {
        let folder = try WorkFolder()
        let demo = try await folder.sluice("demo", seconds: 90)
        #expect(demo.status == 0, "\(demo.everything)")
        for text in ["1,200", "3,000", "1500", "1800", "duplicate_key", "refused_by_destination", "sluice init"] {
            #expect(demo.output.contains(text), "\(text)")
        }
        #expect(folder.files().isEmpty, "it leaves nothing behind")
        let kept = try await folder.sluice("demo", "--keep", "kept", seconds: 90)
        #expect(kept.status == 0 && folder.files(under: "kept").contains("sluice.yaml"))
    }

    @Test func theSandboxKeepsItsRecordsInAFile() async throws {
        let project = try await CompanyProject(sandbox: ["--data", "kept.jsonl"])
        try await project.sluice("run", "companies")
        #expect(try await project.planhat.stop().status == 0)
        let second = try await LocalPlanhat(project.folder, ["--data", "kept.jsonl"], port: project.planhat.port)
        #expect(try Set(second.companies()) == project.expected())
        let third = try await project.sluice("sandbox", "--listen", "127.0.0.1:\(second.port)", "--json")
        #expect(try third.status == 1 && third.json()["error"]["code"].string == "sandbox_address_in_use")
    }

    @Test func quietPrintsOnlyWhatDidNotGoWell() async throws {
        let project = try await CompanyProject(sandbox: ["--fail", "refuse where externalId=5 times=1"])
        let bad = try await project.sluice("run", "companies", "--quiet")
        #expect(bad.status == 3 && bad.output.contains("5"))
        let good = try await project.sluice("run", "companies", "--quiet")
        #expect(good.status == 0 && good.everything.isEmpty, "\(good.everything)")
        let verbose = try await project.sluice("run", "companies", "--full", "--verbose")
        #expect(verbose.status == 0 && !verbose.errors.isEmpty)
    }

    @Test func outputWithoutATerminalHasNoColoursAndNoProgressBar() async throws {
        let project = try await CompanyProject()
        for environment in [[:], ["NO_COLOR": "1"]] {
            for command in [["run", "companies", "--full"], ["check"], ["show"], ["check", "nobody"]] {
                let ended = try await project.sluice(command, environment: environment)
                #expect(!ended.everything.contains("\u{1B}"), "\(command)")
            }
        }
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script(1) for a terminal"))
    func aTerminalSeesTheProgressOfARun() async throws {
        let project = try await CompanyProject(rows: 6_000, sandbox: ["--latency", "200"])
        for (option, isShown) in [("", true), ("--quiet", false)] {
            let command = "\(SluiceProgram.path) run companies --full \(option)"
            let child = try project.folder.start(
                "/usr/bin/script", ["-qec", command, "/dev/null"],
                environment: project.token.merging(["TERM": "xterm"]) { $1 })
            let ended = try await child.wait()
            #expect(ended.status == 0)
            #expect(
                ended.output.contains("6,000") == isShown && ended.output.contains("\u{1B}[K") == isShown,
                "\(ended.output)")
        }
    }

    @Test func errorsAreJSONOnStandardOutputWhereThatWasAskedFor() async throws {
        let project = try await CompanyProject()
        let ended = try await project.sluice("run", "company", "--json")
        let error = try ended.json()["error"]
        #expect(ended.status == 2 && error["code"].string == "unknown_sync")
        #expect(error.keys == ["code", "message", "hint", "file", "line", "column"])
        #expect(error["hint"].string?.contains("companies") == true)
        let text = try await project.sluice("run", "company")
        #expect(text.output.isEmpty && text.errors.contains("companies"))

        try project.folder.write(
            CompanyProject.text("http://127.0.0.1:1").replacing("name: name", with: "nam: name"), to: "bad.yaml")
        let bad = try await project.sluice("run", "companies", "--project", "bad.yaml", "--json")
        let diagnostic = try bad.json()["error"]
        #expect(bad.status == 2 && diagnostic["line"].int == 14, "\(bad.everything)")
        #expect(diagnostic["file"].string?.hasSuffix("bad.yaml") == true && diagnostic["column"].int != nil)
        let check = try await project.sluice("check", "--project", "bad.yaml", "--json")
        #expect(try check.status == 2 && check.json()["ok"].bool == false)
        #expect(try check.json()["diagnostics"].list.contains { $0["line"].int == 14 }, "\(check.everything)")
    }
}
