/// Tells whether bytes are one JSON document by RFC 8259. A text says so of itself only, and a document that is passed on
/// as it is must not break the one it is put into.
package enum JSONSyntax {
    /// Arrays and objects within each other.
    package static let depthMax = 256

    /// - Parameter bytes: valid UTF-8.
    package static func isDocument(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = unsafe JSONReader(bytes)
        guard reader.value(depth: 0) else { return false }
        reader.skipSpace()
        return reader.isAtEnd
    }
}

@safe
private struct JSONReader {
    private let bytes: UnsafeRawBufferPointer
    private let count: Int
    private var place = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = unsafe bytes
        count = bytes.count
    }

    var isAtEnd: Bool { place == count }

    /// The byte at the place, or 0, which no JSON text holds.
    private var byte: UInt8 { place < count ? unsafe bytes[place] : 0 }

    mutating func skipSpace() {
        while byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    mutating func value(depth: Int) -> Bool {
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): return depth < JSONSyntax.depthMax && object(depth: depth + 1)
        case UInt8(ascii: "["): return depth < JSONSyntax.depthMax && array(depth: depth + 1)
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }

    private mutating func object(depth: Int) -> Bool {
        place += 1
        skipSpace()
        if skip("}") { return true }
        repeat {
            skipSpace()
            guard string() else { return false }
            skipSpace()
            guard skip(":"), value(depth: depth) else { return false }
            skipSpace()
        } while skip(",")
        return skip("}")
    }

    private mutating func array(depth: Int) -> Bool {
        place += 1
        skipSpace()
        if skip("]") { return true }
        repeat {
            guard value(depth: depth) else { return false }
            skipSpace()
        } while skip(",")
        return skip("]")
    }

    private mutating func string() -> Bool {
        guard skip("\"") else { return false }
        while place < count {
            let next = byte
            place += 1
            if next == UInt8(ascii: "\"") { return true }
            if next < 0x20 { return false }
            if next == UInt8(ascii: "\\"), !escape() { return false }
        }
        return false
    }

    private mutating func escape() -> Bool {
        let next = byte
        place += 1
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return true
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                guard Self.isHex(byte) else { return false }
                place += 1
            }
            return true
        default: return false
        }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 6
    }

    private mutating func word(_ word: StaticString) -> Bool {
        for offset in 0..<word.utf8CodeUnitCount {
            guard unsafe byte == word.utf8Start[offset] else { return false }
            place += 1
        }
        return true
    }

    private mutating func number() -> Bool {
        _ = skip("-")
        if !skip("0"), !digits() { return false }
        if skip("."), !digits() { return false }
        if byte | 0x20 == UInt8(ascii: "e") {
            place += 1
            if !skip("+") { _ = skip("-") }
            return digits()
        }
        return true
    }

    /// One digit or more.
    private mutating func digits() -> Bool {
        let start = place
        while byte &- UInt8(ascii: "0") < 10 { place += 1 }
        return place > start
    }
}
