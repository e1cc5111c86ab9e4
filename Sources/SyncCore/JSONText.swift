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

    /// Appends the bytes of a string without the quotes.
    package static func appendEscaped(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        var start = 0
        var index = 0
        let count = bytes.count
        while index < count {
            if index + 8 <= count, unsafe isPlain(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) {
                index += 8
                continue
            }
            let byte = unsafe bytes[index]
            if byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
                index += 1
                continue
            }
            unsafe writer.append(UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
            appendEscape(byte, to: &writer)
            index += 1
            start = index
        }
        unsafe writer.append(UnsafeRawBufferPointer(rebasing: bytes[start..<count]))
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
        case UInt8(ascii: "\""): writer.append("\\\"")
        case UInt8(ascii: "\\"): writer.append("\\\\")
        case 0x0A: writer.append("\\n")
        case 0x0D: writer.append("\\r")
        case 0x09: writer.append("\\t")
        default:
            writer.append("\\u00")
            writer.append(hexadecimal(byte >> 4))
            writer.append(hexadecimal(byte & 15))
        }
    }

    private static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 48 + nibble : 87 + nibble
    }

    /// Appends a finite double in its shortest form; integral values without a fraction.
    package static func append(_ number: Double, to writer: inout ByteWriter) {
        if number == number.rounded(), abs(number) < 9e15 {
            writer.append(decimal: Int64(number))
        } else {
            writer.append(number.description)
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
