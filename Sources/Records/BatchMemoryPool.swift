internal import Synchronization

/// The two blocks of a batch: its cells' bytes, and where each cell begins.
@unsafe
struct BatchMemory {
    var arena: UnsafeMutableRawPointer
    var capacity: Int
    var starts: UnsafeMutablePointer<UInt32>

    init(arena: UnsafeMutableRawPointer, capacity: Int, starts: UnsafeMutablePointer<UInt32>) {
        unsafe self.arena = unsafe arena
        unsafe self.capacity = capacity
        unsafe self.starts = unsafe starts
    }

    init(capacity: Int, cells: Int) {
        unsafe arena = .allocate(byteCount: capacity, alignment: 16)
        unsafe self.capacity = capacity
        unsafe starts = .allocate(capacity: cells + 1)
        unsafe starts[0] = 0
    }

    func free() {
        unsafe arena.deallocate()
        unsafe starts.deallocate()
    }
}

/// What the batches of one scan are made in, used again and again: a scan of any length lives in the blocks of the few
/// batches that are under way at once. Taken anew for each batch they leave gaps between the rows that a database
/// library allocates, and the program's memory grows with the rows.
final class BatchMemoryPool: Sendable {
    private static let keptMax = 4

    /// `@unchecked Sendable`: each block is owned by whoever took it out.
    @safe
    private struct Free: @unchecked Sendable {
        var memories: [BatchMemory] = unsafe []
    }

    private let cells: Int
    /// Larger blocks, made for a row of its own size, are not kept.
    private let capacityMax: Int
    private let free = Mutex(Free())

    /// - Parameter cells: the most that a batch may have.
    init(cells: Int, capacityMax: Int) {
        self.cells = cells
        self.capacityMax = capacityMax
    }

    deinit {
        free.withLock { free in
            while let memory = unsafe free.memories.popLast() { unsafe memory.free() }
        }
    }

    /// Memory for an empty batch, of about `capacity` bytes.
    func take(capacity: Int) -> BatchMemory {
        let kept = free.withLock { free in unsafe Kept(memory: free.memories.popLast()) }
        if let memory = unsafe kept.memory { return unsafe memory }
        return unsafe BatchMemory(capacity: capacity, cells: cells)
    }

    func give(_ memory: BatchMemory) {
        guard unsafe memory.capacity <= capacityMax else { return unsafe memory.free() }
        let given = unsafe Kept(memory: memory)
        let isKept = free.withLock { free in
            guard unsafe free.memories.count < Self.keptMax, let memory = unsafe given.memory else { return false }
            unsafe free.memories.append(memory)
            return true
        }
        if !isKept { unsafe memory.free() }
    }

    /// Carries a block over the lock. `@unchecked Sendable`: it has one owner.
    @safe
    private struct Kept: @unchecked Sendable {
        var memory: BatchMemory?
    }
}
