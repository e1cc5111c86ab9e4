internal import Synchronization

/// The memory of a block: `capacity` bytes that begin where a page does, and before them a few for a note of who has it.
///
/// `@unchecked Sendable`: written only by the one that took it, and from the first moment that others have it by nobody,
/// until the last of them is gone and it is taken again.
@safe
final class BlockMemory: @unchecked Sendable {
    static let alignment = 4_096

    let base: UnsafeMutableRawPointer
    let capacity: Int
    private let memory: UnsafeMutableRawBufferPointer

    init(capacity: Int) {
        let size = Self.alignment + capacity
        unsafe memory =
            size >= LargePages.bytes / 2
            ? LargePages.allocate(size) : .allocate(byteCount: size, alignment: Self.alignment)
        guard let start = unsafe memory.baseAddress else { preconditionFailure("memory of some bytes has a first one") }
        unsafe base = unsafe start + Self.alignment
        unsafe self.capacity = memory.count - Self.alignment
    }

    deinit { unsafe memory.deallocate() }
}

/// A block of memory with one writer first and any number of readers then, which can also be lent to a library that
/// knows nothing but an address and a function to call once it is done.
package final class SharedBlock: Sendable {
    private let memory: BlockMemory
    private let pool: BlockPool

    init(_ memory: BlockMemory, pool: BlockPool) {
        self.memory = memory
        self.pool = pool
        let note = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe memory.base.storeBytes(of: note, toByteOffset: -Self.noteBytes, as: UnsafeMutableRawPointer.self)
    }

    deinit { pool.give(memory) }

    package var capacity: Int { memory.capacity }

    /// To be written by whoever took the block, and by nobody once it is shared. The first byte's address is a page's.
    package var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: memory.base, count: memory.capacity)
    }

    /// Bytes before the block's first one, of which the first eight hold its address while it is lent.
    package static let noteBytes = 16

    /// Keeps the block until `takeBack` is called with its first byte's address, once for each call.
    package func lend() -> UnsafeMutableRawBufferPointer {
        _ = unsafe Unmanaged.passRetained(self)
        return unsafe bytes
    }

    package static func takeBack(_ base: UnsafeMutableRawPointer) {
        let note = unsafe base.load(fromByteOffset: -noteBytes, as: UnsafeMutableRawPointer.self)
        unsafe Unmanaged<SharedBlock>.fromOpaque(note).release()
    }
}

/// Blocks used again and again, as those of a plan are that is read.
package final class BlockPool: Sendable {
    private static let keptMax = 2

    private let free = Mutex<[BlockMemory]>([])

    package init() {}

    /// A block of at least `capacity` bytes, whatever is in them.
    package func take(capacity: Int) -> SharedBlock {
        let memory = free.withLock { free in
            free.firstIndex { $0.capacity >= capacity }.map { free.remove(at: $0) }
        }
        return SharedBlock(memory ?? BlockMemory(capacity: capacity), pool: self)
    }

    fileprivate func give(_ memory: BlockMemory) {
        free.withLock { free in
            // What is too small for the next block would only be in the way.
            if free.count == Self.keptMax { free.removeFirst() }
            free.append(memory)
        }
    }
}
