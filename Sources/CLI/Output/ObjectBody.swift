internal import ConnectorKit

/// An object of a destination for programs: every key is always there.
struct ObjectBody: Encodable {
    let object: DestinationObject
    /// The account's own fields.
    let found: [DestinationField]

    init(_ object: DestinationObject, found: [DestinationField]) {
        self.object = object
        self.found = found
    }

    private enum Keys: String, CodingKey {
        case name
        case displayName = "display_name"
        case help, keys, behaviors, removals
        case requiredInEachRow = "required_in_each_row"
        case requiredSettings = "required_settings"
        case limits
        case fields
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(object.name, forKey: .name)
        try container.encode(object.displayName, forKey: .displayName)
        try container.encode(object.help, forKey: .help)
        try container.encode(object.keys.map { ObjectKeyBody(key: $0) }, forKey: .keys)
        try container.encode(object.behaviors, forKey: .behaviors)
        try container.encode(object.removals, forKey: .removals)
        try container.encode(object.requiredInEachRow, forKey: .requiredInEachRow)
        try container.encode(object.requiredSettings, forKey: .requiredSettings)
        try container.encode(ObjectLimitsBody(object: object), forKey: .limits)
        let fields =
            object.fields.map { ObjectFieldBody(field: $0, isCustom: false) }
            + found.map { ObjectFieldBody(field: $0, isCustom: true) }
        try container.encode(fields, forKey: .fields)
    }
}

/// What one request may carry.
private struct ObjectLimitsBody: Encodable {
    let object: DestinationObject

    private enum Keys: String, CodingKey {
        case rowsMax = "rows_max"
        case bytesMax = "bytes_max"
        case rowBytesMax = "row_bytes_max"
        case sendsMax = "sends_max"
        case removalsMax = "removals_max"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(object.batchItemsMax, forKey: .rowsMax)
        try container.encode(object.batchBytesMax, forKey: .bytesMax)
        // Null where no limit is known, or nothing can be removed.
        try container.encode(object.rowBytesMax, forKey: .rowBytesMax)
        let sends = object.behaviors.contains(.send) ? object.sendItemsMax ?? object.batchItemsMax : nil
        try container.encode(sends, forKey: .sendsMax)
        try container.encode(object.removals.isEmpty ? nil : object.removalItemsMax, forKey: .removalsMax)
    }
}

private struct ObjectKeyBody: Encodable {
    let key: KeyField

    private enum Keys: String, CodingKey {
        case name, aliases
        case canCreate = "can_create"
        case ignoresCase = "ignores_case"
        case uniqueWithin = "unique_within"
        case identityFields = "identity_fields"
        case note
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(key.name, forKey: .name)
        try container.encode(key.aliases, forKey: .aliases)
        try container.encode(key.canCreate, forKey: .canCreate)
        try container.encode(key.ignoresCase, forKey: .ignoresCase)
        try container.encode(key.uniqueWithin, forKey: .uniqueWithin)
        try container.encode(key.identityFields, forKey: .identityFields)
        try container.encode(key.note, forKey: .note)
    }
}

private struct ObjectFieldBody: Encodable {
    let field: DestinationField
    let isCustom: Bool

    private enum Keys: String, CodingKey {
        case name, aliases, type, choices
        case refersTo = "refers_to"
        case lookups, minimum, maximum
        case excludesZero = "excludes_zero"
        case charactersMax = "characters_max"
        case orElse = "or_else"
        case required, writable, custom, help
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(field.name, forKey: .name)
        try container.encode(field.aliases, forKey: .aliases)
        try container.encode(field.type.word, forKey: .type)
        try container.encode(choices, forKey: .choices)
        try container.encode(reference?.object, forKey: .refersTo)
        // Null stands for the other object's own id, which takes no lookup.
        try container.encode(reference?.forms.map(\.lookup) ?? [], forKey: .lookups)
        try container.encode(bound(field.range?.lowerBound), forKey: .minimum)
        try container.encode(bound(field.range?.upperBound), forKey: .maximum)
        try container.encode(field.excludesZero, forKey: .excludesZero)
        try container.encode(field.charactersMax, forKey: .charactersMax)
        try container.encode(field.isRequiredOnCreate, forKey: .required)
        try container.encode(field.orElse, forKey: .orElse)
        try container.encode(field.isWritable, forKey: .writable)
        try container.encode(isCustom, forKey: .custom)
        try container.encode(field.help, forKey: .help)
    }

    private var choices: [String] {
        switch field.type {
        case .choice(let choices), .choiceList(let choices): choices
        default: []
        }
    }

    private var reference: (object: String, forms: [ReferenceForm])? {
        switch field.type {
        case .reference(let object, let forms), .referenceList(let object, let forms): (object, forms)
        default: nil
        }
    }

    /// Nil where the range has no end on that side.
    private func bound(_ number: Double?) -> Double? {
        guard let number, number.magnitude < .greatestFiniteMagnitude else { return nil }
        return number
    }
}
