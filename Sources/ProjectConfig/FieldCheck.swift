internal import ConnectorKit

/// Holds one mapping against the field that it names.
struct FieldCheck {
    let sync: SyncDefinition
    let object: DestinationObject
    let log: DiagnosticLog

    func check(_ mapping: MappingDefinition) {
        if let field = object.field(mapping.field) {
            guard field.isWritable else { return reportReadOnly(mapping) }
            check(mapping, field)
        } else if let key = object.key(mapping.field) {
            guard key.canCreate else { return reportReadOnly(mapping) }
            check(mapping, DestinationField(mapping.field, .text))
        } else if !isCustom(mapping.field) {
            reportUnknown(mapping)
        }
    }

    /// A field of the account's own making; whether it exists is seen when the account is asked.
    private func isCustom(_ field: String) -> Bool {
        guard let under = object.acceptsUnknownFieldsUnder else { return false }
        return field.hasPrefix(under + ".") && field.utf8.count > under.utf8.count + 1
    }

    private func reportReadOnly(_ mapping: MappingDefinition) {
        log.error(
            code: "field_not_writable", "`\(mapping.field)` of \(object.displayName) cannot be written",
            hint: "the destination sets it itself; remove this mapping", at: mapping.location)
    }

    private func reportUnknown(_ mapping: MappingDefinition) {
        let writable = object.fields.filter(\.isWritable)
        let keys = object.keys.filter(\.canCreate)
        let names = writable.map(\.name) + keys.map(\.name) + writable.flatMap(\.aliases) + keys.flatMap(\.aliases)
        var hint = NearestName.among(names, to: mapping.field).map { "did you mean `\($0)`?" } ?? ""
        if hint.isEmpty, let under = object.acceptsUnknownFieldsUnder, !mapping.field.hasPrefix(under + ".") {
            hint = "a custom field is written `\(under).\(mapping.field)`; "
        }
        if !hint.hasPrefix("did") { hint += "`sluice objects \(sync.destination) \(object.name)` lists the fields" }
        log.error(
            code: "unknown_field", "\(object.displayName) has no field `\(mapping.field)`", hint: hint,
            at: mapping.location)
    }

    private func check(_ mapping: MappingDefinition, _ field: DestinationField) {
        if let problem = KnownField(field, of: sync).problem(with: mapping) { log.add(problem) }
    }
}
