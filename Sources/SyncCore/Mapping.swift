internal import ConnectorKit
package import Records

/// Step 5 of the walk: a changed row becomes the JSON object that the destination is given.
package struct Mapping: Sendable {
    package static let columnsMax = 1_000

    /// Fields of the object itself, the key first, then those of the object for unknown fields.
    private let own: [MappedField]
    private let nested: [MappedField]
    private let nestedName: [UInt8]

    /// Compiles the rules of a shape for a scan. The rules are valid: the project was checked before.
    package init(_ shape: SyncShape, scanColumns: [String]) {
        var own: [MappedField] = []
        var nested: [MappedField] = []
        let under = shape.object.acceptsUnknownFieldsUnder
        if let key = MappedField.key(shape, scanColumns: scanColumns) { own.append(key) }
        for rule in shape.rules {
            let prefix = under.map { $0 + "." } ?? ""
            if !prefix.isEmpty, rule.field.hasPrefix(prefix) {
                nested.append(
                    MappedField(
                        rule, name: String(rule.field.dropFirst(prefix.count)), field: shape.field(rule.field),
                        scanColumns: scanColumns))
            } else {
                let field = shape.field(rule.field)
                own.append(MappedField(rule, name: rule.field, field: field, scanColumns: scanColumns))
            }
        }
        self.own = own
        self.nested = nested
        nestedName = MappedField.quoted(under ?? "")
    }

    /// Appends the payload of one row. Returns nil, or why the row is invalid; then what was appended is cut off.
    package func map(_ rows: borrowing RowsView, _ row: Int, into writer: inout ByteWriter) -> Reason? {
        let start = writer.count
        writer.append(UInt8(ascii: "{"))
        var isFirst = true
        do throws(MappingProblem) {
            for field in own { try field.write(rows, row, isFirst: &isFirst, to: &writer) }
            try mapNested(rows, row, isFirst: isFirst, to: &writer)
        } catch {
            writer.truncate(to: start)
            return error.reason
        }
        writer.append(UInt8(ascii: "}"))
        return nil
    }

    private func mapNested(
        _ rows: borrowing RowsView, _ row: Int, isFirst: Bool, to writer: inout ByteWriter
    ) throws(MappingProblem) {
        guard !nested.isEmpty else { return }
        let start = writer.count
        if !isFirst { writer.append(UInt8(ascii: ",")) }
        writer.append(nestedName)
        writer.append(UInt8(ascii: "{"))
        var isFirstNested = true
        for field in nested { try field.write(rows, row, isFirst: &isFirstNested, to: &writer) }
        if isFirstNested { return writer.truncate(to: start) }
        writer.append(UInt8(ascii: "}"))
    }
}

/// A value of one field that could not be cast.
struct MappingProblem: Error {
    var field: String
    var column: String
    var problem: Cast.Problem

    var reason: Reason {
        Reason(
            code: problem.code, message: "Column \(column) for field \(field): \(problem.message)", hint: problem.hint)
    }
}

/// One compiled field: where its value comes from, what it is cast to, and its name as JSON.
struct MappedField: Sendable {
    private enum Source: Sendable {
        case column(Int)
        case constant([UInt8])
        case key(KeyWriter)
    }

    private let name: String
    private let column: String
    private let quotedName: [UInt8]
    private let source: Source
    private let type: FieldType
    private let prefix: String
    private let nulls: NullPolicy

    init(_ rule: MappingRule, name: String, field: DestinationField?, scanColumns: [String]) {
        self.name = rule.field
        quotedName = Self.quoted(field.map { $0.name.hasSuffix(name) ? name : $0.name } ?? name)
        let type = field?.type ?? .any
        self.type = type
        nulls = rule.nulls
        var prefix = ""
        if case .reference(_, let forms) = type {
            prefix = forms.first { $0.lookup == rule.lookup }?.prefix ?? ""
        }
        self.prefix = prefix
        switch rule.source {
        case .column(let column):
            self.column = column
            source = .column(scanColumns.firstIndex(of: column) ?? 0)
        case .constant(let value):
            column = ""
            source = .constant(Self.constant(value, type: type, prefix: prefix))
        }
    }

    private init(key: KeyWriter, name: String, column: String) {
        self.name = name
        self.column = column
        quotedName = Self.quoted(name)
        source = .key(key)
        type = .text
        prefix = ""
        nulls = .clear
    }

    /// The field that carries the sync key; nil where the object is sent.
    static func key(_ shape: SyncShape, scanColumns: [String]) -> MappedField? {
        guard let name = shape.key.field, shape.behavior != .send else { return nil }
        var alone = shape
        alone.key.within = nil
        let writer = KeyWriter(alone, scanColumns: scanColumns)
        return MappedField(key: writer, name: shape.object.key(name)?.name ?? name, column: shape.key.columns[0])
    }

    @inline(__always)
    func write(
        _ rows: borrowing RowsView, _ row: Int, isFirst: inout Bool, to writer: inout ByteWriter
    ) throws(MappingProblem) {
        let start = writer.count
        if !isFirst { writer.append(UInt8(ascii: ",")) }
        writer.append(quotedName)
        switch source {
        case .column(let index):
            let isNull = try writeCell(rows.cell(row, index), to: &writer)
            if isNull && nulls == .skip { return writer.truncate(to: start) }
        case .constant(let bytes):
            writer.append(bytes)
        case .key(let key):
            writeKey(key, rows, row, to: &writer)
        }
        isFirst = false
    }

    private func writeCell(_ cell: Cell, to writer: inout ByteWriter) throws(MappingProblem) -> Bool {
        do throws(Cast.Problem) {
            return try Cast.write(cell, as: type, prefix: prefix, to: &writer)
        } catch {
            throw MappingProblem(field: name, column: column, problem: error)
        }
    }

    private func writeKey(
        _ key: KeyWriter, _ rows: borrowing RowsView, _ row: Int, to writer: inout ByteWriter
    ) {
        var text = ByteWriter(capacity: 128)
        do throws(KeyWriter.Problem) {
            try key.write(rows, row, to: &text)
        } catch {
            // The row was admitted, so its key can be written.
            text.removeAll()
        }
        unsafe JSONText.appendString(text.bytes, to: &writer)
    }

    static func quoted(_ name: String) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        JSONText.appendString(name, to: &writer)
        writer.append(UInt8(ascii: ":"))
        return unsafe Array(writer.bytes)
    }

    /// A constant's JSON, made once. One that cannot be cast was refused when the project was checked.
    private static func constant(_ value: Value, type: FieldType, prefix: String) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        RowBatch(rows: [[value]], columnCount: 1).withRows { rows in
            do throws(Cast.Problem) {
                _ = try Cast.write(rows.cell(0, 0), as: type, prefix: prefix, to: &writer)
            } catch {
                writer.removeAll()
                writer.append("null")
            }
        }
        return unsafe Array(writer.bytes)
    }
}
