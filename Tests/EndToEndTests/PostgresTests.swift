import CPostgres
import Foundation
import Testing

/// The private cluster of `make test`, seen from the other side.
struct PostgresServer {
    static func value(_ name: String) -> String? { ProcessInfo.processInfo.environment["SLUICE_TEST_PG_" + name] }

    static let isThere = value("HOST") != nil

    static let missing = "needs SLUICE_TEST_PG_*: `make test` starts a server, or scripts/postgres-cluster start DIR"

    static func drop(_ schema: String) {
        do {
            try execute("drop schema if exists \(schema) cascade")
        } catch {
            Issue.record(error)
        }
    }

    /// All rows of the last statement, as text.
    @discardableResult
    static func execute(_ sql: String) throws -> [[String?]] {
        let names = ["HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "DATABASE": "dbname"]
        let info = names.map { "\($0.value)='\(value($0.key) ?? "")'" }.joined(separator: " ")
        let connection = PQconnectdb(info)
        defer { PQfinish(connection) }
        let result = PQexec(connection, sql)
        defer { PQclear(result) }
        guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)) else {
            throw ChildError(description: String(cString: PQerrorMessage(connection)))
        }
        return (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { column in
                PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
    }
}

@Suite(
    .enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)"),
    .enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)"))
struct PostgresTests {
    private let schema = "e2e_" + UUID().uuidString.prefix(8).lowercased()

    private func table(_ rows: Int) -> String {
        """
        create schema \(schema);
        create type \(schema).plan as enum ('Free', 'Team', 'Business');
        create table \(schema).accounts (
            id bigint primary key, crm uuid not null, name text not null, plan \(schema).plan, seats smallint,
            mrr numeric(12, 2), trial boolean, renewal date, profile jsonb, tags text[], phone varchar(30));
        insert into \(schema).accounts
        select i, md5(i::text)::uuid, 'Käufer ' || i, (array['Free', 'Team', 'Business'])[i % 3 + 1]::\(schema).plan,
            i % 300, i * 1.25, i % 2 = 0, date '2027-01-01' + i % 365, jsonb_build_object('rank', i % 7),
            array['t' || i % 5, 'all'], case when i % 7 = 0 then null else '+46 ' || i end
        from generate_series(1, \(rows)) i;
        """
    }

    private func project(_ address: String) -> String {
        """
        version: 1
        sources:
          warehouse:
            type: postgres
            host: \(PostgresServer.value("HOST") ?? "")
            port: \(PostgresServer.value("PORT") ?? "")
            database: \(PostgresServer.value("DATABASE") ?? "")
            user: \(PostgresServer.value("USER") ?? "")
            password: ${WAREHOUSE_PASSWORD}
        destinations:
          planhat: {type: planhat, base_url: "\(address)", api_key: "${PLANHAT_API_KEY}"}
        syncs:
          companies:
            from: {source: warehouse, table: \(schema).accounts}
            to: planhat.company
            behavior: update_or_create
            key: {column: id, field: externalId}
            mappings:
              sourceId: crm
              name: name
              tags: tags
              description: profile
              phonePrimary: phone
              custom.Plan: plan
              custom.Seats: seats
              custom.MRR: mrr
              custom.Trial: trial
              custom.Renewal Date: renewal
        """
    }

    @Test func twentyThousandRowsArriveAndThenOnlyWhatChanged() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        defer { PostgresServer.drop(schema) }
        try PostgresServer.execute(table(20_000))
        try folder.write(project(planhat.address), to: "sluice.yaml")
        let environment = [
            "PLANHAT_API_KEY": planhat.token, "WAREHOUSE_PASSWORD": PostgresServer.value("PASSWORD") ?? "",
        ]
        let check = try await folder.sluice("check", environment: environment)
        #expect(check.status == 0, "\(check.everything)")
        let tables = try await folder.sluice("tables", "warehouse", "--json", environment: environment).json()
        #expect(
            tables["tables"].list.contains { $0["schema"].string == String(schema) && $0["columns"].list.count == 11 })

        let first = try await run(folder, environment)
        #expect(first.operations("created") == 20_000 && first["requests"].int == 4, "\(first)")
        try expectEqualToSource(planhat)
        let second = try await run(folder, environment)
        #expect(second["requests"].int == 0 && second.rows("unchanged") == 20_000)

        try PostgresServer.execute(
            """
            update \(schema).accounts set mrr = mrr + 0.5, tags = array['moved'] where id % 100 = 3;
            insert into \(schema).accounts (id, crm, name) values (30001, md5('x')::uuid, 'New');
            """)
        let third = try await run(folder, environment)
        #expect(third.operations("updated") == 200 && third.operations("created") == 1 && third["requests"].int == 1)
        #expect(third.isBalanced && third.rows("unchanged") == 19_800)
        try expectEqualToSource(planhat)
    }

    private func run(_ folder: WorkFolder, _ environment: [String: String]) async throws -> JSON {
        let ended = try await folder.sluice("run", "companies", "--json", environment: environment, seconds: 120)
        #expect(ended.status == 0, "\(ended.everything)")
        return try #require(ended.runs().first)
    }

    private func expectEqualToSource(_ planhat: LocalPlanhat) throws {
        let companies = try planhat.records("companies", by: "externalId")
        let rows = try PostgresServer.execute(
            """
            select id, crm, name, phone, plan, seats, trunc(mrr * 100)::bigint, trial, renewal, tags[1],
                profile->>'rank'
            from \(schema).accounts
            """)
        #expect(companies.count == rows.count)
        for row in rows {
            let found = try #require(companies[row[0] ?? ""])
            let custom = found["custom"]
            var cents: String?
            if case .number(let amount) = custom["MRR"] { cents = String(Int((amount * 100).rounded())) }
            let profile = found["description"].string.flatMap { try? JSON(parsing: $0) } ?? .null
            let arrived: [String?] = [
                row[0], found["sourceId"].string, found["name"].string, found["phonePrimary"].string,
                custom["Plan"].string, custom["Seats"].int.map { String($0) }, cents,
                custom["Trial"].bool.map { $0 ? "t" : "f" },
                custom["Renewal Date"].string.map { String($0.prefix(10)) },
                found["tags"][0].string, profile["rank"].int.map { String($0) },
            ]
            #expect(arrived == row)
        }
        #expect(try planhat.state()["created_again"].members.isEmpty)
    }
}
