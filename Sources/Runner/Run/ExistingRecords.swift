internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// Step 4 of the walk for behaviors that ask what is at the destination: leaves out what they do not want because of it,
/// and writes updates to exactly the records that were found.
struct ExistingRecords {
    let prepared: PreparedSync
    let retrying: Retrying
    /// Where large tables go.
    let directory: String
    let seed: UInt64

    private var shape: SyncShape { prepared.shape }

    func resolve(_ maker: inout PlanMaker) async throws {
        let rules = shape.behavior.rules
        guard rules.asksForKeys, maker.ledger.planned > 0 else { return }
        if rules.added == .upsertIfKeyExists {
            try await keepPresent(&maker)
        } else {
            try await keepNew(&maker)
        }
    }

    private func candidates(_ maker: inout PlanMaker) throws -> [String] {
        var candidates: [String] = []
        _ = try maker.writer.strike { operation in
            if candidates.count <= Resolver.singleReadsMax { candidates.append(operation.keyText) }
            return false
        }
        return candidates
    }

    private func resolver(_ maker: borrowing PlanMaker) -> Resolver {
        Resolver(prepared: prepared, dataset: maker.dataset, retrying: retrying)
    }

    // MARK: Updates only

    /// Where the key alone does not say for which record the destination takes a row, the record's own id goes with it.
    private func keepPresent(_ maker: inout PlanMaker) async throws {
        let presence = try await resolver(maker).presence(
            try candidates(&maker), total: maker.ledger.planned, seed: seed, directory: directory)
        try maker.strike(as: .skipped, Self.absent) { presence.find($0.keyHash) == .missing }
        try maker.strike(as: .invalid, ambiguous) { presence.find($0.keyHash) == .ambiguous }
        guard !shape.keyDecides, maker.ledger.planned > 0 else { return }
        try maker.address { operation in
            guard case .found(let id) = presence.find(operation.keyHash) else { return nil }
            return id
        }
    }

    // MARK: Creates only

    /// What is there by any of the keys that the row writes would be changed, so it is left alone.
    private func keepNew(_ maker: inout PlanMaker) async throws {
        let keys = maker.otherKeys
        if keys.isEmpty {
            let present = try await present(&maker)
            return try skip(&maker, Self.present) { present($0) }
        }
        let there = try await PresentSets.read(prepared, maker.dataset, retrying)
        try skip(&maker, Self.present) { there.keys.contains($0.keyHash) }
        for (place, key) in keys.enumerated() {
            let known = Set(key.rows.lazy.filter { there.others[place].contains($0.hash) }.map(\.sequence))
            guard !known.isEmpty else { continue }
            try skip(&maker, presentBy(key.key)) { known.contains($0.sequence) }
        }
    }

    /// Which operations' keys are there.
    private func present(_ maker: inout PlanMaker) async throws -> (PlannedOperation) -> Bool {
        guard shape.key.within == nil else {
            let there = try await PresentSets.read(prepared, maker.dataset, retrying)
            return { there.keys.contains($0.keyHash) }
        }
        let existing = try await resolver(maker).existing(try candidates(&maker), total: maker.ledger.planned)
        return { existing.contains($0.keyHash) }
    }

    /// What is there already is never created, so it need not be looked for again.
    private func skip(
        _ maker: inout PlanMaker, _ reason: Reason, where isThere: (PlannedOperation) -> Bool
    ) throws {
        var found: [(keyHash: Hash128, rowHash: Hash128, key: String, isNew: Bool)] = []
        _ = try maker.writer.strike { operation in
            guard operation.kind == .upsert, isThere(operation) else { return false }
            found.append((operation.keyHash, operation.rowHash, operation.keyText, operation.isNew))
            return true
        }
        for row in found {
            try maker.skip(row.key, keyHash: row.keyHash, rowHash: row.rowHash, isNew: row.isNew, reason)
        }
    }

    // MARK: Reasons

    private static let absent = Reason(
        code: "not_at_destination", message: "No record at the destination has this key, and the sync only updates.",
        hint: "Nothing to do; the row is looked for again by the next run. Use update_or_create to create records.")
    private static let present = Reason(
        code: "already_at_destination", message: "A record at the destination has this key, and the sync only creates.",
        hint: "Nothing to do. Use update_or_create to update records.")

    private func presentBy(_ key: OtherKey) -> Reason {
        Reason(
            code: "already_at_destination",
            message:
                "A record at the destination has the row's \(key.field) in column \(key.column), by which it would be "
                + "found and changed, and the sync only creates.",
            hint: "Nothing to do. Use update_or_create to update records, or leave \(key.field) out of the mapping.")
    }

    private var ambiguous: Reason {
        let key = shape.keyField?.name ?? ""
        let parent = shape.keyField?.uniqueWithin
        return Reason(
            code: "ambiguous_key", message: "Several records at the destination have this \(key); none was changed.",
            hint: parent.map { "\(key) is unique within one \($0) only: map \($0) and say `within`, or use a key " }
                .map { $0 + "that is unique everywhere." }
                ?? "Use a key that is unique: one of another kind, or the destination's own id.")
    }
}

/// The keys of all records as sets: the sync's own, as rows have it, and each other key that rows write.
struct PresentSets {
    var keys: SortedHashes
    var others: [SortedHashes]
    /// The labels of the records that have no key.
    var keyless: SortedHashes

    /// - Parameter labels: hashes a record's label as rows' are hashed; nil where it is not asked for.
    static func read(
        _ prepared: PreparedSync, _ dataset: Dataset, _ retrying: Retrying, labels: NotedColumn? = nil
    ) async throws -> PresentSets {
        let reader = PresentKeys(prepared: prepared, dataset: dataset, retrying: retrying)
        let parents = try await reader.parents()
        let label = labels == nil ? nil : prepared.shape.object.labelField
        let count = prepared.shape.otherKeys.count
        return try await retrying.read {
            var keys: [Hash128] = []
            var keyless: [Hash128] = []
            var others = [[Hash128]](repeating: [], count: count)
            try await reader.each(parents, label: label) { record in
                keys += record.keyHashes
                for place in others.indices { others[place] += record.others[place] }
                if !record.hasKey, let labels, !record.label.isEmpty {
                    keyless.append(labels.hash(record.label))
                }
            }
            return PresentSets(
                keys: SortedHashes(keys), others: others.map { SortedHashes($0) }, keyless: SortedHashes(keyless))
        }
    }
}
