internal import CSQLite
internal import ConnectorKit
internal import Records

/// Copies the rows of one statement into flat batches: the hot path of a scan. No object and no `String` for a cell.
struct SQLiteRows {
    /// A longer text or blob is an unreadable cell: it would fit no destination, and batches must stay bounded.
    static let cellBytesMax = 64 << 20
    /// Room kept free for the reason of each cell that can no longer be taken in.
    static let reasonBytesMax = 4_096

    /// Where a cell comes from, without anything that has to be retained for each row.
    struct Slot {
        var index: Int32
        var rule: CellRule
    }

    let statement: SQLiteStatement
    let slots: [Slot]
    let columns: [Column]

    /// Reads to the end, to `rowsMax`, or until `send` throws. Throws `SourceError`, `CancellationError` or what
    /// `send` throws; rows read before an error may have been sent.
    func read(_ request: ScanRequest, send: (RowBatch) throws -> Void) throws {
        var builder = RowBatchBuilder(
            columnCount: slots.count, rowsMax: request.batchRowsMax, bytesMax: request.batchBytesMax)
        var left = request.rowsMax ?? .max
        while left > 0, try statement.step() {
            left -= 1
            for column in 0..<slots.count { append(column, to: &builder) }
            builder.endRow()
            if builder.isFull { try send(builder.finish()) }
        }
        if !builder.isEmpty { try send(builder.finish()) }
    }

    @inline(__always)
    private func append(_ column: Int, to builder: inout RowBatchBuilder) {
        let slot = slots[column]
        let handle = unsafe statement.handle
        switch unsafe sqlite3_column_type(handle, slot.index) {
        case SQLITE_INTEGER:
            let number = unsafe sqlite3_column_int64(handle, slot.index)
            if slot.rule == .boolean, number == 0 || number == 1 {
                builder.append(number == 1)
            } else {
                builder.append(number)
            }
        case SQLITE_FLOAT:
            unsafe builder.append(sqlite3_column_double(handle, slot.index))
        case SQLITE_TEXT:
            // The text first: asking for it may convert from UTF-16 and so change the count.
            let start = unsafe sqlite3_column_text(handle, slot.index)
            let count = unsafe Int(sqlite3_column_bytes(handle, slot.index))
            let bytes = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
            if unsafe start == nil {
                builder.appendUnreadable(Self.outOfMemory(columns[column]))
            } else {
                unsafe appendText(bytes, slot.rule, column, to: &builder)
            }
        case SQLITE_BLOB:
            let start = unsafe sqlite3_column_blob(handle, slot.index)
            let count = unsafe Int(sqlite3_column_bytes(handle, slot.index))
            // A blob of no bytes has no address.
            let bytes = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
            if fits(count, builder) {
                unsafe builder.append(.bytes, bytes)
            } else {
                builder.appendUnreadable(Self.tooLarge(count, columns[column]))
            }
        default:
            builder.appendNull()
        }
    }

    @inline(__always)
    private func appendText(
        _ bytes: UnsafeRawBufferPointer, _ rule: CellRule, _ column: Int, to builder: inout RowBatchBuilder
    ) {
        guard fits(bytes.count, builder) else {
            return builder.appendUnreadable(Self.tooLarge(bytes.count, columns[column]))
        }
        if let offset = unsafe UTF8Check.firstInvalid(bytes) {
            return builder.appendUnreadable(Self.invalidUTF8(offset, columns[column]))
        }
        switch rule {
        case .temporal:
            if let (kind, units) = unsafe SQLiteInstant.read(bytes) {
                builder.append(kind, units)
            } else {
                unsafe builder.append(.text, bytes)
            }
        case .json: unsafe builder.append(JSONSyntax.isDocument(bytes) ? .json : .text, bytes)
        case .plain, .boolean: unsafe builder.append(.text, bytes)
        }
    }

    /// Whether a cell of so many bytes may go into the row, and the rest of the row after it.
    @inline(__always)
    private func fits(_ count: Int, _ builder: borrowing RowBatchBuilder) -> Bool {
        count <= Self.cellBytesMax && count <= builder.bytesFree - slots.count * Self.reasonBytesMax
    }

    // MARK: Reasons

    private static func shown(_ column: Column) -> String { String(column.name.prefix(200)) }

    private static func invalidUTF8(_ offset: Int, _ column: Column) -> Reason {
        Reason(
            code: "invalid_utf8",
            message: "The text of column \(shown(column)) is not valid UTF-8: byte \(offset) (counted from 0).",
            hint: "Correct the value in the database, or cast it in a query, for example hex(\(shown(column))).")
    }

    private static func tooLarge(_ count: Int, _ column: Column) -> Reason {
        Reason(
            code: "value_too_large", message: "The value of column \(shown(column)) has \(count) bytes.",
            hint: "Leave the column out, or shorten it in a query with substr(); the limit is \(cellBytesMax) bytes.")
    }

    private static func outOfMemory(_ column: Column) -> Reason {
        Reason(
            code: "value_too_large", message: "There is not enough memory for the value of column \(shown(column)).",
            hint: "Leave the column out, or shorten it in a query with substr().")
    }
}
