import CSQLite
import ConnectorKit
import Foundation
import Records
import SourceSQLite
import TestKit
import Testing

/// The rules of a source, kept on database files.
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

    private func suite(_ database: DatabaseFolder, _ relation: Relation) throws -> SourceConformance {
        let path = database.path
        let folder = database.folder.path
        return SourceConformance(
            source: try SQLiteSource.type.make(ConnectorSettings(name: "app", texts: ["path": path])),
            relation: relation, columnNames: ["id", "name", "active", "since", "extra"],
            rows: Self.rows, missingRelation: .table(schema: nil, name: "nothing"),
            longRelation: .query(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i + 1 AS j FROM n"),
            watch: SourceWatch(
                secrets: [],
                stateOfData: { try Data(contentsOf: URL(fileURLWithPath: path)).base64EncodedString() },
                openResources: { try DatabaseFolder.openFiles(under: folder) }))
    }

    @Test(arguments: ["DELETE", "WAL"])
    func tableKeepsTheRulesOfASource(mode: String) async throws {
        let database = try DatabaseFolder("PRAGMA journal_mode = \(mode); " + Self.sql)
        #expect(try await suite(database, .table(schema: nil, name: "accounts")).violations() == [])
    }

    @Test func viewKeepsTheRulesOfASource() async throws {
        let database = try DatabaseFolder(Self.sql)
        #expect(try await suite(database, .table(schema: nil, name: "everything")).violations() == [])
    }

    @Test func queryKeepsTheRulesOfASource() async throws {
        let database = try DatabaseFolder(Self.sql)
        #expect(try await suite(database, .query("SELECT * FROM accounts ORDER BY id -- by key")).violations() == [])
    }

    @Test func brokenSourceIsFoundOut() async throws {
        let database = try DatabaseFolder(Self.sql)
        var suite = try suite(database, .table(schema: nil, name: "accounts"))
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

/// A folder with a database in it, gone with the object.
private final class DatabaseFolder {
    let folder: URL
    var path: String { folder.appendingPathComponent("app.db").path }

    struct Failure: Error { var message: String }

    init(_ sql: String) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-rules-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var handle: OpaquePointer?
        defer { sqlite3_close_v2(handle) }
        guard sqlite3_open(path, &handle) == SQLITE_OK, sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            throw Failure(message: String(cString: sqlite3_errmsg(handle)))
        }
    }

    deinit {
        do { try FileManager.default.removeItem(at: folder) } catch { print("left behind: \(folder.path)") }
    }

    /// What this process has open below `folder`.
    static func openFiles(under folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { number in
            // The descriptor of the listing itself is closed by now.
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
            return target.flatMap { $0.hasPrefix(folder) ? $0 : nil }
        }
    }
}
