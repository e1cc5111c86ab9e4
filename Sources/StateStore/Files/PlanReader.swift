package import Records

/// Reads a plan: what it says of itself, and its operations in order, without those struck out. A copy reads on from
/// where the original was. Memory: one block.
package struct PlanReader: Sendable {
    package let path: String
    /// Whether the plan was ended. One that was not has no operations to give, and perhaps no header.
    package let isSealed: Bool
    package let header: [UInt8]
    package let summary: [UInt8]
    /// Operations that are not struck out.
    package var count: Int { total - struck.count }
    /// Operations with those struck out; each has a sequence below it.
    package let total: Int

    private let file: PlanFile
    private let struck: StruckSet
    private let places: [PlanBlockPlace]
    /// The next operation: its block, its place in it (nil: the block is yet to be read) and its sequence.
    private var blockNumber = 0
    private var cursor: PlanBlockCursor?
    private var sequence = 0
    private var block = PlanBlockMemory()

    /// Throws `plan_corrupt` for a sealed plan that is damaged and for a file that is no plan, `state_newer`.
    package init(path: String) throws {
        self.path = path
        file = try PlanFile(path, .read)
        let footer = try PlanFooter(file.plain)
        isSealed = footer.isSealed
        summary = footer.summary
        total = footer.total
        struck = footer.struck
        places = footer.places
        header = try Self.readHeader(file.plain, isSealed: isSealed)
    }

    private static func readHeader(_ file: StateFile, isSealed: Bool) throws -> [UInt8] {
        let start = try FileHeader.read(file, at: 0, as: .plan)
        if let start, let count = Int(exactly: start.numbers[0]), let end = Int(exactly: start.numbers[2]),
            end >= FileHeader.size, count <= end - FileHeader.size, end <= (try file.size())
        {
            let header = try file.bytes(at: FileHeader.size, count: end - FileHeader.size)
            let isRight = unsafe header.withUnsafeBytes { unsafe Checksum.of($0) == start.numbers[1] }
            if isRight { return Array(header.prefix(count)) }
        }
        if isSealed { throw StateError.planCorrupt(file.path, "its header is not right") }
        return []
    }

    /// The next operations: consecutive ones of one kind, at most `itemsMax` (of deletes `deletesMax`), whose payloads
    /// together with `overheadPerItem` bytes each are at most `bytesMax`; at least one, however large. nil where there
    /// are no more.
    package mutating func next(
        itemsMax: Int, deletesMax: Int = .max, bytesMax: Int, overheadPerItem: Int, keyField: String
    ) throws -> OperationBatch? {
        var building = Building(itemsMax: itemsMax)
        try advance(&building) { (building, operation) in
            let size = unsafe operation.payload.count + overheadPerItem
            if building.batch.count == 0 {
                if operation.kind == .delete { building.itemsMax = min(itemsMax, deletesMax) }
                building.batch.begin(operation.kind, itemsMax: building.itemsMax, bytesMax: bytesMax)
            } else if building.batch.kind != operation.kind || building.batch.count >= building.itemsMax
                || building.bytes + size > bytesMax
            {
                return false
            }
            building.bytes += size
            building.batch.append(operation)
            return true
        } leave: { building in
            building.batch.copyRuns()
        }
        return building.batch.count > 0 ? building.batch.finish(keyField: keyField) : nil
    }

    private struct Building {
        var itemsMax: Int
        var batch = BatchBuilder()
        /// With what the destination writes around each.
        var bytes = 0
    }

    /// The next batch begins with the first operation of this sequence or a later one.
    package mutating func seek(toSequence wanted: Int) {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            let end = places[middle].firstSequence + places[middle].operations
            if end <= wanted { low = middle + 1 } else { high = middle }
        }
        blockNumber = low
        cursor = nil
        sequence = wanted
    }

    /// Calls `body` with every operation that is not struck out, from the first; the reading position stays.
    package func visit(_ body: (PlannedOperation) throws -> Void) throws {
        try scan { operation in
            try body(operation)
            return true
        }
    }

    /// The same, until `body` returns false.
    package func scan(_ body: (PlannedOperation) throws -> Bool) throws {
        var reader = self
        reader.seek(toSequence: 0)
        var nothing: Void = ()
        try reader.advance(&nothing, { try body($1) }, leave: { _ in })
    }

    /// Gives `body` the next operations until it returns false: that one is the next again. `leave` is called before
    /// the bytes of the operations given so far are gone. Both are handed `result`, which they make together.
    private mutating func advance<Made>(
        _ result: inout Made, _ body: (inout Made, PlannedOperation) throws -> Bool, leave: (inout Made) -> Void
    ) throws {
        while blockNumber < places.count {
            let place = places[blockNumber]
            if cursor == nil { try block.read(file, place) }
            let (wanted, start) = (sequence, cursor)
            let reached = try unsafe block.withUnsafeBytes { bytes in
                guard let start = unsafe start ?? PlanBlockCursor(bytes, place) else {
                    throw PlanBlock.damaged(path, place)
                }
                let reached = try unsafe walk(bytes, place, from: start, sequence: wanted, &result, body)
                leave(&result)
                return reached
            }
            if let reached {
                (cursor, sequence) = (reached, reached.sequence)
                return
            }
            blockNumber += 1
            cursor = nil
        }
        block = PlanBlockMemory()
    }

    /// Where in the block `body` has returned false; nil after its end.
    private func walk<Made>(
        _ bytes: UnsafeRawBufferPointer, _ place: PlanBlockPlace, from start: PlanBlockCursor, sequence wanted: Int,
        _ result: inout Made, _ body: (inout Made, PlannedOperation) throws -> Bool
    ) throws -> PlanBlockCursor? {
        var cursor = start
        while !cursor.isAtEnd {
            let before = cursor
            guard let operation = unsafe cursor.next(bytes) else { throw PlanBlock.damaged(path, place) }
            let sequence = operation.sequence
            if try sequence >= wanted && !struck.contains(sequence) && !body(&result, operation) { return before }
        }
        return nil
    }
}

/// What stands at the end of a sealed plan.
private struct PlanFooter {
    var isSealed = false
    var summary: [UInt8] = []
    var total = 0
    var struck = StruckSet()
    var places: [PlanBlockPlace] = []

    init(_ file: StateFile) throws {
        let size = try file.size()
        guard size >= FileHeader.size * 2 else { return }
        let sealOffset = size - FileHeader.size
        guard let seal = try FileHeader.read(file, at: sealOffset, as: .planSeal) else { return }
        isSealed = true
        guard let offset = Int(exactly: seal.numbers[0]), let length = Int(exactly: seal.numbers[1]),
            let total = Int(exactly: seal.numbers[3]), offset <= sealOffset, length == sealOffset - offset
        else { throw StateError.planCorrupt(file.path, "its seal is not right") }
        self.total = total
        let footer = try file.bytes(at: offset, count: length)
        try unsafe footer.withUnsafeBytes { bytes in
            guard unsafe Checksum.of(bytes) == seal.numbers[2] else {
                throw StateError.planCorrupt(file.path, "its footer is not right")
            }
            do {
                try unsafe decode(bytes, blocksEnd: offset)
            } catch is ByteCursor.Malformed {
                throw StateError.planCorrupt(file.path, "its footer says something impossible")
            }
        }
    }

    /// Checksums tell damage, not intent: what the numbers say is looked at before anything is read or made by them.
    private mutating func decode(_ bytes: UnsafeRawBufferPointer, blocksEnd: Int) throws {
        var cursor = unsafe ByteCursor(bytes)
        struck = StruckSet(words: try (0..<cursor.count(ofAtLeast: 8)).map { _ in try cursor.number(UInt64.self) })
        for _ in 0..<(try cursor.count(ofAtLeast: 32)) {
            let numbers = try (0..<4).map { _ in try Int(clamping: cursor.number(UInt64.self)) }
            let place = PlanBlockPlace(
                offset: numbers[0], size: numbers[1], firstSequence: numbers[2], operations: numbers[3])
            guard place.isPossible(before: blocksEnd) else { throw ByteCursor.Malformed() }
            places.append(place)
        }
        summary = try unsafe Array(cursor.slice(cursor.count(ofAtLeast: 1)))
    }
}

/// Puts a batch together: the payloads one after the other with a comma between, as a JSON array has them, so that a
/// destination can take them in one piece; the keys behind them. What stands together in a block is copied together.
@safe
private struct BatchBuilder {
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
        var batch = OperationBatch(kind: kind, keyField: keyField, bytes: payloads, entries: entries)
        batch.arePayloadsJoined = true
        self = BatchBuilder()
        return batch
    }
}
