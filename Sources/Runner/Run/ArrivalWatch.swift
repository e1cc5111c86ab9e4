internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// Looks whether records that the answers call unchanged are there at all, for objects of which the destination passes rows
/// over without a word: it may count those as unchanged. Only rows of which nobody knows that they arrived before are
/// looked for, and only where the counts leave room for one: a run of changes asks nothing.
struct ArrivalWatch {
    private let prepared: PreparedSync
    private let retrying: Retrying
    private let field: KeyField
    private let reason: Reason
    /// What was accepted before the run under this key.
    private let known: Snapshot?
    /// Keys that were there when the list was read last; a record of this run may have come since.
    private var there: SortedHashes?
    private var isUnreadable = false

    /// Nil where no row is passed over, or its record cannot be looked for.
    /// - Parameter known: the fingerprints, if they were learned under the key that the sync has now.
    init?(_ prepared: PreparedSync, known: Snapshot?, retrying: Retrying) {
        guard Self.watches(prepared.shape), let reason = prepared.shape.object.passedOver,
            let field = prepared.shape.keyField
        else { return nil }
        self.prepared = prepared
        self.retrying = retrying
        self.field = field
        self.reason = reason
        self.known = known
    }

    /// Whether the answers are looked at, and so are to name what they created.
    static func watches(_ shape: SyncShape) -> Bool {
        shape.object.passedOver != nil && shape.object.isReadable && shape.behavior != .updateOnly
            && shape.keyField?.canCreate == true && shape.key.within == nil
    }

    /// Rejects the accepted rows of a batch that have no record. Where that could not be found out now the next run sends the
    /// rows once more; where it may not be read the destination's word stands.
    mutating func look(at batch: OperationBatch, _ result: inout BatchResult) async {
        guard batch.kind == .upsert, !isUnreadable else { return }
        let accepted = (0..<batch.count).filter { result.outcomes[$0] == .accepted }
        guard accepted.count > result.created + result.updated else { return }
        let unknown = unknown(of: accepted, in: batch)
        // Each that nobody knew may be one of those that were created.
        guard unknown.count > result.createdInAll else { return }
        do {
            for index in try await absent(unknown, of: batch, result) {
                result.outcomes[index] = .rejected(reason)
            }
        } catch let error as ConnectorError where error.code == "forbidden" {
            isUnreadable = true
        } catch {
            let failure = RunError(error)
            let reason = Reason(code: failure.code, message: failure.message, hint: failure.hint)
            for index in unknown { result.outcomes[index] = .undelivered(reason) }
        }
    }

    private func unknown(of accepted: [Int], in batch: OperationBatch) -> [Int] {
        guard let known else { return accepted }
        var probes: [Probe] = []
        known.probe(batch.entries.map(\.keyHash), into: &probes)
        return accepted.filter { probes[$0].index < 0 || probes[$0].rowHash == .void }
    }

    private mutating func absent(
        _ rows: [Int], of batch: OperationBatch, _ result: BatchResult
    ) async throws -> [Int] {
        let (created, ids) = (result.createdInAll, result.ids)
        let unnamed = rows.filter { !ids.indices.contains($0) || ids[$0] == nil }
        // Whether the answer named every record that it created, so that none of the others came with this batch.
        let areAllNamed = created == 0 || rows.count - unnamed.count >= created + result.updated
        var rows = areAllNamed ? unnamed : rows
        if let there {
            rows = rows.filter { !there.contains(Self.hash(batch.keyText($0), field)) }
            if areAllNamed { return rows }
            if rows.count <= created { return [] }
        }
        if rows.count <= Resolver.singleReadsMax {
            var absent: [Int] = []
            for row in rows where try await !isThere(batch.keyText(row)) { absent.append(row) }
            return absent
        }
        let there = try await list()
        self.there = there
        return rows.filter { !there.contains(Self.hash(batch.keyText($0), field)) }
    }

    private func isThere(_ key: String) async throws -> Bool {
        let (destination, object, name) = (prepared.destination, prepared.shape.object, field.name)
        return try await retrying.read { try await destination.read(key: key, keyField: name, of: object) != nil }
    }

    private func list() async throws -> SortedHashes {
        let (destination, object, field) = (prepared.destination, prepared.shape.object, field)
        return try await retrying.read {
            var hashes: [Hash128] = []
            try await destination.readRecords(of: object, fields: [field.name]) { page in
                for record in page where !record[0].isEmpty { hashes.append(Self.hash(record[0], field)) }
            }
            return SortedHashes(hashes)
        }
    }

    private static func hash(_ key: String, _ field: KeyField) -> Hash128 {
        Hash128.of(field.ignoresCase ? key.lowercased() : key, seed: 0)
    }
}
