import ConnectorKit
import Foundation
import Records
import SourceSQLite
import Testing

@Suite struct SQLiteScanTests {
    private static let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "

    @Test func tableIsReadInTheSourcesOrder() async throws {
        let database = try TestDatabase("CREATE TABLE t(b, a); INSERT INTO t VALUES (1, 2), (3, 4)")
        let read = try await database.source.read(table: "t")
        #expect(read.columns.map(\.name) == ["b", "a"])
        #expect(read.rows == [[.integer(1), .integer(2)], [.integer(3), .integer(4)]])
    }

    @Test func viewIsReadLikeATable() async throws {
        let database = try TestDatabase(
            "CREATE TABLE t(id INTEGER, on_ BOOLEAN); INSERT INTO t VALUES (1, 1);"
                + "CREATE VIEW v AS SELECT id, on_, id * 2 AS twice FROM t")
        let read = try await database.source.read(table: "v", columns: ["twice", "on_"])
        #expect(read.rows == [[.integer(2), .boolean(true)]])
        #expect(read.columns.map(\.type) == [.any, .boolean])
    }

    @Test func namesWithQuotesAndSpacesAreQuoted() async throws {
        let database = try TestDatabase(
            "CREATE TABLE \"a \"\"b\"\" 'c'; --\"(\"x\"\"y\" TEXT, \"select\" TEXT); "
                + "INSERT INTO \"a \"\"b\"\" 'c'; --\" VALUES ('1', '2')")
        let read = try await database.source.read(table: "a \"b\" 'c'; --", columns: ["select", "x\"y"])
        #expect(read.columns.map(\.name) == ["select", "x\"y"])
        #expect(read.rows == [[.text("2"), .text("1")]])
    }

    @Test func schemaMainIsTheDatabase() async throws {
        let database = try TestDatabase("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        #expect(try await database.source.read(ScanRequest(.table(schema: "main", name: "t"))).rows.count == 1)
    }

    @Test(arguments: [
        "SELECT a, b FROM t", "SELECT a, b FROM t;", "SELECT a, b FROM t ; -- the end\n /* all */ ;", "VALUES (1, 2)",
    ])
    func queryIsReadWithCommentsAndSemicolons(sql: String) async throws {
        let database = try TestDatabase("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)")
        #expect(try await database.source.read(sql: sql).rows == [[.integer(1), .integer(2)]])
    }

    @Test func chosenColumnsOfAQueryComeInTheOrderChosen() async throws {
        let database = try TestDatabase("CREATE TABLE t(a, b BOOLEAN); INSERT INTO t VALUES (1, 0), (2, 1)")
        let sql = "WITH x AS (SELECT a, b, a + 1 AS c FROM t) SELECT * FROM x ORDER BY a DESC -- c"
        let read = try await database.source.read(sql: sql, columns: ["c", "b"])
        #expect(read.columns.map(\.name) == ["c", "b"])
        #expect(read.rows == [[.integer(3), .boolean(true)], [.integer(2), .boolean(false)]])
    }

    @Test func columnsOfAQueryAreToldWithoutReadingRows() async throws {
        let database = try TestDatabase("CREATE TABLE t(a INTEGER, d DATE)")
        let endless = Self.endless + "SELECT i, count(*) AS c, (SELECT d FROM t) AS s, (SELECT 1) FROM n"
        let columns = try await database.source.columns(of: .query(endless))
        #expect(columns.map(\.name) == ["i", "c", "s", "(SELECT 1)"])
        let plain = try await database.source.columns(of: .query("SELECT d, a AS key FROM t"))
        #expect(
            plain == [
                Column(name: "d", type: .date, declaredType: "DATE"),
                Column(name: "key", type: .integer, declaredType: "INTEGER"),
            ])
    }

    @Test func emptyTableGivesColumnsAndNoBatch() async throws {
        let database = try TestDatabase("CREATE TABLE t(a)")
        let read = try await database.source.read(table: "t")
        #expect(read.columns.count == 1 && read.rows.isEmpty)
    }

    @Test func hundredThousandRowsArriveOnceAndInOrder() async throws {
        let database = try TestDatabase(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); " + Self.endless
                + "INSERT INTO t SELECT i, 'name ' || i FROM n LIMIT 100000")
        let (count, inOrder) = try await database.source.withScan(ScanRequest(.table(schema: nil, name: "t"))) {
            batches in
            var expected: Int64 = 0
            var inOrder = true
            while let batch = try await batches.next() {
                batch.withRows { rows in
                    for row in 0..<rows.rowCount {
                        expected += 1
                        if rows.cell(row, 0).integer != expected { inOrder = false }
                        let name = String(decoding: rows.cell(row, 1).bytes, as: UTF8.self)
                        if name != "name \(expected)" { inOrder = false }
                    }
                }
            }
            return (expected, inOrder)
        }
        #expect(count == 100_000 && inOrder)
    }

    @Test func tableOfManyColumnsIsRead() async throws {
        let names = (0..<1_500).map { "c\($0)" }
        let database = try TestDatabase(
            "CREATE TABLE t(\(names.joined(separator: ", "))); INSERT INTO t(c0, c1499) VALUES (1, 2)")
        let read = try await database.source.read(table: "t")
        #expect(read.rows[0].count == 1_500 && read.rows[0][1_499] == .integer(2))
    }

    // MARK: Snapshots

    private static let manyRows =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER); \(endless) INSERT INTO t SELECT i, 0 FROM n LIMIT 20000;"

    @Test func walDatabaseIsOneSnapshotWhileAnotherConnectionWrites() async throws {
        let database = try TestDatabase("PRAGMA journal_mode = WAL; " + Self.manyRows)
        var request = ScanRequest(.table(schema: nil, name: "t"))
        request.batchRowsMax = 500
        let (count, sum) = try await database.source.withScan(request) { batches in
            var count = 0
            var sum: Int64 = 0
            while let batch = try await batches.next() {
                try database.run("UPDATE t SET v = v + 1; INSERT INTO t(v) VALUES (9); DELETE FROM t WHERE id = 19999")
                count += batch.rowCount
                batch.withRows { rows in
                    for row in 0..<rows.rowCount { sum += rows.cell(row, 1).integer }
                }
            }
            return (count, sum)
        }
        #expect(count == 20_000 && sum == 0)
        let after = try await database.source.read(sql: "SELECT min(v), count(*) FROM t").rows[0]
        #expect(after == [.integer(9), .integer(20_039)])
    }

    @Test func rollbackDatabaseHoldsTheWriterBackUntilTheScanHasEnded() async throws {
        let database = try TestDatabase(Self.manyRows)
        var request = ScanRequest(.table(schema: nil, name: "t"))
        request.batchRowsMax = 500
        let (refused, count) = try await database.source.withScan(request) { batches in
            var count = try await batches.next()?.rowCount ?? 0
            var refused = false
            do { try database.run("UPDATE t SET v = 1") } catch is TestDatabase.Failure { refused = true }
            while let batch = try await batches.next() { count += batch.rowCount }
            return (refused, count)
        }
        #expect(refused && count == 20_000)
        try database.run("UPDATE t SET v = 1")
    }

    @Test func scanWaitsForAWriterAndReadsWhatItCommitted() async throws {
        let database = try TestDatabase("CREATE TABLE t(a); BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)")
        let source = database.source(busyTimeoutSeconds: 60)
        async let read = source.read(table: "t")
        try await Task.sleep(for: .milliseconds(30))
        try database.run("COMMIT")
        #expect(try await read.rows == [[.integer(1)]])
    }

    // MARK: Cancellation and release

    /// Runs `read` in a task that is cancelled after a moment; returns what it threw and how long it took to.
    private func cancelled(_ read: @escaping @Sendable () async throws -> Void) async -> (any Error, Duration)? {
        await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                do {
                    try await read()
                    return nil
                } catch {
                    return error
                }
            }
            try? await Task.sleep(for: .milliseconds(20))
            let start = ContinuousClock.now
            group.cancelAll()
            guard let error = await group.next() ?? nil else { return nil }
            return (error, ContinuousClock.now - start)
        }
    }

    @Test func queryThatDeliversNothingYetIsCancelled() async throws {
        let database = try TestDatabase("CREATE TABLE t(a)")
        database.close()
        let source = database.source
        let ended = await cancelled { _ = try await source.read(sql: Self.endless + "SELECT count(*) FROM n") }
        let (error, taken) = try #require(ended)
        #expect(error is CancellationError)
        #expect(taken < .seconds(1))
        #expect(database.openFiles.isEmpty)
    }

    @Test func waitForALockIsCancelled() async throws {
        let database = try TestDatabase("CREATE TABLE t(a); BEGIN EXCLUSIVE")
        let source = database.source(busyTimeoutSeconds: 600)
        let scan = try #require(await cancelled { _ = try await source.read(table: "t") })
        #expect(scan.0 is CancellationError && scan.1 < .seconds(1))
        let tables = try #require(await cancelled { _ = try await source.tables() })
        #expect((tables.0 as? SourceError)?.code == "source_interrupted" && tables.1 < .seconds(1))
    }

    @Test func nothingStaysOpenAfterAScanOfAnyEnd() async throws {
        let database = try TestDatabase("PRAGMA journal_mode = WAL; " + Self.manyRows)
        database.close()
        let source = database.source
        _ = try await source.read(table: "t")
        #expect(database.openFiles.isEmpty)
        let open = try await source.withScan(ScanRequest(.table(schema: nil, name: "t"))) { _ in database.openFiles }
        #expect(!open.isEmpty)
        #expect(database.openFiles.isEmpty)
        _ = await source.failure(sql: "SELECT nothing FROM t")
        _ = await source.failure(sql: "SELECT abs(-9223372036854775808) FROM t")
        _ = try await source.tables()
        _ = await source.check()
        #expect(database.openFiles.isEmpty)
        try database.open()
        try database.run("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT")
    }

    @Test func scanDoesNotChangeTheFileOrCreateOne() async throws {
        let database = try TestDatabase(Self.manyRows)
        let before = try Data(contentsOf: URL(fileURLWithPath: database.path))
        _ = try await database.source.read(table: "t")
        #expect(try Data(contentsOf: URL(fileURLWithPath: database.path)) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: database.directory.path) == ["test.db"])
    }
}
