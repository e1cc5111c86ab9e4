internal import Synchronization

/// The two blocks of a batch: its cells' bytes, and where each cell begins.
///
/// `@unchecked Sendable`: written only by the builder that has it, and from `finish` on by nobody, so any number of
/// threads may read it, until the last batch that refers to it is gone and another builder may take it.
@usableFromInline
@safe
final class BatchMemory: @unchecked Sendable {
    /// Bytes after the last cell that may be read, so that a text is read 16 bytes at a time up to its end.
    static let slack = 16

    @usableFromInline private(set) var arena: UnsafeMutableRawPointer
    @usableFromInline let starts: UnsafeMutablePointer<UInt32>
    private(set) var capacity: Int

    init(capacity: Int, cells: Int) {
        unsafe arena = .allocate(byteCount: capacity + Self.slack, alignment: 16)
        self.capacity = capacity
        unsafe starts = .allocate(capacity: cells + 1)
        unsafe starts[0] = 0
    }

    deinit {
        unsafe arena.deallocate()
        unsafe starts.deallocate()
    }

    /// Makes room for `larger` bytes, keeping the first `used`.
    func grow(to larger: Int, keeping used: Int) {
        let next = UnsafeMutableRawPointer.allocate(byteCount: larger + Self.slack, alignment: 16)
        unsafe next.copyMemory(from: arena, byteCount: used)
        unsafe arena.deallocate()
        unsafe arena = unsafe next
        capacity = larger
    }
}

/// What the batches of one scan are made in, used again and again: a scan of any length lives in the blocks of the few
/// batches that are under way at once. Taken anew for each batch they leave gaps between the rows that a database
/// library allocates, and the program's memory grows with the rows.
final class BatchMemoryPool: Sendable {
    private static let keptMax = 4

    private let cells: Int
    /// Larger blocks, made for a row of its own size, are not kept.
    private let capacityMax: Int
    private let free = Mutex<[BatchMemory]>([])

    /// - Parameter cells: the most that a batch may have.
    init(cells: Int, capacityMax: Int) {
        self.cells = cells
        self.capacityMax = capacityMax
    }

    /// Memory for an empty batch, of about `capacity` bytes.
    func take(capacity: Int) -> BatchMemory {
        free.withLock { $0.popLast() } ?? BatchMemory(capacity: capacity, cells: cells)
    }

    func give(_ memory: BatchMemory) {
        guard memory.capacity <= capacityMax else { return }
        free.withLock { if $0.count < Self.keptMax { $0.append(memory) } }
    }
}
