import Foundation
import Testing

/// Data of unusual shape: wide rows, long cells, long keys, no rows at all.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ShapeTests {
    private static let columns = 200
    private static let longCell = 100_000
    private static let longKey = 1_000

    /// The same table in both databases: three rows of 200 columns; a cell of 100 kB; a key of 1 kB.
    private static let rows: String = {
        let names = (1...columns).map { "c\($0)" }
        let head = "insert into wide (id, name, \(names.joined(separator: ", "))) values "
        let cells = names.map { "'value of \($0)'" }
        var long = cells
        long[0] = "'" + String(repeating: "ä", count: longCell / 2) + "'"
        let key = "'" + String(repeating: "k", count: longKey) + "'"
        return "create table wide (id text, name text, \(names.map { "\($0) text" }.joined(separator: ", "))); "
            + "create table none (id text, name text); "
            + head + "('a', 'A', \(cells.joined(separator: ", "))); " + head
            + "('b', 'B', \(long.joined(separator: ", "))); "
            + head + "(\(key), 'K', \(cells.joined(separator: ", ")));"
    }()

    private static func project(_ address: String, source: String) -> String {
        let mappings = (1...columns).map { "custom.F\($0): c\($0)" }.joined(separator: ", ")
        return """
            version: 1
            sources:
              data: \(source)
            destinations:
              planhat: {type: planhat, base_url: "\(address)", api_key: "${PLANHAT_API_KEY}"}
            syncs:
              wide:
                from: {source: data, table: wide}
                to: planhat.company
                behavior: update_or_create
                allow_unknown_custom: true
                key: {column: id, field: externalId}
                mappings: {name: name, \(mappings)}
              none:
                from: {source: data, table: none}
                to: planhat.company
                behavior: mirror
                key: {column: id, field: externalId}
                mappings: {name: name}
            """
    }

    @Test func wideRowsLongCellsAndNoRowsFromSQLite() async throws {
        let folder = try WorkFolder()
        try SQLiteFile(path: folder.path + "/data.db").execute(Self.rows)
        try await expectShapes(folder, source: "{type: sqlite, path: data.db}", [:])
    }

    @Test(.enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)"))
    func wideRowsLongCellsAndNoRowsFromPostgres() async throws {
        let folder = try WorkFolder()
        let schema = "shape_" + UUID().uuidString.prefix(8).lowercased()
        defer { PostgresServer.drop(schema) }
        try PostgresServer.execute("create schema \(schema); set search_path to \(schema); \(Self.rows)")
        let source = """
            {type: postgres, host: \(PostgresServer.value("HOST") ?? ""), port: \(PostgresServer.value("PORT") ?? ""), \
            database: \(PostgresServer.value("DATABASE") ?? ""), user: \(PostgresServer.value("USER") ?? ""), \
            password: "${PG}"}
            """
        try await expectShapes(folder, source: source, ["PG": PostgresServer.value("PASSWORD") ?? ""], schema: schema)
    }

    private func expectShapes(
        _ folder: WorkFolder, source: String, _ more: [String: String], schema: String? = nil
    ) async throws {
        let planhat = try await LocalPlanhat(folder)
        var text = Self.project(planhat.address, source: source)
        if let schema {
            text = text.replacing("table: wide", with: "table: \(schema).wide")
                .replacing("table: none", with: "table: \(schema).none")
        }
        try folder.write(text, to: "sluice.yaml")
        let environment = more.merging(["PLANHAT_API_KEY": planhat.token]) { $1 }
        func run(_ sync: String) async throws -> JSON {
            let ended = try await folder.sluice("run", sync, "--json", environment: environment)
            #expect(ended.status == 0, "\(ended.everything.prefix(2_000))")
            return try #require(ended.runs().first)
        }
        let first = try await run("wide")
        #expect(first.operations("created") == 3 && first.isBalanced, "\(first)")
        let second = try await run("wide")
        #expect(second.rows("unchanged") == 3 && second["requests"].int == 0, "\(second)")
        let companies = try planhat.records("companies", by: "externalId")
        #expect(companies["a"]?["custom"].members.count == Self.columns)
        #expect(companies["b"]?["custom"]["F1"].string?.utf8.count == Self.longCell)
        #expect(companies["b"]?["custom"]["F200"].string == "value of c200")
        #expect(companies[String(repeating: "k", count: Self.longKey)]?["name"].string == "K")
        let record = try await folder.sluice(
            "record", "wide", String(repeating: "k", count: Self.longKey), environment: environment)
        #expect(record.status == 0, "\(record.everything.prefix(2_000))")
        // A dataset of no rows: nothing to send, and nothing is removed.
        for _ in 1...2 {
            let none = try await run("none")
            #expect(none.state == "succeeded" && none.rows("scanned") == 0 && none["requests"].int == 0, "\(none)")
        }
        let plan = try await folder.sluice("plan", "none", environment: environment)
        #expect(plan.status == 0, "\(plan.everything)")
    }

    @Test func moreThanAThousandMappedColumnsAreRefusedByName() async throws {
        let project = try await CompanyProject()
        let text = try String(contentsOfFile: project.folder.path + "/sluice.yaml", encoding: .utf8)
        let many = (1...1_001).map { "custom.F\($0): name" }.joined(separator: ", ")
        try project.folder.write(text.replacing(CompanyProject.mappings, with: "{\(many)}"), to: "sluice.yaml")
        let ended = try await project.sluice("run", "companies", "--json")
        #expect(
            try ended.status == 2 && ended.json()["error"]["code"].string == "too_many_mappings", "\(ended.everything)")
    }
}

/// Runs of which very many rows do not arrive: the history stays small enough to be used.
@Suite(.enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)")) struct ManyRefusalsTests {
    /// More than the history keeps of one kind needs SLUICE_FULL_SIZE=1, which takes minutes.
    private static let isFull = ProcessInfo.processInfo.environment["SLUICE_FULL_SIZE"] == "1"
    private static let rejected = isFull ? 1_000_000 : 12_000
    private static let invalid = isFull ? 120_000 : 4_000
    private static let keptMax = 100_000

    @Test func whatWasRefusedIsCountedSummarisedAndExported() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        try SQLiteFile(path: folder.path + "/data.db").execute(
            """
            create table accounts (id integer, name text, status text);
            with recursive n(i) as (select 1 union all select i + 1 from n where i < \(Self.rejected + Self.invalid))
            insert into accounts select case when i > \(Self.rejected) then null else i end, 'Account ' || i,
                case when i % 1000 = 1 then 'customer' else 'nonsense' end from n;
            """)
        try folder.write(
            """
            version: 1
            sources: {data: {type: sqlite, path: data.db}}
            destinations:
              planhat:
                {type: planhat, base_url: "\(planhat.address)", api_key: "${KEY}", requests_per_minute: 9000}
            syncs:
              accounts:
                from: {source: data, table: accounts}
                to: planhat.company
                behavior: update_or_create
                key: {column: id, field: externalId}
                allow_unknown_choices: true
                mappings: {name: name, status: status}
            """, to: "sluice.yaml")
        let environment = ["KEY": planhat.token]
        let ended = try await folder.sluice("run", "accounts", "--json", environment: environment, seconds: 900)
        let run = try #require(ended.runs().first, "\(ended.everything)")
        let accepted = Self.rejected / 1_000
        #expect(ended.status == 3 && run.isBalanced && run.rows("invalid") == Self.invalid, "\(run)")
        #expect(run.operations("rejected") == Self.rejected - accepted, "\(run)")
        #expect(run.operations("accepted") == accepted, "\(run)")
        let shown = try await folder.sluice("show", environment: environment)
        #expect(shown.output.contains("invalid: missing_key") && shown.output.contains("rejected: "), "\(shown.output)")
        let text = try await folder.sluice("records", environment: environment)
        #expect(
            text.output.split(separator: "\n").count < 4_000 && text.output.contains("--csv"),
            "\(text.output.suffix(300))")
        let csv = try await folder.sluice("records", "--csv", environment: environment, seconds: 60)
        let kept = min(Self.invalid, Self.keptMax) + min(Self.rejected - accepted, Self.keptMax)
        #expect(csv.output.split(separator: "\n").count == kept + 1)
        // The next run has nothing but refused rows left, and names each again.
        let again = try await folder.sluice("run", "accounts", "--json", environment: environment, seconds: 900)
        let next = try #require(again.runs().first, "\(again.everything)")
        #expect(again.status == 3 && next.state == "completed_with_rejections" && next.isBalanced, "\(next)")
        #expect(
            next.operations("rejected") == Self.rejected - accepted && next.rows("unchanged") == accepted, "\(next)")
    }
}
