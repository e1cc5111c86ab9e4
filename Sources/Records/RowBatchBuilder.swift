/// Fills one flat batch, cell by cell, row by row. Owned by one scan; `finish` hands the filled batch over and
/// starts the next.
///
/// A cell is its kind's byte and then either nothing, eight bytes, or a four-byte length and the bytes
/// (little-endian throughout). That encoding is canonical, so the bytes of a row are what its fingerprint covers.
@safe
public struct RowBatchBuilder: ~Copyable {
    @usableFromInline let columnCount: Int
    @usableFromInline let rowsMax: Int
    @usableFromInline let bytesMax: Int
    private let pool: BatchMemoryPool
    private var memory: BatchMemory
    // The memory's own, which are asked for with every cell.
    @usableFromInline var arena: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var used = 0
    @usableFromInline var starts: UnsafeMutablePointer<UInt32>
    @usableFromInline var cellCount = 0
    @usableFromInline var rowCount = 0

    /// - Parameters:
    ///   - columnCount: cells in each row, at least 1.
    ///   - rowsMax: rows after which `isFull` is true.
    ///   - bytesMax: bytes after which `isFull` is true; one row may go beyond it, up to 4 GiB in all.
    public init(columnCount: Int, rowsMax: Int = 4_096, bytesMax: Int = 1 << 20) {
        precondition(columnCount > 0 && rowsMax > 0 && bytesMax > 0)
        self.columnCount = columnCount
        self.rowsMax = rowsMax
        self.bytesMax = bytesMax
        pool = BatchMemoryPool(cells: rowsMax * columnCount, capacityMax: max(bytesMax, 64 << 10) * 2)
        memory = pool.take(capacity: min(bytesMax, 64 << 10))
        unsafe (arena, capacity, starts) = unsafe (memory.arena, memory.capacity, memory.starts)
    }

    @inlinable
    public var isEmpty: Bool { rowCount == 0 }

    @inlinable
    public var isFull: Bool { rowCount >= rowsMax || used >= bytesMax }

    /// Bytes of one more row that surely fit: a connector that may deliver a larger one ends the batch first.
    @inlinable
    public var bytesFree: Int { Int(UInt32.max) - used }

    @inlinable
    public mutating func appendNull() { appendTag(.null) }

    @inlinable
    public mutating func append(_ flag: Bool) { appendTag(flag ? .true : .false) }

    @inlinable
    public mutating func append(_ integer: Int64) { appendFixed(.integer, UInt64(bitPattern: integer)) }

    @inlinable
    public mutating func append(_ double: Double) {
        let canonical = double == 0 ? 0 : (double.isNaN ? Double.nan : double)
        appendFixed(.double, canonical.bitPattern)
    }

    /// Appends a cell of eight bytes: `date`, `time`, `timestamp`, `localTimestamp` (or `integer`).
    @inlinable
    public mutating func append(_ kind: CellKind, _ units: Int64) { appendFixed(kind, UInt64(bitPattern: units)) }

    /// Appends a cell of a kind that has a length. The caller vouches for what `kind` promises of the bytes.
    @inlinable
    public mutating func append(_ kind: CellKind, _ bytes: UnsafeRawBufferPointer) {
        ensure(5 + bytes.count)
        unsafe arena.storeBytes(of: kind.tag, toByteOffset: used, as: UInt8.self)
        let length = UInt32(truncatingIfNeeded: bytes.count).littleEndian
        unsafe arena.storeBytes(of: length, toByteOffset: used + 1, as: UInt32.self)
        if let base = bytes.baseAddress, unsafe !bytes.isEmpty {
            unsafe (arena + used + 5).copyMemory(from: base, byteCount: bytes.count)
        }
        used += 5 + bytes.count
        endCell()
    }

    /// Appends a cell from a `String`; for tests and rare values, not for a scan's ordinary cells.
    public mutating func append(_ kind: CellKind, _ text: String) {
        var text = text
        text.withUTF8 { unsafe append(kind, UnsafeRawBufferPointer($0)) }
    }

    /// Appends a cell that could not be read, with the reason that its row will be given.
    public mutating func appendUnreadable(_ reason: Reason) {
        append(.unreadable, "\(reason.code)\u{0}\(reason.message)\u{0}\(reason.hint)")
    }

    /// Ends the row. Every column must have been given one cell.
    @inlinable
    public mutating func endRow() {
        rowCount += 1
        precondition(cellCount == rowCount * columnCount, "a row was given too few or too many cells")
    }

    /// Takes the rows out as an immutable batch and begins an empty one.
    public mutating func finish() -> RowBatch {
        let storage = RowStorage(memory, pool: pool)
        let batch = RowBatch(columnCount: columnCount, rowCount: rowCount, storage: storage)
        let wanted = max(64 << 10, min(used + used / 8, bytesMax + bytesMax / 4))
        memory = pool.take(capacity: wanted)
        unsafe (arena, capacity, starts) = unsafe (memory.arena, memory.capacity, memory.starts)
        used = 0
        cellCount = 0
        rowCount = 0
        return batch
    }

    @inlinable
    @inline(__always)
    mutating func appendTag(_ kind: CellKind) {
        ensure(1)
        unsafe arena.storeBytes(of: kind.tag, toByteOffset: used, as: UInt8.self)
        used += 1
        endCell()
    }

    @inlinable
    @inline(__always)
    mutating func appendFixed(_ kind: CellKind, _ bits: UInt64) {
        ensure(9)
        unsafe arena.storeBytes(of: kind.tag, toByteOffset: used, as: UInt8.self)
        unsafe arena.storeBytes(of: bits.littleEndian, toByteOffset: used + 1, as: UInt64.self)
        used += 9
        endCell()
    }

    @inlinable
    @inline(__always)
    mutating func endCell() {
        cellCount += 1
        precondition(cellCount <= rowsMax * columnCount, "more cells than the batch has room for")
        unsafe starts[cellCount] = UInt32(used)
    }

    @inlinable
    @inline(__always)
    mutating func ensure(_ more: Int) {
        if used + more > capacity { grow(to: used + more) }
    }

    @usableFromInline
    mutating func grow(to needed: Int) {
        precondition(needed <= Int(UInt32.max), "a batch holds at most 4 GiB")
        let larger = max(needed, capacity + capacity / 2)
        memory.grow(to: larger, keeping: used)
        unsafe arena = unsafe memory.arena
        capacity = larger
    }
}
