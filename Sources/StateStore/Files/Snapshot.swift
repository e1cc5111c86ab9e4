package import Records

/// What the header of a snapshot says.
package struct SnapshotHeader: Sendable, Hashable {
    /// Counts the snapshots of a sync; 0 where there is none yet.
    package var generation: Int
    /// The run that made it; such a run never delivers again.
    package var run: Int64
    package var count: Int
    var bucketBits: Int
    var checksum: UInt64
    /// Which seed its hashes were made with (`SeedMark`); 0 where that was not noted.
    package var seedMark: UInt64 = 0

    static let none = SnapshotHeader(generation: 0, run: 0, count: 0, bucketBits: 0, checksum: 0)

    static let recordsOffset = FileHeader.size
    var directoryOffset: Int { Self.recordsOffset + count * MemoryLayout<SnapshotRecord>.stride }
    var fileSize: Int { directoryOffset + directoryCount * 4 }
    var directoryCount: Int { (1 << bucketBits) + 1 }
    static let bucketBitsMax = 31

    var encoded: [UInt8] {
        FileHeader(
            kind: .snapshot, detail: UInt32(bucketBits),
            numbers: [UInt64(generation), UInt64(bitPattern: run), UInt64(count), checksum, seedMark]
        ).encoded()
    }

    /// nil where the numbers are impossible.
    init?(_ header: FileHeader) {
        guard let generation = Int(exactly: header.numbers[0]), let count = Int(exactly: header.numbers[2]),
            count <= Int(Int32.max), 1...Self.bucketBitsMax ~= Int(header.detail)
        else { return nil }
        self.init(
            generation: generation, run: Int64(bitPattern: header.numbers[1]), count: count,
            bucketBits: Int(header.detail), checksum: header.numbers[3], seedMark: header.numbers[4])
    }

    init(generation: Int, run: Int64, count: Int, bucketBits: Int, checksum: UInt64, seedMark: UInt64 = 0) {
        self.generation = generation
        self.run = run
        self.count = count
        self.bucketBits = bucketBits
        self.checksum = checksum
        self.seedMark = seedMark
    }
}

/// The 32 bytes of one fingerprint, as they are in the file.
struct SnapshotRecord: HashKeyed, Hashable, Sendable {
    var key: Hash128
    var row: Hash128
}

/// The accepted fingerprints of a sync as the last closed run left them: a sorted, memory-mapped file.
///
/// header 64 | count records of 32 (key, row), sorted by key | 2^bits + 1 places of 4 (where each bucket starts)
///
/// A bucket is what shares the top bits of the key, about three records. The checksum covers all after the header.
@safe
package final class Snapshot: FingerprintStore {
    package let header: SnapshotHeader
    /// Made anew from an older generation and the journals after it, because the newest file is damaged.
    let isRebuilt: Bool
    /// The newest good generation on the disk: what this one rests on.
    let baseGeneration: Int
    private let file: MappedFile

    package var count: Int { header.count }

    /// Opens and verifies a file. Damaged: throws `state_corrupt`; newer: `state_newer`.
    init(_ file: StateFile, rebuiltFrom base: Int? = nil) throws {
        let map = try MappedFile(file)
        guard let header = try unsafe FileHeader.read(map.bytes, as: .snapshot, path: file.path),
            let known = SnapshotHeader(header)
        else { throw StateError.corrupt(file.path, "its header is not right") }
        guard unsafe map.bytes.count == known.fileSize else {
            throw StateError.corrupt(file.path, "it should have \(known.fileSize) bytes")
        }
        let body = unsafe UnsafeRawBufferPointer(rebasing: map.bytes[FileHeader.size...])
        guard unsafe BodyChecksum.of(body) == known.checksum else {
            throw StateError.corrupt(file.path, "its checksum is not right")
        }
        self.file = map
        self.header = known
        isRebuilt = base != nil
        baseGeneration = base ?? known.generation
    }

    /// The record at a place from 0 to `count`, in the order of the keys.
    package func record(at index: Int) -> (key: Hash128, row: Hash128) {
        precondition(index >= 0 && index < count)
        let record = unsafe records[index]
        return (record.key, record.row)
    }

    private var records: UnsafePointer<SnapshotRecord> {
        let base = unsafe file.bytes.baseAddress.unsafelyUnwrapped + SnapshotHeader.recordsOffset
        return unsafe base.assumingMemoryBound(to: SnapshotRecord.self)
    }

    private var directory: UnsafePointer<UInt32> {
        let base = unsafe file.bytes.baseAddress.unsafelyUnwrapped + header.directoryOffset
        return unsafe base.assumingMemoryBound(to: UInt32.self)
    }

    // The pointers' lifetime is that of `file`, which `self` holds.
    package func probe(_ keys: [Hash128], into results: inout [Probe]) {
        results.lengthen(to: keys.count)
        unsafe keys.withUnsafeBufferPointer { keys in
            unsafe results.withUnsafeMutableBufferPointer { results in
                var start = 0
                while start < keys.count {
                    let end = min(start + Self.probesTogether, keys.count)
                    unsafe probe(keys, results, start..<end)
                    start = end
                }
            }
        }
    }

    /// So many that the misses of one step overlap, so few that what they fetched is still in the cache at the next.
    private static let probesTogether = 512
    private static let linearMax = 12

    /// Three loops of independent loads, so that the processor has many cache misses under way at once: where the
    /// buckets start, then their first records, then the comparison, which finds all of that in its cache.
    private func probe(
        _ keys: UnsafeBufferPointer<Hash128>, _ results: UnsafeMutableBufferPointer<Probe>, _ range: Range<Int>
    ) {
        let records = unsafe records
        let directory = unsafe directory
        let shift = UInt64(64 - header.bucketBits)
        guard count > 0 else {
            for index in range { unsafe results[index] = .unknown }
            return
        }
        let last = count - 1
        for index in range {
            let bucket = unsafe Int(truncatingIfNeeded: keys[index].high &>> shift)
            let bounds = unsafe Hash128(high: UInt64(directory[bucket]), low: UInt64(directory[bucket + 1]))
            unsafe results[index].rowHash = bounds
        }
        for index in range {
            let start = unsafe min(Int(truncatingIfNeeded: results[index].rowHash.high), last)
            let far = min(start + 2, last)
            let touched = unsafe records[start].key.low ^ records[far].key.low
            unsafe results[index].index = Int32(truncatingIfNeeded: touched)
        }
        for index in range {
            let bounds = unsafe results[index].rowHash
            let start = Int(truncatingIfNeeded: bounds.high)
            let end = Int(truncatingIfNeeded: bounds.low)
            unsafe results[index] = unsafe Self.find(keys[index], records, start, end)
        }
    }

    @inline(__always)
    private static func find(
        _ key: Hash128, _ records: UnsafePointer<SnapshotRecord>, _ start: Int, _ end: Int
    ) -> Probe {
        var place = start
        if end - start > linearMax { place = unsafe firstNotBefore(key, records, start, end) }
        while place < end {
            let known = unsafe records[place].key
            if known == key {
                return unsafe Probe(index: Int32(truncatingIfNeeded: place), rowHash: records[place].row)
            }
            if known.high > key.high { break }
            place &+= 1
            if known.high == key.high && known.low > key.low { break }
        }
        return .unknown
    }

    private static func firstNotBefore(
        _ key: Hash128, _ records: UnsafePointer<SnapshotRecord>, _ start: Int, _ end: Int
    ) -> Int {
        var (low, high) = (start, end)
        while low < high {
            let middle = (low + high) / 2
            if unsafe records[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The checksum of what is written or read piece by piece: each MiB's checksum is folded into those before.
struct BodyChecksum {
    static let pieceBytes = 1_024 * 1_024
    private(set) var value: UInt64 = 0

    /// All pieces but the last have `pieceBytes`.
    mutating func add(_ piece: UnsafeRawBufferPointer) {
        let both = unsafe (value, Checksum.of(piece))
        value = unsafe withUnsafeBytes(of: both) { unsafe Checksum.of($0) }
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var checksum = BodyChecksum()
        var start = 0
        while start < bytes.count {
            let end = min(start + pieceBytes, bytes.count)
            unsafe checksum.add(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
        return checksum.value
    }
}
