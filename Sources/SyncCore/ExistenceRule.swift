internal import ConnectorKit
package import Records

/// The record of another object that each row of a sync names and that has to be at the destination.
package struct ExistenceRule: Sendable, Hashable {
    /// The object it is of, unless the row says otherwise.
    package var object: String
    /// The other object's field that has the value.
    package var field: String
    /// The source's column with the value.
    package var column: String
    /// The member of a row's payload with the value.
    package var member: String
    /// The column in which each row says of what kind its record is, and the objects that its words stand for.
    package var kindColumn: String?
    package var kinds: [String: String] = [:]

    /// Nil where nothing has to be there, or where it cannot be told from the definition of what object it is.
    package init?(_ shape: SyncShape) {
        for rule in shape.rules {
            guard case .column(let column) = rule.source, let record = shape.field(rule.field)?.requiredRecord else {
                continue
            }
            let kind = shape.rules.first { shape.field($0.field)?.name == record.kindField && record.kindField != nil }
            switch kind?.source {
            case .constant(let value):
                guard let named = record.kinds[value.text] else { continue }
                object = named
            case .column(let name):
                object = record.object
                kindColumn = name
                kinds = record.kinds
            case nil: object = record.object
            }
            field = record.field
            self.column = column
            member = shape.field(rule.field)?.name ?? rule.field
            return
        }
        return nil
    }

    /// The object that a row's record is of, by what its column of kinds says; nil for a word that stands for none.
    package func object(ofKind word: String) -> String? {
        let word = word.trimmingBlanks
        return word.isEmpty ? object : kinds[word]
    }

    /// - Parameter value: what the row names; nil where it cannot be told any more.
    package func missing(_ object: String, value: String?) -> Reason {
        let named = value.map { "\(field) \"\(ReferenceCast.shown($0))\" of" } ?? "\(field) in"
        return Reason(
            code: "lookup_missing", message: "No \(object) at the destination has the \(named) column \(column).",
            hint: "Sync \(object) first, or correct the value; the row is looked at again by every run.")
    }

    /// What is told where the object may not be read.
    package func unchecked(_ object: String) -> Reason {
        Reason(
            code: "existence_not_checked",
            message: "The key may not read \(object), so it is not checked whether the \(field) in column \(column) is "
                + "there. Rows without such a record are sent, and the destination may drop them without a word.",
            hint: "Give the key read access to \(object).")
    }
}
