/// Tells whether bytes are UTF-8 as the Unicode standard defines it (table 3-7: no surrogates, nothing overlong,
/// nothing above U+10FFFF).
package enum UTF8Check {
    /// The offset of the first byte that is not part of a valid sequence, or nil. ASCII is passed eight bytes at a
    /// time: database texts are mostly ASCII and this runs for each of them.
    @inline(__always)
    package static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        let count = bytes.count
        var place = 0
        while place + 8 <= count {
            let word = unsafe base.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            if word & 0x8080_8080_8080_8080 != 0 { return unsafe slowFirstInvalid(base, place, count) }
            place += 8
        }
        while place < count {
            if unsafe base.load(fromByteOffset: place, as: UInt8.self) >= 0x80 {
                return unsafe slowFirstInvalid(base, place, count)
            }
            place += 1
        }
        return nil
    }

    private static func slowFirstInvalid(_ base: UnsafeRawPointer, _ from: Int, _ count: Int) -> Int? {
        var place = from
        while place < count {
            let first = unsafe base.load(fromByteOffset: place, as: UInt8.self)
            if first < 0x80 {
                place += 1
                continue
            }
            let length = unsafe sequenceLength(first, base, place, count)
            if length == 0 { return place }
            place += length
        }
        return nil
    }

    /// How many bytes the sequence at `place` has; 0 if it is not valid.
    private static func sequenceLength(_ first: UInt8, _ base: UnsafeRawPointer, _ place: Int, _ count: Int) -> Int {
        let length: Int
        // What the second byte may be; the third and fourth are always 80...BF.
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return 0
        }
        guard place + length <= count,
            second.contains(unsafe base.load(fromByteOffset: place + 1, as: UInt8.self))
        else { return 0 }
        for offset in 2..<max(length, 2) {
            if unsafe base.load(fromByteOffset: place + offset, as: UInt8.self) & 0xC0 != 0x80 { return 0 }
        }
        return length
    }
}
