import ConnectorKit
import Foundation
import Records
import SourcePostgres
import TestKit
import Testing

/// Scans of tables and queries on a real server.
@Suite(.enabled(if: TestServer.isConfigured, TestServer.skipText))
struct ScanTests {
    @Test func columnsAreDeliveredInTheOrderAskedFor() async throws {
        try await TestServer.withSchema { schema in
            try schema.run(
                "create table \"T x\" (\"A \"\"q\"\"\" int, b text, c int); insert into \"T x\" values (1, 'b', 3)")
            let source = try TestServer.source()
            let rows = try await TestServer.read(source, schema.table("T x"), columns: ["c", "A \"q\""])
            #expect(rows == [[.integer(3), .integer(1)]])
        }
    }

    @Test func tableWithoutSchemaIsFoundOnTheSearchPath() async throws {
        let rows = try await TestServer.read(
            TestServer.source(), .table(schema: nil, name: "pg_am"), columns: ["amname"])
        #expect(rows.contains([.text("btree")]))
    }

    @Test func semicolonsAndCommentsAtTheEndOfAQueryAreNoTrouble() async throws {
        for sql in [
            "select 1 as a;", "select 1 as a -- the end", "select 1 as a; -- the end", "select 1 as a /* x */ ;;",
        ] {
            #expect(try await TestServer.row(sql) == [.integer(1)])
        }
        #expect(try await TestServer.row("with x as (select 2 as a) select * from x order by 1") == [.integer(2)])
        #expect(try await TestServer.row("values (3)") == [.integer(3)])
        #expect(try await TestServer.row("table pg_catalog.pg_am limit 1").isEmpty == false)
    }

    @Test func viewsMaterializedViewsAndPartitionedTablesAreRead() async throws {
        try await TestServer.withSchema { schema in
            try schema.run(
                """
                create table p (id int not null, v text) partition by range (id);
                create table p1 partition of p for values from (0) to (10);
                insert into p values (1, 'one');
                create view v as select * from p;
                create materialized view m as select * from p;
                """)
            let source = try TestServer.source()
            for name in ["p", "p1", "v", "m"] {
                #expect(try await TestServer.read(source, schema.table(name)) == [[.integer(1), .text("one")]])
            }
            let listed = try await source.tables().filter { $0.schema == schema.name }
            #expect(listed.map(\.name) == ["m", "p", "v"])
            #expect(listed.map(\.kind) == ["materialized view", "table", "view"])
            let columns = try await source.columns(of: schema.table("p"))
            #expect(listed[1].columns == columns)
        }
    }

    @Test func rowsEstimateIsTheServersOwn() async throws {
        try await TestServer.withSchema { schema in
            try schema.run("create table t as select generate_series(1, 500) as i; create table u (i int); analyze t")
            let listed = try await TestServer.source().tables().filter { $0.schema == schema.name }
            #expect(listed.map(\.rowsEstimate) == [500, nil])
        }
    }

    @Test func emptyResultHasColumnsAndNoRows() async throws {
        let columns = try await TestServer.source().withScan(
            ScanRequest(.query("select 1 as a, 'x'::text as b limit 0"))
        ) {
            batches in
            let first = try await batches.next()
            #expect(first == nil)
            return batches.columns
        }
        #expect(columns.map(\.name) == ["a", "b"])
        #expect(columns.map(\.declaredType) == ["integer", "text"])
    }

    @Test func manyRowsStreamInOrderWithinTheBatchLimits() async throws {
        let request = ScanRequest(
            .query("select i::bigint as i, repeat('x', 100) as t from generate_series(1, 200000) i"),
            batchRowsMax: 1_000)
        let (count, sum, largest) = try await TestServer.source().withScan(request) { batches in
            var count: Int64 = 0
            var sum: Int64 = 0
            var largest = 0
            while let batch = try await batches.next() {
                largest = max(largest, batch.rowCount)
                batch.withRows { rows in
                    for row in 0..<rows.rowCount {
                        count += 1
                        sum += rows.cell(row, 0).integer == count ? 1 : 0
                    }
                }
            }
            return (count, sum, largest)
        }
        #expect(count == 200_000)
        #expect(sum == count)
        #expect(largest == 1_000)
    }

    @Test func scanThatIsLeftWithBatchesWaitingEndsCleanly() async throws {
        let request = ScanRequest(.query("select i from generate_series(1, 1000000) i"), batchRowsMax: 10)
        for read in [1, 5] {
            let rows = try await TestServer.source().withScan(request) { batches in
                var rows = 0
                for _ in 0..<read { rows += try await batches.next()?.rowCount ?? 0 }
                // Long enough for the scan to fill every place of the hand-over.
                try await Task.sleep(for: .milliseconds(5))
                return rows
            }
            #expect(rows == read * 10)
        }
    }

    @Test func rowLargerThanABatchIsDelivered() async throws {
        let row = try await TestServer.row("select repeat('a', 5000000) as t, 1 as i")
        #expect(row[0].text.utf8.count == 5_000_000)
        #expect(row[1] == .integer(1))
    }

    @Test func scanSeesOneMomentWhileOthersWrite() async throws {
        try await TestServer.withSchema { schema in
            try schema.run("create table t as select i, 0 as v from generate_series(1, 100000) i")
            let seen = try await TestServer.source().withScan(ScanRequest(schema.table("t"))) { batches in
                var changed = 0
                var count = 0
                var isFirst = true
                while let batch = try await batches.next() {
                    if isFirst {
                        try schema.run(
                            "update t set v = 1; delete from t where i % 2 = 0; insert into t values (-1, 1)")
                        isFirst = false
                    }
                    count += batch.rowCount
                    batch.withRows { rows in
                        for row in 0..<rows.rowCount where rows.cell(row, 1).integer != 0 { changed += 1 }
                    }
                }
                return (count, changed)
            }
            #expect(seen == (100_000, 0))
        }
    }

    /// What the server still runs for this test; given a moment, because it notices a closed connection by itself.
    static func sessions(running marker: String) async throws -> [String] {
        let connection = try TestConnection()
        let sql = "select query from pg_stat_activity where application_name = 'sluice' and query like '%\(marker)%'"
        for _ in 0..<100 {
            if try connection.run(sql).isEmpty { return [] }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try connection.run(sql).compactMap { $0[0] }
    }
}
