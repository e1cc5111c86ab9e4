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
/// back when it needs them.
package final class SortedPairs: Sendable {
    private let few: [HashedPair]
    private let file: MappedFile?
    package let count: Int

    init(_ pairs: [HashedPair]) {
        few = pairs
        file = nil
        count = pairs.count
    }

    init(_ file: MappedFile) {
        few = []
        self.file = file
        count = unsafe file.bytes.count / MemoryLayout<HashedPair>.stride
    }

    package var isInFile: Bool { file != nil }

    package func pair(at index: Int) -> (key: Hash128, value: Hash128) {
        precondition(index >= 0 && index < count)
        guard let file else { return (few[index].key, few[index].value) }
        let pair = unsafe file.bytes.loadUnaligned(
            fromByteOffset: index * MemoryLayout<HashedPair>.stride, as: HashedPair.self)
        return (pair.key, pair.value)
    }
}
