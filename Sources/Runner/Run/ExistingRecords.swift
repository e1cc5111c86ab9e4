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

    /// Whether few candidates are asked about one by one.
    var readsOneByOne: Bool {
        guard shape.key.within == nil else { return false }
        switch shape.behavior.rules.added {
        case .upsertIfKeyExists: return shape.keyField?.uniqueWithin == nil && shape.keyField?.mayRepeat == false
        case .upsertIfKeyIsNew: return shape.otherKeys.isEmpty
        default: return true
        }
    }

    /// Nil where the behavior does not ask, or nothing can be sent.
    func find(_ maker: inout PlanMaker, _ window: PlanWindow) async throws -> Finding? {
        let rules = shape.behavior.rules
        guard rules.asksForKeys, window.count > 0 else { return nil }
        return rules.added == .upsertIfKeyExists
            ? try await present(maker.dataset, window) : try await new(&maker, window)
    }

    private func resolver(_ dataset: Dataset) -> Resolver {
        Resolver(prepared: prepared, dataset: dataset, retrying: retrying)
    }

    // MARK: Updates only

    /// Where the key alone does not say for which record the destination takes a row, the record's own id goes with it.
    private func present(_ dataset: Dataset, _ window: PlanWindow) async throws -> Finding {
        let presence = try await resolver(dataset).presence(
            window.keys, total: window.count, seed: seed, directory: directory)
        let keys = RowKeys(shape, dataset)
        let ambiguous = ambiguous
        var finding = Finding { operation in
            switch presence.find(keys.hash(operation)) {
            case .missing: Strike(outcome: .skipped, reason: Self.absent)
            case .ambiguous: Strike(outcome: .invalid, reason: ambiguous)
            case .found: nil
            }
        }
        guard !shape.keyDecides else { return finding }
        finding.address = { operation in
            guard operation.kind == .upsert, case .found(let id?) = presence.find(keys.hash(operation)) else {
                return nil
            }
            return AddressedPayload.json(operation.payloadText, id: id)
        }
        return finding
    }

    // MARK: Creates only

    /// What is there by any of the keys that the row writes would be changed, so it is left alone. It is never created,
    /// so it need not be looked for again.
    private func new(_ maker: inout PlanMaker, _ window: PlanWindow) async throws -> Finding {
        let others = maker.otherKeys
        let keys = RowKeys(shape, maker.dataset)
        if others.isEmpty && shape.key.within == nil {
            let existing = try await resolver(maker.dataset).existing(window.keys, total: window.count)
            return Finding { existing.contains($0.keyHash) ? Self.left(Self.present) : nil }
        }
        let there = try await PresentSets.read(prepared, maker.dataset, retrying)
        let found = others.enumerated().map { place, key in
            key.rows.reduce(into: SequenceSet()) { found, row in
                if there.others[place].contains(row.hash) { found.insert(row.sequence) }
            }
        }
        return Finding { operation in
            if there.keys.contains(keys.hash(operation)) { return Self.left(Self.present) }
            let place = found.firstIndex { $0.contains(operation.sequence) }
            return place.map { Self.left(presentBy(others[$0].key)) }
        }
    }

    private static func left(_ reason: Reason) -> Strike {
        Strike(outcome: .skipped, reason: reason, isRemembered: true)
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
    /// Key and label of the records that the sync has written under another key.
    var former: [(key: Hash128, label: Hash128)] = []

    /// - Parameters:
    ///   - labels: hashes a record's label as rows' are hashed; nil where it is not asked for.
    ///   - former: what was known under another key.
    static func read(
        _ prepared: PreparedSync, _ dataset: Dataset, _ retrying: Retrying, labels: NotedColumn? = nil,
        former: Snapshot? = nil
    ) async throws -> PresentSets {
        let reader = PresentKeys(prepared: prepared, dataset: dataset, retrying: retrying)
        let parents = try await reader.parents()
        let label = labels == nil ? nil : prepared.shape.object.labelField
        let count = prepared.shape.otherKeys.count
        return try await retrying.read {
            var keys: [Hash128] = []
            var keyless: [Hash128] = []
            var (written, probes): ([(key: Hash128, label: Hash128)], [Probe]) = ([], [.unknown])
            var others = [[Hash128]](repeating: [], count: count)
            try await reader.each(parents, label: label) { record in
                keys += record.keyHashes
                for place in others.indices { others[place] += record.others[place] }
                guard let labels, !record.label.isEmpty else { return }
                if !record.hasKey { keyless.append(labels.hash(record.label)) }
                guard let former else { return }
                for key in record.keyHashes {
                    former.probe([key], into: &probes)
                    if probes[0].index >= 0 { written.append((key, labels.hash(record.label))) }
                }
            }
            return PresentSets(
                keys: SortedHashes(keys), others: others.map { SortedHashes($0) }, keyless: SortedHashes(keyless),
                former: written)
        }
    }
}
