internal import ConnectorKit
package import Records

/// Step 5 of the walk: a changed row becomes the JSON object that the destination is given.
///
/// A shape is compiled once into a list of small flat steps and one block with all names and constants, so that a row
/// costs no copy of a field's description. Owned by one task.
@safe
package struct Mapping: ~Copyable {
    package static let columnsMax = 1_000

    private let steps: UnsafeMutableBufferPointer<MappingStep>
    /// Names and constants as JSON; steps point into it.
    private let text: UnsafeMutableRawBufferPointer
    /// How many of the steps are fields of the object itself; the others are nested.
    private let ownCount: Int
    private let nestedName: Range<Int>
    private let fields: [MappedField]
    private let key: KeyWriter?
    private let required: RequiredFields
    private let rowBytesMax: Int
    /// What every row fills.
    private let filledAlways: UInt64
    /// How many bytes a payload takes at most beside its row's values, and how many for each byte of its row.
    private let room: (fixed: Int, perByte: Int)
    /// A longer row's texts are written with a look for room before each piece, so that one does not make the buffer six
    /// times its size.
    private static let quickBytesMax = 64 << 10

    /// Compiles the rules of a shape for a scan. The rules are valid: the project was checked before.
    /// - Parameter lookups: what was read for the shape's look-ups.
    package init(_ shape: SyncShape, scanColumns: [String], lookups: [LookupName: LookupTable] = [:]) {
        let compiler = MappingCompiler(shape, scanColumns: scanColumns, lookups: lookups)
        fields = compiler.fields
        key = compiler.key
        required = compiler.required
        filledAlways = compiler.filled
        rowBytesMax = shape.object.rowBytesMax ?? .max
        ownCount = compiler.ownCount
        nestedName = compiler.nestedName
        let stepsRoom = compiler.steps.count * PlainJSON.roomBesides
        room = (compiler.text.count + stepsRoom + 64, Self.usesMax(compiler) * 6)
        unsafe steps = .allocate(capacity: compiler.steps.count)
        _ = unsafe steps.initialize(fromContentsOf: compiler.steps)
        // Short names are copied 32 bytes at a time, also the last one.
        unsafe text = .allocate(byteCount: compiler.text.count + 32, alignment: 16)
        unsafe text.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe text.copyBytes(from: compiler.text)
    }

    /// How often a row's cell may be written.
    private static func usesMax(_ compiler: MappingCompiler) -> Int {
        var uses: [Int32: Int] = [:]
        for step in compiler.steps where step.source == .column { uses[step.column, default: 0] += 1 }
        return (uses.values.max() ?? 0) + (compiler.key == nil ? 0 : 1)
    }

    deinit {
        unsafe steps.deallocate()
        unsafe text.deallocate()
    }

    /// What came of one row.
    package enum Outcome {
        /// Its payload was appended. `lacking` is the place, among `reasonsOfCreation`, of why it can make no new record.
        case mapped(lacking: Int?)
        /// It is invalid; nothing was appended.
        case invalid(Reason)
    }

    /// Why a row that lacks a field can make no new record.
    package var reasonsOfCreation: [Reason] { required.onCreate.reasons }

    /// Appends the payload of one row, unless it is invalid.
    package func outcome(_ rows: borrowing RowsView, _ row: Int, into writer: inout ByteWriter) -> Outcome {
        let start = writer.count
        var filled = filledAlways
        if let reason = write(rows, row, &filled, &writer) { return .invalid(reason) }
        if writer.count - start > rowBytesMax {
            let reason = RowSize.reason(bytes: writer.count - start, max: rowBytesMax)
            writer.truncate(to: start)
            return .invalid(reason)
        }
        if let place = required.each.firstMissing(filled) {
            writer.truncate(to: start)
            return .invalid(required.each.reasons[place])
        }
        return .mapped(lacking: required.onCreate.firstMissing(filled))
    }

    /// Appends the payload of one row. Returns nil, or why the row is invalid; then nothing was appended.
    package func map(_ rows: borrowing RowsView, _ row: Int, into writer: inout ByteWriter) -> Reason? {
        switch outcome(rows, row, into: &writer) {
        case .mapped: nil
        case .invalid(let reason): reason
        }
    }

    /// Where a row's next byte goes.
    @unsafe
    private struct Place {
        var out: UnsafeMutableRawPointer
        /// Whether the next field is the first of its object.
        var isFirst = true
        let room: Int
        /// The kinds of cells, one bit each, for which there is room.
        let kinds: UInt32

        init(_ writer: inout ByteWriter, room: Int, kinds: UInt32) {
            writer.reserve(room)
            unsafe out = unsafe writer.end
            unsafe self.room = room
            unsafe self.kinds = kinds
        }

        /// Goes on behind what the writer has been given meanwhile.
        mutating func makeRoom(_ writer: inout ByteWriter) {
            writer.reserve(unsafe room)
            unsafe out = unsafe writer.end
        }

        @inline(__always)
        mutating func store(_ byte: UInt8) {
            unsafe out.storeBytes(of: byte, as: UInt8.self)
            unsafe out += 1
        }
    }

    private func write(
        _ rows: borrowing RowsView, _ row: Int, _ filled: inout UInt64, _ writer: inout ByteWriter
    ) -> Reason? {
        let start = writer.count
        let bytes = unsafe rows.bytes(row).count
        var place =
            bytes <= Self.quickBytesMax
            ? unsafe Place(&writer, room: room.fixed + bytes * room.perByte, kinds: .max)
            : unsafe Place(&writer, room: room.fixed, kinds: PlainJSON.shortKinds)
        unsafe place.store(UInt8(ascii: "{"))
        for index in 0..<ownCount {
            if let reason = unsafe write(index, rows, row, &place, &filled, &writer) {
                writer.truncate(to: start)
                return reason
            }
        }
        if unsafe ownCount < steps.count, let reason = unsafe writeNested(rows, row, &place, &filled, &writer) {
            writer.truncate(to: start)
            return reason
        }
        unsafe place.store(UInt8(ascii: "}"))
        unsafe writer.extend(to: place.out)
        return nil
    }

    @inline(__always)
    private func writeNested(
        _ rows: borrowing RowsView, _ row: Int, _ place: inout Place, _ filled: inout UInt64,
        _ writer: inout ByteWriter
    ) -> Reason? {
        unsafe writer.extend(to: place.out)
        let start = writer.count
        unsafe storeName(nestedName, &place)
        unsafe place.store(UInt8(ascii: "{"))
        unsafe place.isFirst = true
        for index in unsafe ownCount..<steps.count {
            if let reason = unsafe write(index, rows, row, &place, &filled, &writer) { return reason }
        }
        if unsafe place.isFirst {
            writer.truncate(to: start)
            unsafe place.out = unsafe writer.end
        } else {
            unsafe place.store(UInt8(ascii: "}"))
        }
        return nil
    }

    /// Stores `,"name":`, and what follows it in a constant; without the comma where it is the first.
    @inline(__always)
    private func storeName(_ range: Range<Int>, _ place: inout Place) {
        guard let base = unsafe text.baseAddress else { return }
        let start = unsafe range.lowerBound &+ (place.isFirst ? 1 : 0)
        unsafe place.out = unsafe StoredJSON.storeShort(base + start, range.upperBound &- start, place.out)
    }

    /// Writes one field, its comma included. Returns why its row is invalid, if it is.
    @inline(__always)
    private func write(
        _ index: Int, _ rows: borrowing RowsView, _ row: Int, _ place: inout Place, _ filled: inout UInt64,
        _ writer: inout ByteWriter
    ) -> Reason? {
        let step = unsafe steps[index]
        let before = unsafe place.out
        switch step.source {
        case .column:
            let cell = rows.cell(row, Int(step.column))
            let kind = cell.kind
            if step.required != 0 && !Self.isBlank(cell, kind) { filled |= step.required }
            if kind == .null {
                if step.skipsNull { return nil }
                unsafe storeName(step.name, &place)
                unsafe place.out = unsafe PlainJSON.storeWord("null", place.out)
            } else {
                unsafe storeName(step.name, &place)
                let isPlain = unsafe (step.plainKinds & place.kinds) >> UInt32(kind.tag) & 1 == 1
                guard isPlain, let end = unsafe PlainJSON.store(cell, kind, place.out) else {
                    unsafe place.out = unsafe before
                    return unsafe writeCast(index, cell, &place, &writer)
                }
                unsafe place.out = unsafe end
            }
        case .constant:
            unsafe storeName(step.name, &place)
        case .key:
            unsafe storeName(step.name, &place)
            if let end = unsafe key?.storeJSON(rows, row, place.out, kinds: place.kinds) {
                unsafe place.out = unsafe end
            } else {
                unsafe place = unsafe writeKey(rows, row, place, &writer)
            }
        }
        unsafe place.isFirst = false
        return nil
    }

    /// The rest of the casts, by the field's description.
    @inline(__always)
    private func writeCast(
        _ index: Int, _ cell: Cell, _ place: inout Place, _ writer: inout ByteWriter
    ) -> Reason? {
        do throws(Cast.Problem) {
            unsafe place = try unsafe cast(index, cell, place, &writer)
            return nil
        } catch {
            return fields[index].reason(error)
        }
    }

    // These two are handed the place by value and give it back, so that what is on the quick way stays in registers.

    @inline(never)
    private func cast(
        _ index: Int, _ cell: Cell, _ place: Place, _ writer: inout ByteWriter
    ) throws(Cast.Problem) -> Place {
        var place = unsafe place
        unsafe writer.extend(to: place.out)
        let start = writer.count
        unsafe storeName(steps[index].name, &place)
        unsafe writer.extend(to: place.out)
        let isNull = try fields[index].write(cell, to: &writer)
        if unsafe isNull && steps[index].skipsNull {
            writer.truncate(to: start)
        } else {
            unsafe place.isFirst = false
        }
        unsafe place.makeRoom(&writer)
        return unsafe place
    }

    @inline(never)
    private func writeKey(
        _ rows: borrowing RowsView, _ row: Int, _ place: Place, _ writer: inout ByteWriter
    ) -> Place {
        var place = unsafe place
        unsafe writer.extend(to: place.out)
        key?.writeJSON(rows, row, to: &writer)
        unsafe place.makeRoom(&writer)
        return unsafe place
    }

    /// Whether a cell holds nothing that a field could be filled with.
    @inline(__always)
    package static func isBlank(_ cell: Cell, _ kind: CellKind) -> Bool {
        guard kind == .text else { return kind == .null }
        let bytes = unsafe cell.bytes
        if let first = unsafe bytes.first, first > 0x20 { return false }
        return unsafe !bytes.contains { $0 > 0x20 }
    }
}
