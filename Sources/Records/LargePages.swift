internal import Glibc

/// Memory that is asked for in pages of 2 MiB: what reads a file into it, writes a file from it or sends it has 512 times
/// fewer pages to look up. Where the system does not do that, nothing is lost.
enum LargePages {
    static let bytes = 2 << 20

    /// At least `size` bytes from the beginning of such a page on, and how many there are; given back as other memory is.
    static func allocate(_ size: Int) -> UnsafeMutableRawBufferPointer {
        let whole = (size + bytes - 1) / bytes * bytes
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: whole, alignment: bytes)
        if let start = memory.baseAddress { _ = unsafe madvise(start, whole, MADV_HUGEPAGE) }
        return unsafe memory
    }
}
