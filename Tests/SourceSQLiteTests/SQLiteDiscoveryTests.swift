import ConnectorKit
import Records
import SourceSQLite
import Synchronization
import Testing

@Suite struct SQLiteDiscoveryTests {
    @Test func tablesAndViewsAreListedWithTheirColumns() async throws {
        let database = try TestDatabase(
            """
            CREATE TABLE people(id INTEGER PRIMARY KEY, email TEXT NOT NULL, age INT);
            CREATE TABLE codes(code TEXT PRIMARY KEY, label TEXT);
            CREATE TABLE pairs(a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
            CREATE VIEW adults AS SELECT id, email FROM people WHERE age >= 18;
            """)
        let tables = try await database.source.tables()
        #expect(tables.map(\.name) == ["adults", "codes", "pairs", "people"])
        #expect(tables.map(\.kind) == ["view", "table", "table", "table"])
        #expect(tables.allSatisfy { $0.schema == nil && $0.rowsEstimate == nil })
        #expect(
            tables[3].columns == [
                Column(name: "id", type: .integer, declaredType: "INTEGER", isNullable: false),
                Column(name: "email", type: .text, declaredType: "TEXT", isNullable: false),
                Column(name: "age", type: .integer, declaredType: "INT"),
            ])
        // SQLite lets a primary key be null unless it is the row's number or the table has none.
        #expect(tables[1].columns.map(\.isNullable) == [true, true])
        #expect(tables[2].columns.map(\.isNullable) == [false, false])
        #expect(tables[0].columns.map(\.declaredType) == ["INTEGER", "TEXT"])
    }

    @Test func descendingPrimaryKeyIsAnOrdinaryColumn() async throws {
        let database = try TestDatabase("CREATE TABLE t(id INTEGER PRIMARY KEY DESC); INSERT INTO t VALUES (NULL)")
        let columns = try await database.source.columns(of: .table(schema: nil, name: "t"))
        #expect(columns[0].isNullable)
        #expect(try await database.source.read(table: "t").rows == [[.null]])
    }

    @Test func internalTablesAreLeftOut() async throws {
        let database = try TestDatabase(
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t(a) VALUES (1), (2);"
                + "CREATE INDEX i ON t(a); ANALYZE")
        let tables = try await database.source.tables()
        #expect(tables.map(\.name) == ["t"])
        #expect(tables[0].rowsEstimate == 2)
    }

    @Test func generatedColumnsAreRead() async throws {
        let database = try TestDatabase(
            "CREATE TABLE t(a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2), c INT AS (a + 1) STORED);"
                + "INSERT INTO t(a) VALUES (3)")
        let read = try await database.source.read(table: "t")
        #expect(read.columns.map(\.name) == ["a", "b", "c"])
        #expect(read.columns.map(\.declaredType) == ["INTEGER", "INTEGER", "INT"])
        #expect(read.rows == [[.integer(3), .integer(6), .integer(4)]])
    }

    @Test func databaseWithoutTablesIsEmpty() async throws {
        let database = try TestDatabase()
        #expect(try await database.source.tables().isEmpty)
    }

    @Test func checkTellsItsSteps() async throws {
        let database = try TestDatabase("CREATE TABLE t(a)")
        let report = await database.source.check()
        #expect(report.isOK)
        #expect(report.address == database.path)
        #expect(report.steps.map(\.step) == ["file exists", "database opens", "tables can be read"])
        #expect(report.warnings.isEmpty)
    }

    @Test func checkTellsEachStepAsItBegins() async throws {
        let database = try TestDatabase("CREATE TABLE t(a)")
        let told = Told()
        _ = await database.source.check { told.note($0) }
        #expect(told.all.map(\.running) == ["file exists", "database opens"])
        #expect(told.all.map { $0.steps.map(\.step) } == [[], ["file exists"]])
    }

    /// What a test told while it went on.
    private final class Told: Sendable {
        private let reports = Mutex<[ConnectionReport]>([])

        var all: [ConnectionReport] { reports.withLock { $0 } }

        func note(_ report: ConnectionReport) { reports.withLock { $0.append(report) } }
    }

    @Test func checkTellsALock() async throws {
        let database = try TestDatabase("CREATE TABLE t(a); BEGIN EXCLUSIVE")
        let report = await database.source(busyTimeoutSeconds: 0).check()
        #expect(report.steps.map(\.isOK) == [true, false])
        #expect(report.steps.last?.hint.isEmpty == false)
    }
}
