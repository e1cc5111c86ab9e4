import Foundation
import Testing

/// Planhat's silent habits, met by the whole program: the built binary against the sandbox. The list of all of them, and
/// which test covers which, is in DestinationPlanhatTests/SilentTrapsTests.swift.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct SilentTrapsTests {
    /// Companies by `externalId`, and one more sync, of a table made by `tables`.
    private func project(
        _ options: [String], tables: String, object: String, key: String, mappings: String
    ) async throws -> CompanyProject {
        let project = try await CompanyProject(
            rows: 2, sandbox: options,
            more: """
                  things:
                      from: {source: local, table: things}
                      to: planhat.\(object)
                      behavior: update_or_create
                      key: \(key)
                      mappings: \(mappings)
                """)
        try project.database.execute(tables)
        let first = try await project.sluice("run", "companies", "--json")
        #expect(first.status == 0, "\(first.everything)")
        return project
    }

    private func run(_ project: CompanyProject, _ options: String...) async throws -> JSON {
        let done = try await project.sluice(["run", "things", "--json"] + options)
        let run = try #require(try done.runs().first, "\(done.everything)")
        #expect(run.isBalanced)
        return run
    }

    private func reasons(_ run: JSON) -> [String: Int] {
        Dictionary(
            uniqueKeysWithValues: run["reasons"].list.map { ($0["code"].string ?? "?", $0["count"].int ?? -1) })
    }

    private static let people = "{companyId: {column: company, lookup: externalId}, email: email, lastName: name}"

    @Test func rowsOfA206AreToldApart() async throws {
        let project = try await CompanyProject(
            rows: 5, sandbox: ["--fail", #"refuse where externalId=3 message="closed""#])
        let done = try await project.sluice("run", "companies", "--json")
        let run = try #require(try done.runs().first)
        #expect(done.status == 3 && run.isBalanced)
        #expect(run.operations("created") == 4 && run.operations("rejected") == 1)
        #expect(try project.planhat.state()["requests_by_kind"]["PUT /companies 206"].int == 1)
        let records = try await project.sluice("records", String(run["id"].int ?? 0), "--json").json()["records"].list
        #expect(records.map { $0["key"].string } == ["3"] && records.map { $0["message"].string } == ["closed"])
    }

    @Test func wantOfAPermissionStopsWhatWritesTheObject() async throws {
        let words = "Missing permission: company.create"
        let project = try await CompanyProject(
            rows: 5, sandbox: ["--fail", "refuse all permission path=/companies times=5 message=\"\(words)\""],
            more: """
                  plans:
                      from: accounts
                      to: planhat.company
                      behavior: update_or_create
                      key: {column: id, field: externalId}
                      mappings: {name: name, custom.Plan: plan}
                """)
        let done = try await project.sluice("run", "--all", "--json")
        let runs = try done.runs()
        let run = try #require(runs.first, "\(done.everything)")
        #expect(runs.count == 1 && run.state == "failed" && run.isBalanced, "\(done.everything)")
        #expect(run["error"]["code"].string == "forbidden", "\(run)")
        #expect(run["error"]["message"].string?.contains(words) == true, "\(run)")
        #expect(run.operations("undelivered") == 5 && run.operations("rejected") == 0, "\(run)")
        #expect(try project.planhat.state()["requests_by_kind"]["PUT /companies 403"].int == 1)
        // The permission is given.
        let healed = try #require(try await project.sluice("run", "companies", "--json").runs().first)
        #expect(healed.state == "succeeded" && healed.operations("created") == 5, "\(healed)")
    }

    @Test func unchangedRowsAreAlreadyEqual() async throws {
        let project = try await CompanyProject(rows: 5)
        #expect(try await project.sluice("run", "companies").status == 0)
        let done = try await project.sluice("run", "companies", "--full", "--json")
        let run = try #require(try done.runs().first)
        #expect(done.status == 0 && run.operations("already_equal") == 5 && run.operations("rejected") == 0)
    }

    @Test(arguments: ["no-company=drop", "no-company=error"])
    func endUsersOfNoCompanyAreRejected(_ setting: String) async throws {
        let project = try await project(
            ["--switch", setting],
            tables: """
                create table things (id text, company text, email text, name text);
                insert into things values ('p1', '1', 'a@a.example', 'A'), ('p2', null, 'b@b.example', 'B'),
                    ('p3', '2', 'c@c.example', 'C'), ('p4', null, 'd@d.example', 'D');
                """, object: "end_user", key: "{column: id, field: sourceId}", mappings: Self.people)
        let run = try await run(project)
        // A required field that is empty may be stopped before it is sent, or be dropped by Planhat: never lost.
        #expect(run.operations("created") == 2)
        #expect(run.operations("rejected") + run.rows("invalid") == 2)
        #expect(reasons(run).values.reduce(0, +) == 2)
        #expect(Set(try project.planhat.records("endusers", by: "sourceId").keys) == ["p1", "p3"])
    }

    @Test func ticketsWithoutEmailAreTold() async throws {
        let project = try await project(
            [],
            tables: """
                create table things (id text, company text, email text, name text);
                insert into things values ('t1', '1', 'a@a.example', 'A'), ('t2', '1', null, 'B'), ('t3', '1', ' ', 'C'),
                    ('t4', '1', 'd@a.example', 'D'), ('t5', '1', 'e@a.example', 'E');
                """, object: "ticket", key: "{column: id, field: sourceId}",
            mappings: "{companyId: {column: company, lookup: externalId}, email: email, title: name}")
        let run = try await run(project)
        #expect(run.operations("created") == 3 && run.operations("rejected") == 0)
        #expect(reasons(run) == ["required_value_missing": 2])
        // None of them was sent only to be dropped.
        #expect(try project.planhat.state()["rows"]["tickets"]["received"].int == 3)
    }

    @Test func oneExternalIDInTwoCompaniesIsTwoPeople() async throws {
        let project = try await project(
            [],
            tables: """
                create table things (id text, company text, email text, name text);
                insert into things values ('7', '1', 'a@a.example', 'A'), ('7', '2', 'b@b.example', 'B');
                """, object: "end_user", key: "{column: id, field: externalId, within: company}",
            mappings: Self.people)
        let first = try await run(project)
        #expect(first.operations("created") == 2 && first.rows("invalid") == 0)
        try project.database.execute("update things set name = name || '2'")
        let second = try await run(project)
        #expect(second.operations("updated") == 2 && second.operations("created") == 0)
        let people = try project.planhat.lines("endusers")
        #expect(
            Set(people.map { "\($0["email"].string ?? "") \($0["lastName"].string ?? "")" })
                == ["a@a.example A2", "b@b.example B2"])
    }

    @Test func namesInAnotherCaseAreNotSentAgain() async throws {
        let project = try await project(
            ["--switch", "names=change"],
            tables: """
                create table things (id text, company text, email text, name text);
                insert into things values ('p1', '1', 'a@a.example', 'VON ESSEN'), ('p2', '2', 'b@b.example', 'de boer');
                """, object: "end_user", key: "{column: id, field: sourceId}", mappings: Self.people)
        #expect(try await run(project).operations("created") == 2)
        #expect(try project.planhat.records("endusers", by: "sourceId")["p1"]?["lastName"].string == "Von Essen")
        let second = try await run(project)
        #expect(second.rows("unchanged") == 2 && second["requests"].int == 0)
        #expect(try await run(project, "--full").operations("already_equal") == 2)
    }

    @Test func writesToOneObjectFollowOneAnother() async throws {
        let project = try await CompanyProject(
            rows: 40, sandbox: ["--latency", "20"],
            more: """
                  others:
                      from: {source: local, table: accounts}
                      to: planhat.company
                      behavior: update_or_create
                      key: {column: id, field: externalId}
                      mappings: {name: name, phase: plan}
                """)
        let runs = try [project.start("run", "companies", "--json"), project.start("run", "others", "--json")]
        for child in runs { #expect(try await child.wait(seconds: 60).status == 0) }
        let state = try project.planhat.state()
        #expect(state["counts"]["companies"].int == 40 && state["created_again"].members.isEmpty)
        #expect(state["rows"]["companies"]["failed"].int == 0)
    }
}
