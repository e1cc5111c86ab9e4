internal import CSQLite
internal import ConnectorKit

/// One open database, read-only, in one read transaction: everything read through it is one snapshot. Used by the
/// thread that opened it; closed when it and its statements are gone.
@safe
final class SQLiteConnection {
    let path: String
    let control: ScanControl
    private let handle: OpaquePointer

    /// Opens the database and begins the snapshot. Never creates a database file. Throws `SourceError`, or
    /// `CancellationError` once `control` is stopped.
    init(_ settings: SQLiteSettings, _ control: ScanControl) throws {
        try DatabaseFile.judge(settings.path)
        path = settings.path
        self.control = control
        unsafe handle = try unsafe Self.open(settings.path)
        unsafe sqlite3_extended_result_codes(handle, 1)
        unsafe Self.obey(control, handle)
        // BEGIN takes no lock; the first read does, and is the moment of the snapshot.
        for sql in ["PRAGMA query_only = 1", "BEGIN", "SELECT count(*) FROM sqlite_master"] { try run(sql) }
    }

    deinit { unsafe sqlite3_close_v2(handle) }

    private static func open(_ path: String) throws -> OpaquePointer {
        var opened: OpaquePointer?
        // NOMUTEX: one thread uses the connection. Without URI, so that a file may be called "file:x?mode=rwc".
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
        let code = unsafe sqlite3_open_v2(path.hasPrefix("/") ? path : "./" + path, &opened, flags, nil)
        if code == SQLITE_OK, let opened = unsafe opened { return unsafe opened }
        let message = unsafe opened.map { unsafe String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
        let extended = unsafe opened.map { unsafe sqlite3_extended_errcode($0) } ?? code
        unsafe sqlite3_close_v2(opened)
        throw SQLiteFailure(code: extended, message: message, path: path, isOpening: true).error
    }

    /// Has SQLite ask `control` while it works and while it waits. The connection keeps `control` alive.
    private static func obey(_ control: ScanControl, _ handle: OpaquePointer) {
        let context = unsafe Unmanaged.passUnretained(control).toOpaque()
        unsafe sqlite3_progress_handler(
            handle, ScanControl.instructionsBetweenLooks,
            { context in
                guard let context = unsafe context else { return 0 }
                return unsafe Unmanaged<ScanControl>.fromOpaque(context).takeUnretainedValue().isStopped ? 1 : 0
            }, context)
        unsafe sqlite3_busy_handler(
            handle,
            { context, tries in
                guard let context = unsafe context else { return 0 }
                let control = unsafe Unmanaged<ScanControl>.fromOpaque(context).takeUnretainedValue()
                if control.isStopped || tries >= control.busyTriesMax { return 0 }
                sqlite3_sleep(ScanControl.busyWaitMilliseconds)
                return 1
            }, context)
    }

    /// Runs a statement of our own and drops its rows.
    func run(_ sql: String) throws {
        guard let statement = try prepare(sql).statement else { return }
        while try statement.step() {}
    }

    /// Prepares the first statement of `sql`. `rest` is what follows it; no statement if there is only white space
    /// and comments.
    func prepare(_ sql: String) throws -> (statement: SQLiteStatement?, rest: String) {
        if control.isStopped { throw CancellationError() }
        var sql = sql
        var prepared: OpaquePointer?
        let (code, used) = sql.withUTF8 { text in
            unsafe text.withMemoryRebound(to: CChar.self) { text in
                var tail: UnsafePointer<CChar>?
                let code = unsafe sqlite3_prepare_v2(handle, text.baseAddress, Int32(text.count), &prepared, &tail)
                guard let start = text.baseAddress, let tail = unsafe tail else { return (code, text.count) }
                return unsafe (code, tail - start)
            }
        }
        guard code == SQLITE_OK else { throw failure(code) }
        let statement = unsafe prepared.map { unsafe SQLiteStatement($0, of: self) }
        return (statement, String(decoding: sql.utf8.dropFirst(used), as: UTF8.self))
    }

    /// What a result code of this connection means to its owner; `CancellationError` if the scan was stopped.
    func failure(_ code: Int32) -> any Error {
        if control.isStopped { return CancellationError() }
        let message = unsafe String(cString: sqlite3_errmsg(handle))
        return SQLiteFailure(code: code, message: message, path: path, isOpening: false).error
    }
}
