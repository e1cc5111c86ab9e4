import Testing

/// What the suites of the floor begin with: an account with three companies and three people in it, and a database with
/// forty things to write.
struct FloorSetting {
    let folder: WorkFolder
    let planhat: LocalPlanhat
    let database: SQLiteFile

    /// - Parameter syncs: lines of the project file, beside the syncs `parents` and `people`, which have run.
    init(_ syncs: String, sandbox options: [String] = []) async throws {
        folder = try WorkFolder()
        planhat = try await LocalPlanhat(folder, options)
        database = SQLiteFile(path: folder.path + "/data.db")
        try database.execute(Self.tables)
        try folder.write(Self.project(planhat.address) + syncs, to: "sluice.yaml")
        #expect(try await run("parents").operations("created") == 3)
        #expect(try await run("people").operations("created") == 3)
    }

    @discardableResult
    func sluice(_ arguments: String...) async throws -> Finished { try await sluice(arguments) }

    @discardableResult
    func sluice(_ arguments: [String]) async throws -> Finished {
        try await folder.sluice(arguments, environment: ["PLANHAT_API_KEY": planhat.token, "TENANT": planhat.tenant])
    }

    /// Runs a sync; its books balance.
    func run(_ sync: String, status: Int32 = 0, options: [String] = []) async throws -> JSON {
        let done = try await sluice(["run", sync, "--json"] + options)
        #expect(done.status == status, "\(done.everything)")
        let run = try #require(try done.runs().first, "\(done.everything)")
        #expect(run.isBalanced, "\(done.output)")
        return run
    }

    /// The records of the test, by their key.
    func things(_ row: FloorTests.Row) throws -> [String: JSON] {
        try planhat.records(row.path, by: row.storedKey).filter { $0.key.hasPrefix("t") }
    }

    /// What they hold of the column `name`, by their key.
    func names(_ row: FloorTests.Row) throws -> [String: String] {
        try planhat.records(row.path, by: row.storedKey).compactMapValues { $0[row.named].string }
    }

    /// Puts the forty things back as they were.
    func reset() throws { try database.execute("delete from things; insert into things select * from all_things") }

    static func sync(_ name: String, _ row: FloorTests.Row, _ behavior: String, _ more: String = "") -> String {
        """
          \(name):
            from: things
            to: planhat.\(row.object)
            behavior: \(behavior)
            key: {column: id, field: \(row.key)}
            mappings: \(row.mappings)
            \(more)

        """
    }

    private static let tables = """
        create table parents (id text, email text);
        insert into parents values ('p1', 'one@p1.example'), ('p2', 'two@p2.example'), ('p3', 'three@p3.example');
        create table things (id text, company text, name text, amount real, day text, end_day text, email text,
            person text, score integer);
        insert into things
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 40)
        select 't' || i, p.id, 'Thing ' || i, i * 10.5, '2026-01-15', '2027-01-14', 't' || i || '@t.example', p.email,
            i % 11 from n join parents p on p.id = 'p' || (i % 3 + 1);
        create table all_things as select * from things;
        """

    private static func project(_ address: String) -> String {
        """
        version: 1
        sources:
          local: {type: sqlite, path: data.db}
        destinations:
          planhat: {type: planhat, base_url: "\(address)", analytics_url: "\(address)",
            api_key: "${PLANHAT_API_KEY}", tenant_uuid: "${TENANT}"}
        datasets:
          parents: {source: local, table: parents}
          things: {source: local, table: things}
        syncs:
          parents:
            from: parents
            to: planhat.company
            behavior: update_or_create
            key: {column: id, field: externalId}
            mappings: {name: id}
          people:
            from: parents
            to: planhat.end_user
            behavior: update_or_create
            key: {column: email, field: email}
            mappings: {companyId: {column: id, lookup: externalId}}

        """
    }
}
