internal import ConnectorKit

/// Reads a mapping whose keys are known: reports what is no mapping, keys that do not exist, keys that are missing and
/// values of the wrong kind, and hands out the rest.
struct MappingReader {
    /// What a message calls it (``sync `companies` ``).
    let what: String
    /// Where a missing key is reported: where the mapping's own name stands.
    let location: Location
    let log: DiagnosticLog
    private let values: [String: ConfigNode.Entry]

    /// Nil if `node` is no mapping.
    init?(
        _ node: ConfigNode, what: String, at location: Location, keys known: [String], later: Set<String> = [],
        expected: String = "a mapping", log: DiagnosticLog
    ) {
        guard let entries = node.entries else {
            log.wrongKind(node, expected: expected, for: what, at: location)
            return nil
        }
        self.what = what
        self.location = location
        self.log = log
        var values: [String: ConfigNode.Entry] = [:]
        for entry in entries {
            if later.contains(entry.key) {
                log.error(
                    code: "not_yet_available", "`\(entry.key)` is not yet available",
                    hint: "leave it out; it is planned for a later version", at: entry.keyLocation)
            } else if known.contains(entry.key) {
                values[entry.key] = entry
            } else {
                log.error(
                    code: "unknown_key", "\(what) has no key `\(entry.key)`",
                    hint: NearestName.hint(for: entry.key, among: known), at: entry.keyLocation)
            }
        }
        self.values = values
    }

    func entry(_ key: String) -> ConfigNode.Entry? { values[key] }

    func value(_ key: String) -> ConfigNode? { values[key]?.value }

    func requiredEntry(_ key: String, hint: String = "") -> ConfigNode.Entry? {
        if let entry = values[key] { return entry }
        log.error(code: "missing_key", "\(what) needs `\(key)`", hint: hint, at: location, missing: key)
        return nil
    }

    /// Any scalar but null and the empty text, as it was written.
    func text(_ key: String, expected: String = "a text") -> String? {
        guard let entry = values[key] else { return nil }
        guard let text = entry.value.text else {
            log.wrongKind(entry.value, expected: expected, for: "`\(key)`", at: entry.keyLocation)
            return nil
        }
        if text.isEmpty {
            log.error(
                code: "invalid_value", "`\(key)` is empty", hint: "expected \(expected)", at: entry.value.location)
            return nil
        }
        return text
    }

    func requiredText(_ key: String, expected: String = "a text", hint: String = "") -> String? {
        requiredEntry(key, hint: hint) == nil ? nil : text(key, expected: expected)
    }

    func boolean(_ key: String) -> Bool? {
        guard let entry = values[key] else { return nil }
        if case .boolean(let flag) = entry.value.scalar { return flag }
        let word = entry.value.text?.lowercased() ?? ""
        let meant = ["yes": "true", "on": "true", "no": "false", "off": "false"][word] ?? ""
        log.error(
            code: "wrong_kind", "`\(key)` expects true or false, found \(entry.value.kindWord)",
            hint: meant.isEmpty ? "" : "YAML 1.2 knows only true and false: write `\(key): \(meant)`",
            at: entry.value.location)
        return nil
    }

    /// One of the words, as the value that its place stands for.
    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, of _: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        guard let text = text(key), let entry = values[key] else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        log.error(
            code: "invalid_value", "`\(key)` cannot be `\(text)`",
            hint: NearestName.hint(for: text, among: Choice.allCases.map(\.rawValue)), at: entry.value.location)
        return nil
    }

    /// A list of texts; a single text counts as a list of one.
    func texts(_ key: String, expected: String = "a list of texts") -> [(text: String, location: Location)]? {
        guard let entry = values[key] else { return nil }
        if let text = entry.value.text, !text.isEmpty { return [(text, entry.value.location)] }
        guard case .list(let items) = entry.value.content else {
            log.wrongKind(entry.value, expected: expected, for: "`\(key)`", at: entry.keyLocation)
            return nil
        }
        var texts: [(text: String, location: Location)] = []
        for item in items {
            if let text = item.text, !text.isEmpty {
                texts.append((text, item.location))
            } else {
                log.wrongKind(item, expected: "a text", for: "an entry of `\(key)`", at: item.location)
            }
        }
        return texts
    }

    /// A number from `range`.
    func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
        guard let entry = values[key] else { return nil }
        let number: Double? =
            switch entry.value.scalar {
            case .integer(let integer): Double(integer)
            case .float(let text): Double(text)
            default: nil
            }
        guard let number, range.contains(number) else {
            let bounds = "a number from \(Self.plain(range.lowerBound)) to \(Self.plain(range.upperBound))"
            log.error(
                code: number == nil ? "wrong_kind" : "invalid_value",
                "`\(key)` expects \(bounds), found \(entry.value.kindWord)", at: entry.value.location)
            return nil
        }
        return number
    }

    private static func plain(_ number: Double) -> String { String(Int64(number)) }
}

extension DiagnosticLog {
    func wrongKind(
        _ node: ConfigNode, expected: String, for what: String, hint: String = "", at location: Location
    ) {
        error(
            code: "wrong_kind", "\(what) expects \(expected), found \(node.kindWord)", hint: hint,
            at: node.isNull ? location : node.location)
    }
}
