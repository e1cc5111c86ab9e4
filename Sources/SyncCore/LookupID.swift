package import Records

/// A record's id in sixteen bytes, for ids that fit: twenty-four hexadecimal digits, the ids of many stores, or any text of
/// up to fifteen bytes. The last byte says how long it is.
package struct LookupID: Sendable, Hashable {
    private static let digitsMark: UInt8 = 0xFF

    package let bits: Hash128

    package init(bits: Hash128) { self.bits = bits }

    /// Nil for an id that does not fit.
    package init?(_ id: String) {
        var bytes = Array(id.utf8)
        let mark: UInt8
        if let packed = HexDigits.packed(bytes) {
            bytes = packed
            mark = Self.digitsMark
        } else {
            guard (1...15).contains(bytes.count) else { return nil }
            mark = UInt8(bytes.count)
        }
        bytes += repeatElement(0, count: 15 - bytes.count)
        bytes.append(mark)
        func word(_ part: ArraySlice<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
        bits = Hash128(high: word(bytes[..<8]), low: word(bytes[8...]))
    }

    package var text: String {
        func bytes(_ word: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
        let all = bytes(bits.high) + bytes(bits.low)
        guard all[15] == Self.digitsMark else {
            return String(decoding: all.prefix(Int(min(all[15], 15))), as: UTF8.self)
        }
        return HexDigits.text(all[..<12])
    }
}

/// Twelve bytes for twenty-four lower-case hexadecimal digits.
enum HexDigits {
    /// Nil for any other text.
    static func packed(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count == 24 else { return nil }
        var packed: [UInt8] = []
        packed.reserveCapacity(12)
        for index in stride(from: 0, to: 24, by: 2) {
            guard let high = nibble(bytes[index]), let low = nibble(bytes[index + 1]) else { return nil }
            packed.append(high << 4 | low)
        }
        return packed
    }

    static func text(_ packed: ArraySlice<UInt8>) -> String {
        var digits: [UInt8] = []
        for byte in packed { digits += [digit(byte >> 4), digit(byte & 15)] }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - 87
        default: nil
        }
    }

    private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? nibble + 48 : nibble + 87 }
}
