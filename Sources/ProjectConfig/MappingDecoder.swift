internal import ConnectorKit
internal import Records

/// Reads a sync's mappings: a column, `{column, lookup, nulls}` or `{constant}`.
struct MappingDecoder {
    static let mappingsMax = 1_000
    static let fieldNameMax = 300
    let log: DiagnosticLog

    /// Nil after an error that leaves nothing to go on with.
    func mappings(_ reader: MappingReader) -> [MappingDefinition]? {
        guard let entry = reader.requiredEntry("mappings", hint: "write `field: column` lines below `mappings:`") else {
            return nil
        }
        guard let entries = entry.value.entries else {
            log.wrongKind(
                entry.value, expected: "a mapping of fields to columns", for: "`mappings`", at: entry.keyLocation)
            return nil
        }
        guard entries.count <= Self.mappingsMax else {
            log.error(
                code: "too_many_mappings", "\(entries.count) fields are mapped; at most \(Self.mappingsMax) can be",
                hint: "split the sync into several", at: entry.keyLocation)
            return nil
        }
        return entries.compactMap { mapping($0) }
    }

    private func mapping(_ entry: ConfigNode.Entry) -> MappingDefinition? {
        guard !entry.key.isEmpty, entry.key.utf8.count <= Self.fieldNameMax else {
            log.error(
                code: "invalid_name", "a field's name has 1 to \(Self.fieldNameMax) bytes", at: entry.keyLocation)
            return nil
        }
        let node = entry.value
        if let column = node.text, !column.isEmpty {
            return MappingDefinition(
                field: entry.key, source: .column(column, lookup: nil, nulls: .clear), location: entry.keyLocation,
                valueLocation: node.location)
        }
        let known = ["column", "lookup", "nulls", "constant"]
        let isMeant = { (key: String) in
            known.contains(key) || key == "template" || NearestName.among(known, to: key) != nil
        }
        if let entries = node.entries, !entries.contains(where: { isMeant($0.key) }) {
            log.error(
                code: "missing_key", "the mapping of `\(entry.key)` needs `column` or `constant`",
                hint: entries.first.map { "for a field below it, write `\(entry.key).\($0.key): COLUMN`" }
                    ?? "write `\(entry.key): COLUMN`", at: entry.keyLocation)
            return nil
        }
        guard
            let reader = MappingReader(
                node, what: "the mapping of `\(entry.key)`", at: entry.keyLocation, keys: known, later: ["template"],
                expected: "a column, {column: …} or {constant: …}", log: log)
        else { return nil }
        guard let source = source(reader, field: entry.key, node: node) else { return nil }
        let place = reader.value("column") ?? reader.value("constant") ?? node
        return MappingDefinition(
            field: entry.key, source: source, location: entry.keyLocation, valueLocation: place.location)
    }

    private func source(
        _ reader: MappingReader, field: String, node: ConfigNode
    ) -> MappingDefinition.Source? {
        if let constant = reader.entry("constant") {
            for other in ["column", "lookup", "nulls"] {
                guard let conflict = reader.entry(other) else { continue }
                log.error(
                    code: "conflicting_keys", "the mapping of `\(field)` has both `constant` and `\(other)`",
                    hint: other == "lookup"
                        ? "only columns are looked up: remove `lookup`, and give the destination's own id"
                        : "keep one of them", at: conflict.keyLocation)
                return nil
            }
            return value(constant.value).map { .constant($0) }
        }
        let isLater = node.entries?.contains { $0.key == "template" } ?? false
        guard !isLater, let column = reader.requiredText("column", expected: "a column") else { return nil }
        let lookup = reader.text("lookup", expected: "the field that the column holds")
        let nulls = reader.choice("nulls", of: MappingDefinition.Nulls.self)
        return .column(column, lookup: lookup, nulls: nulls ?? .clear)
    }

    /// Numbers stay exact; lists are a JSON array and mappings a JSON object.
    private func value(_ node: ConfigNode) -> Value? {
        switch node.content {
        case .list: return ConstantJSON.text(node).map { .array($0) } ?? unusable(node)
        case .mapping: return ConstantJSON.text(node).map { .json($0) } ?? unusable(node)
        case .scalar:
            switch node.scalar {
            case .null, nil: return .null
            case .boolean(let flag): return .boolean(flag)
            case .integer(let number): return .integer(number)
            case .float(let text): return ConstantJSON.number(text) ?? unusable(node)
            case .text(let text):
                log.warnAboutVariable(text, at: node.location)
                return .text(text)
            }
        }
    }

    private func unusable(_ node: ConfigNode) -> Value? {
        log.error(
            code: "invalid_constant", "this constant holds a number that cannot be sent",
            hint: "infinities and not-a-number have no JSON", at: node.location)
        return nil
    }
}

/// Constants that are more than a plain value.
struct ConstantJSON {
    /// A decimal number in the canonical form of `CellKind.decimal`; a double where it has an exponent.
    static func number(_ text: String) -> Value? {
        if text.contains(where: { $0 == "e" || $0 == "E" }) {
            guard let number = Double(text), number.isFinite else { return nil }
            return .double(number)
        }
        guard text.contains(where: \.isNumber) else { return nil }
        let isNegative = text.first == "-"
        let halves = text.drop { $0 == "-" || $0 == "+" }.split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(halves[0].drop { $0 == "0" })
        var fraction = halves.count > 1 ? halves[1] : ""
        while fraction.last == "0" { fraction.removeLast() }
        if whole.isEmpty, fraction.isEmpty { return .decimal("0") }
        let digits = (whole.isEmpty ? "0" : whole) + (fraction.isEmpty ? "" : "." + fraction)
        return .decimal(isNegative ? "-" + digits : digits)
    }

    /// Nil where a number in it has no JSON.
    static func text(_ node: ConfigNode) -> String? {
        switch node.content {
        case .list(let items):
            var parts: [String] = []
            for item in items {
                guard let part = text(item) else { return nil }
                parts.append(part)
            }
            return "[" + parts.joined(separator: ",") + "]"
        case .mapping(let entries):
            var parts: [String] = []
            for entry in entries {
                guard let part = text(entry.value) else { return nil }
                parts.append(JSONText.quoted(entry.key) + ":" + part)
            }
            return "{" + parts.joined(separator: ",") + "}"
        case .scalar:
            switch node.scalar {
            case .null, nil: return "null"
            case .boolean(let flag): return flag ? "true" : "false"
            case .integer(let number): return String(number)
            case .float(let number): return self.number(number)?.text
            case .text(let text): return JSONText.quoted(text)
            }
        }
    }
}

/// JSON written by hand, for small things whose keys keep their order.
enum JSONText {
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
