package import Records

/// Finds the hashes that were added more than once, for any number of hashes in about 8 MB of memory: they are sorted
/// in runs, which are spilled into a nameless file.
package struct HashSpill: ~Copyable {
    package static let hashesInMemoryMax = 256 * 1_024

    private var runs: SortedRuns<Hash128>

    /// `directory` is where the file goes if one is needed.
    package init(directory: String, hashesInMemoryMax: Int = Self.hashesInMemoryMax) {
        runs = SortedRuns(folder: directory, recordsMax: hashesInMemoryMax)
    }

    package mutating func add(_ hash: Hash128) throws { try runs.add(hash) }

    /// Calls `onDuplicate` once for each hash that was added twice or more, in the order of the hashes, with how often.
    package mutating func finish(_ onDuplicate: (Hash128, Int) throws -> Void) throws {
        var last: Hash128?
        var count = 0
        try unsafe runs.mergeTogether { hashes in
            for index in 0..<hashes.count {
                let hash = unsafe hashes[index]
                if hash == last {
                    count += 1
                } else {
                    if let last, count > 1 { try onDuplicate(last, count) }
                    last = hash
                    count = 1
                }
            }
        }
        if let last, count > 1 { try onDuplicate(last, count) }
    }
}
