internal import Records

/// Writes a snapshot's records in their order, then its directory, then its header. Memory: a MiB; a directory of more
/// than 64 KiB waits in a file without a name.
struct SnapshotWriter: ~Copyable {
    private let file: StateFile
    private let bucketBits: Int
    private var buffer = ByteWriter(capacity: BodyChecksum.pieceBytes)
    private var checksum = BodyChecksum()
    private var offset = FileHeader.size
    /// The end of the directory so far, and how many of its places there are in all.
    private var directory = ByteWriter(capacity: Self.directoryBytesMax)
    private var places = 0
    /// What of the directory is not in memory any more.
    private var spilled: StateFile?
    private var spilledBytes = 0
    private let folder: String

    private static let directoryBytesMax = 64 << 10
    private(set) var count = 0

    /// `expected` is about how many records will come; it decides how fine the directory is.
    init(_ file: StateFile, expected: Int, folder: String) {
        self.file = file
        self.folder = folder
        var bits = 1
        while bits < SnapshotHeader.bucketBitsMax - 1 && (4 << bits) < expected { bits += 1 }
        bucketBits = bits
    }

    mutating func append(_ record: SnapshotRecord) throws {
        guard count < Int(Int32.max) else { throw StateError.tooManyRecords(file.path) }
        try fillDirectory(through: Int(truncatingIfNeeded: record.key.high >> UInt64(64 - bucketBits)))
        unsafe buffer.append(upTo: MemoryLayout<SnapshotRecord>.stride) { place in
            unsafe place.storeBytes(of: record, as: SnapshotRecord.self)
            return MemoryLayout<SnapshotRecord>.stride
        }
        count += 1
        if buffer.count == BodyChecksum.pieceBytes { try flush() }
    }

    /// Returns when all is on the disk; the steps' hook is asked before the header is written.
    mutating func finish(
        generation: Int, run: Int64, seedMark: UInt64, steps: FileSteps = .none
    ) throws -> SnapshotHeader {
        try fillDirectory(through: 1 << bucketBits)
        try appendDirectory()
        if buffer.count > 0 { try flush() }
        let header = SnapshotHeader(
            generation: generation, run: run, count: count, bucketBits: bucketBits, checksum: checksum.value,
            seedMark: seedMark)
        try unsafe header.encoded.withUnsafeBytes { try unsafe steps.write($0, to: file, at: 0, as: .snapshotWritten) }
        try file.synchronize()
        return header
    }

    private mutating func fillDirectory(through bucket: Int) throws {
        while places <= bucket {
            if directory.count == Self.directoryBytesMax { try spillDirectory() }
            directory.append(littleEndian: UInt32(count))
            places += 1
        }
    }

    private mutating func spillDirectory() throws {
        let file = try spilled ?? StateFile.temporary(in: folder)
        spilled = file
        try unsafe file.write(directory.bytes, at: spilledBytes)
        spilledBytes += directory.count
        directory.removeAll()
    }

    private mutating func appendDirectory() throws {
        if let spilled {
            try spillDirectory()
            for start in stride(from: 0, to: spilledBytes, by: Self.directoryBytesMax) {
                let size = min(Self.directoryBytesMax, spilledBytes - start)
                let piece = try spilled.bytes(at: start, count: size)
                guard piece.count == size else { throw StateError.corrupt(spilled.path, "it ends too early") }
                try unsafe piece.withUnsafeBytes { try unsafe appendToBody($0) }
            }
        } else {
            let bytes = unsafe directory.bytes
            try unsafe appendToBody(bytes)
        }
    }

    /// Appends bytes to the buffer, which is written whenever it has a whole piece.
    private mutating func appendToBody(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            let part = unsafe rest.prefix(BodyChecksum.pieceBytes - buffer.count)
            unsafe buffer.append(UnsafeRawBufferPointer(rebasing: part))
            unsafe rest = unsafe rest.dropFirst(part.count)
            if buffer.count == BodyChecksum.pieceBytes { try flush() }
        }
    }

    private mutating func flush() throws {
        try unsafe file.write(buffer.bytes, at: offset)
        unsafe checksum.add(buffer.bytes)
        offset += buffer.count
        buffer.removeAll()
    }
}
