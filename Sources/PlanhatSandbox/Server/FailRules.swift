internal import Synchronization

/// The fail rules with their counts: which one strikes now.
final class FailRules: Sendable {
    let rules: [FailRule]
    private let counts: Mutex<[Int]>

    init(_ rules: [FailRule]) {
        self.rules = rules
        counts = Mutex(rules.map { _ in 0 })
    }

    /// Counts a request and returns the first rule that strikes it. Refusals of rows are not asked here.
    func strike(method: String, path: String) -> FailRule? {
        counts.withLock { counts in
            var struck: FailRule?
            for (index, rule) in rules.enumerated() where rule.applies(method: method, path: path) {
                if case .refuse = rule.action { continue }
                counts[index] += 1
                if struck == nil, rule.strikes(counts[index]) { struck = rule }
            }
            return struck
        }
    }

    /// What refuses rows of this request; nil where no rule does.
    func refusal(method: String, path: String) -> RowRefusal? {
        let active = rules.indices.filter { index in
            guard case .refuse = rules[index].action else { return false }
            return rules[index].applies(method: method, path: path)
        }
        guard !active.isEmpty else { return nil }
        return { [self] draft, state in
            for index in active {
                if let failure = refuse(index, draft, state) { return failure }
            }
            return nil
        }
    }

    private func refuse(_ index: Int, _ draft: Draft, _ state: StoreState) -> RowFailure? {
        guard case .refuse(let field, let value, _, let isPermission) = rules[index].action else { return nil }
        var keys: [Property] = []
        if !field.isEmpty {
            guard let name = number(of: field, state),
                let sent = draft.fields.first(where: { $0.name == name })?.value, JSONText.plain(sent) == value
            else { return nil }
            keys = Property(rawValue: name).map { [$0] } ?? []
        }
        return strike(index).map { RowFailure($0, keys: keys, isPermission: isPermission) }
    }

    /// What refuses rows of an analytics request, with its words; nil where no rule does.
    func eventRefusal(method: String, path: String) -> (@Sendable (EventFields) -> String?)? {
        let active = rules.indices.filter { index in
            guard case .refuse = rules[index].action else { return false }
            return rules[index].applies(method: method, path: path)
        }
        guard !active.isEmpty else { return nil }
        return { [self] event in
            for index in active {
                guard case .refuse(let field, let value, _, _) = rules[index].action,
                    field.isEmpty || event.text(field) == value
                else { continue }
                if let words = strike(index) { return words }
            }
            return nil
        }
    }

    /// Counts a row that the rule is about; the rule's words where it strikes.
    private func strike(_ index: Int) -> String? {
        guard case .refuse(let field, _, let message, let isPermission) = rules[index].action else { return nil }
        let count = counts.withLock { counts in
            counts[index] += 1
            return counts[index]
        }
        guard rules[index].strikes(count) else { return nil }
        let unsaid = field.isEmpty ? "not accepted" : "\(field) is not valid"
        return message ?? (isPermission ? "not permitted to write this record" : unsaid)
    }

    private func number(of field: String, _ state: StoreState) -> UInt16? {
        guard field.hasPrefix("custom.") else { return state.names.property(JSONText.inner(of: field)) }
        return state.names.knownCustomName(String(field.dropFirst(7)))
    }
}
