internal import Records

/// The server's `numeric` as canonical decimal text: exact at any precision.
///
/// Its binary form (numeric_send): digit count, weight of the first digit, sign, display scale, each two bytes, then
/// digits of base 10,000. The value is the sum of digit[i] * 10000^(weight - i).
enum NumericText {
    /// False for `NaN` and the infinities, which are no JSON numbers.
    static func isFinite(_ bytes: UnsafeRawBufferPointer) throws(MalformedRow) -> Bool {
        guard let base = bytes.baseAddress, bytes.count >= 8 else { throw MalformedRow("a numeric is cut off") }
        return unsafe bigEndian16(base + 4) & 0xC000 != 0xC000
    }

    static func append(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) throws(MalformedRow) {
        guard let base = bytes.baseAddress, bytes.count >= 8 else { throw MalformedRow("a numeric is cut off") }
        let count = unsafe Int(bigEndian16(base))
        let weight = unsafe Int(Int16(bitPattern: bigEndian16(base + 2)))
        let sign = unsafe bigEndian16(base + 4)
        guard bytes.count == 8 + 2 * count else { throw MalformedRow("a numeric of a wrong length") }
        switch sign {
        case 0x0000, 0x4000: break
        case 0xC000:
            return writer.append("NaN")
        case 0xD000:
            return writer.append("Infinity")
        case 0xF000:
            return writer.append("-Infinity")
        default: throw MalformedRow("a numeric of an unknown sign")
        }
        for index in 0..<count where unsafe bigEndian16(base + 8 + 2 * index) > 9_999 {
            throw MalformedRow("a numeric with a digit above 9999")
        }
        let digits = unsafe Digits(base: base + 8, count: count, weight: weight)
        unsafe writer.append(upTo: digits.bytesMax) { unsafe digits.write($0, isNegative: sign == 0x4000) }
    }

    /// Base-10,000 digits, each checked to be below 10,000.
    @safe
    private struct Digits {
        let base: UnsafeRawPointer
        let count: Int
        let weight: Int

        init(base: UnsafeRawPointer, count: Int, weight: Int) {
            unsafe self.base = unsafe base
            self.count = count
            self.weight = weight
        }

        private func digit(_ index: Int) -> Int {
            index >= 0 && index < count ? unsafe Int(bigEndian16(base + 2 * index)) : 0
        }

        /// Sign, point, the digits before it (at least one) and after it.
        var bytesMax: Int { 2 + 4 * (max(weight + 1, 1) + max(count - weight - 1, 0)) }

        func write(_ out: UnsafeMutableRawPointer, isNegative: Bool) -> Int {
            var at = 0
            if isNegative { at = unsafe Self.put(UInt8(ascii: "-"), out, at) }
            let start = at
            var index = 0
            while index <= weight {
                let value = digit(index)
                if at > start {
                    at = unsafe Self.putFour(value, out, at)
                } else if value > 0 {
                    at = unsafe Self.putPlain(value, out, at)
                }
                index += 1
            }
            if at == start { at = unsafe Self.put(UInt8(ascii: "0"), out, at) }
            at = unsafe writeFraction(out, at)
            let isZero = unsafe at == start + 1 && out.load(fromByteOffset: start, as: UInt8.self) == UInt8(ascii: "0")
            if isZero && isNegative {
                unsafe out.storeBytes(of: UInt8(ascii: "0"), as: UInt8.self)
                return 1
            }
            return at
        }

        /// The digits after the point without the zeros at their end; nothing where there are none.
        private func writeFraction(_ out: UnsafeMutableRawPointer, _ offset: Int) -> Int {
            guard count > weight + 1 else { return offset }
            var at = unsafe Self.put(UInt8(ascii: "."), out, offset)
            // A negative index stands for the zeros between the point and the first digit.
            for index in (weight + 1)..<count { at = unsafe Self.putFour(digit(index), out, at) }
            while unsafe out.load(fromByteOffset: at - 1, as: UInt8.self) == UInt8(ascii: "0") { at -= 1 }
            return unsafe out.load(fromByteOffset: at - 1, as: UInt8.self) == UInt8(ascii: ".") ? at - 1 : at
        }

        @inline(__always)
        private static func put(_ byte: UInt8, _ out: UnsafeMutableRawPointer, _ at: Int) -> Int {
            unsafe out.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
            return at + 1
        }

        @inline(__always)
        private static func putFour(_ value: Int, _ out: UnsafeMutableRawPointer, _ at: Int) -> Int {
            var next = unsafe put(UInt8(truncatingIfNeeded: 48 + value / 1_000), out, at)
            next = unsafe put(UInt8(truncatingIfNeeded: 48 + value / 100 % 10), out, next)
            next = unsafe put(UInt8(truncatingIfNeeded: 48 + value / 10 % 10), out, next)
            return unsafe put(UInt8(truncatingIfNeeded: 48 + value % 10), out, next)
        }

        @inline(__always)
        private static func putPlain(_ value: Int, _ out: UnsafeMutableRawPointer, _ at: Int) -> Int {
            var next = at
            if value >= 1_000 { next = unsafe put(UInt8(truncatingIfNeeded: 48 + value / 1_000), out, next) }
            if value >= 100 { next = unsafe put(UInt8(truncatingIfNeeded: 48 + value / 100 % 10), out, next) }
            if value >= 10 { next = unsafe put(UInt8(truncatingIfNeeded: 48 + value / 10 % 10), out, next) }
            return unsafe put(UInt8(truncatingIfNeeded: 48 + value % 10), out, next)
        }
    }
}
