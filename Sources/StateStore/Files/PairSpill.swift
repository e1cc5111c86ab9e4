package import Records

/// A hash and sixteen bytes that belong to it.
struct HashedPair: HashKeyed {
    var key: Hash128
    var value: Hash128
}

/// Puts any number of pairs of a hash and sixteen bytes in order, in about 4 MB of memory: more than that is sorted in runs
/// and ends up in a nameless file, which is mapped.
package struct PairSpill: ~Copyable {
    package static let pairsInMemoryMax = 64 * 1_024

    private let folder: String
    private let inMemoryMax: Int
    private var runs: SortedRuns<HashedPair>

    /// `directory` is where the files go if any are needed.
    package init(directory: String, pairsInMemoryMax: Int = Self.pairsInMemoryMax) {
        folder = directory
        inMemoryMax = pairsInMemoryMax
        runs = SortedRuns(folder: directory, recordsMax: pairsInMemoryMax)
    }

    package var count: Int { runs.total }

    package mutating func add(_ key: Hash128, _ value: Hash128) throws {
        try runs.add(HashedPair(key: key, value: value))
    }

    /// All pairs, in the order of their hashes; the spill is empty again.
    package mutating func finish() throws -> SortedPairs {
        guard runs.total > inMemoryMax else {
            var pairs: [HashedPair] = []
            pairs.reserveCapacity(runs.total)
            try runs.merge { pairs.append($0) }
            return SortedPairs(pairs)
        }
        let file = try StateFile.temporary(in: folder)
        var written = 0
        try unsafe runs.mergeTogether { pairs in
            let bytes = UnsafeRawBufferPointer(pairs)
            try unsafe file.write(bytes, at: written)
            written += bytes.count
        }
        return SortedPairs(try MappedFile(file))
    }
}

/// Pairs in the order of their hashes, in memory where they are few, else in a mapped file, whose pages the system takes
/// back when it needs them. A directory of at most 256 KiB says where each of the hashes' first bits begins, so that a look-up
/// reads a few neighbours and not twenty places all over the file.
package final class SortedPairs: Sendable {
    private static let bucketBitsMax = 16
    private static let pairsInBucket = 16

    private let few: [HashedPair]
    private let file: MappedFile?
    private let bucketBits: Int
    /// Where each bucket begins, and where the last one ends.
    private let directory: [UInt32]
    package let count: Int

    convenience init(_ pairs: [HashedPair]) { self.init(few: pairs, file: nil, count: pairs.count) }

    convenience init(_ file: MappedFile) {
        self.init(few: [], file: file, count: unsafe file.bytes.count / MemoryLayout<HashedPair>.stride)
    }

    private init(few: [HashedPair], file: MappedFile?, count: Int) {
        self.few = few
        self.file = file
        self.count = count
        let buckets = max(1, count / Self.pairsInBucket)
        bucketBits = min(Self.bucketBitsMax, Int.bitWidth - 1 - buckets.leadingZeroBitCount)
        directory = Self.directory(bucketBits, count) { Self.pair(at: $0, few, file).key }
    }

    private static func directory(_ bits: Int, _ count: Int, key: (Int) -> Hash128) -> [UInt32] {
        var directory: [UInt32] = []
        directory.reserveCapacity((1 << bits) + 1)
        for index in 0..<count {
            let bucket = bucket(of: key(index), bits)
            while directory.count <= bucket { directory.append(UInt32(index)) }
        }
        while directory.count <= 1 << bits { directory.append(UInt32(count)) }
        return directory
    }

    private static func bucket(of key: Hash128, _ bits: Int) -> Int { Int(key.high >> UInt64(64 - bits)) }

    package var isInFile: Bool { file != nil }

    package func pair(at index: Int) -> (key: Hash128, value: Hash128) {
        precondition(index >= 0 && index < count)
        let pair = Self.pair(at: index, few, file)
        return (pair.key, pair.value)
    }

    private static func pair(at index: Int, _ few: [HashedPair], _ file: MappedFile?) -> HashedPair {
        guard let file else { return few[index] }
        return unsafe file.bytes.loadUnaligned(
            fromByteOffset: index * MemoryLayout<HashedPair>.stride, as: HashedPair.self)
    }

    /// The first place whose hash is not before `key`; `count` where there is none.
    package func start(of key: Hash128) -> Int {
        let bucket = Self.bucket(of: key, bucketBits)
        var low = Int(directory[bucket])
        var high = Int(directory[bucket + 1])
        while low < high {
            let middle = (low + high) / 2
            if Self.pair(at: middle, few, file).key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
