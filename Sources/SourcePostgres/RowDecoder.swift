package import Records

/// Why the bytes of a copy are not what the protocol promises.
package struct MalformedRow: Error, Hashable {
    package var what: String

    package init(_ what: String) { self.what = what }
}

/// Reads rows in the binary copy format straight into a flat batch
/// (https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format"). No object for a row or a cell; every length
/// is checked against the bytes that are there.
@safe
package struct RowDecoder: ~Copyable {
    /// Bytes that the arrays of one row may come to as JSON.
    static let arrayBytesMax = 1 << 30

    private let decoders: [CellDecoder]
    private let elements: [CellDecoder]
    private let checksText: Bool
    private var scratch = ByteWriter()
    private var hasHeader = false
    private var arrayBytes = 0
    /// Whether the end mark of the copy was read.
    package private(set) var hasEnded = false
    package private(set) var rowCount = 0

    /// - Parameter checksText: whether text may be anything but UTF-8 (a database of the encoding SQL_ASCII).
    package init(_ rules: [ColumnRule], checksText: Bool = false) {
        decoders = rules.map(\.decoder)
        elements = rules.map(\.element)
        self.checksText = checksText
    }

    /// Reads what begins at `offset` (the header, a row or the end mark) and returns where the next thing begins.
    /// At most one row is added.
    package mutating func decode(
        _ message: UnsafeRawBufferPointer, at offset: Int, into builder: inout RowBatchBuilder
    ) throws(MalformedRow) -> Int {
        guard let base = message.baseAddress, !hasEnded else { throw MalformedRow("data after the end") }
        var at = offset
        if !hasHeader { at = try unsafe header(BinaryReader(base: base, count: message.count), at) }
        if at == message.count { return at }
        guard at + 2 <= message.count else { throw MalformedRow("a row without its field count") }
        let fields = unsafe Int16(bitPattern: bigEndian16(base + at))
        at += 2
        if fields == -1 {
            hasEnded = true
            return at
        }
        guard Int(fields) == decoders.count else { throw MalformedRow("a row of \(fields) fields") }
        at = try unsafe row(base, message.count, at, &builder)
        builder.endRow()
        rowCount += 1
        return at
    }

    private mutating func header(_ bytes: BinaryReader, _ offset: Int) throws(MalformedRow) -> Int {
        guard unsafe bytes.count - offset >= 19 else { throw MalformedRow("the header is cut off") }
        let signature: [UInt8] = [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00]
        for (index, byte) in signature.enumerated() where unsafe bytes.byte(offset + index) != byte {
            throw MalformedRow("the header is not that of a binary copy")
        }
        let flags = unsafe bytes.int32(offset + 11)
        // Bits 16 to 31 are critical: a reader that does not know them must not go on.
        guard UInt32(bitPattern: flags) >> 16 == 0 else { throw MalformedRow("the header has unknown flags") }
        let extra = unsafe Int(bytes.int32(offset + 15))
        guard extra >= 0, unsafe extra <= bytes.count - offset - 19 else { throw MalformedRow("the header is cut off") }
        hasHeader = true
        return offset + 19 + extra
    }

    @inline(__always)
    private mutating func row(
        _ base: UnsafeRawPointer, _ count: Int, _ start: Int, _ builder: inout RowBatchBuilder
    ) throws(MalformedRow) -> Int {
        var at = start
        arrayBytes = 0
        for column in 0..<decoders.count {
            guard at + 4 <= count else { throw MalformedRow("a row is cut off") }
            let length = unsafe Int(Int32(bitPattern: bigEndian32(base + at)))
            at += 4
            if length < 0 {
                guard length == -1 else { throw MalformedRow("a field of length \(length)") }
                builder.appendNull()
                continue
            }
            guard length <= count - at else { throw MalformedRow("a field is cut off") }
            try unsafe cell(UnsafeRawBufferPointer(start: base + at, count: length), column, &builder)
            at += length
        }
        return at
    }

    @inline(__always)
    private mutating func cell(
        _ bytes: UnsafeRawBufferPointer, _ column: Int, _ builder: inout RowBatchBuilder
    ) throws(MalformedRow) {
        let decoder = decoders[column]
        switch decoder {
        case .text:
            if checksText { return unsafe checkedText(.text, bytes, &builder) }
            unsafe builder.append(.text, bytes)
        case .int8: builder.append(try unsafe fixed64(bytes))
        case .int4: builder.append(Int64(Int32(bitPattern: try unsafe fixed32(bytes))))
        case .int2: builder.append(Int64(try unsafe fixed16(bytes)))
        case .oid: builder.append(Int64(try unsafe fixed32(bytes)))
        case .bool: builder.append(try unsafe flag(bytes))
        case .float8: builder.append(Double(bitPattern: UInt64(bitPattern: try unsafe fixed64(bytes))))
        case .timestamptz: try append(.timestamp, instant: unsafe fixed64(bytes), &builder)
        case .timestamp: try append(.localTimestamp, instant: unsafe fixed64(bytes), &builder)
        case .date: builder.append(.date, DateTimeText.days(Int32(bitPattern: try unsafe fixed32(bytes))))
        case .numeric: try unsafe written(.decimal, bytes, decoder, &builder)
        default: try unsafe rareCell(bytes, column, &builder)
        }
    }

    @inline(never)
    private mutating func rareCell(
        _ bytes: UnsafeRawBufferPointer, _ column: Int, _ builder: inout RowBatchBuilder
    ) throws(MalformedRow) {
        switch decoders[column] {
        case .float4: builder.append(Self.shortest(Float(bitPattern: try unsafe fixed32(bytes))))
        case .time: builder.append(.time, try unsafe fixed64(bytes))
        case .uuid: try unsafe written(.uuid, bytes, .uuid, &builder)
        case .inet: try unsafe written(.text, bytes, .inet, &builder)
        case .bytea: unsafe builder.append(.bytes, bytes)
        case .paddedText: unsafe checkedText(.text, Self.trimmed(bytes), &builder)
        case .json: unsafe checkedText(.json, bytes, &builder)
        case .jsonb: unsafe checkedText(.json, try Self.jsonbText(bytes), &builder)
        case .interval: try unsafe interval(bytes, &builder)
        case .array: try unsafe array(bytes, elements[column], &builder)
        default: throw MalformedRow("a field of an unknown form")
        }
    }

    @inline(__always)
    private mutating func written(
        _ kind: CellKind, _ bytes: UnsafeRawBufferPointer, _ decoder: CellDecoder, _ builder: inout RowBatchBuilder
    ) throws(MalformedRow) {
        scratch.removeAll()
        switch decoder {
        case .numeric: try unsafe NumericText.append(bytes, to: &scratch)
        case .uuid: try unsafe CellText.appendUUID(bytes, to: &scratch)
        default: try unsafe CellText.appendAddress(bytes, to: &scratch)
        }
        unsafe builder.append(kind, scratch.bytes)
    }

    private mutating func interval(
        _ bytes: UnsafeRawBufferPointer, _ builder: inout RowBatchBuilder
    ) throws(MalformedRow) {
        scratch.removeAll()
        let isDuration = try unsafe CellText.appendInterval(bytes, to: &scratch)
        unsafe builder.append(isDuration ? .interval : .text, scratch.bytes)
    }

    private mutating func array(
        _ bytes: UnsafeRawBufferPointer, _ element: CellDecoder, _ builder: inout RowBatchBuilder
    ) throws(MalformedRow) {
        scratch.removeAll()
        let room = Self.arrayBytesMax - arrayBytes
        var writer = ArrayText(element: element, bytesMax: room)
        guard try unsafe writer.append(bytes, to: &scratch) else {
            return builder.appendUnreadable(
                Reason(
                    code: "value_too_large", message: "An array is larger than 1 GiB as JSON.",
                    hint: "Leave the column out, or read a part of it with a query."))
        }
        arrayBytes += scratch.count
        unsafe checkedText(.array, scratch.bytes, &builder)
    }

    /// The server promises UTF-8 unless the database's encoding is SQL_ASCII.
    private func checkedText(_ kind: CellKind, _ bytes: UnsafeRawBufferPointer, _ builder: inout RowBatchBuilder) {
        if checksText, unsafe String(validating: bytes, as: UTF8.self) == nil {
            return builder.appendUnreadable(
                Reason(
                    code: "invalid_text",
                    message: "The text is not UTF-8, and the database (SQL_ASCII) does not say what it is.",
                    hint: "Convert the text at the source, or read it with convert_from(...) in a query."))
        }
        unsafe builder.append(kind, bytes)
    }

    @inline(__always)
    private func append(_ kind: CellKind, instant: Int64, _ builder: inout RowBatchBuilder) throws(MalformedRow) {
        if let micros = DateTimeText.micros(instant) { return builder.append(kind, micros) }
        builder.appendUnreadable(
            Reason(
                code: "value_out_of_range", message: "The time lies after the year 294246 and cannot be represented.",
                hint: "Correct the value at the source, or leave the row out with a query."))
    }

    /// The double whose shortest text is that of the float: `0.1::real` is 0.1, not 0.10000000149011612.
    static func shortest(_ float: Float) -> Double {
        let isExact = float == float.rounded(.towardZero) && abs(float) < 16_777_216
        return isExact || !float.isFinite ? Double(float) : Double(float.description) ?? Double(float)
    }

    static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var count = bytes.count
        while count > 0, unsafe bytes[count - 1] == 32 { count -= 1 }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[0..<count])
    }

    /// A jsonb value is its version, 1, and then its text.
    static func jsonbText(_ bytes: UnsafeRawBufferPointer) throws(MalformedRow) -> UnsafeRawBufferPointer {
        guard bytes.count > 1, unsafe bytes[0] == 1 else { throw MalformedRow("jsonb of an unknown version") }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[1...])
    }
}
