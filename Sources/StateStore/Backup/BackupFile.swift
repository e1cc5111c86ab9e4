internal import Records

/// One file that holds a copy of a state directory:
///
///     "SLUICEBK", version 4, zero 4, generation 8, made at 8
///     for each file: length of the name 4, name, size 8, its bytes, XXH3-128 of name and bytes 16
///     at the end: 0 in 4, count of files 8, XXH3-128 of the header and all checksums before it 16
enum BackupFile {
    static let magic = "SLUICEBK"
    static let version: UInt32 = 1
    static let headerSize = 32
    static let chunkBytes = 1 << 20
    static let nameBytesMax = 1_024
    static let databaseName = "sluice.db"

    static func damaged(_ path: String, _ detail: String) -> StateError {
        StateError(
            code: "backup_damaged", message: "\(path) is no whole backup: \(detail).",
            hint: "Use another copy. Nothing was changed.")
    }

    static func newer(_ path: String, _ version: UInt32) -> StateError {
        StateError(
            code: "backup_newer", message: "\(path) was made by a newer sluice (format \(version)).",
            hint: "Use the version of sluice that made it, or a later one. Nothing was changed.")
    }

    /// A checksum over pieces: of the one before and the next piece.
    struct Rolling {
        private(set) var hash = Hash128(high: 0, low: 0)

        mutating func add(_ bytes: UnsafeRawBufferPointer) {
            let piece = unsafe Hash128.of(bytes, seed: hash.low)
            hash = Hash128(high: piece.high ^ hash.high, low: piece.low)
        }

        mutating func add(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe add($0) } }

        var bytes: [UInt8] { BackupFile.bytes(hash.high) + BackupFile.bytes(hash.low) }
    }

    static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe Array($0) }
    }

    static func number<Number: FixedWidthInteger>(_ bytes: some Collection<UInt8>, _ type: Number.Type) -> Number {
        bytes.reversed().reduce(0) { ($0 << 8) | Number($1) }
    }
}

/// Writes a backup, front to back.
struct BackupWriter {
    private let file: StateFile
    private var offset = 0
    private var count: UInt64 = 0
    private var all = BackupFile.Rolling()

    init(_ path: String, generation: Int64, at moment: Moment) throws {
        file = try StateFile.open(path, .create)
        let header =
            Array(BackupFile.magic.utf8) + BackupFile.bytes(BackupFile.version) + BackupFile.bytes(UInt32(0))
            + BackupFile.bytes(generation) + BackupFile.bytes(moment.milliseconds)
        try write(header)
        all.add(header)
    }

    /// Copies the first `size` bytes of `source` under `name`.
    mutating func append(_ name: String, from source: StateFile, size: Int) throws {
        let head = BackupFile.bytes(UInt32(name.utf8.count)) + Array(name.utf8) + BackupFile.bytes(UInt64(size))
        var sum = BackupFile.Rolling()
        sum.add(head)
        try write(head)
        var done = 0
        while done < size {
            let piece = try source.bytes(at: done, count: min(BackupFile.chunkBytes, size - done))
            guard !piece.isEmpty else { throw StateError.corrupt(source.path, "it has become shorter") }
            sum.add(piece)
            try write(piece)
            done += piece.count
        }
        try write(sum.bytes)
        all.add(sum.bytes)
        count += 1
    }

    /// Returns when all of it is on the disk.
    mutating func finish() throws {
        try write(BackupFile.bytes(UInt32(0)) + BackupFile.bytes(count) + all.bytes)
        try file.synchronize()
    }

    private mutating func write(_ bytes: [UInt8]) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe file.write($0, at: offset) }
        offset += bytes.count
    }
}

/// Reads a backup, front to back, and proves every byte of it.
struct BackupReader {
    let path: String
    let generation: Int64
    let madeAt: Moment
    private let file: StateFile

    /// Throws `backup_damaged`, `backup_newer`.
    init(_ path: String) throws {
        self.path = path
        guard let file = try StateFile.openIfPresent(path, .read) else {
            throw StateError(code: "backup_missing", message: "There is no file \(path).", hint: "Check the path.")
        }
        self.file = file
        let header = try file.bytes(at: 0, count: BackupFile.headerSize)
        guard header.count == BackupFile.headerSize, header.prefix(8).elementsEqual(BackupFile.magic.utf8) else {
            throw BackupFile.damaged(path, "it does not begin like one")
        }
        let version = BackupFile.number(header[8..<12], UInt32.self)
        guard version <= BackupFile.version else { throw BackupFile.newer(path, version) }
        generation = Int64(bitPattern: BackupFile.number(header[16..<24], UInt64.self))
        madeAt = Moment(milliseconds: Int64(bitPattern: BackupFile.number(header[24..<32], UInt64.self)))
    }

    /// Goes through all files; those that `target` gives a place are written there. Returns how many there were.
    @discardableResult
    func read(into target: (String) throws -> StateFile?) throws -> Int {
        var offset = BackupFile.headerSize
        var all = BackupFile.Rolling()
        all.add(try file.bytes(at: 0, count: BackupFile.headerSize))
        var count: UInt64 = 0
        let size = try file.size()
        while true {
            let length = Int(BackupFile.number(try bytes(&offset, 4), UInt32.self))
            if length == 0 { break }
            guard length <= BackupFile.nameBytesMax else { throw BackupFile.damaged(path, "a name is too long") }
            let head = try bytes(&offset, length + 8)
            let name = String(decoding: head.prefix(length), as: UTF8.self)
            guard Self.isSafe(name), let bytes = Int(exactly: BackupFile.number(head.suffix(8), UInt64.self)),
                bytes <= size - offset
            else { throw BackupFile.damaged(path, "it ends in the middle, or a name is strange") }
            var sum = BackupFile.Rolling()
            sum.add(BackupFile.bytes(UInt32(length)) + head)
            try copy(&offset, count: bytes, to: try target(name), &sum)
            guard try self.bytes(&offset, 16) == sum.bytes else {
                throw BackupFile.damaged(path, "the checksum of \(name) is not right")
            }
            all.add(sum.bytes)
            count += 1
        }
        let end = try bytes(&offset, 24)
        guard BackupFile.number(end.prefix(8), UInt64.self) == count, Array(end.suffix(16)) == all.bytes, offset == size
        else { throw BackupFile.damaged(path, "its end is not right") }
        return Int(count)
    }

    private func copy(
        _ offset: inout Int, count: Int, to target: StateFile?, _ sum: inout BackupFile.Rolling
    ) throws {
        var done = 0
        while done < count {
            let piece = try bytes(&offset, min(BackupFile.chunkBytes, count - done))
            sum.add(piece)
            if let target { try unsafe piece.withUnsafeBytes { try unsafe target.write($0, at: done) } }
            done += piece.count
        }
        try target?.synchronize()
    }

    private func bytes(_ offset: inout Int, _ count: Int) throws -> [UInt8] {
        let bytes = try file.bytes(at: offset, count: count)
        guard bytes.count == count else { throw BackupFile.damaged(path, "it ends in the middle") }
        offset += count
        return bytes
    }

    /// A backup from elsewhere may not write outside the state directory.
    static func isSafe(_ name: String) -> Bool {
        if name == BackupFile.databaseName { return true }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.contains("\0") }) else { return false }
        return (parts.count == 3 && parts[0] == "syncs") || (parts.count == 2 && parts[0] == "plans")
    }
}
