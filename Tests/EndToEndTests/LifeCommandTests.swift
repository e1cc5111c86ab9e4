import Foundation
import Testing

/// A changed sync and every guard, as the real program tells of them.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct LifeCommandTests {
    @Test func whyARunIsFullIsToldByPlanRunAndShow() async throws {
        let project = try await CompanyProject()
        _ = try await project.sluice("run", "companies")
        let text = CompanyProject.text(project.planhat.address)
        try project.folder.write(text.replacing(", custom.Seats: seats}", with: "}"), to: "sluice.yaml")
        let plan = try await project.sluice("plan", "companies")
        #expect(plan.output.contains("12 records (full run: mapping changed)"), "\(plan.everything)")
        let planned = try await project.sluice("plan", "companies", "--json").json()["plans"][0]
        #expect(planned["full"].bool == true && planned["full_reason"].string == "mapping_changed")
        let run = try await project.sluice("run", "companies")
        #expect(run.status == 0 && run.output.contains("(full run: mapping changed)"), "\(run.everything)")
        let show = try await project.sluice("show", "2")
        #expect(show.output.contains("(full run: mapping changed)"), "\(show.everything)")
        let shown = try await project.sluice("show", "2", "--json").json()
        #expect(shown["full"].bool == true && shown["full_reason"].string == "mapping_changed")
    }

    /// What was tried on a sandbox is not at the real account.
    @Test func anotherAddressGetsEveryRow() async throws {
        let project = try await CompanyProject()
        _ = try await project.sluice("run", "companies")
        let second = try await LocalPlanhat(project.folder)
        try project.folder.write(CompanyProject.text(second.address), to: "sluice.yaml")
        let run = try await project.sluice(
            "run", "companies", "--json", environment: ["PLANHAT_API_KEY": second.token])
        let record = try run.runs()[0]
        #expect(record["full_reason"].string == "destination_changed", "\(run.everything)")
        #expect(record["operations"]["created"].int == 12)
        #expect(try Set(second.companies()) == project.expected())
    }

    /// How a guard is made to speak: what the project says, what happens to the table after the first run, and how the
    /// project is changed then.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var behavior: String
        var sql: String
        var then: (String, String)?
        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "invalid", behavior: "update_or_create",
            sql: "insert into accounts select null, 'x', 'Free', 1 from accounts, accounts b"),
        Case(name: "empty_scan", behavior: "update_or_create", sql: "delete from accounts"),
        Case(
            name: "schema_change", behavior: "update_or_create",
            sql: """
                alter table accounts rename to old;
                create table accounts (id integer, name varchar(80), plan text, seats integer);
                insert into accounts select id, 'New ' || name, plan, seats from old
                """),
        Case(
            name: "cleared", behavior: "update_or_create",
            sql: "alter table accounts drop column seats; alter table accounts add column seats integer"),
        Case(name: "removed", behavior: "mirror", sql: "delete from accounts where id > 6"),
        Case(
            name: "first_removals", behavior: "update_or_create", sql: "delete from accounts where id = 3",
            then: ("behavior: update_or_create", "behavior: mirror")),
    ]

    private func begun(_ behavior: String) async throws -> CompanyProject {
        let project = try await CompanyProject()
        let text = CompanyProject.text(project.planhat.address)
        try project.folder.write(
            text.replacing("behavior: update_or_create", with: "behavior: \(behavior)"), to: "sluice.yaml")
        let first = try await project.sluice("run", "companies")
        #expect(first.status == 0, "\(first.everything)")
        return project
    }

    @Test(arguments: cases) func everyGuardStopsAndGoesOnOnceItIsAccepted(_ situation: Case) async throws {
        let project = try await begun(situation.behavior)
        try project.database.execute(situation.sql)
        if let (old, new) = situation.then {
            let path = project.folder.path + "/sluice.yaml"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try project.folder.write(text.replacing(old, with: new), to: "sluice.yaml")
        }
        let before = try project.arrived()
        let plan = try await project.sluice("plan", "companies")
        #expect(plan.status == 5 && plan.output.contains("guard \(situation.name) would stop it"), "\(plan.everything)")
        let stopped = try await project.sluice("run", "companies")
        #expect(stopped.status == 5, "\(stopped.everything)")
        #expect(stopped.output.contains("--accept-guard \(situation.name)"), "\(stopped.everything)")
        #expect(try project.arrived() == before)
        let accepted = try await project.sluice("run", "companies", "--accept-guard", situation.name, "--json")
        let record = try accepted.runs()[0]
        #expect(accepted.status == (situation.name == "invalid" ? 3 : 0), "\(accepted.everything)")
        #expect(["succeeded", "completed_with_rejections"].contains(record["state"].string ?? ""))
        if situation.name.contains("remov") { #expect((record["operations"]["removed"].int ?? 0) > 0) }
    }

    @Test func planAndRunNameEveryGuardThatStopsThem() async throws {
        let project = try await begun("update_or_create")
        try project.database.execute(
            """
            alter table accounts drop column seats; alter table accounts add column seats integer;
            insert into accounts select null, 'x', 'Free', null from accounts, accounts b
            """)
        let both = "--accept-guard invalid --accept-guard cleared"
        let plan = try await project.sluice("plan", "companies")
        #expect(plan.status == 5 && plan.output.contains(both), "\(plan.everything)")
        for words in ["guard invalid would stop it: 144 of 156", "guard cleared would stop it: No row has a value"] {
            #expect(plan.output.contains(words), "\(plan.everything)")
        }
        let told = try await project.sluice("plan", "companies", "--json").json()["plans"][0]["guard"]
        #expect(told["name"].string == "invalid" && told["also"][0]["name"].string == "cleared", "\(told)")
        let stopped = try await project.sluice("run", "companies")
        for name in ["invalid", "cleared"] { #expect(stopped.output.contains("guard \(name): "), "\(stopped.output)") }
        let options = both.split(separator: " ").map(String.init)
        let accepted = try await project.sluice(["run", "companies"] + options)
        #expect(accepted.status == 3, "\(accepted.everything)")
    }

    @Test func whatCommandsDecideIsInTheAuditLog() async throws {
        let project = try await begun("update_or_create")
        try project.database.execute("delete from accounts")
        _ = try await project.sluice("run", "companies", "--accept-guard", "empty_scan", "--full")
        let commands = [
            "pause companies", "resume companies", "confirm companies --in-doubt", "resend companies --key 3",
            "cancel 1", "reset companies --yes",
        ]
        for command in commands {
            _ = try await project.sluice(command.split(separator: " ").map(String.init))
        }
        let state = SQLiteFile(path: project.folder.path + "/.sluice/sluice.db")
        let noted = try state.rows("select who, action, subject, detail from audit order by id")
        let expected = [
            ["runs.asked", "guard empty_scan accepted, full"], ["syncs.paused", ""], ["syncs.resumed", ""],
            ["records.confirmed", ""], ["records.resent", ""], ["syncs.reset", ""],
        ].map { ["cli", $0[0], "sync companies", $0[1]] }
        // A plain run, and a run that had ended when it was to be cancelled, are no decisions.
        #expect(noted == expected)
    }

    @Test func rowsWithoutAKeyWithholdRemovalsUntilThatIsAccepted() async throws {
        let project = try await begun("mirror")
        try project.database.execute(
            "delete from accounts where id = 3; insert into accounts values (null, 'x', 'Free', 1)")
        let run = try await project.sluice("run", "companies")
        #expect(run.status == 3 && run.output.contains("--accept-guard keyless_rows"), "\(run.everything)")
        #expect(try project.arrived().count == 12)
        let accepted = try await project.sluice("run", "companies", "--accept-guard", "keyless_rows", "--json")
        #expect(try accepted.runs()[0]["operations"]["removed"].int == 1, "\(accepted.everything)")
        #expect(try project.arrived().count == 11)
    }
}
