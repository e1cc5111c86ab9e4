import Foundation

/// The accounts of a project in a schema of their own on the tests' PostgreSQL server, which the project then reads. What
/// changes there has to be changed in the project's SQLite file too, which stays what is compared with.
struct PostgresAccount: Sendable {
    let schema = "e2e_" + UUID().uuidString.prefix(8).lowercased()
    private let folder: WorkFolder
    private let address: String

    var table: String { schema + ".accounts" }

    init(_ project: CompanyProject) throws {
        folder = project.folder
        address = project.planhat.address
        try PostgresServer.execute("create schema \(schema); create table \(table) (\(Self.columns))")
        let rows = try project.database.rows("select id, name, plan, seats from accounts")
        for start in stride(from: 0, to: rows.count, by: 5_000) {
            let values = rows[start..<min(start + 5_000, rows.count)].map { row in
                "(\(row[0] ?? "null"), '\(row[1] ?? "")', '\(row[2] ?? "")', \(row[3] ?? "null"))"
            }
            try PostgresServer.execute("insert into \(table) values \(values.joined(separator: ", "))")
        }
        try folder.write("WAREHOUSE_PASSWORD=\(PostgresServer.value("PASSWORD") ?? "")\n", to: ".env")
        try useQuery("select * from \(table)")
    }

    private static let columns = "id integer, name text, plan text, seats integer"

    /// Makes the project read this.
    func useQuery(_ sql: String) throws {
        let source = ["host", "port", "database", "user"].map {
            "\($0): \(PostgresServer.value($0.uppercased()) ?? "")"
        }
        let settings = source.joined(separator: ", ") + ", password: \"${WAREHOUSE_PASSWORD}\""
        let text = CompanyProject.text(address)
            .replacing("{type: sqlite, path: data.db}", with: "{type: postgres, \(settings)}")
            .replacing("table: accounts", with: "sql: \"\(sql)\"")
        try folder.write(text, to: "sluice.yaml")
    }

    func drop() { PostgresServer.drop(schema) }
}
