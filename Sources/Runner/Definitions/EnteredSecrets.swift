internal import ConnectorKit
internal import ProjectConfig

/// Takes the secrets out of a definition that somebody entered, before anything is stored.
struct EnteredSecrets {
    let kind: DefinitionKind
    let name: String
    let old: DefinitionValue?
    /// By the name that the vault keeps them under.
    private(set) var entered: [String: Secret] = [:]
    /// Those that the definition had and does not refer to any more.
    private(set) var dropped: [String] = []
    private(set) var problems: [FieldProblem] = []

    init(kind: DefinitionKind, name: String, old: DefinitionValue?) {
        self.kind = kind
        self.name = name
        self.old = old
    }

    private static let secretsOfNotify = ["webhook", "signing_secret"]

    static func prefix(_ kind: DefinitionKind, _ name: String) -> String { "\(kind.rawValue).\(name)." }

    /// The definition with references in the place of secrets.
    mutating func takeOut(of value: DefinitionValue, catalog: ConnectorCatalog) -> DefinitionValue {
        switch kind {
        case .source, .destination:
            let type = value["type"]?.scalar ?? ""
            let declaration =
                kind == .source
                ? catalog.source(type)?.declaration : catalog.destination(type)?.declaration
            guard let declaration else { return value }
            return takeOut(of: value, declaration)
        case .sync:
            guard var notify = value["notify"] else {
                for key in Self.secretsOfNotify { drop(key, from: old?["notify"]) }
                return value
            }
            var value = value
            for key in Self.secretsOfNotify {
                take(key, path: ["notify", key], of: &notify, old: old?["notify"], isSameAddress: true)
            }
            value["notify"] = notify
            return value
        case .dataset: return value
        }
    }

    private mutating func takeOut(of given: DefinitionValue, _ declaration: ConnectorDeclaration) -> DefinitionValue {
        var value = given
        let isSame = old.map { Self.address($0, declaration) == Self.address(given, declaration) } ?? true
        for setting in declaration.settings where setting.isSecret {
            take(setting.name, path: [setting.name], of: &value, old: old, isSameAddress: isSame)
        }
        return value
    }

    private mutating func take(
        _ key: String, path: [String], of value: inout DefinitionValue, old: DefinitionValue?, isSameAddress: Bool
    ) {
        let secret = Self.prefix(kind, name) + key
        let isKept = old?[key]?.secretName == secret
        guard let given = value[key] else { return drop(key, from: old) }
        if let text = given.scalar, !text.isEmpty {
            entered[secret] = Secret(text)
            value[key] = .secret(secret)
            return
        }
        // An empty field, or the reference as it was shown, keeps what is there.
        guard given.scalar != nil || given.secretName == secret else { return }
        if given.scalar != nil && !isKept {
            value[key] = nil
            return
        }
        value[key] = .secret(secret)
        if isKept && isSameAddress { return }
        problems.append(
            FieldProblem(
                field: path,
                diagnostic: Diagnostic(
                    .error, code: "secret_needed_again",
                    message: isKept
                        ? "`\(key)` was entered for another address, and goes to no other"
                        : "`\(key)` was never entered for this definition",
                    hint: isKept ? "enter it again, or put the address back" : "enter it")))
    }

    private mutating func drop(_ key: String, from old: DefinitionValue?) {
        let secret = Self.prefix(kind, name) + key
        if old?[key]?.secretName == secret { dropped.append(secret) }
    }

    /// All that may decide where a credential goes: everything but secrets, switches and limits. The defaults count, so
    /// that saying one is no change.
    static func address(_ value: DefinitionValue, _ declaration: ConnectorDeclaration) -> [String: String] {
        var address = ["type": value["type"]?.scalar ?? ""]
        for setting in declaration.settings {
            switch setting.kind {
            case .secret, .boolean: continue
            case .integer where setting.name != "port": continue
            case .text, .path, .choice, .integer:
                address[setting.name] = value[setting.name]?.scalar ?? setting.defaultValue
            }
        }
        return address
    }
}

/// Puts another name in every place where definitions refer to one another.
struct Renaming {
    let kind: DefinitionKind
    let old: String
    let new: String

    func apply(to value: DefinitionValue, of other: String, isIt: Bool) -> DefinitionValue {
        var value = value
        if isIt { renameSecrets(&value) }
        switch kind {
        case .source:
            replace("source", in: &value, if: other == "dataset")
            if other == "sync", var from = value["from"], from.scalar == nil {
                replace("source", in: &from, if: true)
                value["from"] = from
            }
        case .destination:
            if other == "sync", let to = value["to"]?.scalar, to.hasPrefix(old + ".") {
                value["to"] = .text(new + to.dropFirst(old.count))
            }
        case .dataset:
            replace("from", in: &value, if: other == "sync")
        case .sync:
            if isIt { value["renamed_from"] = .text(old) }
            if other == "sync", var schedule = value["schedule"], let after = schedule["after"] {
                schedule["after"] = renamed(after)
                value["schedule"] = schedule
            }
        }
        return value
    }

    func secret(_ name: String) -> String {
        EnteredSecrets.prefix(kind, new) + name.dropFirst(EnteredSecrets.prefix(kind, old).count)
    }

    private func replace(_ key: String, in value: inout DefinitionValue, if condition: Bool) {
        if condition, value[key]?.scalar == old { value[key] = .text(new) }
    }

    private func renamed(_ value: DefinitionValue) -> DefinitionValue {
        if case .list(let items) = value { return .list(items.map { $0.scalar == old ? .text(new) : $0 }) }
        return value.scalar == old ? .text(new) : value
    }

    private func renameSecrets(_ value: inout DefinitionValue) {
        let prefix = EnteredSecrets.prefix(kind, old)
        for entry in value.entries {
            if let name = entry.value.secretName, name.hasPrefix(prefix) {
                value[entry.key] = .secret(secret(name))
            } else if entry.key == "notify" {
                var notify = entry.value
                renameSecrets(&notify)
                value["notify"] = notify
            }
        }
    }
}
