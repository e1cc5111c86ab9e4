internal import Glibc

/// Zeroed words in a nameless file that is mapped, whose pages the system takes back when it needs them.
@safe
package final class MarkFile {
    /// Valid as long as the object lives.
    package let words: UnsafeMutableBufferPointer<UInt64>

    /// Throws `disk_full`, `state_unwritable`, `state_io`.
    package init(words count: Int, directory: String) throws {
        let file = try StateFile.temporary(in: directory)
        let bytes = count * MemoryLayout<UInt64>.stride
        // The space first: a page that finds none when it is written would end the process.
        let failure = posix_fallocate(file.descriptor, 0, off_t(bytes))
        guard failure == 0 else { throw StateError.system(failure, "write", file.path) }
        let address = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw StateError.system(errno, "map", file.path)
        }
        let start = unsafe address.bindMemory(to: UInt64.self, capacity: count)
        unsafe words = UnsafeMutableBufferPointer(start: start, count: count)
    }

    deinit { unsafe munmap(words.baseAddress, words.count * MemoryLayout<UInt64>.stride) }
}
