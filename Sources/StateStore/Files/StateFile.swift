internal import Glibc

/// One open file of the state directory: plain system calls at explicit offsets, errors as `StateError`.
/// Closed when the last reference goes.
final class StateFile: Sendable {
    enum Mode {
        case read
        /// An existing file, for reading and writing.
        case update
        /// A new file; an old one of that name is emptied.
        case create
        /// An existing or a new file.
        case updateOrCreate

        var flags: Int32 {
            switch self {
            case .read: O_RDONLY
            case .update: O_RDWR
            case .create: O_RDWR | O_CREAT | O_TRUNC
            case .updateOrCreate: O_RDWR | O_CREAT
            }
        }
    }

    let descriptor: Int32
    let path: String

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// An existing file once more, read and written past the page cache: addresses, offsets and sizes must be multiples
    /// of `pageBytes`. nil where the file system refuses.
    static func openPastCache(_ path: String, _ mode: Mode) -> StateFile? {
        let flags = mode == .read ? O_RDONLY : O_RDWR
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC | pastCacheFlag)
        return descriptor >= 0 ? StateFile(descriptor: descriptor, path: path) : nil
    }

    static let pageBytes = 4_096

    /// O_DIRECT, which Swift's module of the C library does not have.
    #if arch(arm64) || arch(arm)
        private static let pastCacheFlag: Int32 = 0o200000
    #else
        private static let pastCacheFlag: Int32 = 0o40000
    #endif

    /// - Parameter named: what errors call the file, if not by its path.
    static func open(_ path: String, _ mode: Mode, named: String? = nil) throws -> StateFile {
        guard let file = try openIfPresent(path, mode, named: named) else {
            throw StateError.system(ENOENT, "open", named ?? path)
        }
        return file
    }

    /// nil where there is no such file.
    static func openIfPresent(_ path: String, _ mode: Mode, named: String? = nil) throws -> StateFile? {
        while true {
            let descriptor = unsafe Glibc.open(path, mode.flags | O_CLOEXEC, 0o600)
            if descriptor >= 0 { return StateFile(descriptor: descriptor, path: named ?? path) }
            if errno == ENOENT { return nil }
            if errno != EINTR { throw StateError.system(errno, "open", named ?? path) }
        }
    }

    /// A file without a name in `folder`, for sorting; it is gone with the process.
    static func temporary(in folder: String) throws -> StateFile {
        let path = temporaryPath(in: folder)
        let file = try open(path, .create)
        if unsafe unlink(path) != 0 { throw StateError.system(errno, "remove", path) }
        return file
    }

    static func temporaryPath(in folder: String) -> String {
        folder + "/spill." + String(UInt64.random(in: 0 ... .max), radix: 36)
    }

    func size() throws -> Int {
        var status = stat()
        if unsafe fstat(descriptor, &status) != 0 { throw StateError.system(errno, "look at", path) }
        return Int(status.st_size)
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        guard let base = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(descriptor, base + done, bytes.count - done, off_t(offset + done))
            if count > 0 {
                done += count
            } else if count == 0 {
                throw StateError.diskFull(path)
            } else if errno != EINTR {
                throw StateError.system(errno, "write", path)
            }
        }
    }

    /// Fills `buffer` from `offset` on; returns how many bytes there were.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let count = unsafe pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
            if count > 0 {
                done += count
            } else if count == 0 {
                return done
            } else if errno != EINTR {
                throw StateError.system(errno, "read", path)
            }
        }
        return done
    }

    /// `count` bytes at `offset`, fewer where the file ends before.
    func bytes(at offset: Int, count: Int) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
    }

    func truncate(to size: Int) throws {
        while ftruncate(descriptor, off_t(size)) != 0 {
            if errno != EINTR { throw StateError.system(errno, "shorten", path) }
        }
    }

    /// Returns when what was written is on the disk.
    func synchronize() throws {
        while fdatasync(descriptor) != 0 {
            if errno != EINTR { throw StateError.system(errno, "write", path) }
        }
        DiskWatch.current?.fileSynchronized(path)
    }
}
