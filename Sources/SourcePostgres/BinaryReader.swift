/// Numbers of the network's byte order. Callers have checked that the bytes are there.
@inline(__always)
func bigEndian16(_ pointer: UnsafeRawPointer) -> UInt16 {
    unsafe UInt16(bigEndian: pointer.loadUnaligned(as: UInt16.self))
}

@inline(__always)
func bigEndian32(_ pointer: UnsafeRawPointer) -> UInt32 {
    unsafe UInt32(bigEndian: pointer.loadUnaligned(as: UInt32.self))
}

@inline(__always)
func bigEndian64(_ pointer: UnsafeRawPointer) -> UInt64 {
    unsafe UInt64(bigEndian: pointer.loadUnaligned(as: UInt64.self))
}

/// A field of exactly two bytes.
@inline(__always)
func fixed16(_ bytes: UnsafeRawBufferPointer) throws(MalformedRow) -> Int16 {
    guard let base = bytes.baseAddress, bytes.count == 2 else { throw MalformedRow("a field is not 2 bytes long") }
    return unsafe Int16(bitPattern: bigEndian16(base))
}

/// A field of exactly four bytes.
@inline(__always)
func fixed32(_ bytes: UnsafeRawBufferPointer) throws(MalformedRow) -> UInt32 {
    guard let base = bytes.baseAddress, bytes.count == 4 else { throw MalformedRow("a field is not 4 bytes long") }
    return unsafe bigEndian32(base)
}

/// A field of exactly eight bytes.
@inline(__always)
func fixed64(_ bytes: UnsafeRawBufferPointer) throws(MalformedRow) -> Int64 {
    guard let base = bytes.baseAddress, bytes.count == 8 else { throw MalformedRow("a field is not 8 bytes long") }
    return unsafe Int64(bitPattern: bigEndian64(base))
}

/// A field of one byte, 0 or 1.
@inline(__always)
func flag(_ bytes: UnsafeRawBufferPointer) throws(MalformedRow) -> Bool {
    guard bytes.count == 1, unsafe bytes[0] <= 1 else { throw MalformedRow("a boolean that is neither 0 nor 1") }
    return unsafe bytes[0] == 1
}

/// Bytes with a known length, read at an offset.
@unsafe
struct BinaryReader {
    let base: UnsafeRawPointer
    let count: Int

    func byte(_ offset: Int) -> UInt8 { unsafe base.load(fromByteOffset: offset, as: UInt8.self) }
    func int32(_ offset: Int) -> Int32 { unsafe Int32(bitPattern: bigEndian32(base + offset)) }
}
