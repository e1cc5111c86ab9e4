/// Makes drafts of rows by the rules of one model.
struct DraftMaker {
    let model: SandboxModel
    private let hasCustom: Bool
    private let isStrict: Bool
    /// Types of the top-level properties, by the number under which they are sent.
    private let types: [PropertyType?]
    /// Under which number they are stored.
    private let stored: [UInt16]

    init(_ model: SandboxModel, _ switches: SandboxSwitches) {
        let rules = model.rules
        self.model = model
        hasCustom = rules.hasCustom
        isStrict = switches.types == .strict
        types = Property.allCases.map { property in
            let type = rules.properties[property]
            if case .choice = type, switches.choices == .keep, model != .customFields { return .text }
            return type
        }
        stored = Property.allCases.map { (rules.renamed[$0] ?? $0).rawValue }
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
            let slot = Int(slots[Int(made.name)])
            if slot > 0 {
                draft.fields[slot - 1] = made
            } else {
                draft.fields.append(made)
                slots[Int(made.name)] = Int32(draft.fields.count)
            }
        }
        return draft
    }

    private func make(_ field: Payload.Field, _ payload: Payload, _ state: StoreState) throws(RowFailure) -> Draft
        .Field?
    {
        guard let type = try type(of: field, state) else { return nil }
        let name = Int(field.name) < stored.count ? stored[Int(field.name)] : field.name
        if field.kind == .null {
            return state.switches.nulls == .clear ? Draft.Field(name: name, value: nil) : nil
        }
        guard let value = type.cast(payload.value(field), field.kind, isStrict: isStrict) else {
            throw .value("\(Self.shown(field, state)) \(type.expectation)")
        }
        if type == .customDay, !Self.takesDay(field.kind, state.switches.customDay) {
            throw .value("\(Self.shown(field, state)) must be written in the other way that days have")
        }
        if model == .endusers, state.switches.names == .change, Self.isPersonName(field.name) {
            return Draft.Field(name: name, value: Self.nameCase(value))
        }
        return Draft.Field(name: name, value: value)
    }

    private static func takesDay(_ kind: JSONKind, _ answer: SandboxSwitches.CustomDay) -> Bool {
        switch answer {
        case .both: true
        case .text: kind == .string
        case .number: kind == .number
        }
    }

    private static func isPersonName(_ name: UInt16) -> Bool {
        [Property.firstName, .lastName, .name].contains { $0.rawValue == name }
    }

    /// Each word with a capital, the rest in small letters.
    private static func nameCase(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let words = JSONText.plain(value).split(separator: " ", omittingEmptySubsequences: false)
        let changed = words.map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined(separator: " ")
        var out: [UInt8] = []
        JSONWriter.appendString(changed, to: &out)
        return out[...]
    }

    private static func shown(_ field: Payload.Field, _ state: StoreState) -> String {
        let name = state.names.names[Int(field.name)]
        return (name.isCustom ? "custom." : "") + name.text
    }

    /// The type of the field; nil where the field is dropped without a word.
    private func type(of field: Payload.Field, _ state: StoreState) throws(RowFailure) -> PropertyType? {
        if Int(field.name) < types.count {
            if field.name == Property.custom.rawValue, hasCustom, field.kind != .null {
                throw RowFailure("custom must be an object")
            }
            return types[Int(field.name)]
        }
        guard hasCustom else { return nil }
        guard let definition = state.customFields[model.storage.rawValue][field.name] else {
            return state.switches.unknownCustom == .keep ? .anything : nil
        }
        if definition.isFormula {
            switch state.switches.formula {
            case .ignore: return nil
            case .refuse: throw RowFailure("\(Self.shown(field, state)) is a formula and cannot be written")
            case .write: break
            }
        }
        if definition.isLocked {
            switch state.switches.locked {
            case .write: break
            case .ignore: return nil
            case .refuse: throw RowFailure("\(Self.shown(field, state)) is locked and cannot be written")
            }
        }
        return definition.type
    }
}
