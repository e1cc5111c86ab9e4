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

    private func setting(_ row: Row) async throws -> FloorSetting {
        try await FloorSetting(
            FloorSetting.sync("things", row, row.behavior) + FloorSetting.sync("more", row, "update_only"))
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
        try setting.database.execute("delete from things where id > 't3'")
        let there = try await setting.run("things").operations("created")
        try setting.reset()
        try setting.database.execute("update things set name = 'Only ' || name")
        let run = try await setting.run("more")
        #expect(run.operations("updated") == there && run.operations("created") == 0)
        #expect(run.rows("skipped") == 40 - there)
        #expect(try setting.names(row).values.filter { $0.hasPrefix("Only ") }.count == there)
    }
}
