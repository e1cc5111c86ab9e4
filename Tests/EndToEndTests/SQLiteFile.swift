import CSQLite
import Foundation

/// A database file of a test, written and read with the library itself.
struct SQLiteFile: Sendable {
    let path: String

    func execute(_ sql: String) throws { _ = try rows(sql) }

    /// All rows of all statements, as text; nil for null.
    @discardableResult
    func rows(_ sql: String) throws -> [[String?]] {
        var handle: OpaquePointer?
        defer { sqlite3_close(handle) }
        guard sqlite3_open(path, &handle) == SQLITE_OK else { throw ChildError(description: "cannot open \(path)") }
        sqlite3_busy_timeout(handle, 10_000)
        let collected = Collected()
        let failed = sqlite3_exec(
            handle, sql,
            { context, count, cells, _ in
                guard let context, let cells else { return 1 }
                let collected = Unmanaged<Collected>.fromOpaque(context).takeUnretainedValue()
                collected.rows.append((0..<Int(count)).map { cells[$0].map { String(cString: $0) } })
                return 0
            }, Unmanaged.passUnretained(collected).toOpaque(), nil)
        guard failed == SQLITE_OK else {
            throw ChildError(description: String(cString: sqlite3_errmsg(handle)) + " in " + sql.prefix(200))
        }
        return collected.rows
    }

    private final class Collected {
        var rows: [[String?]] = []
    }
}
