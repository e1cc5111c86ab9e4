import Foundation
import Testing

/// What the pages promise of a sync, kept by the built binary against the sandbox.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct GuaranteeTests {
    private static let events = """
        events:
            from: {source: local, table: events}
            to: planhat.activity
            behavior: send
            key: {column: id}
            mappings: {email: person, action: action}
        """

    private static let tables = """
        create table events (id text, person text, action text);
        insert into events values ('e1', 'ann@a.example', 'login'), ('e2', 'bea@a.example', 'logout');
        create table people (id text, company text, email text);
        insert into people values ('p1', '1', 'ann@a.example'), ('p2', '2', 'bea@a.example');
        """

    // MARK: Settings that only some objects need

    @Test(arguments: [["check"], ["check", "--offline"], ["plan", "events"], ["run", "events"]])
    func missingTenantIsToldBeforeAnythingIsRead(_ command: [String]) async throws {
        let project = try await CompanyProject(rows: 2, more: "  " + Self.events)
        try project.database.execute(Self.tables)
        let done = try await project.sluice(command + ["--json"])
        #expect(done.status == 2, "\(done.everything)")
        #expect(done.everything.contains("missing_setting"), "\(done.everything)")
        for word in ["tenant_uuid", "events", "sluice.yaml", "App Center, Developer"] {
            #expect(done.everything.contains(word), "\(word): \(done.everything)")
        }
        #expect(try project.planhat.state()["requests_by_kind"].members.isEmpty)
    }

    // MARK: Order

    /// The children stand first in the file.
    @Test func allSyncsRunParentsFirst() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        let database = SQLiteFile(path: folder.path + "/data.db")
        try database.execute(Self.tables + "create table accounts (id text); insert into accounts values ('1'), ('2');")
        try folder.write(
            """
            version: 1
            sources:
              local: {type: sqlite, path: data.db}
            destinations:
              planhat: {type: planhat, base_url: "\(planhat.address)", analytics_url: "\(planhat.address)",
                api_key: "${PLANHAT_API_KEY}", tenant_uuid: "${TENANT}"}
            syncs:
              \(Self.events.replacingOccurrences(of: "\n", with: "\n  "))
              people:
                from: {source: local, table: people}
                to: planhat.end_user
                behavior: update_or_create
                key: {column: id, field: externalId, within: company}
                mappings: {companyId: {column: company, lookup: externalId}, email: email}
              companies:
                from: {source: local, table: accounts}
                to: planhat.company
                behavior: update_or_create
                key: {column: id, field: externalId}
                mappings: {name: id}

            """, to: "sluice.yaml")
        let done = try await folder.sluice(
            ["run", "--all", "--json"], environment: ["PLANHAT_API_KEY": planhat.token, "TENANT": planhat.tenant])
        #expect(done.status == 0, "\(done.everything)")
        #expect(try done.runs().map { $0["sync"].string } == ["companies", "people", "events"])
        #expect(try planhat.lines("activities").count == 2)
    }
}
