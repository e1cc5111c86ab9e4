internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// By what the destination knows its records: each one's key as rows have it, its id, and the other keys that rows write.
/// Read page by page, once for a run.
struct PresentKeys {
    /// Parents are few beside what belongs to them; more than this are not held in memory.
    static let parentsMax = 2_000_000

    struct Record {
        /// The record's keys as rows may have them: several where its parent goes by several names, none without a key.
        var keyHashes: [Hash128]
        var hasKey: Bool
        var id: String
        /// The hashes of each other key, in the order of the shape's.
        var others: [[Hash128]]
        var label: String
    }

    let prepared: PreparedSync
    let dataset: Dataset
    let retrying: Retrying

    private var shape: SyncShape { prepared.shape }

    /// What the parents of the records are called in the rows, by their ids; nil where they go by their ids.
    struct Parents {
        var parent: KeyParent
        var names: [String: [String]]?

        func names(of id: String) -> [String] { names.map { $0[id] ?? [] } ?? [id] }
    }

    /// Whether the records' keys can be told as rows have them.
    static func canTell(_ shape: SyncShape) -> Bool {
        shape.key.within == nil || shape.keyParent?.column == shape.key.within
    }

    /// Reads the parents, where a key is unique within one only and the rows name it.
    func parents() async throws -> Parents? {
        let isAsked = shape.key.within != nil || shape.otherKeys.contains { $0.parentColumn != nil }
        guard isAsked, let parent = shape.keyParent else { return nil }
        guard let match = parent.match else { return Parents(parent: parent, names: nil) }
        let objects = type(of: prepared.destination).objects
        guard let object = objects.first(where: { $0.name == parent.object }), object.isReadable else { return nil }
        let destination = prepared.destination
        let names = try await retrying.read {
            var names: [String: [String]] = [:]
            try await destination.readRecords(of: object, fields: [match, "_id"]) { page in
                for record in page where record.count == 2 && !record[0].isEmpty {
                    names[record[1], default: []].append(record[0])
                }
                guard names.count <= Self.parentsMax else { throw Self.tooMany(object.name) }
            }
            return names
        }
        return Parents(parent: parent, names: names)
    }

    /// Calls `body` with each record. Repeats nothing: whoever calls it begins anew where it throws.
    func each(
        _ parents: Parents?, label: String? = nil, _ body: (Record) throws -> Void
    ) async throws {
        let key = shape.keyField?.name ?? shape.key.field ?? ""
        let others = shape.otherKeys
        var fields = [key, RemovalPayload.idName] + others.map(\.field)
        if let parents { fields.append(parents.parent.field) }
        if let label { fields.append(label) }
        try await prepared.destination.readRecords(of: shape.object, fields: fields) { page in
            for texts in page where texts.count == fields.count {
                let names = parents?.names(of: texts[2 + others.count]) ?? []
                try body(
                    Record(
                        keyHashes: keyHashes(texts[0], names), hasKey: !texts[0].isEmpty, id: texts[1],
                        others: others.indices.map { Self.hashes(texts[2 + $0], others[$0], names) },
                        label: label == nil ? "" : texts[fields.count - 1]))
            }
        }
    }

    private func keyHashes(_ text: String, _ parents: [String]) -> [Hash128] {
        guard !text.isEmpty else { return [] }
        guard shape.key.within != nil else { return [dataset.hash(ofKey: text)] }
        return parents.map { dataset.hash(ofKey: KeyWriter.withTrimmedParent(KeyWriter.composite([text, $0]))) }
    }

    private static func hashes(_ text: String, _ key: OtherKey, _ parents: [String]) -> [Hash128] {
        guard !text.isEmpty else { return [] }
        guard key.parentColumn != nil else { return [NotedKey.hash(text, within: nil, ignoresCase: key.ignoresCase)] }
        return parents.map { NotedKey.hash(text, within: $0, ignoresCase: key.ignoresCase) }
    }

    private static func tooMany(_ object: String) -> RunError {
        RunError(
            code: "lookup_too_large",
            message: "The destination has more than \(parentsMax) records of \(object) within which the key is unique.",
            hint: "Use a key that is unique everywhere.")
    }
}

/// What the planned rows have for one of the other keys: a hash and a place, twenty-four bytes a row. Rows without a value
/// have none.
struct NotedKey {
    private(set) var rows: [(sequence: Int, hash: Hash128)] = []
    let key: OtherKey
    private let place: Int
    private let parentPlace: Int?

    init?(_ key: OtherKey, scanColumns: [String]) {
        guard let place = scanColumns.firstIndex(of: key.column) else { return nil }
        self.key = key
        self.place = place
        parentPlace = key.parentColumn.flatMap { scanColumns.firstIndex(of: $0) }
    }

    mutating func note(_ view: borrowing RowsView, _ row: Int, sequence: Int) {
        let text = Value(view.cell(row, place)).text
        guard text.contains(where: { !$0.isWhitespace }) else { return }
        let parent = parentPlace.map { Value(view.cell(row, $0)).text }
        rows.append((sequence, Self.hash(text, within: parent, ignoresCase: key.ignoresCase)))
    }

    /// The destination takes a parent without blanks around it.
    static func hash(_ text: String, within parent: String?, ignoresCase: Bool) -> Hash128 {
        let own = ignoresCase ? text.lowercased() : text
        return Hash128.of(parent.map { own + "\u{0}" + $0.trimmingBlanks } ?? own, seed: 4)
    }
}

/// The keys of planned rows as the destination compares them.
struct RowKeys {
    private let dataset: Dataset
    private let isWithin: Bool

    init(_ shape: SyncShape, _ dataset: Dataset) {
        self.dataset = dataset
        isWithin = shape.key.within != nil
    }

    func hash(_ operation: PlannedOperation) -> Hash128 {
        guard isWithin else { return operation.keyHash }
        return dataset.hash(ofKey: KeyWriter.withTrimmedParent(operation.keyText))
    }
}

/// The records that have the keys of planned rows.
struct Presence {
    enum Finding {
        case missing
        /// Several records have the key.
        case ambiguous
        /// Without an id where the key alone says which record is meant.
        case found(id: String?)
    }

    private let table: LookupTable
    private let keysAlone: Set<Hash128>

    func find(_ keyHash: Hash128) -> Finding {
        if keysAlone.contains(keyHash) { return .found(id: nil) }
        switch table.find(keyHash) {
        case .missing: return .missing
        case .ambiguous: return .ambiguous
        case .found(let id): return .found(id: id)
        }
    }

    fileprivate init(_ table: LookupTable, keysAlone: Set<Hash128> = []) {
        self.table = table
        self.keysAlone = keysAlone
    }
}

extension Resolver {
    /// The ids of the records that have the candidates' keys. Few are read one by one, if the key is unique everywhere.
    func presence(_ candidates: [String], total: Int, seed: UInt64, directory: String) async throws -> Presence {
        let key = prepared.shape.keyField
        let name = LookupName(object: prepared.shape.object.name, field: key?.name ?? "", ignoresCase: false)
        if total <= Self.singleReadsMax, prepared.shape.key.within == nil, key?.uniqueWithin == nil,
            key?.mayRepeat == false
        {
            var found = GatheredLookup(name, seed: seed, directory: directory)
            var keysAlone: Set<Hash128> = []
            for text in candidates {
                let hash = dataset.hash(ofKey: text)
                switch try await record(ofKey: text, field: key?.name ?? "") {
                case .found(let id?): _ = try found.add(hash, id: id)
                case .found(nil): keysAlone.insert(hash)
                case .missing, .ambiguous: continue
                }
            }
            return Presence(try found.finish(), keysAlone: keysAlone)
        }
        let keys = PresentKeys(prepared: prepared, dataset: dataset, retrying: retrying)
        let parents = try await keys.parents()
        let table = try await retrying.read {
            var gathered = GatheredLookup(name, seed: seed, directory: directory)
            try await keys.each(parents) { record in
                for hash in record.keyHashes {
                    guard try gathered.add(hash, id: record.id) else { throw Self.tooMany(name) }
                }
            }
            return try gathered.finish()
        }
        return Presence(table)
    }

    private func record(ofKey text: String, field: String) async throws -> Presence.Finding {
        let record = try await retrying.read {
            try await prepared.destination.read(key: text, keyField: field, of: prepared.shape.object)
        }
        guard let record else { return .missing }
        if let id = SwappedValues.texts(record, [RemovalPayload.idName])[RemovalPayload.idName] {
            return .found(id: id)
        }
        // Where the key alone decides the id is not written.
        if prepared.shape.keyDecides { return .found(id: nil) }
        throw RunError(
            code: "unreadable_answer",
            message: "The destination's record with the key of a row has no id of its own.",
            hint: "Run the sync again; if it happens again, look at the request and its answer.")
    }

    private static func tooMany(_ name: LookupName) -> RunError {
        RunError(
            code: "lookup_too_large",
            message: "The destination has more than \(LookupTable.recordsMax) records of \(name.object) to look up.",
            hint: "Use behavior: update_or_create, or a key that only the rows' own records have.")
    }
}
