internal import Records

/// A file of a plan or of a sort: whole pages, but for the first, go past the page cache. Each is written once and read
/// once, and gigabytes of them would cost their copying and push out what other programs need.
///
/// A copy shares the file.
struct PagedFile: Sendable {
    /// What begins below this offset is written and read as other files are: a small plan needs no disk to be read
    /// again.
    static let cachedBytes = 8 << 20

    let plain: StateFile
    /// nil where the file system does not do it.
    private let pastCache: StateFile?

    var path: String { plain.path }

    init(_ path: String, _ mode: StateFile.Mode) throws {
        plain = try StateFile.open(path, mode)
        pastCache = StateFile.openPastCache(path, mode)
    }

    /// A file without a name in `folder`, for sorting; it is gone with the process.
    static func temporary(in folder: String) throws -> PagedFile {
        let path = StateFile.temporaryPath(in: folder)
        let file = try PagedFile(path, .create)
        try StateFolder.remove(path)
        return file
    }

    /// Bytes that are whole pages at a page's offset and address go past the cache, others do not.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        if let pastCache, unsafe Self.isWholePages(bytes, offset) {
            do {
                return try unsafe pastCache.write(bytes, at: offset)
            } catch let error as StateError where error.code == "state_io" {
                // Some file systems refuse only now. If something else is wrong, the plain way will say so.
            }
        }
        try unsafe plain.write(bytes, at: offset)
    }

    /// As `write`; returns how many bytes there were.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        if let pastCache, unsafe Self.isWholePages(UnsafeRawBufferPointer(buffer), offset) {
            do {
                return try unsafe pastCache.read(into: buffer, at: offset)
            } catch let error as StateError where error.code == "state_io" {
                // As above.
            }
        }
        return try unsafe plain.read(into: buffer, at: offset)
    }

    private static func isWholePages(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Bool {
        guard offset >= cachedBytes, let base = bytes.baseAddress else { return false }
        return (offset | bytes.count | Int(bitPattern: base)) % StateFile.pageBytes == 0
    }
}

/// The memory that one block after the other is read into. A copy reads into memory of its own.
struct PlanBlockMemory: Sendable {
    private let pool = BlockPool()
    private var block: SharedBlock?
    private var size = 0

    /// Reads and verifies a block; throws `plan_corrupt`.
    mutating func read(_ file: PagedFile, _ place: PlanBlockPlace) throws {
        let pageBytes = StateFile.pageBytes
        let capacity = place.size + (pageBytes - place.size % pageBytes) % pageBytes
        size = 0
        let window = unsafe writable(capacity)
        let count = try unsafe file.read(into: window, at: place.offset)
        let read = unsafe UnsafeRawBufferPointer(rebasing: window[..<min(count, place.size)])
        guard unsafe PlanBlock.isRight(read, place) else { throw PlanBlock.damaged(file.path, place) }
        size = place.size
    }

    private mutating func writable(_ capacity: Int) -> UnsafeMutableRawBufferPointer {
        let mine = isKnownUniquelyReferenced(&block) ? block : nil
        let block = if let mine, mine.capacity >= capacity { mine } else { pool.take(capacity: capacity) }
        self.block = block
        return unsafe UnsafeMutableRawBufferPointer(rebasing: block.bytes[..<capacity])
    }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        guard let block else { return try unsafe body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        defer { withExtendedLifetime(block) {} }
        return try unsafe body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block.bytes)[..<size]))
    }

    /// Gives the block that was read away, to be written no more but for what `finish` does to it now.
    mutating func take(_ finish: (UnsafeMutableRawBufferPointer) -> Void) -> BatchBytes? {
        guard isKnownUniquelyReferenced(&block), let taken = block else { return nil }
        unsafe finish(UnsafeMutableRawBufferPointer(rebasing: taken.bytes[..<size]))
        let bytes = BatchBytes(taken, count: size)
        block = nil
        size = 0
        return bytes
    }
}
