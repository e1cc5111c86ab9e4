import CPostgres
import ConnectorKit
import Foundation
import Records
import SourcePostgres
import TestKit
import Testing

/// The rules of a source, kept on a real server.
@Suite(
    .enabled(
        if: PostgresServer.isConfigured,
        "needs a PostgreSQL server (SLUICE_TEST_PG_*): run `make test`, which starts one"))
struct PostgresConformanceTests {
    private static let rows: [[Value]] = [
        [.integer(1), .text("Åre"), .integer(5), .json("{}")], [.integer(2), .text("B\"b"), .null, .null],
        [.integer(3), .text(""), .integer(0), .json("[1]")], [.integer(4), .text("D"), .integer(1), .json("null")],
    ]

    private func suite(_ schema: String, _ relation: Relation) throws -> SourceConformance {
        SourceConformance(
            source: try PostgresSource.type.make(PostgresServer.settings()), relation: relation,
            columnNames: ["id", "name", "seats", "note"], rows: Self.rows,
            missingRelation: .table(schema: schema, name: "acounts"),
            longRelation: .query(
                "select i, pg_sleep(0.00002)::text as p, '\(schema)' as m from generate_series(1, 5000000) i"),
            watch: SourceWatch(
                secrets: [PostgresServer.value("PASSWORD")],
                stateOfData: {
                    try PostgresServer().text(
                        "select string_agg(a::text, ';' order by id) from \(schema).accounts a")
                },
                openResources: { try await sessions(running: schema) }))
    }

    private func withSchema(_ body: (String) async throws -> Void) async throws {
        let server = try PostgresServer()
        let schema = "t_" + UUID().uuidString.lowercased().replacing("-", with: "").prefix(16)
        _ = try server.text(
            """
            create schema \(schema); set search_path = \(schema);
            create table accounts (id bigint primary key, name text not null, seats int, note jsonb);
            insert into accounts values (1, 'Åre', 5, '{}'), (2, 'B"b', null, null), (3, '', 0, '[1]'),
              (4, 'D', 1, 'null');
            create view everything as select * from accounts order by id;
            """)
        do {
            try await body(schema)
        } catch {
            _ = try server.text("drop schema \(schema) cascade")
            throw error
        }
        _ = try server.text("drop schema \(schema) cascade")
    }

    @Test func tableKeepsTheRulesOfASource() async throws {
        try await withSchema { schema in
            let found = try await suite(schema, .table(schema: schema, name: "accounts")).violations()
            #expect(found == [])
        }
    }

    @Test func viewKeepsTheRulesOfASource() async throws {
        try await withSchema { schema in
            let found = try await suite(schema, .table(schema: schema, name: "everything")).violations()
            #expect(found == [])
        }
    }

    @Test func queryKeepsTheRulesOfASource() async throws {
        try await withSchema { schema in
            let sql = "select * from \(schema).accounts order by id -- by key"
            let found = try await suite(schema, .query(sql)).violations()
            #expect(found == [])
        }
    }
}

/// What the server still runs for one test; given a moment, because it notices a closed connection by itself.
private func sessions(running schema: String) async throws -> [String] {
    let server = try PostgresServer()
    let sql = """
        select coalesce(string_agg(query, ';'), '') from pg_stat_activity
        where application_name = 'sluice' and query like '%\(schema)%'
        """
    for _ in 0..<100 {
        if try server.text(sql).isEmpty { return [] }
        try await Task.sleep(for: .milliseconds(5))
    }
    return [try server.text(sql)]
}

/// The test's own connection to the server that SLUICE_TEST_PG_* names.
private final class PostgresServer {
    private let handle: OpaquePointer

    struct Refused: Error { var message: String }

    static let isConfigured = ProcessInfo.processInfo.environment["SLUICE_TEST_PG_HOST"] != nil

    static func value(_ name: String) -> String {
        ProcessInfo.processInfo.environment["SLUICE_TEST_PG_" + name] ?? ""
    }

    static func settings() -> ConnectorSettings {
        ConnectorSettings(
            name: "warehouse",
            texts: [
                "host": value("HOST"), "port": value("PORT"), "database": value("DATABASE"), "user": value("USER"),
            ],
            secrets: ["password": Secret(value("PASSWORD"))])
    }

    init() throws {
        let names = ["host", "port", "user", "password"]
        var text = names.map { "\($0)='\(Self.value($0.uppercased()))'" }.joined(separator: " ")
        text +=
            " dbname='\(Self.value("DATABASE"))' application_name=sluice-tests options='-c client_min_messages=error'"
        guard let opened = PQconnectdb(text), PQstatus(opened) == CONNECTION_OK else {
            throw Refused(message: "the test's own connection to the server was refused")
        }
        handle = opened
    }

    deinit { PQfinish(handle) }

    /// Runs statements; the first value of the last one's answer, empty where there is none.
    func text(_ sql: String) throws -> String {
        let result = PQexec(handle, sql)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else {
            throw Refused(message: String(cString: PQerrorMessage(handle)))
        }
        return PQntuples(result) > 0 ? String(cString: PQgetvalue(result, 0, 0)) : ""
    }
}
