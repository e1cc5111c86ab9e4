internal import Glibc
@_spi(CustomByteBufferAllocator) package import NIOCore
package import Records

/// Gives the HTTP client the memory that a batch lies in as it is, instead of a copy of it.
package enum LentBuffer {
    /// The bytes of `range`, without room for more: whoever would write into them gets a copy.
    package static func buffer(_ block: SharedBlock, _ range: Range<Int>) -> ByteBuffer {
        let lent = unsafe UnsafeMutableRawBufferPointer(rebasing: block.lend()[..<range.upperBound])
        return unsafe ByteBuffer(takingOwnershipOf: lent, allocator: allocator, readerIndex: range.lowerBound)
    }

    /// Memory has a note before its first byte: the block that it was lent from, or nothing where it was made here. The
    /// library's functions know no more than an address.
    private static let allocator = unsafe ByteBufferAllocator { size in
        unsafe make(size)
    } reallocate: { old, oldSize, size in
        let new = unsafe make(size)
        if let old = unsafe old, let new = unsafe new {
            unsafe new.copyMemory(from: old, byteCount: min(oldSize, size))
            unsafe release(old)
        }
        return unsafe new
    } deallocate: { memory in
        unsafe release(memory)
    } copy: { target, source, count in
        unsafe target.copyMemory(from: source, byteCount: count)
    }

    private static func make(_ size: Int) -> UnsafeMutableRawPointer? {
        guard let memory = unsafe malloc(size + SharedBlock.noteBytes) else { return nil }
        unsafe memory.storeBytes(of: 0, as: UInt.self)
        return unsafe memory + SharedBlock.noteBytes
    }

    private static func release(_ memory: UnsafeMutableRawPointer) {
        let note = unsafe memory - SharedBlock.noteBytes
        if unsafe note.load(as: UInt.self) == 0 {
            unsafe free(note)
        } else {
            unsafe SharedBlock.takeBack(memory)
        }
    }
}
