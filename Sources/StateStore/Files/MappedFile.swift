internal import Glibc

/// A whole file, mapped read-only. The file must not be changed in place while it is mapped: ours are written aside and
/// renamed.
///
/// `@unchecked Sendable` because of the pointer: the mapping is made once, never written, and goes with the object.
@safe
final class MappedFile: @unchecked Sendable {
    private let base: UnsafeRawPointer?
    private let count: Int
    let path: String

    init(_ file: StateFile) throws {
        path = file.path
        count = try file.size()
        guard count > 0 else {
            unsafe base = nil
            return
        }
        let address = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, file.descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw StateError.system(errno, "map", file.path)
        }
        unsafe base = UnsafeRawPointer(address)
    }

    deinit {
        if let base = unsafe base { unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }
    }

    /// The bytes of the file; valid as long as the object lives.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }
}
