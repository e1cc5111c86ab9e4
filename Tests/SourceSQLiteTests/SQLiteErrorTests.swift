import ConnectorKit
import Foundation
import Records
import SourceSQLite
import Testing

@Suite struct SQLiteErrorTests {
    private static let table = "CREATE TABLE accounts(id INTEGER, name TEXT, note TEXT)"

    /// Fills the table t(a, b) over many pages.
    private static func filled(_ rows: Int) -> String {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            + "INSERT INTO t SELECT i, 'some text to fill pages ' || i FROM n LIMIT \(rows);"
    }

    private func expect(_ error: SourceError?, _ code: String, message: String = "", hint: String = "") {
        #expect(error?.code == code)
        let shown = "\(error?.message ?? "no error") \(error?.hint ?? "")"
        #expect(message.isEmpty || error?.message.contains(message) == true, "\(shown)")
        #expect(hint.isEmpty || error?.hint.contains(hint) == true, "\(shown)")
        #expect(error?.hint.isEmpty == false)
    }

    // MARK: The file

    @Test func missingFileIsToldWithItsNeighbourAndNotCreated() async throws {
        let database = try TestDatabase(Self.table, name: "acme.db")
        let path = database.directory.appendingPathComponent("acme.sb").path
        let source = SQLiteSource(SQLiteSettings(path: path))
        expect(await source.failure(), "source_file_missing", message: path, hint: "acme.db")
        let report = await source.check()
        #expect(report.steps.map(\.isOK) == [false])
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func missingDirectoryIsTold() async throws {
        let source = SQLiteSource(SQLiteSettings(path: "/nowhere-\(UUID().uuidString)/a.db"))
        expect(await source.failure(), "source_file_missing", hint: "directory")
    }

    @Test func directoryIsNotADatabase() async throws {
        let database = try TestDatabase()
        let source = SQLiteSource(SQLiteSettings(path: database.directory.path))
        expect(await source.failure(), "source_is_directory")
    }

    @Test func pipeIsNotOpened() async throws {
        let database = try TestDatabase()
        let path = database.directory.appendingPathComponent("pipe").path
        try #require(mkfifo(path, 0o600) == 0)
        expect(await SQLiteSource(SQLiteSettings(path: path)).failure(), "source_not_a_file")
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything"))
    func fileWithoutReadRightIsTold() async throws {
        let database = try TestDatabase(Self.table)
        try #require(chmod(database.path, 0) == 0)
        expect(await database.source.failure(), "source_permission", message: database.path)
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func walDatabaseInAReadOnlyDirectoryIsTold() async throws {
        let database = try TestDatabase("PRAGMA journal_mode = WAL; " + Self.table)
        database.close()
        try #require(chmod(database.directory.path, 0o500) == 0)
        let error = await database.source.failure(table: "accounts")
        try #require(chmod(database.directory.path, 0o700) == 0)
        expect(error, "source_wal_unavailable", message: "WAL", hint: "VACUUM INTO")
    }

    @Test(arguments: [
        (Array("id,name\n1,Acme\n".utf8), "not_a_database", ""),
        ([0x1F, 0x8B, 8, 0] + [UInt8](repeating: 7, count: 600), "not_a_database", "gunzip"),
        (Array("PK\u{3}\u{4}0123456789".utf8), "not_a_database", "unzip"),
        (Array("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;".utf8), "not_a_database", "sqlite3 NEW.db"),
        (Array("12345678DUCK".utf8) + [UInt8](repeating: 0, count: 600), "not_a_database", "Export"),
    ])
    func otherFileIsTold(bytes: [UInt8], code: String, hint: String) async throws {
        let database = try TestDatabase(bytes: bytes)
        expect(await database.source.failure(), code, message: database.path, hint: hint)
        let report = await database.source.check()
        #expect(report.steps.map(\.isOK) == [true, false])
    }

    @Test func randomBytesLookEncrypted() async throws {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<8_192).map { _ in UInt8.random(in: 0...255, using: &random) }
        let database = try TestDatabase(bytes: bytes)
        expect(await database.source.failure(), "source_encrypted", hint: "SQLCipher")
    }

    @Test func damagedHeaderIsTold() async throws {
        let database = try TestDatabase(Self.table)
        database.close()
        try database.damage(at: 16, with: [0x03, 0x03])
        expect(await database.source.failure(), "source_corrupt", message: "header", hint: ".recover")
    }

    @Test func damagedPageFailsTheScanAndDoesNotEndItEarly() async throws {
        let database = try TestDatabase(
            "PRAGMA page_size = 4096; CREATE TABLE t(a, b);" + Self.filled(20_000))
        database.close()
        try database.damage(at: 4_096 * 100, with: [UInt8](repeating: 0xEE, count: 4_096))
        let error = await database.source.failure()
        expect(error, "source_corrupt", message: database.path, hint: "integrity_check")
        #expect(error?.disposition == .stop)
        #expect(database.openFiles.isEmpty)
    }

    @Test func truncatedFileIsTold() async throws {
        let database = try TestDatabase(
            "CREATE TABLE t(a, b);" + Self.filled(20_000))
        database.close()
        try #require(truncate(database.path, 4_096 * 20) == 0)
        expect(await database.source.failure(), "source_corrupt")
    }

    @Test func lockedDatabaseIsTriedAgainLater() async throws {
        let database = try TestDatabase(Self.table + "; BEGIN EXCLUSIVE")
        let error = await database.source(busyTimeoutSeconds: 0).failure(table: "accounts")
        expect(error, "source_locked", message: database.path, hint: "busy_timeout_seconds")
        #expect(error?.disposition == .retry(after: nil))
        let waited = await database.source(busyTimeoutSeconds: 1).failure(table: "accounts")
        expect(waited, "source_locked")
    }

    @Test func unfinishedTransactionOfACrashedProgramIsTold() async throws {
        let writer = try TestDatabase(
            "PRAGMA cache_size = 2; CREATE TABLE t(a, b);" + Self.filled(5_000) + "BEGIN; UPDATE t SET b = 'x'")
        let crashed = try TestDatabase(bytes: [])
        for suffix in ["", "-journal"] {
            let data = try Data(contentsOf: URL(fileURLWithPath: writer.path + suffix))
            try data.write(to: URL(fileURLWithPath: crashed.path + suffix))
        }
        expect(await crashed.source.failure(), "source_needs_recovery", hint: "Open the database once")
    }

    @Test func emptyFileHasNoTables() async throws {
        let database = try TestDatabase(bytes: [])
        expect(await database.source.failure(), "table_not_found", hint: "no tables")
        let report = await database.source.check()
        #expect(report.isOK && report.warnings.map(\.code) == ["source_empty"])
    }

    // MARK: Tables, columns and SQL

    @Test func missingTableIsToldWithTheNearestName() async throws {
        let database = try TestDatabase(Self.table)
        let source = database.source
        expect(await source.failure(table: "acounts"), "table_not_found", message: "acounts", hint: "\"accounts\"")
        expect(await source.failure(table: "orders"), "table_not_found", hint: "There are: \"accounts\"")
        expect(await source.failure(sql: "SELECT 1 FROM acount"), "table_not_found", hint: "\"accounts\"")
        expect(await source.failure(table: "a\u{0}b"), "table_not_found")
        expect(await source.failure(.table(schema: "public", name: "accounts")), "table_not_found", hint: "accounts")
    }

    @Test func missingColumnIsToldWithTheNearestName() async throws {
        let database = try TestDatabase(Self.table)
        let source = database.source
        expect(
            await source.failure(table: "accounts", columns: ["id", "nmae"]), "column_not_found", message: "nmae",
            hint: "\"name\"")
        expect(
            await source.failure(sql: "SELECT id, name AS title FROM accounts", columns: ["name"]), "column_not_found",
            message: "query", hint: "\"id\", \"title\"")
        expect(await source.failure(sql: "SELECT a.nmae FROM accounts a"), "column_not_found", hint: "\"name\"")
    }

    @Test func columnNamesAreExact() async throws {
        let database = try TestDatabase(Self.table)
        let source = database.source
        expect(await source.failure(table: "accounts", columns: ["Name"]), "column_not_found", hint: "\"name\"")
    }

    @Test func columnsOfOneNameAreRefused() async throws {
        let database = try TestDatabase(Self.table)
        let source = database.source
        let sql = "SELECT a.id, b.id FROM accounts a JOIN accounts b"
        expect(await source.failure(sql: sql), "duplicate_column", message: "\"id\"", hint: "AS")
        expect(await source.failure(table: "accounts", columns: ["id", "id"]), "duplicate_column")
        expect(await source.failure(table: "accounts", columns: []), "no_columns")
    }

    @Test(arguments: [
        "DELETE FROM accounts", "INSERT INTO accounts(id) VALUES (1) RETURNING id", "UPDATE accounts SET id = 1",
        "DROP TABLE accounts", "CREATE TABLE x(a)", "COMMIT", "ROLLBACK", "BEGIN", "VACUUM", "", "  -- nothing",
        "ATTACH 'other.db' AS other", "PRAGMA query_only = 0",
    ])
    func statementThatDoesNotReadRowsIsRefused(sql: String) async throws {
        let database = try TestDatabase(Self.table + "; INSERT INTO accounts(id) VALUES (5)")
        expect(await database.source.failure(sql: sql), "sql_not_a_query", hint: "SELECT")
        #expect(try await database.source.read(sql: "SELECT id FROM accounts").rows == [[.integer(5)]])
    }

    @Test(arguments: ["SELECT 1; SELECT 2", "SELECT 1; DELETE FROM accounts", "SELECT 1; nonsense"])
    func severalStatementsAreRefused(sql: String) async throws {
        let database = try TestDatabase(Self.table)
        expect(await database.source.failure(sql: sql), "sql_several_statements", hint: "one SELECT")
    }

    @Test(arguments: ["SELECT ?", "SELECT :a", "SELECT 1 WHERE 1 = @x", "SELECT $v"])
    func parametersAreRefused(sql: String) async throws {
        let database = try TestDatabase(Self.table)
        expect(await database.source.failure(sql: sql), "sql_parameters")
    }

    @Test func wrongSQLIsToldInSQLitesWords() async throws {
        let database = try TestDatabase(Self.table)
        let source = database.source
        expect(await source.failure(sql: "SELEC 1"), "sql_error", message: "syntax error")
        expect(await source.failure(sql: "SELECT nofunction(1)"), "sql_error", message: "nofunction")
        expect(await source.failure(sql: "SELECT abs(-9223372036854775808)"), "sql_error", message: "integer overflow")
        expect(await source.failure(sql: "SELECT 1\u{0}; DELETE"), "sql_error", message: "NUL")
    }

    @Test func errorInTheMiddleOfTheRowsFailsTheScan() async throws {
        let database = try TestDatabase(
            "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                + "INSERT INTO t SELECT i FROM n LIMIT 9999; INSERT INTO t VALUES (-9223372036854775808)")
        expect(await database.source.failure(sql: "SELECT abs(a) AS a FROM t"), "sql_error")
    }

    @Test func brokenViewIsToldAndDoesNotHideTheOthers() async throws {
        let database = try TestDatabase(
            Self.table + "; CREATE TABLE gone(a); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone")
        let tables = try await database.source.tables()
        #expect(tables.map(\.name) == ["accounts", "broken"])
        #expect(tables[1].columns.isEmpty)
        expect(await database.source.failure(table: "broken"), "sql_error", message: "gone")
    }

    // MARK: Codes that no test can bring about here

    @Test(arguments: [
        (Int32(5), "source_locked"), (6, "source_locked"), (15, "source_locked"), (261, "source_locked"),
        (11, "source_corrupt"), (267, "source_corrupt"), (8, "source_wal_unavailable"), (264, "source_wal_unavailable"),
        (1_544, "source_wal_unavailable"), (776, "source_needs_recovery"), (14, "source_wal_unavailable"),
        (3, "source_permission"), (10, "source_read_failed"), (266, "source_read_failed"), (7, "source_out_of_space"),
        (13, "source_out_of_space"), (9, "source_interrupted"), (1, "sql_error"), (21, "sql_error"), (18, "sql_error"),
    ])
    func everyResultCodeHasItsError(code: Int32, expected: String) {
        let error = SQLiteFailure(code: code, message: "words", path: "/a.db", isOpening: false).error
        #expect(error.code == expected)
        #expect(!error.message.isEmpty && !error.hint.isEmpty)
    }

    @Test func fileThatCannotBeOpenedIsNotTakenForWAL() {
        let error = SQLiteFailure(code: 14, message: "words", path: "/a.db", isOpening: true).error
        #expect(error.code == "source_read_failed")
    }
}
