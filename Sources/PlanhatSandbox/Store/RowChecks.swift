/// A row laid over the record it changes, if there is one.
struct EffectiveRow {
    let draft: Draft
    let record: StoredRecord?

    func value(_ property: Property) -> ArraySlice<UInt8>? {
        if let field = draft.field(property) { return field.value }
        return record?.value(property)
    }

    func has(_ property: Property) -> Bool { value(property).map { !JSONText.inner($0).isEmpty } ?? false }

    /// A flag's value, nil where it has none.
    func flag(_ property: Property) -> Bool? { value(property).map { $0.elementsEqual("true".utf8) } }
}

/// Rules about several properties of one record.
enum RowChecks {
    static func check(_ model: SandboxModel, _ row: EffectiveRow) throws(RowFailure) {
        switch model {
        case .endusers where row.record == nil:
            let keys = model.rules.keyables
            guard keys.contains(where: { row.has($0) }) else {
                throw RowFailure("one of email, externalId, sourceId is required", keys: keys)
            }
        case .licenses:
            // A fixed period is paid as a whole, an open end by the month.
            let isFixed = row.flag(.fixedPeriod) ?? row.has(.value)
            let needed: Property = isFixed ? .value : .mrr
            guard row.has(needed) else { throw .required(needed) }
        case .lineItems: try checkLineItem(row)
        default: break
        }
    }

    private static func checkLineItem(_ row: EffectiveRow) throws(RowFailure) {
        guard row.has(.fromDate) else { throw .required(.fromDate) }
        if row.value(.type)?.elementsEqual("\"fee\"".utf8) == true {
            guard row.has(.value) else { throw .required(.value) }
            return
        }
        let isFixed = row.flag(.fixedPeriod) ?? false
        if isFixed, !row.has(.toDate), !row.has(.length) { throw .required(.toDate) }
        guard row.has(.mrr) || row.has(.arr) || isFixed && row.has(.value) else { throw .required(.mrr) }
    }
}
