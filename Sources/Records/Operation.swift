/// What is asked of the destination for one record.
public enum OperationKind: UInt8, Sendable, Hashable, Codable {
    /// Create or update by key.
    case upsert = 0
    /// Append an event; not repeatable.
    case send = 1
    case delete = 2
    case archive = 3
    /// Set the mapped fields to null.
    case clear = 4
    /// Nothing is asked of the destination: the record counts as accepted from now on.
    case remember = 5
    /// Nothing is asked of the destination: the record counts as never seen.
    case forget = 6

    public var isRemoval: Bool { self == .delete || self == .archive || self == .clear }
    /// Whether the operation is carried out by the books alone.
    public var isLocal: Bool { self == .remember || self == .forget }
}

/// One operation of a batch. `key` and `payload` are ranges of the batch's bytes.
@frozen
public struct OperationEntry: Sendable, Hashable {
    /// The place in the run's plan, from 0.
    public var sequence: Int
    public var keyHash: Hash128
    /// What the row's fingerprint will be once the destination has accepted the operation.
    public var rowHash: Hash128
    /// The key as the destination spells it, UTF-8; a composite key is a JSON array.
    public var key: Range<Int>
    /// A JSON object with the fields to write, UTF-8. For a delete: the destination's own id of the record as plain
    /// text, or nothing where it is not known.
    public var payload: Range<Int>

    public init(sequence: Int, keyHash: Hash128, rowHash: Hash128, key: Range<Int>, payload: Range<Int>) {
        self.sequence = sequence
        self.keyHash = keyHash
        self.rowHash = rowHash
        self.key = key
        self.payload = payload
    }
}

/// Operations that go to the destination in one call: all of one kind, no key twice.
public struct OperationBatch: Sendable {
    public var kind: OperationKind
    /// The destination's field that is the sync key, in the destination's own spelling.
    public var keyField: String
    public var bytes: BatchBytes
    public var entries: [OperationEntry] {
        didSet {
            arePayloadsJoined = false
            payloadArray = nil
        }
    }
    /// Whether the destination's own ids of the records are asked for, where its answer tells them.
    public var wantsIDs = false
    /// Whether it is known that the payloads of all operations stand one after the other with a comma between each.
    package var arePayloadsJoined = false
    /// Where in the bytes the payloads of all operations stand as a JSON array, brackets and all, if they do.
    package var payloadArray: Range<Int>?

    public init(
        kind: OperationKind, keyField: String, bytes: BatchBytes = BatchBytes(), entries: [OperationEntry] = []
    ) {
        self.kind = kind
        self.keyField = keyField
        self.bytes = bytes
        self.entries = entries
    }

    public var count: Int { entries.count }

    public func keyText(_ index: Int) -> String {
        String(decoding: bytes[entries[index].key], as: UTF8.self)
    }

    public func payloadText(_ index: Int) -> String {
        String(decoding: bytes[entries[index].payload], as: UTF8.self)
    }

    /// The payloads of all operations as they stand in the bytes, if they stand one after the other with a comma
    /// between each; nil if not.
    public var joinedPayloads: Range<Int>? {
        guard let first = entries.first, let last = entries.last else { return nil }
        if arePayloadsJoined { return first.payload.lowerBound..<last.payload.upperBound }
        var end = first.payload.upperBound
        let areJoined = unsafe bytes.withUnsafeBytes { bytes in
            for entry in entries.dropFirst() {
                guard entry.payload.lowerBound == end + 1, unsafe bytes[end] == UInt8(ascii: ",") else { return false }
                end = entry.payload.upperBound
            }
            return true
        }
        return !areJoined ? nil : first.payload.lowerBound..<last.payload.upperBound
    }

    /// The same operations without those outside `range`; the bytes are shared, not copied.
    public func slice(_ range: Range<Int>) -> OperationBatch {
        var part = OperationBatch(kind: kind, keyField: keyField, bytes: bytes, entries: Array(entries[range]))
        part.wantsIDs = wantsIDs
        part.arePayloadsJoined = arePayloadsJoined
        return part
    }

    /// Appends one operation; for tests and single sends. Batches of a run are cut from the plan.
    public mutating func append(key: String, payload: String, keyHash: Hash128 = .void, rowHash: Hash128 = .void) {
        let start = bytes.count
        let middle = start + key.utf8.count
        bytes.append(Array(key.utf8) + Array(payload.utf8))
        entries.append(
            OperationEntry(
                sequence: entries.count, keyHash: keyHash, rowHash: rowHash, key: start..<middle,
                payload: middle..<bytes.count))
    }
}
