package import Records

/// JSON written as bytes. Knows nothing of fields; what goes where is Mapping's.
package enum JSONText {
    /// Appends `bytes`, which are valid UTF-8, as a quoted JSON string.
    @inline(__always)
    package static func appendString(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        writer.append(UInt8(ascii: "\""))
        unsafe appendEscaped(bytes, to: &writer)
        writer.append(UInt8(ascii: "\""))
    }

    package static func appendString(_ text: String, to writer: inout ByteWriter) {
        var text = text
        text.withUTF8 { unsafe appendString(UnsafeRawBufferPointer($0), to: &writer) }
    }

    /// Appends the bytes of a string without the quotes. Eight bytes at a time are copied and looked at in one go; what
    /// must be escaped is rare.
    package static func appendEscaped(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        guard let base = bytes.baseAddress else { return }
        let count = bytes.count
        var index = 0
        while index < count {
            let before = writer.count
            unsafe writer.append(upTo: count - index + 8) { out in
                unsafe copyPlain(base + index, count - index, to: out)
            }
            index += writer.count - before
            if index < count {
                appendEscape(unsafe bytes[index], to: &writer)
                index += 1
            }
        }
    }

    /// Copies bytes up to the first that must be escaped, and returns how many. May write up to eight bytes more.
    @inline(__always)
    private static func copyPlain(
        _ bytes: UnsafeRawPointer, _ count: Int, to out: UnsafeMutableRawPointer
    ) -> Int {
        var index = 0
        while index + 8 <= count {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            unsafe out.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
            guard isPlain(word) else { break }
            index += 8
        }
        while index < count {
            let byte = unsafe bytes.load(fromByteOffset: index, as: UInt8.self)
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            unsafe out.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            index += 1
        }
        return index
    }

    /// Whether none of eight bytes is a control character, a quote or a backslash.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let control = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* 0x22)
        let slash = word ^ (ones &* 0x5C)
        let found = control | ((quote &- ones) & ~quote) | ((slash &- ones) & ~slash)
        return found & tops == 0
    }

    private static func appendEscape(_ byte: UInt8, to writer: inout ByteWriter) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): appendEscape(letter: byte, to: &writer)
        case 0x0A: appendEscape(letter: UInt8(ascii: "n"), to: &writer)
        case 0x0D: appendEscape(letter: UInt8(ascii: "r"), to: &writer)
        case 0x09: appendEscape(letter: UInt8(ascii: "t"), to: &writer)
        default:
            writer.append("\\u00" as StaticString)
            writer.append(hexadecimal(byte >> 4))
            writer.append(hexadecimal(byte & 15))
        }
    }

    @inline(__always)
    private static func appendEscape(letter: UInt8, to writer: inout ByteWriter) {
        writer.append(littleEndian: UInt16(UInt8(ascii: "\\")) | UInt16(letter) << 8)
    }

    private static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 48 + nibble : 87 + nibble
    }

    /// Appends a finite double in its shortest form; integral values without a fraction.
    @inline(__always)
    package static func append(_ number: Double, to writer: inout ByteWriter) {
        if number.magnitude < 1e9 {
            // Up to fifteen digits name a double beyond doubt: if this decimal with six places gives the number back, it
            // is the shortest once its last zeros are cut off.
            let scaled = (number * 1e6).rounded()
            if scaled / 1e6 == number { return appendMillionths(Int64(scaled), to: &writer) }
        } else if number == number.rounded(), number.magnitude < 9e15 {
            return writer.append(decimal: Int64(number))
        }
        writer.append(number.description)
    }

    private static func appendMillionths(_ number: Int64, to writer: inout ByteWriter) {
        var (whole, rest) = number.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        if number < 0 { writer.append(UInt8(ascii: "-")) }
        writer.append(decimal: Int64(whole))
        guard rest > 0 else { return }
        writer.append(UInt8(ascii: "."))
        whole = 100_000
        while rest > 0 {
            let (digit, left) = rest.quotientAndRemainder(dividingBy: whole)
            writer.append(UInt8(truncatingIfNeeded: 48 + digit))
            rest = left
            whole /= 10
        }
    }

    /// Appends `YYYY-MM-DD`; the day must be one that ISO 8601 can name.
    package static func appendDate(_ days: Int64, to writer: inout ByteWriter) {
        let (year, month, day) = Calendar.civil(days)
        unsafe writer.append(upTo: 10) { out in
            unsafe digits(year, 4, out)
            unsafe out.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 4, as: UInt8.self)
            unsafe digits(month, 2, out + 5)
            unsafe out.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 7, as: UInt8.self)
            unsafe digits(day, 2, out + 8)
            return 10
        }
    }

    /// Appends `YYYY-MM-DDTHH:MM:SS.sssZ`, cut to milliseconds.
    package static func appendInstant(_ micros: Int64, to writer: inout ByteWriter) {
        let (days, rest) = Calendar.split(micros)
        appendDate(days, to: &writer)
        let seconds = rest / 1_000_000
        unsafe writer.append(upTo: 14) { out in
            unsafe out.storeBytes(of: UInt8(ascii: "T"), as: UInt8.self)
            unsafe digits(seconds / 3_600, 2, out + 1)
            unsafe out.storeBytes(of: UInt8(ascii: ":"), toByteOffset: 3, as: UInt8.self)
            unsafe digits(seconds / 60 % 60, 2, out + 4)
            unsafe out.storeBytes(of: UInt8(ascii: ":"), toByteOffset: 6, as: UInt8.self)
            unsafe digits(seconds % 60, 2, out + 7)
            unsafe out.storeBytes(of: UInt8(ascii: "."), toByteOffset: 9, as: UInt8.self)
            unsafe digits(rest / 1_000 % 1_000, 3, out + 10)
            unsafe out.storeBytes(of: UInt8(ascii: "Z"), toByteOffset: 13, as: UInt8.self)
            return 14
        }
    }

    @inline(__always)
    private static func digits(_ number: Int64, _ width: Int, _ out: UnsafeMutableRawPointer) {
        var rest = number
        var place = width - 1
        while place >= 0 {
            unsafe out.storeBytes(of: UInt8(48 + rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
            place -= 1
        }
    }
}
