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
        unsafe steps = .allocate(capacity: compiler.steps.count)
        _ = unsafe steps.initialize(fromContentsOf: compiler.steps)
        // Short names are copied 32 bytes at a time, also the last one.
        unsafe text = .allocate(byteCount: compiler.text.count + 32, alignment: 16)
        unsafe text.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe text.copyBytes(from: compiler.text)
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

    private func write(
        _ rows: borrowing RowsView, _ row: Int, _ filled: inout UInt64, _ writer: inout ByteWriter
    ) -> Reason? {
        let start = writer.count
        writer.append(UInt8(ascii: "{"))
        var isFirst = true
        for index in 0..<ownCount {
            if let reason = write(index, rows, row, &isFirst, &filled, &writer) {
                writer.truncate(to: start)
                return reason
            }
        }
        if unsafe ownCount < steps.count, let reason = writeNested(rows, row, isFirst, &filled, &writer) {
            writer.truncate(to: start)
            return reason
        }
        writer.append(UInt8(ascii: "}"))
        return nil
    }

    private func writeNested(
        _ rows: borrowing RowsView, _ row: Int, _ isFirst: Bool, _ filled: inout UInt64, _ writer: inout ByteWriter
    ) -> Reason? {
        let start = writer.count
        append(isFirst ? nestedName.dropFirst() : nestedName, to: &writer)
        writer.append(UInt8(ascii: "{"))
        var isFirstNested = true
        for index in unsafe ownCount..<steps.count {
            if let reason = write(index, rows, row, &isFirstNested, &filled, &writer) { return reason }
        }
        if isFirstNested {
            writer.truncate(to: start)
        } else {
            writer.append(UInt8(ascii: "}"))
        }
        return nil
    }

    @inline(__always)
    private func append(_ range: Range<Int>, to writer: inout ByteWriter) {
        guard range.count <= 32, let base = unsafe text.baseAddress else {
            return unsafe writer.append(UnsafeRawBufferPointer(rebasing: text[range]))
        }
        unsafe writer.append(short: UnsafeRawPointer(base + range.lowerBound), count: range.count)
    }

    /// Writes one field, its comma included. Returns why its row is invalid, if it is.
    @inline(__always)
    private func write(
        _ index: Int, _ rows: borrowing RowsView, _ row: Int, _ isFirst: inout Bool, _ filled: inout UInt64,
        _ writer: inout ByteWriter
    ) -> Reason? {
        let step = unsafe steps[index]
        let name = isFirst ? step.name.dropFirst() : step.name
        switch step.source {
        case .column:
            let cell = rows.cell(row, Int(step.column))
            let kind = cell.kind
            if step.required != 0 && !Self.isBlank(cell, kind) { filled |= step.required }
            if kind == .null {
                if step.skipsNull { return nil }
                append(name, to: &writer)
                writer.append("null" as StaticString)
            } else {
                let start = writer.count
                append(name, to: &writer)
                let isPlain = step.plainKinds >> UInt32(kind.tag) & 1 == 1
                if !isPlain || !PlainJSON.write(cell, kind, to: &writer) {
                    writer.truncate(to: start)
                    return writeCast(index, cell, name, &isFirst, &writer)
                }
            }
        case .constant, .key:
            append(name, to: &writer)
            if step.source == .key { writeKey(rows, row, to: &writer) }
        }
        isFirst = false
        return nil
    }

    /// Whether a cell holds nothing that a field could be filled with.
    @inline(never)
    private static func isBlank(_ cell: Cell, _ kind: CellKind) -> Bool {
        switch kind {
        case .null: true
        case .text: unsafe !cell.bytes.contains { $0 > 0x20 }
        default: false
        }
    }

    /// The rest of the casts, by the field's description.
    @inline(never)
    private func writeCast(
        _ index: Int, _ cell: Cell, _ name: Range<Int>, _ isFirst: inout Bool, _ writer: inout ByteWriter
    ) -> Reason? {
        let start = writer.count
        append(name, to: &writer)
        do throws(Cast.Problem) {
            let isNull = try fields[index].write(cell, to: &writer)
            if unsafe isNull && steps[index].skipsNull {
                writer.truncate(to: start)
                return nil
            }
        } catch {
            return fields[index].reason(error)
        }
        isFirst = false
        return nil
    }

    @inline(__always)
    private func writeKey(_ rows: borrowing RowsView, _ row: Int, to writer: inout ByteWriter) {
        key?.writeJSON(rows, row, to: &writer)
    }
}
