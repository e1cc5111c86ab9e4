import Foundation
import Testing

/// What Census documents for Planhat, and the objects next to it: each row of the table is a real run of the binary
/// against the sandbox, from a database.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct FloorTests {
    /// One object with one key and one behavior.
    struct Row: Sendable, CustomTestStringConvertible {
        var object: String
        /// Where the sandbox keeps it.
        var path: String
        var key: String
        /// The name under which the sandbox stores the key.
        var storedKey: String
        var behavior = "update_or_create"
        var mappings: String
        /// The stored field that comes from the column `name`, which the test changes.
        var named: String

        var testDescription: String { "\(object) by \(key), \(behavior)" }
    }

    private static let company = "companyId: {column: company, lookup: externalId}"

    static let rows: [Row] =
        ["sourceId", "externalId"].flatMap { key in
            [
                row("company", "companies", key, "name: name, web: email", named: "name"),
                row(
                    "license", "licenses", key,
                    "\(company), _currency: {constant: EUR}, fromDate: day, toDate: end_day, fixedPeriod: {constant: true}, "
                        + "value: amount, product: name", named: "product"),
                row("asset", "assets", key, "\(company), name: name, value: amount", named: "name"),
                row("opportunity", "opportunities", key, "\(company), title: name, mrr: amount", named: "title"),
                row(
                    "sale", "sales", key,
                    "\(company), _currency: {constant: EUR}, salesDate: day, value: amount, product: name",
                    named: "product"),
                row(
                    "invoice", "invoices", key,
                    "cId: {column: company, lookup: externalId}, currency: {constant: EUR}, invoiceDate: day, "
                        + "amountTotal: amount, product: name", named: "product",
                    storedKey: key == "externalId" ? "extId" : key),
            ]
        } + [
            row("end_user", "endusers", "sourceId", "\(company), email: email, lastName: name", named: "lastName"),
            row(
                "churn", "churn", "sourceId", "\(company), value: amount, churnDate: day, description: name",
                named: "description"),
            row(
                "nps", "nps", "sourceId",
                "cId: {column: company, lookup: externalId}, email: person, score: score, comment: name",
                named: "comment"),
            row(
                "conversation", "conversations", "externalId", "\(company), subject: name, date: day", named: "subject"),
        ]

    private static func row(
        _ object: String, _ path: String, _ key: String, _ mappings: String, named: String, storedKey: String? = nil
    ) -> Row {
        Row(
            object: object, path: path, key: key, storedKey: storedKey ?? key,
            mappings: "{" + mappings + "}", named: named)
    }

    private struct Setting {
        var folder: WorkFolder
        var planhat: LocalPlanhat
        var database: SQLiteFile

        func run(_ sync: String) async throws -> JSON {
            let done = try await folder.sluice(
                ["run", sync, "--json"], environment: ["PLANHAT_API_KEY": planhat.token])
            #expect(done.status == 0, "\(done.everything)")
            return try #require(try done.runs().first)
        }

        func names(_ row: Row) throws -> [String: String] {
            try planhat.records(row.path, by: row.storedKey).compactMapValues { $0[row.named].string }
        }
    }

    /// An account with three companies and three people in it, and forty rows to send.
    private func setting(_ row: Row) async throws -> Setting {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        let database = SQLiteFile(path: folder.path + "/data.db")
        try database.execute(
            """
            create table parents (id text, email text);
            insert into parents values ('p1', 'one@p1.example'), ('p2', 'two@p2.example'), ('p3', 'three@p3.example');
            create table things (id text, company text, name text, amount real, day text, end_day text, email text,
                person text, score integer);
            insert into things
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 40)
            select 't' || i, p.id, 'Thing ' || i, i * 10.5, '2026-01-15', '2027-01-14', 't' || i || '@t.example', p.email,
                i % 11 from n join parents p on p.id = 'p' || (i % 3 + 1);
            """)
        try folder.write(Self.project(planhat.address, row), to: "sluice.yaml")
        let setting = Setting(folder: folder, planhat: planhat, database: database)
        #expect(try await setting.run("parents").operations("created") == 3)
        #expect(try await setting.run("people").operations("created") == 3)
        return setting
    }

    private static func project(_ address: String, _ row: Row) -> String {
        """
        version: 1
        sources:
          local: {type: sqlite, path: data.db}
        destinations:
          planhat: {type: planhat, base_url: "\(address)", api_key: "${PLANHAT_API_KEY}"}
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
          things:
            from: things
            to: planhat.\(row.object)
            behavior: \(row.behavior)
            key: {column: id, field: \(row.key)}
            mappings: \(row.mappings)
          more:
            from: things
            to: planhat.\(row.object)
            behavior: update_only
            key: {column: id, field: \(row.key)}
            mappings: \(row.mappings)
        """
    }

    @Test(arguments: rows) func rowsArriveOnceAndChangesFollow(_ row: Row) async throws {
        let setting = try await setting(row)
        let first = try await setting.run("things")
        #expect(first.operations("created") == 40 && first["requests"].int == 1)
        let expected = try setting.database.rows("select id, name from things")
        #expect(try setting.names(row).filter { $0.key.hasPrefix("t") }.count == expected.count)
        for thing in expected { #expect(try setting.names(row)[thing[0] ?? ""] == thing[1]) }

        let second = try await setting.run("things")
        #expect(second.rows("unchanged") == 40 && second["requests"].int == 0)

        try setting.database.execute("update things set name = name || ' renamed' where id in ('t3', 't17')")
        let third = try await setting.run("things")
        #expect(third.operations("updated") == 2 && third.operations("created") == 0)
        #expect(try setting.names(row)["t17"] == "Thing 17 renamed")
        #expect(try setting.names(row)["t18"] == "Thing 18")
        #expect(try setting.planhat.state()["created_again"].members.isEmpty)
    }

    @Test(arguments: rows.filter { ["company", "asset", "opportunity", "sale"].contains($0.object) })
    func updateOnlyChangesWhatIsThereAndCreatesNothing(_ row: Row) async throws {
        let setting = try await setting(row)
        try setting.database.execute("create table all_things as select * from things")
        try setting.database.execute("delete from things where id > 't3'")
        let there = try await setting.run("things").operations("created")
        try setting.database.execute(
            "delete from things; insert into things select * from all_things; update things set name = 'Only ' || name")
        let run = try await setting.run("more")
        #expect(run.operations("updated") == there && run.operations("created") == 0)
        #expect(run.rows("skipped") == 40 - there)
        #expect(try setting.names(row).values.filter { $0.hasPrefix("Only ") }.count == there)
    }
}
