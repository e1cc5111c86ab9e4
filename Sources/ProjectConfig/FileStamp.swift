internal import Glibc

/// A file as it is: another content has another time, length or place on the disk.
package struct FileStamp: Sendable, Hashable {
    package var seconds: Int
    private var nanoseconds: Int
    private var length: Int64
    private var number: UInt64

    /// Nil where there is no such file; that one appears is a change too.
    package init?(_ path: String) {
        var found = stat()
        guard unsafe stat(path, &found) == 0 else { return nil }
        seconds = found.st_mtim.tv_sec
        nanoseconds = found.st_mtim.tv_nsec
        length = Int64(found.st_size)
        number = UInt64(found.st_ino)
    }
}
