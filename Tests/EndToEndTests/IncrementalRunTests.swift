import Foundation
import Testing

/// Datasets that are read from where the last run left off, from real databases.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct IncrementalRunTests {
    private static func project(_ source: String, _ relation: String, _ address: String) -> String {
        """
        version: 1
        sources:
          data: \(source)
        destinations:
          planhat: {type: planhat, base_url: "\(address)", api_key: "${PLANHAT_API_KEY}"}
        datasets:
          accounts:
            source: data
            \(relation)
            incremental: {column: changed_at, overlap: 10m}
            complete_scan: {runs: 3}
        syncs:
          companies:
            from: accounts
            to: planhat.company
            behavior: update_or_create
            key: {column: id, field: externalId}
            mappings: {name: name}
        """
    }

    private static var postgres: String {
        """
        {type: postgres, host: \(PostgresServer.value("HOST") ?? ""), port: \(PostgresServer.value("PORT") ?? ""), \
        database: \(PostgresServer.value("DATABASE") ?? ""), user: \(PostgresServer.value("USER") ?? ""), \
        password: "${WAREHOUSE_PASSWORD}", sslmode: prefer}
        """
    }

    @Test func onlyNewRowsOfAnSQLiteTableAreRead() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        let database = SQLiteFile(path: folder.path + "/data.db")
        try database.execute(
            """
            create table accounts (id integer primary key, name text, changed_at text);
            insert into accounts
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
            select i, 'Account ' || i, datetime('2024-11-01 00:00:00', i || ' minutes') from n;
            """)
        let text = Self.project(
            "{type: sqlite, path: data.db}", "sql: \"select * from accounts where name <> ';' ; -- all of them\"",
            planhat.address)
        try folder.write(text, to: "sluice.yaml")
        try await expect(folder, ["PLANHAT_API_KEY": planhat.token]) { sql in try database.execute(sql) }
    }

    @Test(.enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)"))
    func onlyNewRowsOfAPostgresTableAreRead() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        let schema = "e2e_" + UUID().uuidString.prefix(8).lowercased()
        defer { PostgresServer.drop(schema) }
        try PostgresServer.execute(
            """
            create schema \(schema);
            create table \(schema).accounts (id bigint primary key, name text, changed_at timestamptz);
            insert into \(schema).accounts
            select i, 'Account ' || i, timestamptz '2024-11-01 00:00+00' + i * interval '1 minute'
            from generate_series(1, 500) i;
            """)
        try folder.write(Self.project(Self.postgres, "table: \(schema).accounts", planhat.address), to: "sluice.yaml")
        let variables = [
            "PLANHAT_API_KEY": planhat.token, "WAREHOUSE_PASSWORD": PostgresServer.value("PASSWORD") ?? "",
        ]
        try await expect(folder, variables) { sql in
            try PostgresServer.execute(sql.replacingOccurrences(of: "accounts", with: "\(schema).accounts"))
        }
    }

    @Test(.enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)"))
    func aTypeWithoutALargestValueInPostgresIsNamed() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        let schema = "e2e_" + UUID().uuidString.prefix(8).lowercased()
        defer { PostgresServer.drop(schema) }
        try PostgresServer.execute(
            """
            create schema \(schema);
            create table \(schema).accounts (
                id bigint primary key, name text, a uuid default gen_random_uuid(), b boolean default true,
                c json default '{}', d jsonb default '{}');
            insert into \(schema).accounts values (1, 'One');
            """)
        let variables = [
            "PLANHAT_API_KEY": planhat.token, "WAREHOUSE_PASSWORD": PostgresServer.value("PASSWORD") ?? "",
        ]
        let text = Self.project(Self.postgres, "table: \(schema).accounts", planhat.address)
        for (column, type) in [("a", "uuid"), ("b", "boolean"), ("c", "json"), ("d", "jsonb")] {
            try folder.write(text.replacing("changed_at", with: column), to: "sluice.yaml")
            try await expectRefusal(folder, variables, "Column \(column) of sync companies has the type \(type),")
        }
    }

    @Test func truthValuesOfSQLiteAreNoNumbersThatGrow() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        try SQLiteFile(path: folder.path + "/data.db").execute(
            """
            create table accounts (id integer primary key, name text, live boolean);
            insert into accounts values (1, 'One', 1);
            """)
        let text = Self.project("{type: sqlite, path: data.db}", "table: accounts", planhat.address)
        try folder.write(text.replacing("changed_at", with: "live"), to: "sluice.yaml")
        try await expectRefusal(
            folder, ["PLANHAT_API_KEY": planhat.token], "Column live of sync companies has the type boolean,")
    }

    private func expectRefusal(_ folder: WorkFolder, _ variables: [String: String], _ words: String) async throws {
        let ended = try await folder.sluice("run", "companies", environment: variables)
        #expect(ended.status == 1 && ended.everything.contains("incremental_column"), "\(ended.everything)")
        #expect(ended.everything.contains(words) && !ended.everything.contains("max("), "\(ended.everything)")
    }

    /// Four runs: everything, what is new, what is new, everything because it is due.
    private func expect(
        _ folder: WorkFolder, _ variables: [String: String], change: (String) throws -> Void
    ) async throws {
        func rows() async throws -> (scanned: Int?, planned: Int?) {
            let answer = try await folder.sluice("run", "companies", "--json", environment: variables)
            let run = try #require(try answer.runs().first, "\(answer.everything)")
            #expect(answer.status == 0, "\(answer.everything)")
            return (run["rows"]["scanned"].int, run["rows"]["planned"].int)
        }
        #expect(try await rows() == (500, 500))
        try change("update accounts set name = 'New name', changed_at = '2024-11-02 00:00:00+00' where id in (3, 5)")
        // The ten minutes before the last one, and the two that changed.
        #expect(try await rows() == (13, 2))
        #expect(try await rows() == (2, 0))
        #expect(try await rows() == (500, 0))
    }
}
