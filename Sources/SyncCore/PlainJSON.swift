internal import Records

/// Cells written as their own kind of JSON, the quick way: what nearly every cell of a mapping takes.
enum PlainJSON {
    /// A cell takes at most this much more than six bytes for each of its own.
    static let roomBesides = 48
    /// The kinds, one bit each, of which a cell takes no more than `roomBesides`, however long its row is.
    static let shortKinds: UInt32 = [
        CellKind.false, .true, .integer, .double, .date, .timestamp, .localTimestamp, .uuid,
    ].reduce(0) { $0 | 1 << UInt32($1.tag) }

    /// Stores `cell` at `out` and returns where it ends; nil where it has no JSON of its own (NaN, a date far off).
    @inline(__always)
    static func store(
        _ cell: Cell, _ kind: CellKind, _ out: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer? {
        switch kind {
        case .text, .uuid: return unsafe StoredJSON.storeString(cell.bytes, out)
        case .integer: return unsafe ByteWriter.store(decimal: cell.integer, at: out)
        case .false: return unsafe storeWord("false", out)
        case .true: return unsafe storeWord("true", out)
        case .decimal:
            // `NaN` and the infinities end with a letter; one of very many digits may be beyond what is a number elsewhere.
            guard let last = unsafe cell.bytes.last, last >= 48, last <= 57, unsafe cell.bytes.count <= 300 else {
                return nil
            }
            return unsafe storeBytes(cell, out)
        case .double: return unsafe cell.double.isFinite ? StoredJSON.store(cell.double, out) : nil
        case .date: return unsafe storeDate(cell.integer, out)
        case .timestamp, .localTimestamp: return unsafe storeInstant(cell.integer, out)
        case .json, .array: return unsafe storeBytes(cell, out)
        default: return nil
        }
    }

    /// Stores `null`, `true` or `false`.
    @inline(__always)
    static func storeWord(_ word: StaticString, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        unsafe out.copyMemory(from: word.utf8Start, byteCount: word.utf8CodeUnitCount)
        return unsafe out + word.utf8CodeUnitCount
    }

    @inline(__always)
    private static func storeBytes(_ cell: Cell, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let bytes = unsafe cell.bytes
        guard let start = bytes.baseAddress else { return unsafe out }
        if bytes.count <= StoredJSON.slack {
            unsafe out.storeBytes(of: start.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
        } else {
            unsafe out.copyMemory(from: start, byteCount: bytes.count)
        }
        return unsafe out + bytes.count
    }

    private static func storeDate(_ days: Int64, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        guard Calendar.isISO(days: days) else { return nil }
        let end = unsafe StoredJSON.storeDate(days, storeQuote(out))
        return unsafe storeQuote(end)
    }

    private static func storeInstant(_ micros: Int64, _ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        guard micros != .max, micros != .min, Calendar.isISO(days: Calendar.split(micros).days) else { return nil }
        let end = unsafe StoredJSON.storeInstant(micros, storeQuote(out))
        return unsafe storeQuote(end)
    }

    @inline(__always)
    private static func storeQuote(_ out: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        unsafe out.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        return unsafe out + 1
    }
}
