import CPostgres
import ConnectorKit
import Foundation
import Records
import SourcePostgres
import Testing

/// The private cluster that scripts/postgres-cluster makes and `make test` starts.
struct TestServer: Sendable {
    static let skipText: Comment =
        "needs a PostgreSQL server (SLUICE_TEST_PG_*): run `make test`, which starts one"

    static let isConfigured = environment("HOST") != nil

    static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment["SLUICE_TEST_PG_" + name]
    }

    static func value(_ name: String) -> String { environment(name) ?? "" }

    static var password: String { value("PASSWORD") }

    /// The settings of the test role over TCP, with changes; an empty text takes a setting away.
    static func settings(_ changes: [String: String] = [:], password: String? = nil) -> ConnectorSettings {
        var texts = [
            "host": value("HOST"), "port": value("PORT"), "database": value("DATABASE"), "user": value("USER"),
        ]
        for (name, text) in changes { texts[name] = text.isEmpty ? nil : text }
        return ConnectorSettings(
            name: "warehouse", texts: texts, secrets: ["password": Secret(password ?? self.password)])
    }

    static func source(
        _ changes: [String: String] = [:], password: String? = nil
    ) throws -> any Source & Discoverable {
        try PostgresSource.type.make(settings(changes, password: password))
    }

    /// Runs `body` with a schema of its own, dropped afterwards.
    static func withSchema<Result>(_ body: (TestSchema) async throws -> Result) async throws -> Result {
        let schema = try TestSchema()
        defer { schema.drop() }
        return try await body(schema)
    }

    /// All rows of a scan as values.
    static func read(
        _ source: any Source, _ relation: Relation, columns: [String]? = nil
    ) async throws -> [[Value]] {
        try await source.withScan(ScanRequest(relation, columns: columns)) { batches in
            var rows: [[Value]] = []
            while let batch = try await batches.next() {
                for row in 0..<batch.rowCount {
                    rows.append((0..<batch.columnCount).map { batch.value(row: row, column: $0) })
                }
            }
            return rows
        }
    }

    /// The one row of a query through the test role.
    static func row(_ sql: String) async throws -> [Value] {
        try #require(try await read(source(), .query(sql)).first)
    }

    /// The error that a scan ends with.
    static func error(_ relation: Relation, _ source: any Source, columns: [String]? = nil) async throws -> SourceError
    {
        do {
            let rows = try await read(source, relation, columns: columns)
            throw UnexpectedSuccess(rows: rows.count)
        } catch let error as SourceError {
            return error
        }
    }

    struct UnexpectedSuccess: Error { var rows: Int }
}

/// A plain blocking connection for the test's own side of things.
final class TestConnection {
    private let handle: OpaquePointer

    struct Refused: Error { var message: String }

    init(user: String? = nil) throws {
        let host = user == nil ? TestServer.value("HOST") : TestServer.value("SOCKET")
        let pairs = [
            ("host", host), ("port", TestServer.value("PORT")), ("dbname", TestServer.value("DATABASE")),
            ("user", user ?? TestServer.value("USER")), ("password", TestServer.password),
            ("options", "-c client_min_messages=error"), ("application_name", "sluice-tests"),
        ]
        let keywords = pairs.map { strdup($0.0) } + [nil]
        let values = pairs.map { strdup($0.1) } + [nil]
        defer { for pointer in keywords + values { free(pointer) } }
        let opened = PQconnectdbParams(keywords.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 0)
        guard let opened, PQstatus(opened) == CONNECTION_OK else {
            let message = opened.map { String(cString: PQerrorMessage($0)) } ?? "no memory"
            if let opened { PQfinish(opened) }
            throw Refused(message: message)
        }
        handle = opened
    }

    deinit { PQfinish(handle) }

    /// Runs statements and returns the rows of the last as text.
    @discardableResult
    func run(_ sql: String) throws -> [[String?]] {
        let result = PQexec(handle, sql)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else {
            throw Refused(message: String(cString: PQerrorMessage(handle)))
        }
        return (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { field in
                PQgetisnull(result, row, field) == 1 ? nil : String(cString: PQgetvalue(result, row, field))
            }
        }
    }
}

/// A schema of one test.
final class TestSchema {
    let name: String
    let connection: TestConnection
    private var roles: [String] = []

    init() throws {
        name = "t_" + UUID().uuidString.lowercased().replacing("-", with: "").prefix(16)
        connection = try TestConnection()
        try connection.run("create schema \(name); set search_path = \(name), public")
    }

    @discardableResult
    func run(_ sql: String) throws -> [[String?]] { try connection.run(sql) }

    func table(_ table: String) -> Relation { .table(schema: name, name: table) }

    /// A role that may log in with the test password and do nothing else.
    func makeRole(_ suffix: String, _ options: String = "") throws -> String {
        let role = "\(name)_\(suffix)"
        try run("create role \(role) login \(options) password '\(TestServer.password)'")
        roles.append(role)
        return role
    }

    func drop() {
        do {
            try run("drop schema \(name) cascade")
            for role in roles { try run("drop role \(role)") }
        } catch {
            // What is left over harms no other test, but should be known.
            Issue.record("the schema \(name) could not be dropped: \(error)")
        }
    }
}
