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
        unsafe writer.append(upTo: 6) { out in unsafe StoredJSON.storeEscape(byte, out) - out }
    }

    /// Appends a finite double in its shortest form; integral values without a fraction.
    package static func append(_ number: Double, to writer: inout ByteWriter) {
        unsafe writer.append(upTo: StoredJSON.numberBytesMax) { out in unsafe StoredJSON.store(number, out) - out }
    }

    /// Appends `YYYY-MM-DD`; the day must be one that ISO 8601 can name.
    package static func appendDate(_ days: Int64, to writer: inout ByteWriter) {
        unsafe writer.append(upTo: 10) { out in unsafe StoredJSON.storeDate(days, out) - out }
    }

    /// Appends `YYYY-MM-DDTHH:MM:SS.sssZ`, cut to milliseconds.
    package static func appendInstant(_ micros: Int64, to writer: inout ByteWriter) {
        unsafe writer.append(upTo: 24) { out in unsafe StoredJSON.storeInstant(micros, out) - out }
    }
}
