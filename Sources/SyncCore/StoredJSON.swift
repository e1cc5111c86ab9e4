internal import Records

/// JSON stored straight into memory that is known to be large enough, for the cells of rows: nothing looks for room
/// before each piece. Every function stores from `out` on and returns where the next byte goes.
enum StoredJSON {
    /// The longest number.
    static let numberBytesMax = 32
    /// Bytes after the last one of a text that are written over, and must be readable after a text.
    static let slack = 16

    /// Stores bytes, which are valid UTF-8, as a quoted JSON string, in at most six bytes for each and `slack`.
    @inline(__always)
    static func storeString(
        _ bytes: UnsafeRawBufferPointer, _ out: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe out.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        var end = unsafe out + 1
        if let start = bytes.baseAddress { unsafe end = unsafe storeEscaped(start, bytes.count, end) }
        unsafe end.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        return unsafe end + 1
    }

    /// Sixteen bytes at a time are copied and looked at in one go; what must be escaped is rare.
    @inline(__always)
    private static func storeEscaped(
        _ start: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var (source, target, left) = unsafe (start, out, count)
        while left > 0 {
            let word = unsafe source.loadUnaligned(as: SIMD16<UInt8>.self)
            unsafe target.storeBytes(of: word, as: SIMD16<UInt8>.self)
            let place = firstEscaped(word)
            if place >= min(left, 16) {
                let taken = min(left, 16)
                unsafe (source, target, left) = unsafe (source + taken, target + taken, left &- taken)
            } else {
                let byte = unsafe source.load(fromByteOffset: place, as: UInt8.self)
                unsafe target = unsafe storeEscape(byte, target + place)
                unsafe (source, left) = unsafe (source + place + 1, left &- place &- 1)
            }
        }
        return unsafe target
    }

    /// The place of the first control character, quote or backslash; 16 where there is none.
    @inline(__always)
    private static func firstEscaped(_ bytes: SIMD16<UInt8>) -> Int {
        // Comparing these vectors is a loop over their elements in this version of Swift; subtracting them is not. A
        // byte below 0x80 that becomes one above by the subtraction was smaller than what was taken from it.
        let one = SIMD16<UInt8>(repeating: 1)
        let control = bytes &- SIMD16(repeating: 0x20)
        let quote = (bytes ^ SIMD16(repeating: 0x22)) &- one
        let slash = (bytes ^ SIMD16(repeating: 0x5C)) &- one
        let found = (control | quote | slash) & ~bytes & SIMD16(repeating: 0x80)
        let halves = unsafe unsafeBitCast(found, to: SIMD2<UInt64>.self)
        if halves[0] | halves[1] == 0 { return 16 }
        let (first, second) = (UInt64(littleEndian: halves[0]), UInt64(littleEndian: halves[1]))
        return first != 0 ? first.trailingZeroBitCount / 8 : 8 &+ second.trailingZeroBitCount / 8
    }

    /// Stores a byte that must be escaped, in at most six.
    @inline(__always)
    static func storeEscape(_ byte: UInt8, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { return unsafe storeControl(byte, out) }
        unsafe storeEscape(letter: byte, out)
        return unsafe out + 2
    }

    private static func storeControl(_ byte: UInt8, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        switch byte {
        case 0x0A: unsafe storeEscape(letter: UInt8(ascii: "n"), out)
        case 0x0D: unsafe storeEscape(letter: UInt8(ascii: "r"), out)
        case 0x09: unsafe storeEscape(letter: UInt8(ascii: "t"), out)
        default:
            unsafe storeEscape(letter: UInt8(ascii: "u"), out)
            unsafe out.storeBytes(of: UInt16(0x3030), toByteOffset: 2, as: UInt16.self)
            unsafe out.storeBytes(of: hexadecimal(byte >> 4), toByteOffset: 4, as: UInt8.self)
            unsafe out.storeBytes(of: hexadecimal(byte & 15), toByteOffset: 5, as: UInt8.self)
            return unsafe out + 6
        }
        return unsafe out + 2
    }

    @inline(__always)
    private static func storeEscape(letter: UInt8, _ out: UnsafeMutableRawPointer) {
        let both = UInt16(UInt8(ascii: "\\")) | UInt16(letter) << 8
        unsafe out.storeBytes(of: both.littleEndian, as: UInt16.self)
    }

    private static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 48 + nibble : 87 + nibble
    }

    /// Stores a finite double in its shortest form; integral values without a fraction.
    static func store(_ number: Double, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        if number.magnitude < 1e9 {
            // Up to fifteen digits name a double beyond doubt: if this decimal with six places gives the number back, it
            // is the shortest once its last zeros are cut off.
            let scaled = (number * 1e6).rounded()
            if scaled / 1e6 == number { return unsafe storeMillionths(Int64(scaled), out) }
        } else if number == number.rounded(), number.magnitude < 9e15 {
            return unsafe ByteWriter.store(decimal: Int64(number), at: out)
        }
        var text = number.description
        return text.withUTF8 { text in
            unsafe UnsafeMutableRawBufferPointer(start: out, count: numberBytesMax).copyBytes(from: text)
            return unsafe out + text.count
        }
    }

    private static func storeMillionths(
        _ number: Int64, _ out: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let (whole, millionths) = number.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        unsafe out.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
        let point = unsafe ByteWriter.store(decimal: Int64(whole), at: out + (number < 0 ? 1 : 0))
        guard millionths > 0 else { return unsafe point }
        let rest = UInt32(truncatingIfNeeded: millionths)
        unsafe point.storeBytes(of: UInt8(ascii: "."), as: UInt8.self)
        unsafe storePair(rest / 10_000, point + 1)
        unsafe storePair(rest / 100 % 100, point + 3)
        unsafe storePair(rest % 100, point + 5)
        var end = unsafe point + 7
        while unsafe (end - 1).load(as: UInt8.self) == UInt8(ascii: "0") { unsafe end -= 1 }
        return unsafe end
    }

    /// Stores `YYYY-MM-DD`; the day must be one that ISO 8601 can name.
    @inline(__always)
    static func storeDate(_ days: Int64, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let (year, month, day) = Calendar.civil(isoDays: days)
        unsafe storePair(year / 100, out)
        unsafe storePair(year % 100, out + 2)
        unsafe out.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 4, as: UInt8.self)
        unsafe storePair(month, out + 5)
        unsafe out.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 7, as: UInt8.self)
        unsafe storePair(day, out + 8)
        return unsafe out + 10
    }

    /// Stores `YYYY-MM-DDTHH:MM:SS.sssZ`, cut to milliseconds.
    static func storeInstant(_ micros: Int64, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let (days, rest) = Calendar.split(micros)
        let millis = UInt32(truncatingIfNeeded: rest / 1_000)
        let seconds = millis / 1_000
        let minutes = seconds / 60
        let fraction = millis % 1_000
        _ = unsafe storeDate(days, out)
        unsafe out.storeBytes(of: UInt8(ascii: "T"), toByteOffset: 10, as: UInt8.self)
        unsafe storePair(minutes / 60, out + 11)
        unsafe out.storeBytes(of: UInt8(ascii: ":"), toByteOffset: 13, as: UInt8.self)
        unsafe storePair(minutes % 60, out + 14)
        unsafe out.storeBytes(of: UInt8(ascii: ":"), toByteOffset: 16, as: UInt8.self)
        unsafe storePair(seconds % 60, out + 17)
        unsafe out.storeBytes(of: UInt8(ascii: "."), toByteOffset: 19, as: UInt8.self)
        unsafe storePair(fraction / 10, out + 20)
        unsafe out.storeBytes(of: UInt8(truncatingIfNeeded: 48 + fraction % 10), toByteOffset: 22, as: UInt8.self)
        unsafe out.storeBytes(of: UInt8(ascii: "Z"), toByteOffset: 23, as: UInt8.self)
        return unsafe out + 24
    }

    /// Two decimal digits of a number below 100.
    @inline(__always)
    private static func storePair(_ number: UInt32, _ out: UnsafeMutableRawPointer) {
        let pair = UInt16(truncatingIfNeeded: number / 10 | (number % 10) << 8) | 0x3030
        unsafe out.storeBytes(of: pair.littleEndian, as: UInt16.self)
    }

    /// Stores a few bytes, of which 32 must be readable and 32 writable where there are no more than that.
    @inline(__always)
    static func storeShort(
        _ bytes: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        if count <= 32 {
            unsafe out.storeBytes(of: bytes.loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
        } else {
            unsafe out.copyMemory(from: bytes, byteCount: count)
        }
        return unsafe out + count
    }
}
