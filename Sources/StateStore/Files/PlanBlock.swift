package import Records

/// One operation of a plan, as a view into the plan's block: the bytes are only valid within the call that gave it.
@safe
package struct PlannedOperation {
    /// The place in the run's plan, from 0.
    package let sequence: Int
    package let kind: OperationKind
    /// Whether the key was not known when the plan was made.
    package let isNew: Bool
    package let keyHash: Hash128
    package let rowHash: Hash128
    package let key: UnsafeRawBufferPointer
    package let payload: UnsafeRawBufferPointer

    package var keyText: String { unsafe String(decoding: key, as: UTF8.self) }
    package var payloadText: String { unsafe String(decoding: payload, as: UTF8.self) }
}

/// Where a block lies in its plan file.
struct PlanBlockPlace: Sendable, Hashable {
    var offset: Int
    var size: Int
    var firstSequence: Int
    var operations: Int

    /// Whether a block can stand there, in a file whose blocks end at `end`.
    func isPossible(before end: Int) -> Bool {
        offset >= FileHeader.size && offset <= end && size >= PlanBlock.headerSize && size <= end - offset
            && size - PlanBlock.headerSize <= Int(UInt32.max) && operations >= 0
            && operations <= (size - PlanBlock.headerSize) / PlanBlock.entrySize
            && firstSequence >= 0 && firstSequence <= Int.max / 2
    }
}

/// The bytes of a plan's blocks.
///
/// block: XXH3-64 of all after it 8 | marker 4 | body size 4 | operations 4 | payloads' size 4 | first sequence 8 | body
/// body:  payloads, a comma between each | entries | keys | zeros up to the end of a page
/// entry: kind 1 | is new 1 | 0 2 | key size 4 | payload size 4 | key hash 16 | row hash 16
///
/// The payloads stand as a batch has them, so that a batch takes over many at once.
enum PlanBlock {
    static let marker: UInt32 = 0x4B43_4C43
    static let headerSize = 32
    static let entrySize = 44
    /// A block is written once it has the operations of a batch, or this many bytes; one larger operation makes a larger
    /// block.
    static let bytesWanted = 4 * 1_024 * 1_024
    /// What a batch of ordinary rows needs.
    static let bytesUsual = 2 * 1_024 * 1_024

    /// Leaves room for the header.
    static func begin(_ block: inout ByteWriter) {
        block.removeAll()
        for _ in 0..<4 { block.append(littleEndian: UInt64(0)) }
    }

    static func seal(_ block: inout ByteWriter, operations: Int, payloadBytes: Int, firstSequence: Int) {
        block.replace(at: 8, with: marker)
        block.replace(at: 12, with: UInt32(block.count - headerSize))
        block.replace(at: 16, with: UInt32(operations))
        block.replace(at: 20, with: UInt32(payloadBytes))
        block.replace(at: 24, with: UInt64(firstSequence))
        let covered = unsafe UnsafeRawBufferPointer(rebasing: block.bytes[8...])
        unsafe block.replace(at: 0, with: Checksum.of(covered))
    }

    /// Whether these are the bytes of the block that stands there.
    static func isRight(_ bytes: UnsafeRawBufferPointer, _ place: PlanBlockPlace) -> Bool {
        guard bytes.count == place.size, bytes.count >= headerSize else { return false }
        let covered = unsafe UnsafeRawBufferPointer(rebasing: bytes[8...])
        return unsafe bytes.loadUnaligned(as: UInt64.self) == Checksum.of(covered)
            && bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self) == marker
            && bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self) == UInt32(place.size - headerSize)
            && bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self) == UInt32(place.operations)
            && bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self) == UInt64(place.firstSequence)
    }

    static func damaged(_ path: String, _ place: PlanBlockPlace) -> StateError {
        StateError.planCorrupt(path, "the block at byte \(place.offset) is not right")
    }
}

/// A place in a verified block: the operation that comes next.
struct PlanBlockCursor: Sendable {
    private(set) var sequence: Int
    /// Where the payloads of the whole block end.
    let payloadsEnd: Int
    private let end: Int
    private var entry: Int
    private var payload = PlanBlock.headerSize
    private var key: Int

    /// Before the first operation; nil where the bytes are impossible.
    init?(_ block: UnsafeRawBufferPointer, _ place: PlanBlockPlace) {
        guard block.count >= PlanBlock.headerSize else { return nil }
        let payloadBytes = unsafe Int(block.loadUnaligned(fromByteOffset: 20, as: UInt32.self))
        sequence = place.firstSequence
        end = place.firstSequence + place.operations
        payloadsEnd = PlanBlock.headerSize + payloadBytes
        entry = payloadsEnd
        key = entry + place.operations * PlanBlock.entrySize
        guard key <= block.count else { return nil }
    }

    var isAtEnd: Bool { sequence >= end }

    /// How many operations are left.
    var count: Int { end - sequence }

    /// Where the next operation's payload and key begin.
    var places: (payload: Int, key: Int) { (payload, key) }

    /// The next operation, of which there must be one; nil where the bytes are impossible.
    @inline(__always)
    mutating func next(_ block: UnsafeRawBufferPointer) -> PlannedOperation? {
        guard let kind = unsafe OperationKind(rawValue: block.loadUnaligned(fromByteOffset: entry, as: UInt8.self))
        else { return nil }
        let keyEnd = unsafe key + Int(block.loadUnaligned(fromByteOffset: entry + 4, as: UInt32.self))
        let payloadEnd = unsafe payload + Int(block.loadUnaligned(fromByteOffset: entry + 8, as: UInt32.self))
        guard keyEnd <= block.count, payloadEnd <= block.count else { return nil }
        let operation = unsafe PlannedOperation(
            sequence: sequence, kind: kind,
            isNew: block.loadUnaligned(fromByteOffset: entry + 1, as: UInt8.self) != 0,
            keyHash: block.loadUnaligned(fromByteOffset: entry + 12, as: Hash128.self),
            rowHash: block.loadUnaligned(fromByteOffset: entry + 28, as: Hash128.self),
            key: UnsafeRawBufferPointer(rebasing: block[key..<keyEnd]),
            payload: UnsafeRawBufferPointer(rebasing: block[payload..<payloadEnd]))
        sequence += 1
        entry += PlanBlock.entrySize
        key = keyEnd
        payload = payloadEnd + 1
        return operation
    }
}

/// Operations of a plan by their sequences, such as those that were struck out: a bit for each operation.
package struct SequenceSet: Sendable {
    private(set) var words: [UInt64] = []
    package private(set) var count = 0

    package init() {}

    init(words: [UInt64]) {
        self.words = words
        count = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    @inline(__always)
    package func contains(_ sequence: Int) -> Bool {
        let word = sequence >> 6
        return word < words.count && words[word] >> UInt64(sequence & 63) & 1 == 1
    }

    func intersects(_ range: Range<Int>) -> Bool {
        count > 0 && range.contains { contains($0) }
    }

    package mutating func insert(_ sequence: Int) {
        if contains(sequence) { return }
        let word = sequence >> 6
        while words.count <= word { words.append(0) }
        words[word] |= 1 << UInt64(sequence & 63)
        count += 1
    }
}
