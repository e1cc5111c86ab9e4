/// Rows as one flat block of bytes: no object for a row or a cell. Immutable; cheap to pass on.
public struct RowBatch: Sendable {
    public let columnCount: Int
    public let rowCount: Int
    @usableFromInline let storage: RowStorage

    init(columnCount: Int, rowCount: Int, storage: RowStorage) {
        self.columnCount = columnCount
        self.rowCount = rowCount
        self.storage = storage
    }

    /// Calls `body` with a view of the rows; the view and what it hands out must not outlive the call.
    @inlinable
    public func withRows<Result: ~Copyable, Failure: Error>(
        _ body: (borrowing RowsView) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let view = unsafe RowsView(
            base: UnsafeRawPointer(storage.memory.arena), starts: UnsafePointer(storage.memory.starts),
            columnCount: columnCount,
            rowCount: rowCount
        )
        return try body(view)
    }

    /// One cell as a value; for previews, messages and tests.
    public func value(row: Int, column: Int) -> Value {
        withRows { rows in Value(rows.cell(row, column)) }
    }

    /// Builds a batch from values, each row of the same number of cells, at least one; for tests and small things.
    public init(rows: [[Value]], columnCount: Int) {
        var builder = RowBatchBuilder(columnCount: columnCount, rowsMax: max(rows.count, 1), bytesMax: 1 << 20)
        for row in rows {
            for value in row { builder.append(value) }
            builder.endRow()
        }
        self = builder.finish()
    }
}

/// Keeps the memory of a batch for as long as anybody has the batch, and then gives it back.
@usableFromInline
final class RowStorage: Sendable {
    @usableFromInline let memory: BatchMemory

    private let pool: BatchMemoryPool

    init(_ memory: BatchMemory, pool: BatchMemoryPool) {
        self.memory = memory
        self.pool = pool
    }

    deinit { pool.give(memory) }
}

/// The rows of a batch while `withRows` runs.
@frozen
@safe
public struct RowsView: ~Copyable {
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline let starts: UnsafePointer<UInt32>
    public let columnCount: Int
    public let rowCount: Int

    @inlinable
    init(base: UnsafeRawPointer, starts: UnsafePointer<UInt32>, columnCount: Int, rowCount: Int) {
        unsafe self.base = unsafe base
        unsafe self.starts = unsafe starts
        self.columnCount = columnCount
        self.rowCount = rowCount
    }

    /// The canonical bytes of a whole row.
    @inlinable
    public func bytes(_ row: Int) -> UnsafeRawBufferPointer {
        let first = unsafe Int(starts[row * columnCount])
        let end = unsafe Int(starts[(row + 1) * columnCount])
        return unsafe UnsafeRawBufferPointer(start: base + first, count: end - first)
    }

    @inlinable
    public func cell(_ row: Int, _ column: Int) -> Cell {
        let first = unsafe Int(starts[row * columnCount + column])
        return unsafe Cell(encoded: base + first)
    }

    /// The canonical bytes of one cell, its kind first.
    @inlinable
    public func cellBytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        let first = unsafe Int(starts[row * columnCount + column])
        let end = unsafe Int(starts[row * columnCount + column + 1])
        return unsafe UnsafeRawBufferPointer(start: base + first, count: end - first)
    }
}

/// One cell, read in place. Valid only while its batch is being viewed.
@frozen
@safe
public struct Cell {
    @usableFromInline let encoded: UnsafeRawPointer

    @inlinable
    public init(encoded: UnsafeRawPointer) { unsafe self.encoded = unsafe encoded }

    @inlinable
    public var kind: CellKind {
        unsafe CellKind(tag: encoded.load(as: UInt8.self))
    }

    /// The eight bytes of a fixed-width cell as a signed number; meaningless for other kinds.
    @inlinable
    public var integer: Int64 {
        unsafe Int64(littleEndian: encoded.loadUnaligned(fromByteOffset: 1, as: Int64.self))
    }

    @inlinable
    public var double: Double {
        unsafe Double(bitPattern: UInt64(littleEndian: encoded.loadUnaligned(fromByteOffset: 1, as: UInt64.self)))
    }

    /// The bytes of a cell that has a length; meaningless for other kinds. Sixteen more after them may be read.
    @inlinable
    public var bytes: UnsafeRawBufferPointer {
        let count = unsafe UInt32(littleEndian: encoded.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
        return unsafe UnsafeRawBufferPointer(start: encoded + 5, count: Int(count))
    }

    /// The reason in an `unreadable` cell.
    public var reason: Reason {
        let parts = unsafe String(decoding: bytes, as: UTF8.self).split(
            separator: "\u{0}", maxSplits: 2, omittingEmptySubsequences: false)
        return Reason(
            code: String(parts.first ?? "unreadable_value"), message: parts.count > 1 ? String(parts[1]) : "",
            hint: parts.count > 2 ? String(parts[2]) : "")
    }
}
