package import ConnectorKit
package import Records

/// A constant as the JSON of its field, by the very casts that a column's values go through: what they refuse in a row is
/// refused in a project file.
package enum ConstantCast {
    /// Why the field cannot take the constant; nil where it can.
    package static func problem(
        _ value: Value, for field: DestinationField, allowsUnknownChoices: Bool
    ) -> Cast.Problem? {
        do throws(Cast.Problem) {
            _ = try json(of: value, MappedField(field, allowsUnknownChoices: allowsUnknownChoices))
            return nil
        } catch {
            return error
        }
    }

    static func json(of value: Value, _ field: MappedField) throws(Cast.Problem) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        var problem: Cast.Problem?
        RowBatch(rows: [[value]], columnCount: 1).withRows { rows in
            do throws(Cast.Problem) {
                _ = try field.write(rows.cell(0, 0), to: &writer)
            } catch {
                problem = error
            }
        }
        if let problem { throw problem }
        return unsafe Array(writer.bytes)
    }
}
