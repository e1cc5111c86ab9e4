/// Why a row was not written.
struct RowFailure: Error {
    let message: String
    /// The keys at fault, if any.
    var keys: [Property] = []
    var isPermission = false

    init(_ message: String, keys: [Property] = [], isPermission: Bool = false) {
        self.message = message
        self.keys = keys
        self.isPermission = isPermission
    }

    static func duplicated(_ keys: [Property]) -> RowFailure {
        RowFailure(keys.map(\.text).joined(separator: ",") + " duplicated", keys: keys)
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

    func field(_ property: Property) -> Field? { fields.first { $0.name == property.rawValue } }

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

/// Makes drafts of rows by the rules of one model.
struct DraftMaker {
    let model: SandboxModel
    /// Types of the top-level properties, by their number.
    private let types: [PropertyType?]

    init(_ model: SandboxModel) {
        self.model = model
        let properties = model.properties
        types = Property.allCases.map { properties[$0] }
    }

    /// - Parameter slots: all zero, as long as there are names; all zero again on return.
    func draft(
        _ row: Payload.Row,
        of payload: Payload,
        in state: StoreState,
        slots: inout [Int32]
    ) throws(RowFailure) -> Draft {
        if let problem = row.problem { throw RowFailure(problem) }
        var draft = Draft()
        draft.hasCustom = row.hasCustom
        draft.fields.reserveCapacity(row.fields.count)
        defer { for field in draft.fields { slots[Int(field.name)] = 0 } }
        for field in payload.fields[row.fields] {
            if field.name == Property.id.rawValue {
                draft.id = field.kind == .null ? nil : JSONText.inner(payload.value(field))
                continue
            }
            guard let made = try make(field, payload, state) else { continue }
            let slot = Int(slots[Int(field.name)])
            if slot > 0 {
                draft.fields[slot - 1] = made
            } else {
                draft.fields.append(made)
                slots[Int(field.name)] = Int32(draft.fields.count)
            }
        }
        return draft
    }

    private func make(_ field: Payload.Field, _ payload: Payload, _ state: StoreState) throws(RowFailure) -> Draft
        .Field?
    {
        guard let type = try type(of: field, state) else { return nil }
        if field.kind == .null {
            return state.switches.nulls == .clear ? Draft.Field(name: field.name, value: nil) : nil
        }
        guard let value = type.cast(payload.value(field), field.kind) else {
            let name = state.names.names[Int(field.name)]
            throw RowFailure("\(name.isCustom ? "custom." : "")\(name.text) \(type.expectation)")
        }
        return Draft.Field(name: field.name, value: value)
    }

    /// The type of the field; nil where the field is dropped without a word.
    private func type(of field: Payload.Field, _ state: StoreState) throws(RowFailure) -> PropertyType? {
        if Int(field.name) < types.count {
            if field.name == Property.custom.rawValue, model.hasCustom, field.kind != .null {
                throw RowFailure("custom must be an object")
            }
            return types[Int(field.name)]
        }
        guard model.hasCustom else { return nil }
        if let definition = state.customFields[model.rawValue][field.name] {
            return definition.isFormula ? nil : definition.type
        }
        return state.switches.unknownCustom == .keep ? .anything : nil
    }
}
