import ConnectorKit
import Foundation
import Records
import SourceSQLite
import TestKit
import Testing

@Suite struct SQLiteConformanceTests {
    private static let rows: [[Value]] = [
        [.integer(1), .text("Acme"), .boolean(true), .date(19_723), .null],
        [.integer(2), .text("Åsa's"), .boolean(false), .text("soon"), .double(1.5)],
        [.integer(3), .null, .null, .null, .bytes([1, 2])],
        [.integer(4), .text(""), .integer(7), .localTimestamp(0), .text("x")],
    ]

    private static let sql = """
        CREATE TABLE accounts(id INTEGER PRIMARY KEY, name TEXT, active BOOLEAN, since DATE, extra);
        INSERT INTO accounts VALUES (1, 'Acme', 1, '2024-01-01', NULL), (2, 'Åsa''s', 0, 'soon', 1.5),
            (3, NULL, NULL, NULL, x'0102'), (4, '', 7, '1970-01-01 00:00:00', 'x');
        CREATE VIEW everything AS SELECT * FROM accounts ORDER BY id;
        """

    private func suite(_ database: TestDatabase, _ relation: Relation) -> SourceConformance {
        let path = database.path
        let directory = database.directory.path
        return SourceConformance(
            source: database.source, relation: relation, columnNames: ["id", "name", "active", "since", "extra"],
            rows: Self.rows, missingRelation: .table(schema: nil, name: "nothing"),
            longRelation: .query(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i + 1 AS j FROM n"),
            watch: SourceWatch(
                secrets: [],
                stateOfData: { try Data(contentsOf: URL(fileURLWithPath: path)).base64EncodedString() },
                openResources: { TestDatabase.openFiles(under: directory) }))
    }

    @Test(arguments: ["DELETE", "WAL"])
    func tableKeepsTheRulesOfASource(mode: String) async throws {
        let database = try TestDatabase("PRAGMA journal_mode = \(mode); " + Self.sql)
        database.close()
        #expect(await suite(database, .table(schema: nil, name: "accounts")).violations() == [])
    }

    @Test func viewKeepsTheRulesOfASource() async throws {
        let database = try TestDatabase(Self.sql)
        database.close()
        #expect(await suite(database, .table(schema: nil, name: "everything")).violations() == [])
    }

    @Test func queryKeepsTheRulesOfASource() async throws {
        let database = try TestDatabase(Self.sql)
        database.close()
        #expect(await suite(database, .query("SELECT * FROM accounts ORDER BY id -- by key")).violations() == [])
    }

    @Test func brokenSourceIsFoundOut() async throws {
        let database = try TestDatabase(Self.sql)
        database.close()
        var suite = suite(database, .table(schema: nil, name: "accounts"))
        suite.rows[0][1] = .text("other")
        suite.columnNames[1] = "nam"
        suite.missingRelation = .table(schema: nil, name: "accounts")
        suite.secrets = [database.path]
        let found = await suite.violations()
        for words in ["row 1 is", "instead of", "does not throw", "a secret is in"] {
            #expect(found.contains { $0.contains(words) }, "\(words)")
        }
    }
}
