internal import Records

/// A verified block whose operations may be a batch as they stand.
struct WholeBlock {
    struct Limits {
        var itemsMax: Int
        var deletesMax: Int
        var sendsMax: Int
        var bytesMax: Int
        var overheadPerItem: Int

        func itemsMax(_ kind: OperationKind) -> Int {
            switch kind {
            case .delete: min(itemsMax, deletesMax)
            case .send: min(itemsMax, sendsMax)
            default: itemsMax
            }
        }
    }

    /// Whether the operations are within the limits and of one kind.
    private(set) var fits = true
    private var kind = OperationKind.upsert
    private var entries: [OperationEntry] = []
    private var payloads = PlanBlock.headerSize..<PlanBlock.headerSize

    /// Reads the operations from the first; nil where the bytes are impossible.
    init?(_ block: UnsafeRawBufferPointer, _ start: PlanBlockCursor, _ limits: Limits) {
        var cursor = start
        entries.reserveCapacity(start.count)
        var size = 0
        while !cursor.isAtEnd {
            let places = cursor.places
            guard let operation = unsafe cursor.next(block) else { return nil }
            if entries.isEmpty { kind = operation.kind }
            fits = fits && operation.kind == kind
            let payload = unsafe places.payload..<places.payload + operation.payload.count
            size += payload.count + limits.overheadPerItem
            entries.append(
                OperationEntry(
                    sequence: operation.sequence, keyHash: operation.keyHash, rowHash: operation.rowHash,
                    key: unsafe places.key..<places.key + operation.key.count, payload: payload))
        }
        guard cursor.places.payload == start.payloadsEnd + 1 || entries.isEmpty else { return nil }
        payloads = PlanBlock.headerSize..<(entries.last?.payload.upperBound ?? PlanBlock.headerSize)
        fits = fits && !entries.isEmpty && entries.count <= limits.itemsMax(kind)
        fits = fits && (size <= limits.bytesMax || entries.count == 1)
    }

    /// Makes a JSON array of the payloads. The two bytes belonged to the block's header and to the entries, both of which
    /// have been read.
    func bracket(_ block: UnsafeMutableRawBufferPointer) {
        unsafe block[payloads.lowerBound - 1] = UInt8(ascii: "[")
        unsafe block[payloads.upperBound] = UInt8(ascii: "]")
    }

    func batch(_ bytes: BatchBytes, keyField: String) -> OperationBatch {
        var batch = OperationBatch(kind: kind, keyField: keyField, bytes: bytes, entries: entries)
        batch.arePayloadsJoined = true
        batch.payloadArray = payloads.lowerBound - 1..<payloads.upperBound + 1
        return batch
    }
}

/// Puts a batch together: the payloads one after the other with a comma between, as a JSON array has them, so that a
/// destination can take them in one piece; the keys behind them. What stands together in a block is copied together.
@safe
struct BatchBuilder {
    private(set) var kind = OperationKind.upsert
    private var payloads: [UInt8] = []
    private var keys: [UInt8] = []
    private var entries: [OperationEntry] = []
    /// What is in the block and not copied yet.
    private var payloadRun = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    private var keyRun = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    private var nextSequence = -1
    private var payloadBytes = 0
    private var keyBytes = 0
    private var hasCopied = false

    init() {}

    mutating func begin(_ kind: OperationKind, itemsMax: Int, bytesMax: Int) {
        self.kind = kind
        payloads.reserveCapacity(min(bytesMax, 2 << 20))
        entries.reserveCapacity(min(itemsMax, 5_000))
    }

    var count: Int { entries.count }

    @inline(__always)
    mutating func append(_ operation: PlannedOperation) {
        if !entries.isEmpty { payloadBytes += 1 }
        let payload = unsafe payloadBytes..<payloadBytes + operation.payload.count
        let key = unsafe keyBytes..<keyBytes + operation.key.count
        entries.append(
            OperationEntry(
                sequence: operation.sequence, keyHash: operation.keyHash, rowHash: operation.rowHash, key: key,
                payload: payload))
        payloadBytes = payload.upperBound
        keyBytes = key.upperBound
        if operation.sequence == nextSequence, let payloads = unsafe payloadRun.baseAddress,
            let keys = unsafe keyRun.baseAddress
        {
            unsafe payloadRun = UnsafeRawBufferPointer(start: payloads, count: payloadRun.count + 1 + payload.count)
            unsafe keyRun = UnsafeRawBufferPointer(start: keys, count: keyRun.count + key.count)
        } else {
            copyRuns()
            unsafe payloadRun = operation.payload
            unsafe keyRun = operation.key
        }
        nextSequence = operation.sequence + 1
    }

    /// Must be called before the block's bytes are gone.
    mutating func copyRuns() {
        guard unsafe payloadRun.baseAddress != nil else { return }
        if hasCopied { payloads.append(UInt8(ascii: ",")) }
        unsafe payloads.append(contentsOf: payloadRun)
        unsafe keys.append(contentsOf: keyRun)
        hasCopied = true
        unsafe payloadRun = UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe keyRun = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Takes the batch out. Mutating, so that the bytes have one owner and are not copied once more.
    mutating func finish(keyField: String) -> OperationBatch {
        let offset = payloads.count
        payloads.append(contentsOf: keys)
        for index in entries.indices {
            let key = entries[index].key
            entries[index].key = key.lowerBound + offset..<key.upperBound + offset
        }
        var batch = OperationBatch(
            kind: kind, keyField: keyField, bytes: BatchBytes(payloads), entries: entries)
        batch.arePayloadsJoined = true
        self = BatchBuilder()
        return batch
    }
}
