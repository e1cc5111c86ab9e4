internal import ConnectorKit
package import Records

/// Which mapped fields have had no value in any planned row of a known record, where a null empties the field.
///
/// A column that was dropped and put back is null in every row, and nothing else about the dataset tells it. A field is looked at
/// until its first value, and in planned rows only, so that rows cost nothing once each field has had one.
package struct EmptyFields: Sendable {
    package struct Field: Sendable, Hashable {
        /// As the mapping names it.
        package var name: String
        package var column: String
        fileprivate var place: Int
        /// Planned rows of new records that had a value.
        package var newValues = 0
    }

    package private(set) var left: [Field] = []
    /// Fields that had a value in any planned row.
    package private(set) var filled: [String] = []
    /// Whether no record is known: then every row is that of a new one, and its first value is all that is asked.
    private let isFirst: Bool

    package init(_ shape: SyncShape, scanColumns: [String], isFirst: Bool) {
        self.isFirst = isFirst
        guard [.upsert, .upsertIfKeyExists].contains(shape.behavior.rules.changed) else { return }
        left = shape.rules.compactMap { rule in
            guard case .column(let column) = rule.source, rule.nulls == .clear,
                let place = scanColumns.firstIndex(of: column)
            else { return nil }
            return Field(name: rule.field, column: column, place: place)
        }
    }

    /// Takes in a planned row.
    @inline(__always)
    package mutating func note(_ rows: borrowing RowsView, _ row: Int, isNew: Bool) {
        if !left.isEmpty { look(rows, row, isNew: isNew && !isFirst) }
    }

    @inline(never)
    private mutating func look(_ rows: borrowing RowsView, _ row: Int, isNew: Bool) {
        var index = left.count
        while index > 0 {
            index -= 1
            let cell = rows.cell(row, left[index].place)
            if Mapping.isBlank(cell, cell.kind) { continue }
            if left[index].newValues == 0 { filled.append(left[index].name) }
            left[index].newValues += 1
            if !isNew { left.remove(at: index) }
        }
    }
}
