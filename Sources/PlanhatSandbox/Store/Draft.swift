/// Why a row was not written.
struct RowFailure: Error {
    let message: String
    /// The keys at fault, if any.
    var keys: [Property] = []
    var isPermission = false
    /// A value that its property cannot hold.
    var isValue = false

    init(_ message: String, keys: [Property] = [], isPermission: Bool = false) {
        self.message = message
        self.keys = keys
        self.isPermission = isPermission
    }

    /// - Parameter keys: stored properties; told under the names by which they are sent.
    static func duplicated(_ keys: [Property], _ rules: ModelRules) -> RowFailure {
        let sent = keys.map { rules.sent($0) }
        return RowFailure(sent.map(\.text).joined(separator: ",") + " duplicated", keys: sent)
    }

    static func required(_ property: Property) -> RowFailure {
        RowFailure("\(property.text) is required", keys: [property])
    }

    static func missing(_ property: Property, _ reference: ArraySlice<UInt8>) -> RowFailure {
        RowFailure("\(property.text) \(JSONText.plain(reference)) does not exist", keys: [property])
    }

    static func value(_ message: String) -> RowFailure {
        var failure = RowFailure(message)
        failure.isValue = true
        return failure
    }
}

/// A row made ready: values cast, what may not be written left out, each name once.
struct Draft {
    struct Field {
        let name: UInt16
        /// Canonical JSON; nil clears the field.
        let value: ArraySlice<UInt8>?
    }

    var fields: [Field] = []
    /// The `_id` as sent, without quotes.
    var id: ArraySlice<UInt8>?
    /// The company the row names (its number plus one; 0 where it says null); nil where it names none.
    var company: UInt32?
    var hasCustom = false
    /// Only `_id` finds the record: the row is a note.
    var isNote = false
    /// The company of a new record that names none: its sender's.
    var likelyCompany: UInt32?
    /// The times a ticket brings along.
    var createdAt: Int64?
    var updatedAt: Int64?

    func field(_ property: Property) -> Field? { fields.first { $0.name == property.rawValue } }

    /// Puts a value in the place of what the row says.
    mutating func set(_ property: Property, _ value: ArraySlice<UInt8>) {
        if let index = fields.firstIndex(where: { $0.name == property.rawValue }) {
            fields[index] = Field(name: property.rawValue, value: value)
        } else {
            fields.append(Field(name: property.rawValue, value: value))
        }
    }

    /// Takes a field out of the row.
    mutating func take(_ property: Property) -> Field? {
        fields.firstIndex { $0.name == property.rawValue }.map { fields.remove(at: $0) }
    }

    /// The text of a key, without quotes; nil where it is absent, null or empty.
    func key(_ property: Property) -> ArraySlice<UInt8>? {
        guard let value = field(property)?.value else { return nil }
        let inner = JSONText.inner(value)
        return inner.isEmpty ? nil : inner
    }

    /// Whether the row leaves a property without a value that it names.
    func clears(_ property: Property) -> Bool {
        guard let field = field(property) else { return false }
        return field.value.map { JSONText.inner($0).isEmpty } ?? true
    }
}
