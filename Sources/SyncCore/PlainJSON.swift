internal import Records

/// Cells written as their own kind of JSON, the quick way: what nearly every cell of a mapping takes.
enum PlainJSON {
    /// Appends `cell`; false where it has no JSON of its own (NaN, a date far off), and then something useless is left.
    @inline(__always)
    static func write(_ cell: Cell, _ kind: CellKind, to writer: inout ByteWriter) -> Bool {
        switch kind {
        case .text: unsafe JSONText.appendString(cell.bytes, to: &writer)
        case .integer: writer.append(decimal: cell.integer)
        case .false: writer.append("false" as StaticString)
        case .true: writer.append("true" as StaticString)
        case .decimal: return writeDecimal(cell, to: &writer)
        case .double:
            guard cell.double.isFinite else { return false }
            JSONText.append(cell.double, to: &writer)
        case .date: return writeDate(cell.integer, to: &writer)
        case .timestamp, .localTimestamp: return writeInstant(cell.integer, to: &writer)
        case .uuid: unsafe JSONText.appendString(cell.bytes, to: &writer)
        case .json, .array: unsafe writer.append(cell.bytes)
        default: return false
        }
        return true
    }

    @inline(__always)
    private static func writeDecimal(_ cell: Cell, to writer: inout ByteWriter) -> Bool {
        let bytes = unsafe cell.bytes
        // `NaN` and the infinities end with a letter; one of very many digits may be beyond what is a number elsewhere.
        guard let last = unsafe bytes.last, last >= 48, last <= 57, bytes.count <= 300 else { return false }
        unsafe writer.append(bytes)
        return true
    }

    private static func writeDate(_ days: Int64, to writer: inout ByteWriter) -> Bool {
        guard Calendar.isISO(days: days) else { return false }
        writer.append(UInt8(ascii: "\""))
        JSONText.appendDate(days, to: &writer)
        writer.append(UInt8(ascii: "\""))
        return true
    }

    private static func writeInstant(_ micros: Int64, to writer: inout ByteWriter) -> Bool {
        guard micros != .max, micros != .min, Calendar.isISO(days: Calendar.split(micros).days) else { return false }
        writer.append(UInt8(ascii: "\""))
        JSONText.appendInstant(micros, to: &writer)
        writer.append(UInt8(ascii: "\""))
        return true
    }
}
