internal import Records

/// Values that are read from their binary form into text.
enum CellText {
    private static let hexDigits: [UInt8] = Array("0123456789abcdef".utf8)

    static func appendHex(_ byte: UInt8, to writer: inout ByteWriter) {
        writer.append(hexDigits[Int(byte >> 4)])
        writer.append(hexDigits[Int(byte & 15)])
    }

    static func appendUUID(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) throws(MalformedRow) {
        guard bytes.count == 16 else { throw MalformedRow("a uuid is not 16 bytes long") }
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 { writer.append(UInt8(ascii: "-")) }
            appendHex(unsafe bytes[index], to: &writer)
        }
    }

    // MARK: Intervals

    /// Appends an ISO 8601 duration, each part with its own sign as the server keeps it. Returns false where the
    /// value is an infinity (PostgreSQL 17), which ISO 8601 has no word for; then the word is appended.
    static func appendInterval(
        _ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter
    ) throws(MalformedRow) -> Bool {
        guard let base = bytes.baseAddress, bytes.count == 16 else {
            throw MalformedRow("an interval is not 16 bytes long")
        }
        let micros = unsafe Int64(bitPattern: bigEndian64(base))
        let days = unsafe Int32(bitPattern: bigEndian32(base + 8))
        let months = unsafe Int32(bitPattern: bigEndian32(base + 12))
        if micros == .max && days == .max && months == .max {
            writer.append("infinity")
            return false
        }
        if micros == .min && days == .min && months == .min {
            writer.append("-infinity")
            return false
        }
        writer.append("P")
        appendPart(Int64(months / 12), "Y", to: &writer)
        appendPart(Int64(months % 12), "M", to: &writer)
        appendPart(Int64(days), "D", to: &writer)
        appendClock(micros, to: &writer)
        if micros == 0 && days == 0 && months == 0 { writer.append("T0S") }
        return true
    }

    private static func appendPart(_ number: Int64, _ unit: StaticString, to writer: inout ByteWriter) {
        guard number != 0 else { return }
        writer.append(decimal: number)
        writer.append(unit)
    }

    private static func appendClock(_ micros: Int64, to writer: inout ByteWriter) {
        guard micros != 0 else { return }
        writer.append("T")
        appendPart(micros / 3_600_000_000, "H", to: &writer)
        appendPart(micros / 60_000_000 % 60, "M", to: &writer)
        let rest = micros % 60_000_000
        guard rest != 0 else { return }
        if rest < 0 { writer.append("-") }
        writer.append(decimal: abs(rest) / 1_000_000)
        var fraction = abs(rest) % 1_000_000
        if fraction > 0 {
            writer.append(".")
            var unit: Int64 = 100_000
            while fraction > 0 {
                writer.append(UInt8(48 + fraction / unit))
                fraction %= unit
                unit /= 10
            }
        }
        writer.append("S")
    }

    // MARK: Network addresses

    /// `inet` and `cidr`: family (2 or 3), bits, whether cidr, byte count, bytes. Written as the server's own text
    /// form is: without the mask where it covers the whole address of an `inet`.
    static func appendAddress(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) throws(MalformedRow) {
        guard bytes.count >= 4 else { throw MalformedRow("an address is cut off") }
        let family = unsafe bytes[0]
        let bits = unsafe Int64(bytes[1])
        let isNetwork = unsafe bytes[2] != 0
        let length = unsafe Int(bytes[3])
        let isKnown = (family == 2 && length == 4) || (family == 3 && length == 16)
        guard isKnown, bytes.count == 4 + length else { throw MalformedRow("an address of an unknown family") }
        let octets = unsafe Array(bytes[4...])
        if length == 4 { appendDotted(octets, to: &writer) } else { appendGroups(octets, to: &writer) }
        if isNetwork || bits != length * 8 {
            writer.append("/")
            writer.append(decimal: bits)
        }
    }

    private static func appendDotted(_ octets: some Collection<UInt8>, to writer: inout ByteWriter) {
        for (index, octet) in octets.enumerated() {
            if index > 0 { writer.append(".") }
            writer.append(decimal: Int64(octet))
        }
    }

    private static func appendGroups(_ octets: [UInt8], to writer: inout ByteWriter) {
        let groups = stride(from: 0, to: 16, by: 2).map { Int(octets[$0]) << 8 | Int(octets[$0 + 1]) }
        let gap = longestZeros(groups)
        // Addresses that wrap an IPv4 address show it as such.
        let isMapped = gap.lowerBound == 0 && (gap.count == 6 || (gap.count == 5 && groups[5] == 0xFFFF))
        var index = 0
        while index < 8 {
            if index == gap.lowerBound && gap.count > 1 {
                writer.append(index == 0 ? "::" : ":")
                index = gap.upperBound
                continue
            }
            if isMapped && index == 6 {
                appendDotted(octets[12...], to: &writer)
                return
            }
            writer.append(String(groups[index], radix: 16))
            if index < 7 { writer.append(":") }
            index += 1
        }
    }

    private static func longestZeros(_ groups: [Int]) -> Range<Int> {
        var best = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 { start = index + 1 } else if index + 1 - start > best.count { best = start..<index + 1 }
        }
        return best
    }
}
