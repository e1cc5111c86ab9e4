internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// The last operations of a plan: what vanished from the source is removed, if the behavior removes, or forgotten.
///
/// Only keys that this sync has written and the destination confirmed (or may have carried out) are ever removed. Their
/// texts and ids come from the key file; what it does not have is found by one paged read of the destination, which
/// also tells what is gone already.
struct RemovalPlanner {
    /// So many removals without an id are left to the destination to find, each by itself; none where it would read its
    /// whole list for each.
    static func singleReadsMax(_ shape: SyncShape) -> Int {
        let key = shape.key.field.flatMap { shape.object.key($0)?.name } ?? ""
        return shape.object.keysFoundByList.contains(key) ? 0 : Resolver.singleReadsMax
    }

    let prepared: PreparedSync
    let files: SyncFiles
    let retrying: Retrying

    private struct Vanished {
        var hash: Hash128
        /// Nil where the text is not known.
        var key: String?
        var id: String
    }

    /// Appends the operations. Returns how many records are to be removed.
    func plan(_ maker: inout PlanMaker, snapshot: Snapshot) async throws -> Int {
        let rules = prepared.shape.behavior.rules
        guard rules.removesVanished else {
            try forget(&maker, snapshot)
            return 0
        }
        var (known, unknown) = try vanished(maker.seen, snapshot)
        let singleReadsMax = Self.singleReadsMax(prepared.shape)
        let isFewWithoutID = unknown.isEmpty && known.count(where: { $0.id.isEmpty }) <= singleReadsMax
        if !isFewWithoutID { try await find(&known, &unknown, maker.dataset) }
        let payload = RemovalPayload(prepared.shape)
        var count = 0
        for record in known {
            guard let key = record.key else { continue }
            if let reason = maker.filter.holdOfRemoval(record.hash) {
                maker.ledger.carried += 1
                maker.ledger.held += 1
                try maker.outcomes.add(.held, key: key, keyHash: record.hash, reason)
                continue
            }
            try append(payload.kind, record.hash, key: key, &maker) {
                payload.write(key: key, id: record.id, to: &$0)
            }
            count += 1
        }
        for record in unknown { try append(.forget, record.hash, key: record.key ?? "", &maker) { _ in } }
        return count
    }

    /// Those whose text is known, and those whose text is not.
    private func vanished(_ seen: SeenTable, _ snapshot: Snapshot) throws -> ([Vanished], [Vanished]) {
        let names = try KeyFile.open(files)
        var known: [Vanished] = []
        var unknown: [Vanished] = []
        seen.forEachUnseen { index in
            let hash = snapshot.record(at: index).key
            if let name = names?.find(hash) {
                known.append(Vanished(hash: hash, key: name.key, id: name.id))
            } else {
                unknown.append(Vanished(hash: hash, key: nil, id: ""))
            }
        }
        return (known, unknown)
    }

    /// Reads every record's key and id once. What is not there is gone already and only has to be forgotten.
    private func find(_ known: inout [Vanished], _ unknown: inout [Vanished], _ dataset: Dataset) async throws {
        let wanted = SortedHashes((known.filter(\.id.isEmpty) + unknown).map(\.hash))
        let found = try await RecordNames(prepared: prepared, retrying: retrying, dataset: dataset).read(wanted)
        var left: [Vanished] = []
        var complete: [Vanished] = []
        for record in known + unknown {
            if !record.id.isEmpty {
                complete.append(record)
            } else if let name = found[record.hash] {
                complete.append(Vanished(hash: record.hash, key: name.key, id: name.id))
            } else {
                left.append(record)
            }
        }
        (known, unknown) = (complete, left)
    }

    /// What is in doubt is held until somebody says what became of it.
    private func forget(_ maker: inout PlanMaker, _ snapshot: Snapshot) throws {
        let (seen, filter) = (maker.seen, maker.filter)
        try seen.forEachUnseen { index in
            let hash = snapshot.record(at: index).key
            if filter.isInDoubt(hash) { return }
            try append(.forget, hash, key: "", &maker) { _ in }
        }
    }

    private func append(
        _ kind: OperationKind, _ hash: Hash128, key: String, _ maker: inout PlanMaker,
        payload: (inout ByteWriter) -> Void
    ) throws {
        try maker.append(kind, isNew: false, keyHash: hash, rowHash: .void, key: key, payload: payload)
    }
}

/// The keys and ids of the destination's records, read page by page.
struct RecordNames {
    let prepared: PreparedSync
    let retrying: Retrying
    let dataset: Dataset

    /// Those whose key has one of the wanted hashes; without an id where several records have the key, so that the
    /// destination says of each what is to be done.
    func read(_ wanted: SortedHashes) async throws -> [Hash128: (key: String, id: String)] {
        let field = prepared.shape.key.field ?? ""
        let name = prepared.shape.object.key(field)?.name ?? field
        let fields = name == RemovalPayload.idName ? [name] : [name, RemovalPayload.idName]
        return try await retrying.read {
            var found: [Hash128: (key: String, id: String)] = [:]
            try await prepared.destination.readRecords(of: prepared.shape.object, fields: fields) { page in
                for record in page {
                    guard let text = record.first, let id = record.last, !text.isEmpty, !id.isEmpty else { continue }
                    let key = dataset.normalized(key: text)
                    let hash = dataset.hash(ofKey: key)
                    guard wanted.contains(hash) else { continue }
                    found[hash] = (key, found[hash].map { $0.id == id } == false ? "" : id)
                }
            }
            return found
        }
    }
}

/// Completes the deletes of a plan that are for rows of the source (`behavior: delete`): many are given their ids by
/// one paged read, which also tells what is gone already. Few are left to the destination to find by their keys.
struct DeleteResolver {
    let prepared: PreparedSync
    let retrying: Retrying

    static let gone = Reason(
        code: "already_gone", message: "No record at the destination has this key, so there is nothing to remove.",
        hint: "Nothing to do.")

    /// Nil where nothing has to be read: the destination finds them by itself.
    func find(_ maker: inout PlanMaker, _ window: PlanWindow) async throws -> Finding? {
        let field = prepared.shape.key.field ?? ""
        let count = min(window.count, maker.limit)
        guard prepared.shape.behavior.rules.added == .remove, count > RemovalPlanner.singleReadsMax(prepared.shape),
            prepared.shape.object.key(field)?.name != RemovalPayload.idName, prepared.shape.object.isReadable
        else { return nil }
        var planned: [Hash128] = []
        planned.reserveCapacity(window.count)
        _ = try maker.writer.strike { operation in
            if operation.kind.isRemoval { planned.append(operation.keyHash) }
            return false
        }
        let names = try await RecordNames(prepared: prepared, retrying: retrying, dataset: maker.dataset)
            .read(SortedHashes(planned))
        let payload = RemovalPayload(prepared.shape)
        return Finding { operation in
            guard operation.kind.isRemoval, names[operation.keyHash] == nil else { return nil }
            return Strike(outcome: .skipped, reason: Self.gone, isRemembered: true)
        } address: { operation in
            guard operation.kind.isRemoval, let name = names[operation.keyHash] else { return nil }
            var writer = ByteWriter(capacity: 64)
            payload.write(key: operation.keyText, id: name.id, to: &writer)
            return writer.text
        }
    }
}
