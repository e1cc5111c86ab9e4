package import ConnectorKit
package import Records

/// Where a mapped field's value comes from.
package enum MappingSource: Sendable, Hashable {
    case column(String)
    case constant(Value)
}

/// What a null in the source does to the field.
package enum NullPolicy: String, Sendable, Hashable {
    /// The field is cleared.
    case clear
    /// The field is left as it is.
    case skip
}

/// One line of a mapping.
package struct MappingRule: Sendable, Hashable {
    /// As the project spells it: `name`, `custom.Plan`.
    package var field: String
    package var source: MappingSource
    /// How the value names the record that a reference points to; nil for the destination's own id.
    package var lookup: String?
    package var nulls: NullPolicy

    package init(field: String, source: MappingSource, lookup: String? = nil, nulls: NullPolicy = .clear) {
        self.field = field
        self.source = source
        self.lookup = lookup
        self.nulls = nulls
    }
}

/// The sync key: which columns make it, and the field it is written to.
package struct KeyRule: Sendable, Hashable {
    package var columns: [String]
    /// Nil where the object is sent and the key only says which row it is.
    package var field: String?
    /// The column within whose value the key is unique, if it is not unique by itself.
    package var within: String?

    package init(columns: [String], field: String?, within: String? = nil) {
        self.columns = columns
        self.field = field
        self.within = within
    }
}

/// All that decides what a sync makes of a row. Everything the engine compiles is made from this value.
package struct SyncShape: Sendable, Hashable {
    package var object: DestinationObject
    package var behavior: Behavior
    package var key: KeyRule
    package var rules: [MappingRule]
    /// Fields found in the account beyond the declared ones.
    package var discovered: [DestinationField]
    /// Whether a changed row is sent once more, where rows are sent.
    package var sendsChangesAgain = false
    /// What becomes of records that are to be removed.
    package var removal = Removal.delete
    /// Whether a value outside a field's choices is sent all the same.
    package var allowsUnknownChoices = false

    package init(
        object: DestinationObject, behavior: Behavior, key: KeyRule, rules: [MappingRule],
        discovered: [DestinationField] = []
    ) {
        self.object = object
        self.behavior = behavior
        self.key = key
        self.rules = rules
        self.discovered = discovered
    }

    /// The columns a scan must deliver, sorted, so that the order of a mapping's lines does not change a fingerprint.
    package var scanColumns: [String] {
        var names = Set(key.columns)
        if let within = key.within { names.insert(within) }
        for case .column(let name) in rules.map(\.source) { names.insert(name) }
        return names.sorted()
    }

    /// Changes when, and only when, the same row would make another payload.
    package var mappingRevision: String {
        var lines = rules.map { rule in
            "\(rule.field)|\(rule.source)|\(rule.lookup ?? "")|\(rule.nulls.rawValue)|\(type(of: rule))"
        }
        lines.sort()
        lines.append("object|\(object.name)|\(key.field ?? "")")
        return Hash128.of(lines.joined(separator: "\n"), seed: 1).hexadecimal
    }

    /// Changes when, and only when, the same row would get another identity.
    package var keyRevision: String {
        let text = "\(key.columns.joined(separator: "\u{0}"))|\(key.field ?? "")|\(key.within ?? "")|\(object.name)"
        return Hash128.of(text, seed: 2).hexadecimal
    }

    /// The declared or discovered field that a mapping names, or nil.
    package func field(_ name: String) -> DestinationField? {
        object.field(name) ?? discovered.first { $0.name == name }
    }

    private func type(of rule: MappingRule) -> String { field(rule.field)?.type.word ?? FieldType.any.word }
}
