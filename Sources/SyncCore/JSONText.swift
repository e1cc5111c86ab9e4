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

    /// Copies bytes up to the first that must be escaped, and returns how many. May write up to eight bytes more. The
    /// last few bytes are taken together with some before them, so that most strings have no byte taken alone.
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
        if index > 0 && index < count && index + 8 > count {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            unsafe out.storeBytes(of: word, toByteOffset: count - 8, as: UInt64.self)
            if isPlain(word) { return count }
        } else if index == 0 && count >= 4 && count < 8 {
            let first = unsafe bytes.loadUnaligned(as: UInt32.self)
            let last = unsafe bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            unsafe out.storeBytes(of: first, as: UInt32.self)
            unsafe out.storeBytes(of: last, toByteOffset: count - 4, as: UInt32.self)
            if isPlain(UInt64(first) | UInt64(last) << 32) { return count }
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
        let (whole, millionths) = number.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        if number < 0 { writer.append(UInt8(ascii: "-")) }
        writer.append(decimal: Int64(whole))
        guard millionths > 0 else { return }
        let rest = UInt32(truncatingIfNeeded: millionths)
        unsafe writer.append(upTo: 7) { out in
            unsafe out.storeBytes(of: UInt8(ascii: "."), as: UInt8.self)
            unsafe storePair(rest / 10_000, out + 1)
            unsafe storePair(rest / 100 % 100, out + 3)
            unsafe storePair(rest % 100, out + 5)
            var length = 7
            while unsafe out.load(fromByteOffset: length - 1, as: UInt8.self) == UInt8(ascii: "0") { length -= 1 }
            return length
        }
    }

    /// Appends `YYYY-MM-DD`; the day must be one that ISO 8601 can name.
    package static func appendDate(_ days: Int64, to writer: inout ByteWriter) {
        unsafe writer.append(upTo: 10) { out in
            unsafe storeDate(days, out)
            return 10
        }
    }

    @inline(__always)
    private static func storeDate(_ days: Int64, _ out: UnsafeMutableRawPointer) {
        let (year, month, day) = Calendar.civil(isoDays: days)
        unsafe storePair(year / 100, out)
        unsafe storePair(year % 100, out + 2)
        unsafe out.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 4, as: UInt8.self)
        unsafe storePair(month, out + 5)
        unsafe out.storeBytes(of: UInt8(ascii: "-"), toByteOffset: 7, as: UInt8.self)
        unsafe storePair(day, out + 8)
    }

    /// Appends `YYYY-MM-DDTHH:MM:SS.sssZ`, cut to milliseconds.
    package static func appendInstant(_ micros: Int64, to writer: inout ByteWriter) {
        let (days, rest) = Calendar.split(micros)
        let millis = UInt32(truncatingIfNeeded: rest / 1_000)
        let seconds = millis / 1_000
        let minutes = seconds / 60
        let fraction = millis % 1_000
        unsafe writer.append(upTo: 24) { out in
            unsafe storeDate(days, out)
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
            return 24
        }
    }

    /// Two decimal digits of a number below 100.
    @inline(__always)
    private static func storePair(_ number: UInt32, _ out: UnsafeMutableRawPointer) {
        let pair = UInt16(truncatingIfNeeded: number / 10 | (number % 10) << 8) | 0x3030
        unsafe out.storeBytes(of: pair.littleEndian, as: UInt16.self)
    }
}
