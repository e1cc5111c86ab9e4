internal import ConnectorKit
package import Records

/// The record of another object that each row of a sync names and that has to be at the destination.
package struct ExistenceRule: Sendable, Hashable {
    package var object: String
    /// The other object's field that has the value.
    package var field: String
    /// The source's column with the value.
    package var column: String

    /// Nil where nothing has to be there, or where it cannot be told from the definition of what object it is.
    package init?(_ shape: SyncShape) {
        for rule in shape.rules {
            guard case .column(let column) = rule.source, let record = shape.field(rule.field)?.requiredRecord,
                let object = Self.object(record, shape)
            else { continue }
            self.object = object
            field = record.field
            self.column = column
            return
        }
        return nil
    }

    private static func object(_ record: RequiredRecord, _ shape: SyncShape) -> String? {
        guard let kindField = record.kindField, let rule = shape.rules.first(where: { $0.field == kindField }) else {
            return record.object
        }
        guard case .constant(let value) = rule.source else { return nil }
        return record.kinds[value.text]
    }

    package func missing() -> Reason {
        Reason(
            code: "lookup_missing", message: "No \(object) at the destination has the \(field) in column \(column).",
            hint: "Sync \(object) first, or correct the value; the row is looked at again by every run.")
    }
}
