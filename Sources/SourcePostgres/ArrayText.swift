internal import Records

/// Arrays of any number of dimensions as JSON. Binary form (array_send): dimensions, whether there are nulls, the
/// elements' type, then for each dimension its length and lower bound, then for each element its length (-1 for
/// null) and bytes. Lower bounds have no counterpart in JSON and are left out.
struct ArrayText {
    /// The server's MAXDIM.
    static let dimensionsMax = 6

    let element: CellDecoder
    let bytesMax: Int
    private var at = 0

    init(element: CellDecoder, bytesMax: Int) {
        self.element = element
        self.bytesMax = bytesMax
    }

    /// Returns false where the JSON would have more than `bytesMax` bytes.
    mutating func append(
        _ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter
    ) throws(MalformedRow) -> Bool {
        guard let base = bytes.baseAddress, bytes.count >= 12 else { throw MalformedRow("an array is cut off") }
        let reader = unsafe BinaryReader(base: base, count: bytes.count)
        let dimensionCount = unsafe Int(reader.int32(0))
        guard dimensionCount >= 0, dimensionCount <= Self.dimensionsMax, bytes.count >= 12 + 8 * dimensionCount else {
            throw MalformedRow("an array of \(dimensionCount) dimensions")
        }
        var lengths: [Int] = []
        for index in 0..<dimensionCount {
            let length = unsafe Int(reader.int32(12 + 8 * index))
            guard length > 0 else { throw MalformedRow("an array with a dimension of length \(length)") }
            lengths.append(length)
        }
        at = 12 + 8 * dimensionCount
        if lengths.isEmpty {
            writer.append("[]")
        } else {
            guard try unsafe appendLevel(lengths[...], reader, to: &writer) else { return false }
        }
        guard at == bytes.count else { throw MalformedRow("an array is longer than its elements") }
        return true
    }

    private mutating func appendLevel(
        _ lengths: ArraySlice<Int>, _ reader: BinaryReader, to writer: inout ByteWriter
    ) throws(MalformedRow) -> Bool {
        guard let length = lengths.first else { return true }
        let isInnermost = lengths.count == 1
        writer.append("[")
        for index in 0..<length {
            if writer.count > bytesMax { return false }
            if index > 0 { writer.append(",") }
            if isInnermost {
                try unsafe appendElement(reader, to: &writer)
            } else {
                guard try unsafe appendLevel(lengths.dropFirst(), reader, to: &writer) else { return false }
            }
        }
        writer.append("]")
        return true
    }

    private mutating func appendElement(
        _ reader: BinaryReader, to writer: inout ByteWriter
    ) throws(MalformedRow) {
        guard unsafe at + 4 <= reader.count else { throw MalformedRow("an array is cut off") }
        let length = unsafe Int(reader.int32(at))
        at += 4
        if length == -1 { return writer.append("null") }
        guard length >= 0, unsafe length <= reader.count - at else { throw MalformedRow("an array is cut off") }
        let bytes = unsafe UnsafeRawBufferPointer(start: reader.base + at, count: length)
        at += length
        switch element {
        case .bool, .int2, .int4, .int8, .oid, .float4, .float8, .numeric:
            try unsafe appendNumber(bytes, to: &writer)
        default: try unsafe appendText(bytes, to: &writer)
        }
    }

    private func appendNumber(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) throws(MalformedRow) {
        switch element {
        case .bool: writer.append(try unsafe flag(bytes) ? "true" : "false")
        case .int2: writer.append(decimal: Int64(try unsafe fixed16(bytes)))
        case .int4: writer.append(decimal: Int64(Int32(bitPattern: try unsafe fixed32(bytes))))
        case .int8: writer.append(decimal: try unsafe fixed64(bytes))
        case .oid: writer.append(decimal: Int64(try unsafe fixed32(bytes)))
        case .float4: appendDouble(RowDecoder.shortest(Float(bitPattern: try unsafe fixed32(bytes))), to: &writer)
        case .float8: appendDouble(Double(bitPattern: UInt64(bitPattern: try unsafe fixed64(bytes))), to: &writer)
        default:
            let isNumber = try unsafe NumericText.isFinite(bytes)
            if !isNumber { writer.append("\"") }
            try unsafe NumericText.append(bytes, to: &writer)
            if !isNumber { writer.append("\"") }
        }
    }

    private func appendDouble(_ number: Double, to writer: inout ByteWriter) {
        if number.isNaN { return writer.append("\"NaN\"") }
        if number.isInfinite { return writer.append(number < 0 ? "\"-Infinity\"" : "\"Infinity\"") }
        writer.append(Value.double(number == 0 ? 0 : number).text)
    }

    private func appendText(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) throws(MalformedRow) {
        switch element {
        case .json: return unsafe writer.append(bytes)
        case .jsonb: return unsafe writer.append(try RowDecoder.jsonbText(bytes))
        default: break
        }
        writer.append("\"")
        switch element {
        case .text: unsafe appendEscaped(bytes, to: &writer)
        case .paddedText: unsafe appendEscaped(RowDecoder.trimmed(bytes), to: &writer)
        case .uuid: try unsafe CellText.appendUUID(bytes, to: &writer)
        case .inet: try unsafe CellText.appendAddress(bytes, to: &writer)
        case .interval: _ = try unsafe CellText.appendInterval(bytes, to: &writer)
        case .bytea:
            writer.append("\\\\x")
            for index in 0..<bytes.count { CellText.appendHex(unsafe bytes[index], to: &writer) }
        case .date: writer.append(Calendar.dateText(DateTimeText.days(Int32(bitPattern: try unsafe fixed32(bytes)))))
        case .time: writer.append(Calendar.timeText(try unsafe fixed64(bytes)))
        case .timestamp: writer.append(Self.timestampText(try unsafe fixed64(bytes), zone: ""))
        case .timestamptz: writer.append(Self.timestampText(try unsafe fixed64(bytes), zone: "Z"))
        default: throw MalformedRow("an array of an unknown form")
        }
        writer.append("\"")
    }

    private static func timestampText(_ instant: Int64, zone: String) -> String {
        DateTimeText.micros(instant).map { Calendar.timestampText($0, zone: zone) } ?? "out of range"
    }

    private func appendEscaped(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            switch byte {
            case UInt8(ascii: "\""): writer.append("\\\"")
            case UInt8(ascii: "\\"): writer.append("\\\\")
            case 10: writer.append("\\n")
            case 13: writer.append("\\r")
            case 9: writer.append("\\t")
            case 0..<32:
                writer.append("\\u00")
                CellText.appendHex(byte, to: &writer)
            default: writer.append(byte)
            }
        }
    }
}
