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
    /// The next operation: its block, its offset in it (0: at the block's beginning) and its sequence.
    private var blockNumber = 0
    private var offset = 0
    private var sequence = 0
    private var block = PlanBlockMemory()
    /// The size of the batch before, which the next one will probably have too.
    private var likelyBytes = 0
    private var likelyItems = 0

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
            max(count, end) <= (try file.size())
        {
            // Version 1 has no zeros after the header.
            let size = max(count, end - FileHeader.size)
            let header = try file.bytes(at: FileHeader.size, count: size)
            let isRight = unsafe header.withUnsafeBytes { unsafe Checksum.of($0) == start.numbers[1] }
            if header.count == size && isRight { return Array(header.prefix(count)) }
        }
        if isSealed { throw StateError.planCorrupt(file.path, "its header is not right") }
        return []
    }

    /// The next operations: consecutive ones of one kind, at most `itemsMax`, whose payloads together with
    /// `overheadPerItem` bytes each are at most `bytesMax`; at least one, however large. nil where there are no more.
    package mutating func next(
        itemsMax: Int, bytesMax: Int, overheadPerItem: Int, keyField: String
    ) throws -> OperationBatch? {
        var building: BatchBuilder?
        var bytes = 0
        try advance { operation in
            let size = unsafe operation.payload.count + overheadPerItem
            if let kind = building?.kind {
                guard kind == operation.kind, (building?.count ?? 0) < itemsMax, bytes + size <= bytesMax else {
                    return false
                }
            } else {
                building = BatchBuilder(kind: operation.kind, itemsMax: itemsMax, bytesMax: bytesMax)
            }
            bytes += size
            building?.append(operation)
            return true
        }
        return building?.batch(keyField: keyField)
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
        offset = 0
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
        try reader.advance(body)
    }

    /// Gives `body` the next operations until it returns false: that one is the next again.
    private mutating func advance(_ body: (PlannedOperation) throws -> Bool) throws {
        while blockNumber < places.count {
            let place = places[blockNumber]
            if offset == 0 { try block.read(file, place) }
            let (wanted, start) = (sequence, offset)
            let reached = try unsafe block.withUnsafeBytes { bytes in
                try unsafe Self.walk(bytes, place, path, from: start, sequence: wanted, struck, body)
            }
            (offset, sequence) = (reached.offset, reached.sequence)
            if reached.isStopped { return }
            blockNumber += 1
            offset = 0
        }
        block = PlanBlockMemory()
    }

    /// Where a walk through a block ended. While `offset` is 0 the block has yet to be walked from its first operation.
    private struct Reached {
        var offset: Int
        var sequence: Int
        var isStopped: Bool
    }

    private static func walk(
        _ bytes: UnsafeRawBufferPointer, _ place: PlanBlockPlace, _ path: String, from start: Int, sequence wanted: Int,
        _ struck: StruckSet, _ body: (PlannedOperation) throws -> Bool
    ) throws -> Reached {
        var offset = start == 0 ? PlanBlock.headerSize : start
        var sequence = start == 0 ? place.firstSequence : wanted
        let end = place.firstSequence + place.operations
        while sequence < end {
            guard let next = unsafe PlanBlock.operation(bytes, at: offset, sequence: sequence) else {
                throw PlanBlock.damaged(path, place)
            }
            if try sequence >= wanted && !struck.contains(sequence) && !body(next.operation) {
                return Reached(offset: offset, sequence: sequence, isStopped: true)
            }
            offset = next.end
            sequence += 1
        }
        return Reached(offset: 0, sequence: sequence, isStopped: false)
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
                try unsafe decode(bytes)
            } catch is ByteCursor.Malformed {
                throw StateError.planCorrupt(file.path, "its footer says something impossible")
            }
        }
    }

    private mutating func decode(_ bytes: UnsafeRawBufferPointer) throws {
        var cursor = unsafe ByteCursor(bytes)
        struck = StruckSet(words: try (0..<cursor.count(ofAtLeast: 8)).map { _ in try cursor.number(UInt64.self) })
        for _ in 0..<(try cursor.count(ofAtLeast: 32)) {
            let numbers = try (0..<4).map { _ in try Int(clamping: cursor.number(UInt64.self)) }
            places.append(
                PlanBlockPlace(
                    offset: numbers[0], size: numbers[1], firstSequence: numbers[2], operations: numbers[3]))
        }
        summary = try unsafe Array(cursor.slice(cursor.count(ofAtLeast: 1)))
    }
}

/// Puts a batch together: the payloads one after the other with a comma between, as a JSON array has them, so that a
/// destination can take them in one piece; the keys behind them.
private struct BatchBuilder {
    let kind: OperationKind
    private var payloads: [UInt8] = []
    private var keys: [UInt8] = []
    private var entries: [OperationEntry] = []

    init(kind: OperationKind, itemsMax: Int, bytesMax: Int) {
        self.kind = kind
        payloads.reserveCapacity(min(bytesMax, 2 << 20))
        entries.reserveCapacity(min(itemsMax, 5_000))
        keys.reserveCapacity(64 << 10)
    }

    var count: Int { entries.count }

    mutating func append(_ operation: PlannedOperation) {
        if !entries.isEmpty { payloads.append(UInt8(ascii: ",")) }
        let payload = payloads.count
        unsafe payloads.append(contentsOf: operation.payload)
        let key = keys.count
        unsafe keys.append(contentsOf: operation.key)
        entries.append(
            OperationEntry(
                sequence: operation.sequence, keyHash: operation.keyHash, rowHash: operation.rowHash,
                key: key..<keys.count, payload: payload..<payloads.count))
    }

    consuming func batch(keyField: String) -> OperationBatch {
        let offset = payloads.count
        payloads.append(contentsOf: keys)
        for index in entries.indices {
            let key = entries[index].key
            entries[index].key = key.lowerBound + offset..<key.upperBound + offset
        }
        return OperationBatch(kind: kind, keyField: keyField, bytes: payloads, entries: entries)
    }
}
