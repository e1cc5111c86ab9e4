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

    private let file: PagedFile
    private let struck: SequenceSet
    private let places: [PlanBlockPlace]
    /// The next operation: its block, its place in it (nil: the block is yet to be read) and its sequence.
    private var blockNumber = 0
    private var cursor: PlanBlockCursor?
    private var sequence = 0
    private var block = PlanBlockMemory()

    /// Throws `plan_corrupt` for a sealed plan that is damaged and for a file that is no plan, `state_newer`.
    package init(path: String) throws {
        self.path = path
        file = try PagedFile(path, .read)
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

    /// The next operations: consecutive ones of one kind, at most `itemsMax` (of deletes `deletesMax`, of sends
    /// `sendsMax`), whose payloads together with `overheadPerItem` bytes each are at most `bytesMax`; at least one, however
    /// large. nil where there are no more.
    package mutating func next(
        itemsMax: Int, deletesMax: Int = .max, sendsMax: Int = .max, bytesMax: Int, overheadPerItem: Int,
        keyField: String
    ) throws -> OperationBatch? {
        let limits = WholeBlock.Limits(
            itemsMax: itemsMax, deletesMax: deletesMax, sendsMax: sendsMax, bytesMax: bytesMax,
            overheadPerItem: overheadPerItem)
        if let batch = try wholeBlock(limits, keyField: keyField) { return batch }
        var building = Building(itemsMax: itemsMax)
        try advance(&building) { (building, operation) in
            let size = unsafe operation.payload.count + overheadPerItem
            if building.batch.count == 0 {
                building.itemsMax = limits.itemsMax(operation.kind)
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

    /// The next block as a batch of its own, as it lies in memory, if that is what the next batch has to be: nothing of it
    /// is struck out or was taken already, and it is as large as a batch may be, or the last.
    private mutating func wholeBlock(_ limits: WholeBlock.Limits, keyField: String) throws -> OperationBatch? {
        guard blockNumber < places.count, cursor == nil, sequence <= places[blockNumber].firstSequence else {
            return nil
        }
        let place = places[blockNumber]
        let isLast = blockNumber == places.count - 1
        guard place.operations == limits.itemsMax || isLast && place.operations < limits.itemsMax,
            !struck.intersects(place.firstSequence..<place.firstSequence + place.operations)
        else { return nil }
        try block.read(file, place)
        let found = try unsafe block.withUnsafeBytes { bytes -> WholeBlock in
            guard let start = unsafe PlanBlockCursor(bytes, place), let found = unsafe WholeBlock(bytes, start, limits)
            else { throw PlanBlock.damaged(path, place) }
            cursor = start
            return found
        }
        guard found.fits, let bytes = unsafe block.take({ unsafe found.bracket($0) }) else { return nil }
        cursor = nil
        blockNumber += 1
        return found.batch(bytes, keyField: keyField)
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
    var struck = SequenceSet()
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
        struck = SequenceSet(words: try (0..<cursor.count(ofAtLeast: 8)).map { _ in try cursor.number(UInt64.self) })
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
