internal import ConnectorKit
package import Records

/// Writes a row's key in the form it has at the destination. `1` and `'1'` are one key; blank is no key.
package struct KeyWriter: Sendable {
    package static let keyBytesMax = 1_024

    /// The columns of the identity, in order, as places in the scan.
    private let columns: [Int]
    private let ignoresCase: Bool
    /// Whether the identity is a JSON array of several parts.
    private let isComposite: Bool

    package enum Problem: Error, Sendable, Hashable {
        case missing
        case unusable(kind: String)
        case tooLong(bytes: Int)
        case unreadable(Reason)

        package var reason: Reason {
            switch self {
            case .missing:
                Reason(
                    code: "missing_key", message: "The row has no key: its key column is null or blank.",
                    hint: "Give the row a key, or leave it out of the dataset.")
            case .unusable(let kind):
                Reason(
                    code: "key_not_usable", message: "The key is \(kind), which cannot be a key.",
                    hint: "Choose a key column of text, integers, decimals, UUIDs or dates.")
            case .tooLong(let bytes):
                Reason(
                    code: "key_too_long",
                    message: "The key has \(bytes) bytes; at most \(KeyWriter.keyBytesMax) are allowed.",
                    hint: "Choose a shorter key column.")
            case .unreadable(let reason): reason
            }
        }
    }

    /// - Parameter scanColumns: the columns of the scan in order; each key column must be among them.
    package init(_ shape: SyncShape, scanColumns: [String]) {
        let names = shape.key.columns + (shape.key.within.map { [$0] } ?? [])
        columns = names.compactMap { scanColumns.firstIndex(of: $0) }
        isComposite = names.count > 1
        ignoresCase = shape.key.field.flatMap { shape.object.key($0)?.ignoresCase } ?? false
    }

    /// A key that a person gave, in the form that `write` gives it. Of a composite key any JSON of the same parts will do.
    package func normalized(_ text: String) -> String {
        let spelled = isComposite ? Self.canonical(text) ?? text : text
        return ignoresCase ? spelled.lowercased() : spelled
    }

    /// The forms that a key which a person gave may have, where it is not known how the sync made its keys.
    package static func spellings(_ text: String) -> [String] {
        var spellings: [String] = []
        for form in [text, text.lowercased(), canonical(text) ?? text] where !spellings.contains(form) {
            spellings.append(form)
        }
        return spellings
    }

    /// The JSON array as `writeComposite` writes it, without spaces and with numbers as text; nil for anything else.
    private static func canonical(_ text: String) -> String? {
        var elements = JSONElements(Array(text.utf8))
        var writer = ByteWriter(capacity: 128)
        var separator = UInt8(ascii: "[")
        do throws(JSONElements.Malformed) {
            while let element = try elements.next() {
                writer.append(separator)
                separator = UInt8(ascii: ",")
                switch element {
                case .text(let bytes): JSONText.appendString(JSONElements.decoded(bytes), to: &writer)
                case .word(let bytes): JSONText.appendString(String(decoding: bytes, as: UTF8.self), to: &writer)
                case .null, .nested: return nil
                }
            }
        } catch {
            return nil
        }
        writer.append(UInt8(ascii: "]"))
        return writer.text
    }

    /// Appends the identity of `row` to `writer`. On a problem nothing useful is left behind it.
    @inline(__always)
    package func write(_ rows: borrowing RowsView, _ row: Int, to writer: inout ByteWriter) throws(Problem) {
        let start = writer.count
        if !isComposite {
            try writeText(rows.cell(row, columns[0]), to: &writer)
        } else {
            try writeComposite(rows, row, to: &writer)
        }
        if writer.count - start > Self.keyBytesMax { throw .tooLong(bytes: writer.count - start) }
    }

    /// Stores the key of a row that was admitted as a JSON string and returns where it ends; nil where that takes more
    /// than a copy, or its kind is not one of `kinds` (one bit each).
    @inline(__always)
    func storeJSON(
        _ rows: borrowing RowsView, _ row: Int, _ out: UnsafeMutableRawPointer, kinds: UInt32
    ) -> UnsafeMutableRawPointer? {
        let cell = rows.cell(row, columns[0])
        let kind = cell.kind
        guard !isComposite, kinds >> UInt32(kind.tag) & 1 == 1 else { return nil }
        switch kind {
        case .integer:
            unsafe out.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            let end = unsafe ByteWriter.store(decimal: cell.integer, at: out + 1)
            unsafe end.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            return unsafe end + 1
        case .text where !ignoresCase: return unsafe StoredJSON.storeString(cell.bytes, out)
        default: return nil
        }
    }

    /// Appends the key of a row that was admitted, as a JSON string.
    func writeJSON(_ rows: borrowing RowsView, _ row: Int, to writer: inout ByteWriter) {
        var text = ByteWriter(capacity: 128)
        do throws(Problem) {
            try write(rows, row, to: &text)
        } catch {
            // The row was admitted, so its key can be written.
            text.removeAll()
        }
        unsafe JSONText.appendString(text.bytes, to: &writer)
    }

    private func writeComposite(
        _ rows: borrowing RowsView, _ row: Int, to writer: inout ByteWriter
    ) throws(Problem) {
        var part = ByteWriter(capacity: 128)
        writer.append(UInt8(ascii: "["))
        for (place, column) in columns.enumerated() {
            if place > 0 { writer.append(UInt8(ascii: ",")) }
            part.removeAll()
            try writeText(rows.cell(row, column), to: &part)
            unsafe JSONText.appendString(part.bytes, to: &writer)
        }
        writer.append(UInt8(ascii: "]"))
    }

    @inline(__always)
    private func writeText(_ cell: Cell, to writer: inout ByteWriter) throws(Problem) {
        switch cell.kind {
        case .integer: writer.append(decimal: cell.integer)
        case .text: try writeUsable(cell, to: &writer)
        default: try writeRare(cell, to: &writer)
        }
    }

    private func writeUsable(_ cell: Cell, to writer: inout ByteWriter) throws(Problem) {
        let bytes = unsafe cell.bytes
        guard unsafe bytes.contains(where: { $0 > 0x20 }) else { throw .missing }
        if ignoresCase {
            writer.append(unsafe String(decoding: bytes, as: UTF8.self).lowercased())
        } else {
            unsafe writer.append(bytes)
        }
    }

    private func writeRare(_ cell: Cell, to writer: inout ByteWriter) throws(Problem) {
        switch cell.kind {
        case .null: throw .missing
        case .decimal, .uuid: unsafe writer.append(cell.bytes)
        case .double, .date, .timestamp, .localTimestamp: writer.append(Value(cell).text)
        case .unreadable: throw .unreadable(cell.reason)
        case .false, .true: throw .unusable(kind: "a boolean")
        case .bytes: throw .unusable(kind: "binary")
        case .json, .array: throw .unusable(kind: "a JSON value")
        case .time, .interval: throw .unusable(kind: "a time of day or an interval")
        case .integer, .text: throw .missing
        }
    }
}
