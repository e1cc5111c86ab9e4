/// Which record a row means.
enum KeyMatch {
    case none
    case record(UInt32, by: Property)
    /// The row carries an `_id` that no record has, and nothing else that matches.
    case unknownID

    /// Asks the keys in Planhat's order: `_id`, then the model's keyables. The first that finds a record decides.
    static func find(_ draft: Draft, _ model: SandboxModel, _ rules: ModelRules, _ state: StoreState) -> KeyMatch {
        let table = state[model]
        if let id = draft.id, let number = table.number(id: id), state.isMember(number, of: model) {
            return .record(number, by: .id)
        }
        for property in rules.matched(state.switches) where !draft.isNote {
            guard let key = draft.key(property) else { continue }
            var found = table.records(property, key)
            if model == .tickets { found = found.filter { state.isMember($0, of: model) } }
            if let number = choose(found, property, draft, rules, state.switches.scope, table) {
                return .record(number, by: property)
            }
        }
        return draft.id == nil ? .none : .unknownID
    }

    private static func choose(
        _ found: [UInt32],
        _ property: Property,
        _ draft: Draft,
        _ rules: ModelRules,
        _ scope: SandboxSwitches.Scope,
        _ table: ModelTable
    ) -> UInt32? {
        if property == rules.ownID, rules.isScoped {
            if scope == .account { return found.first }
            if let company = draft.company { return found.first { table[$0]?.company == company } }
            if scope == .strict { return nil }
        }
        // Without a scope, and for emails, a key counts only when it happens to be unique.
        guard found.count == 1, let only = found.first else { return nil }
        guard property == .email, let record = table[only] else { return only }
        // A row with another, unmatched key is another person, unless the record has no such key yet.
        let isOther = [Property.sourceId, .externalId].contains { draft.key($0) != nil && record.value($0) != nil }
        return isOther ? nil : only
    }

    /// The keys of a record-to-be that others hold already. `number` is the record itself, if it exists.
    static func clashes(
        _ draft: Draft,
        company: UInt32,
        number: UInt32?,
        _ model: SandboxModel,
        _ state: StoreState
    ) -> [Property] {
        let rules = model.rules
        let table = state[model]
        let old = number.flatMap { table[$0] }
        var keys: [Property] = []
        var sharesEmail = false
        let unique = rules.matched(state.switches)
        for property in [Property.sourceId, rules.ownID] where unique.contains(property) {
            let inner: ArraySlice<UInt8>?
            if draft.field(property) != nil {
                inner = draft.key(property)
            } else if property == rules.ownID, let old, old.company != company {
                inner = old.value(property).map(JSONText.inner)
            } else {
                inner = nil
            }
            guard let inner else { continue }
            let others = table.records(property, inner).filter { other in
                other != number && state.isMember(other, of: model)
                    && (property == .sourceId || !rules.isScoped || table[other]?.company == company)
            }
            guard let other = others.first else { continue }
            keys.append(property)
            if let email = draft.key(.email), table.records(.email, email).contains(other) { sharesEmail = true }
        }
        if sharesEmail, rules.keyables.contains(.email) { keys.append(.email) }
        return keys
    }
}
