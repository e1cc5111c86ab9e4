package import Records

/// Finds out which row of a sent batch an error entry is about.
///
/// A record has many rows here (a metric for each day, a person's activities), so what names the record is taken
/// together with what tells its rows apart; and as anywhere, what is not certain names nobody.
package struct AnalyticsAttribution: Sendable {
    /// What names the record that a row is about.
    private static let recordFields = ["externalId", "email"]
    /// What must not contradict a row. A row without the field is not contradicted (`model` has a default).
    private static let checkedFields = ["externalId", "email", "dimensionId", "model"]
    /// What decides between rows that are alike in all that; elsewhere it may be the error's own time or verb.
    private static let decidingFields = ["date", "action"]
    /// What stands below these is another record's identity.
    private static let foreignWords = ["company", "existing", "conflict", "other", "owner", "parent"]

    private var rows: [[String: String]]
    private var rowsByRecord: [String: [Int]] = [:]

    /// Reads the payloads; called only where an answer names errors.
    package init(_ batch: OperationBatch) {
        rows = batch.entries.map { Self.values(Array(batch.bytes[$0.payload])) }
        for (row, values) in rows.enumerated() {
            for field in Self.recordFields {
                if let value = values[field], !value.isEmpty {
                    rowsByRecord["\(field) \(value)", default: []].append(row)
                }
            }
        }
    }

    package func row(of entry: JSONValue) -> Int? {
        if case .string(let text) = entry { return only(rows(named: text)) }
        var named: [String: Set<String>] = [:]
        Self.collect(entry, name: nil, into: &named)
        guard named.values.allSatisfy({ $0.count == 1 }) else { return nil }
        let said = named.compactMapValues(\.first)
        if let index = position(in: entry) { return isContradicted(index, by: said) ? nil : index }
        let candidates = Set(
            Self.recordFields.flatMap { field in said[field].map { rowsByRecord["\(field) \($0)"] ?? [] } ?? [] }
        ).filter { !isContradicted($0, by: said) }
        return only(candidates) ?? only(decided(candidates, by: said))
    }

    private func rows(named text: String) -> Set<Int> {
        Set(Self.recordFields.flatMap { rowsByRecord["\($0) \(Self.folded(text, $0))"] ?? [] })
    }

    private func isContradicted(_ row: Int, by said: [String: String]) -> Bool {
        Self.checkedFields.contains { field in
            guard let value = said[field], let own = rows[row][field] else { return false }
            return own != value
        }
    }

    private func decided(_ candidates: Set<Int>, by said: [String: String]) -> Set<Int> {
        let deciding = Self.decidingFields.filter { said[$0] != nil }
        guard !deciding.isEmpty else { return [] }
        return candidates.filter { row in deciding.allSatisfy { rows[row][$0] == said[$0] } }
    }

    private func only(_ rows: Set<Int>) -> Int? { rows.count == 1 ? rows.first : nil }

    /// A row's place in the payload, from 0.
    private func position(in entry: JSONValue) -> Int? {
        guard case .number(let digits)? = entry["index"], let index = Int(digits), rows.indices.contains(index) else {
            return nil
        }
        return index
    }

    private static func collect(_ value: JSONValue, name: String?, into named: inout [String: Set<String>]) {
        switch value {
        case .object(let members):
            for member in members where !isForeign(member.name) {
                collect(member.value, name: member.name, into: &named)
            }
        case .array(let parts):
            for part in parts { collect(part, name: name, into: &named) }
        case .string(let text), .number(let text):
            guard let name, checkedFields.contains(name) || decidingFields.contains(name) else { return }
            named[name, default: []].insert(folded(text, name))
        default: break
        }
    }

    private static func isForeign(_ name: String) -> Bool {
        let name = name.lowercased()
        return foreignWords.contains { name.hasPrefix($0) }
    }

    private static func folded(_ value: String, _ field: String) -> String {
        field == "email" ? value.lowercased() : value
    }

    private static func values(_ payload: [UInt8]) -> [String: String] {
        var found: [String: String] = [:]
        var reader = JSONReader(payload)
        do {
            try reader.eachMember { (name, reader) throws(JSONFault) in
                if checkedFields.contains(name) || decidingFields.contains(name) {
                    found[name] = try reader.value().scalarText.map { folded($0, name) }
                } else {
                    try reader.skipValue()
                }
            }
        } catch {
            // A payload that cannot be read has no identity to be found by.
            return [:]
        }
        return found
    }
}
