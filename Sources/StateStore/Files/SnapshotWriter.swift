internal import Records

/// Writes a snapshot's records in their order, then its directory, then its header. Memory: a MiB and the directory
/// (about 1.3 bytes a record).
struct SnapshotWriter: ~Copyable {
    private let file: StateFile
    private let bucketBits: Int
    private var buffer = ByteWriter(capacity: BodyChecksum.pieceBytes)
    private var checksum = BodyChecksum()
    private var offset = FileHeader.size
    private var directory: [UInt32]
    private(set) var count = 0

    /// `expected` is about how many records will come; it decides how fine the directory is.
    init(_ file: StateFile, expected: Int) {
        self.file = file
        var bits = 1
        while bits < SnapshotHeader.bucketBitsMax - 1 && (4 << bits) < expected { bits += 1 }
        bucketBits = bits
        directory = []
        directory.reserveCapacity((1 << bits) + 1)
    }

    mutating func append(_ record: SnapshotRecord) throws {
        guard count < Int(Int32.max) else { throw StateError.tooManyRecords(file.path) }
        fillDirectory(through: Int(truncatingIfNeeded: record.key.high >> UInt64(64 - bucketBits)))
        unsafe buffer.append(upTo: MemoryLayout<SnapshotRecord>.stride) { place in
            unsafe place.storeBytes(of: record, as: SnapshotRecord.self)
            return MemoryLayout<SnapshotRecord>.stride
        }
        count += 1
        if buffer.count == BodyChecksum.pieceBytes { try flush() }
    }

    /// Returns when all is on the disk; the steps' hook is asked before the header is written.
    mutating func finish(generation: Int, run: Int64, steps: FileSteps = .none) throws -> SnapshotHeader {
        fillDirectory(through: 1 << bucketBits)
        for place in directory {
            buffer.append(littleEndian: place)
            if buffer.count == BodyChecksum.pieceBytes { try flush() }
        }
        if buffer.count > 0 { try flush() }
        let header = SnapshotHeader(
            generation: generation, run: run, count: count, bucketBits: bucketBits, checksum: checksum.value)
        try unsafe header.encoded.withUnsafeBytes { try unsafe steps.write($0, to: file, at: 0, as: .snapshotWritten) }
        try file.synchronize()
        return header
    }

    private mutating func fillDirectory(through bucket: Int) {
        while directory.count <= bucket { directory.append(UInt32(count)) }
    }

    private mutating func flush() throws {
        try unsafe file.write(buffer.bytes, at: offset)
        unsafe checksum.add(buffer.bytes)
        offset += buffer.count
        buffer.removeAll()
    }
}
