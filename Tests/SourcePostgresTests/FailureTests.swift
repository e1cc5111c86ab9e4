import ConnectorKit
import Foundation
import Records
import SourcePostgres
import Testing

/// What a scan says when it cannot be done.
@Suite(.enabled(if: TestServer.isConfigured, TestServer.skipText))
struct FailureTests {
    @Test func missingTableNamesTheNearest() async throws {
        try await TestServer.withSchema { schema in
            try schema.run("create table accounts (id int)")
            let source = try TestServer.source()
            let table = try await TestServer.error(schema.table("acounts"), source)
            #expect(table.code == "table_not_found")
            #expect(table.hint.contains("\(schema.name).accounts"))
            let query = try await TestServer.error(.query("select * from \(schema.name).acounts"), source)
            #expect(query.code == "table_not_found")
            #expect(query.hint.contains("\(schema.name).accounts"))
        }
    }

    @Test func missingColumnNamesTheNearest() async throws {
        try await TestServer.withSchema { schema in
            try schema.run("create table t (account_name text)")
            let source = try TestServer.source()
            let chosen = try await TestServer.error(schema.table("t"), source, columns: ["acount_name"])
            #expect(chosen.code == "column_not_found")
            #expect(chosen.hint.contains("Did you mean account_name?"))
            let query = try await TestServer.error(.query("select acount_name from \(schema.name).t"), source)
            #expect(query.code == "column_not_found")
            #expect(query.hint.contains("account_name"))
        }
    }

    @Test func missingGrantsAreNamedExactly() async throws {
        try await TestServer.withSchema { schema in
            let role = try schema.makeRole("reader")
            try schema.run("create table accounts (id int, secret text); create table \"Odd Name\" (id int)")
            let source = try TestServer.source(["user": role])
            let usage = "grant usage on schema \(schema.name) to \(role)"
            let select = "grant select on \(schema.name).accounts to \(role)"

            let both = try await TestServer.error(schema.table("accounts"), source)
            #expect(both.code == "permission_denied")
            #expect(both.message.contains("Missing: \(usage); \(select)."))
            #expect(try await TestServer.error(.query("select * from \(schema.name).accounts"), source) == both)

            try schema.run(usage)
            let one = try await TestServer.error(schema.table("accounts"), source)
            #expect(one.message.contains("Missing: \(select)."))
            #expect(try await TestServer.error(.query("select * from \(schema.name).accounts"), source) == one)
            #expect(try await source.tables().filter { $0.schema == schema.name }.isEmpty)
            let odd = try await TestServer.error(.query("select * from \(schema.name).\"Odd Name\""), source)
            #expect(odd.message.contains("grant select on \(schema.name).\"Odd Name\" to \(role)"))

            try schema.run("grant select (id) on accounts to \(role)")
            #expect(try await TestServer.read(source, schema.table("accounts"), columns: ["id"]).isEmpty)
            #expect(try await TestServer.error(schema.table("accounts"), source) == one)

            try schema.run(select)
            #expect(try await TestServer.read(source, schema.table("accounts")).isEmpty)
        }
    }

    @Test func queryThatWritesIsRefused() async throws {
        try await TestServer.withSchema { schema in
            try schema.run(
                """
                create table t (id int); create sequence s;
                create function writes() returns int language sql
                as $$ insert into \(schema.name).t values (1) returning id $$
                """)
            let source = try TestServer.source()
            let queries = [
                "with x as (insert into \(schema.name).t values (1) returning *) select * from x",
                "insert into \(schema.name).t values (1) returning *", "delete from \(schema.name).t", "show work_mem",
                "select \(schema.name).writes() as w", "select nextval('\(schema.name).s') as n",
                "select * from \(schema.name).t for update",
            ]
            for sql in queries {
                #expect(try await TestServer.error(.query(sql), source).code == "query_not_read_only", "\(sql)")
            }
            #expect(try schema.run("select count(*) from t") == [["0"]])
        }
    }

    @Test func wrongQueriesSayWhere() async throws {
        let source = try TestServer.source()
        let typo = try await TestServer.error(.query("select 1 as a\nfrm x"), source)
        #expect(typo.code == "sql_error")
        #expect(typo.message.contains("line 2, column"))
        let two = try await TestServer.error(.query("select 1;\nselect 2"), source)
        #expect(two.code == "sql_error")
        #expect(two.message.contains("second statement at line 2, column 1"))
        #expect(try await TestServer.error(.query(" -- nothing"), source).code == "sql_error")
        #expect(try await TestServer.error(.query("select $1 as a"), source).code == "sql_error")
        #expect(try await TestServer.error(.query("select 1) x; drop table y; select (2"), source).code == "sql_error")
        #expect(try await TestServer.error(.query("select 1 as a, 2 as a"), source).code == "duplicate_column")
    }

    @Test func failureHalfWayThrowsAndShowsNoData() async throws {
        let sql =
            "select (case when i = 90000 then 'secret-row-text' else '1' end)::int as n "
            + "from generate_series(1, 100000) i"
        let error = try await TestServer.error(.query(sql), TestServer.source())
        #expect(error.code == "sql_error")
        #expect(!error.message.contains("secret-row-text"))
    }

    @Test func lostConnectionHalfWayThrows() async throws {
        try await TestServer.withSchema { schema in
            let source = try TestServer.source()
            let sql = "select i, repeat('x', 200) as t, '\(schema.name)' as m from generate_series(1, 3000000) i"
            var code = ""
            do {
                try await source.withScan(ScanRequest(.query(sql))) { batches in
                    _ = try await batches.next()
                    try schema.run(
                        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sluice' "
                            + "and query like '%\(schema.name)%'")
                    while try await batches.next() != nil {}
                }
                Issue.record("the scan ended as if it were complete")
            } catch let error as SourceError {
                code = error.code
            }
            #expect(code == "connection_lost")
        }
    }

    @Test func statementTimeoutIsHeeded() async throws {
        let source = try TestServer.source(["statement_timeout_seconds": "1"])
        let error = try await TestServer.error(.query("select pg_sleep(30)::text as s"), source)
        #expect(error.code == "statement_timeout")
        #expect(error.message.contains("1 s"))
    }

    @Test func queryCancelledAtTheServerIsNoTimeout() async throws {
        try await TestServer.withSchema { schema in
            let source = try TestServer.source()
            let sql = "select i, pg_sleep(0.001)::text as p, '\(schema.name)' as m from generate_series(1, 60000) i"
            async let failure = TestServer.error(.query(sql), source)
            let cancel =
                "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'sluice' "
                + "and query like 'copy%\(schema.name)%'"
            while try schema.run(cancel).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await failure.code == "query_cancelled")
        }
    }

    @Test func cancelledScanLeavesTheServerWithinASecond() async throws {
        try await TestServer.withSchema { schema in
            let source = try TestServer.source()
            let sql = "select pg_sleep(60)::text as s, '\(schema.name)' as m"
            let scan = Task { try await TestServer.read(source, .query(sql)) }
            let running =
                "select 1 from pg_stat_activity where application_name = 'sluice' and query like 'copy%\(schema.name)%'"
            while try schema.run(running).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            let begin = ContinuousClock.now
            scan.cancel()
            await #expect(throws: CancellationError.self) { try await scan.value }
            #expect(ContinuousClock.now - begin < .seconds(1))
            #expect(try await ScanTests.sessions(running: schema.name) == [])
        }
    }

    @Test func tableWithoutColumnsIsAnError() async throws {
        try await TestServer.withSchema { schema in
            try schema.run("create table nothing ()")
            let source = try TestServer.source()
            #expect(try await TestServer.error(schema.table("nothing"), source).code == "no_columns")
        }
    }
}
