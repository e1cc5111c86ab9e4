internal import CSQLite

/// One prepared statement and its current row. Keeps its connection open; finalized when it is gone.
@safe
final class SQLiteStatement {
    let connection: SQLiteConnection
    /// For the reading of a row, which is a hot path of its own (`SQLiteRows`).
    let handle: OpaquePointer

    init(_ handle: OpaquePointer, of connection: SQLiteConnection) {
        unsafe self.handle = unsafe handle
        self.connection = connection
    }

    deinit { unsafe sqlite3_finalize(handle) }

    /// Moves to the next row; false after the last. Throws `SourceError` or `CancellationError`.
    func step() throws -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw connection.failure(code)
        }
    }

    var isReadOnly: Bool { unsafe sqlite3_stmt_readonly(handle) != 0 }
    var parameterCount: Int { unsafe Int(sqlite3_bind_parameter_count(handle)) }
    var columnCount: Int { unsafe Int(sqlite3_column_count(handle)) }

    func columnName(_ index: Int) -> String {
        guard let name = unsafe sqlite3_column_name(handle, Int32(index)) else { return "" }
        return unsafe String(cString: name)
    }

    /// The type that the table's column declares; empty for an expression.
    func declaredType(_ index: Int) -> String {
        guard let type = unsafe sqlite3_column_decltype(handle, Int32(index)) else { return "" }
        return unsafe String(cString: type)
    }

    /// A text of the current row, for the catalog; null is empty.
    func text(_ index: Int) -> String {
        guard let text = unsafe sqlite3_column_text(handle, Int32(index)) else { return "" }
        return unsafe String(cString: text)
    }

    func integer(_ index: Int) -> Int { unsafe Int(sqlite3_column_int64(handle, Int32(index))) }
}
