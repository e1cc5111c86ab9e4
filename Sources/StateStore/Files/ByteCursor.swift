internal import Records

/// Reads numbers and texts from bytes that may be damaged: nothing is read past the end.
@safe
struct ByteCursor {
    /// Thrown where the bytes end too early or say something impossible.
    struct Malformed: Error {}

    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

    var remaining: Int { unsafe bytes.count - offset }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type = Number.self
    ) throws -> Number {
        let size = MemoryLayout<Number>.size
        guard remaining >= size else { throw Malformed() }
        defer { offset += size }
        return unsafe Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// A number of things that each take at least `size` bytes of what is left.
    mutating func count(ofAtLeast size: Int) throws -> Int {
        let count = try Int(number(UInt32.self))
        guard count <= remaining / size else { throw Malformed() }
        return count
    }

    mutating func hash() throws -> Hash128 {
        let high = try number(UInt64.self)
        return Hash128(high: high, low: try number(UInt64.self))
    }

    mutating func slice(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else { throw Malformed() }
        defer { offset += count }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// A text with its length before it.
    mutating func text() throws -> String {
        let count = try Int(number(UInt32.self))
        return try unsafe String(decoding: slice(count), as: UTF8.self)
    }
}

extension ByteWriter {
    mutating func append(_ hash: Hash128) {
        append(littleEndian: hash.high)
        append(littleEndian: hash.low)
    }

    /// A text with its length before it.
    mutating func append(counted text: String) {
        append(littleEndian: UInt32(text.utf8.count))
        append(text)
    }

    /// Overwrites eight bytes written earlier.
    mutating func replace(at offset: Int, with number: UInt64) {
        replace(at: offset, with: UInt32(truncatingIfNeeded: number))
        replace(at: offset + 4, with: UInt32(truncatingIfNeeded: number >> 32))
    }
}
