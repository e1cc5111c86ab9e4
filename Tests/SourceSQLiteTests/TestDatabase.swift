import CSQLite
import ConnectorKit
import Foundation
import Records
import SourceSQLite

/// A database in a directory of its own, which is removed with it; and a connection that may write.
final class TestDatabase {
    let directory: URL
    let path: String
    private var handle: OpaquePointer?

    init(_ sql: String = "", name: String = "test.db") throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-sqlite-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        path = directory.appendingPathComponent(name).path
        try open()
        try run(sql)
    }

    /// A file that is no database.
    init(bytes: [UInt8], name: String = "test.db") throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-sqlite-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        path = directory.appendingPathComponent(name).path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit {
        close()
        do { try FileManager.default.removeItem(at: directory) } catch { print("left behind: \(directory.path)") }
    }

    struct Failure: Error {
        var code: Int32
        var message: String
    }

    func open() throws {
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
        guard code == SQLITE_OK else { throw Failure(code: code, message: "open") }
    }

    func close() {
        sqlite3_close_v2(handle)
        handle = nil
    }

    /// Runs any number of statements.
    func run(_ sql: String) throws {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw Failure(code: code, message: String(cString: sqlite3_errmsg(handle))) }
    }

    var source: SQLiteSource { source(busyTimeoutSeconds: 5) }

    func source(busyTimeoutSeconds: Int) -> SQLiteSource {
        SQLiteSource(SQLiteSettings(path: path, busyTimeoutSeconds: busyTimeoutSeconds))
    }

    /// The files of this database that the process has open, the writing connection's own not counted if closed.
    var openFiles: [String] { Self.openFiles(under: directory.path) }

    static func openFiles(under directory: String) -> [String] {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return descriptors.compactMap { number in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
            return target.flatMap { $0.hasPrefix(directory) ? $0 : nil }
        }
    }

    /// Overwrites bytes of the file.
    func damage(at offset: Int, with bytes: [UInt8]) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        data.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        try data.write(to: URL(fileURLWithPath: path))
    }
}

extension SQLiteSource {
    struct Scanned: Equatable {
        var columns: [Column]
        var rows: [[Value]]
    }

    func read(_ request: ScanRequest) async throws -> Scanned {
        try await withScan(request) { batches in
            var rows: [[Value]] = []
            while let batch = try await batches.next() {
                for row in 0..<batch.rowCount {
                    rows.append((0..<batch.columnCount).map { batch.value(row: row, column: $0) })
                }
            }
            return Scanned(columns: batches.columns, rows: rows)
        }
    }

    func read(table: String, columns: [String]? = nil) async throws -> Scanned {
        try await read(ScanRequest(.table(schema: nil, name: table), columns: columns))
    }

    func read(sql: String, columns: [String]? = nil) async throws -> Scanned {
        try await read(ScanRequest(.query(sql), columns: columns))
    }

    /// The error of a scan that must fail.
    func failure(_ relation: Relation, columns: [String]? = nil) async -> SourceError? {
        do {
            _ = try await read(ScanRequest(relation, columns: columns))
            return nil
        } catch {
            return error as? SourceError
        }
    }

    func failure(table: String = "t", columns: [String]? = nil) async -> SourceError? {
        await failure(.table(schema: nil, name: table), columns: columns)
    }

    func failure(sql: String, columns: [String]? = nil) async -> SourceError? {
        await failure(.query(sql), columns: columns)
    }
}
