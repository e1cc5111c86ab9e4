/// A growing buffer of bytes that is written with plain stores: what keys, payloads and plan blocks are made in.
/// Owned by one task; `removeAll` keeps the memory.
@safe
public struct ByteWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var written = 0
    private let alignment: Int

    /// - Parameter alignment: of the first byte's address, a power of two.
    public init(capacity: Int = 4_096, alignment: Int = 16) {
        self.alignment = alignment
        let (start, room) = unsafe Self.allocate(max(capacity, 64), alignment)
        unsafe base = unsafe start
        self.capacity = room
    }

    /// A writer of some MiB that begins where a page does.
    package static func large(capacity: Int) -> ByteWriter {
        ByteWriter(capacity: capacity, alignment: LargePages.bytes)
    }

    private static func allocate(_ capacity: Int, _ alignment: Int) -> (UnsafeMutableRawPointer, Int) {
        guard alignment >= LargePages.bytes else {
            return (UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: alignment), capacity)
        }
        let memory = unsafe LargePages.allocate(capacity)
        guard let start = memory.baseAddress else { preconditionFailure("memory of some bytes has a first one") }
        let room = memory.count
        return unsafe (start, room)
    }

    deinit { unsafe base.deallocate() }

    /// Bytes written so far.
    @inlinable
    public var count: Int { written }

    /// The bytes written so far; valid until the next write.
    @inlinable
    public var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    public var text: String { unsafe String(decoding: bytes, as: UTF8.self) }

    @inlinable
    public mutating func removeAll() { written = 0 }

    /// Forgets what was written after the first `count` bytes.
    @inlinable
    public mutating func truncate(to count: Int) { written = min(count, self.count) }

    @inlinable
    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        written = count + 1
    }

    @inlinable
    @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, unsafe !bytes.isEmpty else { return }
        reserve(bytes.count)
        unsafe (base + count).copyMemory(from: start, byteCount: bytes.count)
        written = count + bytes.count
    }

    /// Appends the first `count` bytes from `bytes` on, at most 32 and often; 32 bytes must be readable there.
    @inlinable
    @inline(__always)
    public mutating func append(short bytes: UnsafeRawPointer, count: Int) {
        reserve(32)
        unsafe (base + written).storeBytes(of: bytes.loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
        written += count
    }

    @inlinable
    public mutating func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    @inlinable
    @inline(__always)
    public mutating func append(_ text: StaticString) {
        unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends the little-endian bytes of a number.
    @inlinable
    @inline(__always)
    public mutating func append<Number: FixedWidthInteger & BitwiseCopyable>(littleEndian number: Number) {
        let size = MemoryLayout<Number>.size
        reserve(size)
        unsafe base.storeBytes(of: number.littleEndian, toByteOffset: count, as: Number.self)
        written = count + size
    }

    /// Appends as many zeros as it takes to make the count a multiple of `size`.
    public mutating func pad(toMultipleOf size: Int) {
        let missing = (size - count % size) % size
        reserve(missing)
        unsafe (base + written).initializeMemory(as: UInt8.self, repeating: 0, count: missing)
        written += missing
    }

    /// Overwrites four bytes written earlier, for lengths that are known only later.
    @inlinable
    public mutating func replace(at offset: Int, with number: UInt32) {
        precondition(offset + 4 <= count)
        unsafe base.storeBytes(of: number.littleEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Appends a number in decimal digits.
    public mutating func append(decimal number: Int64) {
        reserve(20)
        unsafe extend(to: Self.store(decimal: number, at: end))
    }

    /// Stores a number in decimal digits, at most 20 bytes, and returns where they end.
    @inlinable
    package static func store(decimal number: Int64, at start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var first = unsafe start
        if number < 0 {
            unsafe first.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
            unsafe first += 1
        }
        var rest = number.magnitude
        let end = unsafe first + digitCount(rest)
        var place = unsafe end
        while rest >= 100 {
            let pair = rest % 100
            rest /= 100
            unsafe place -= 2
            unsafe storePair(pair, at: place)
        }
        if rest >= 10 {
            unsafe storePair(rest, at: place - 2)
        } else {
            unsafe (place - 1).storeBytes(of: UInt8(truncatingIfNeeded: 48 &+ rest), as: UInt8.self)
        }
        return unsafe end
    }

    @inlinable
    @inline(__always)
    static func storePair(_ pair: UInt64, at place: UnsafeMutableRawPointer) {
        let digits = UInt16(truncatingIfNeeded: pair / 10 | (pair % 10) << 8) | 0x3030
        unsafe place.storeBytes(of: digits.littleEndian, as: UInt16.self)
    }

    @inlinable
    @inline(__always)
    static func digitCount(_ number: UInt64) -> Int {
        var count = 1
        var rest = number
        while rest >= 10_000 {
            rest /= 10_000
            count &+= 4
        }
        return rest >= 1_000 ? count &+ 3 : rest >= 100 ? count &+ 2 : rest >= 10 ? count &+ 1 : count
    }

    /// Where the next byte goes, for who has made room with `reserve` and writes there by itself. Valid until room is
    /// made again.
    @inlinable
    @inline(__always)
    package var end: UnsafeMutableRawPointer { unsafe base + written }

    /// Takes over what was written up to `end`, which lies within the room that there is.
    @inlinable
    @inline(__always)
    package mutating func extend(to end: UnsafeMutableRawPointer) {
        let count = unsafe end - base
        precondition(count >= 0 && count <= capacity, "more was written than there was room for")
        written = count
    }

    /// Makes room for `more` bytes and lets `body` write them; `body` returns how many it wrote.
    @inlinable
    @inline(__always)
    public mutating func append(upTo more: Int, _ body: (UnsafeMutableRawPointer) -> Int) {
        reserve(more)
        let added = unsafe body(base + count)
        precondition(added <= more)
        written += added
    }

    @inlinable
    @inline(__always)
    public mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(to: count + more) }
    }

    @usableFromInline
    mutating func grow(to needed: Int) {
        let larger = max(needed, capacity * 2)
        let (next, nextCapacity) = unsafe Self.allocate(larger, alignment)
        unsafe next.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = unsafe next
        capacity = nextCapacity
    }
}
