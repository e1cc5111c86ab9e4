internal import ConnectorKit
internal import Records
internal import SyncCore

/// Step 4 of the walk: which of the planned keys exist at the destination. Read once, after the scan, when it is
/// known how many candidates there are: few by single reads, more by one paged read, none without any.
struct Resolver {
    static let singleReadsMax = 20

    let prepared: PreparedSync
    let dataset: Dataset
    let retrying: Retrying

    /// The hashes of those candidates that exist; may hold others too.
    func existing(_ candidates: [String], total: Int) async throws -> SortedHashes {
        var found: [Hash128] = []
        guard total > 0 else { return SortedHashes(found) }
        let field = prepared.shape.key.field ?? ""
        if total <= Self.singleReadsMax {
            for key in candidates where try await exists(key, field: field) { found.append(dataset.hash(ofKey: key)) }
            return SortedHashes(found)
        }
        let ignoresCase = prepared.shape.object.key(field)?.ignoresCase ?? false
        let name = prepared.shape.object.key(field)?.name ?? field
        found = try await retrying.read {
            var hashes: [Hash128] = []
            try await prepared.destination.readRecords(of: prepared.shape.object, fields: [name]) { page in
                for record in page where !record[0].isEmpty {
                    hashes.append(dataset.hash(ofKey: ignoresCase ? record[0].lowercased() : record[0]))
                }
            }
            return hashes
        }
        return SortedHashes(found)
    }

    private func exists(_ key: String, field: String) async throws -> Bool {
        let name = prepared.shape.object.key(field)?.name ?? field
        return try await retrying.read {
            try await prepared.destination.read(key: key, keyField: name, of: prepared.shape.object) != nil
        }
    }
}

/// A set of hashes in sixteen bytes each.
struct SortedHashes {
    private let hashes: [Hash128]

    init(_ hashes: [Hash128]) { self.hashes = hashes.sorted() }

    func contains(_ hash: Hash128) -> Bool {
        var low = 0
        var high = hashes.count
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low < hashes.count && hashes[low] == hash
    }
}
