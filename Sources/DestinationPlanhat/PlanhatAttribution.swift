package import Records

/// Finds out which rows of a batch an answer's error entries are about.
///
/// What an entry looks like is not documented, so it is searched for the rows' own identities. A wrong guess would
/// count a refused row as accepted, which is worse than asking again with half the batch: only exact values count,
/// and a value that two rows share, an entry that names two rows, or one that names a row which the answer lists as
/// written, says nothing.
package struct PlanhatAttribution: Sendable {
    private static let identityFields = ["_id", "sourceId", "externalId", "email"]
    /// Members that hold a row's key without saying which field it is.
    private static let keyWords: Set<String> = ["key", "id", "ref", "identifier"]
    /// What stands below these is another record's identity.
    private static let foreignWords = ["company", "existing", "conflict", "other", "owner", "parent"]

    /// A value's only row, or nil where several rows have it.
    private var rows: [String: [String: Int?]] = [:]
    private let count: Int
    private let keyField: String

    /// Reads the identities out of the batch's payloads; called only where an answer is not plain success.
    package init(_ batch: OperationBatch) {
        count = batch.count
        keyField = batch.keyField
        for index in batch.entries.indices {
            var found = Self.identities(Array(batch.bytes[batch.entries[index].payload]))
            found[batch.keyField] = found[batch.keyField] ?? batch.keyText(index)
            for (field, value) in found { add(value, of: field, row: index) }
        }
    }

    /// The row each entry is about, in the order of `entries`; nil where that is not certain.
    package func rows(of entries: [JSONValue], written: Set<Int>) -> [Int?] {
        entries.map { entry in
            guard let row = row(of: entry), !written.contains(row) else { return nil }
            return row
        }
    }

    /// The rows that `insertsKeys` and `updatesKeys` name. Nil where an entry names none or more than one.
    package func writtenRows(_ keys: [JSONValue]) -> (rows: Set<Int>, isComplete: Bool) {
        var found: Set<Int> = []
        var isComplete = true
        for key in keys {
            if let row = onlyRow(of: key) {
                isComplete = found.insert(row).inserted && isComplete
            } else {
                isComplete = false
            }
        }
        return (found, isComplete)
    }

    /// Planhat's own ids of the rows, as far as an entry of `insertsKeys` or `updatesKeys` has one and names one row;
    /// a row that two entries name has none.
    package func ids(in keys: [JSONValue]) -> [String?] {
        var ids: [String?] = Array(repeating: nil, count: count)
        var named: Set<Int> = []
        for key in keys {
            // The only entry of the only row is about it, whatever it says of its keys.
            guard let row = onlyRow(of: key) ?? (count == 1 && keys.count == 1 ? 0 : nil) else { continue }
            ids[row] = named.insert(row).inserted ? key["_id"]?.scalarText : nil
        }
        return ids
    }

    /// The one row that an entry of written keys names.
    private func onlyRow(of key: JSONValue) -> Int? {
        var named: Set<Int> = []
        var isAmbiguous = false
        search(key, name: nil, named: &named, isAmbiguous: &isAmbiguous)
        return named.count == 1 && !isAmbiguous ? named.first : nil
    }

    private func row(of entry: JSONValue) -> Int? {
        var named: Set<Int> = []
        var isAmbiguous = false
        search(entry, name: nil, named: &named, isAmbiguous: &isAmbiguous)
        if named.isEmpty, !isAmbiguous { searchKeys(entry, name: nil, named: &named, isAmbiguous: &isAmbiguous) }
        if isAmbiguous || named.count > 1 { return nil }
        return named.first ?? position(in: entry)
    }

    /// Members called `_id`, `sourceId`, `externalId`, `email` or as the batch's own key is (`extId`), at any depth.
    private func search(_ value: JSONValue, name: String?, named: inout Set<Int>, isAmbiguous: inout Bool) {
        switch value {
        case .object(let members):
            for member in members where !Self.isForeign(member.name) {
                search(member.value, name: member.name, named: &named, isAmbiguous: &isAmbiguous)
            }
        case .array(let parts):
            for part in parts { search(part, name: name, named: &named, isAmbiguous: &isAmbiguous) }
        case .string(let text), .number(let text):
            guard let name, name == keyField || Self.identityFields.contains(name) else { return }
            note(text, of: name, named: &named, isAmbiguous: &isAmbiguous)
        default: break
        }
    }

    /// The batch's own key, bare or under a word such as `key`.
    private func searchKeys(_ value: JSONValue, name: String?, named: inout Set<Int>, isAmbiguous: inout Bool) {
        switch value {
        case .object(let members):
            for member in members where !Self.isForeign(member.name) {
                searchKeys(member.value, name: member.name, named: &named, isAmbiguous: &isAmbiguous)
            }
        case .array(let parts):
            for part in parts { searchKeys(part, name: name, named: &named, isAmbiguous: &isAmbiguous) }
        case .string(let text):
            guard name.map(Self.keyWords.contains) ?? true else { return }
            note(text, of: keyField, named: &named, isAmbiguous: &isAmbiguous)
        default: break
        }
    }

    private func note(_ text: String, of field: String, named: inout Set<Int>, isAmbiguous: inout Bool) {
        guard let match = rows[field]?[Self.folded(text, field)] else { return }
        if let row = match { named.insert(row) } else { isAmbiguous = true }
    }

    /// A row's place in the payload, as the drivers of Planhat's database give it, from 0.
    private func position(in entry: JSONValue) -> Int? {
        guard case .number(let digits)? = entry["index"], let index = Int(digits), index >= 0, index < count else {
            return nil
        }
        return index
    }

    private mutating func add(_ value: String, of field: String, row: Int) {
        let value = Self.folded(value, field)
        guard !value.isEmpty else { return }
        let isTaken = rows[field]?[value] != nil
        rows[field, default: [:]].updateValue(isTaken ? nil : row, forKey: value)
    }

    private static func folded(_ value: String, _ field: String) -> String {
        field == "email" ? value.lowercased() : value
    }

    private static func isForeign(_ name: String) -> Bool {
        let name = name.lowercased()
        return foreignWords.contains { name.hasPrefix($0) }
    }

    private static func identities(_ payload: [UInt8]) -> [String: String] {
        var found: [String: String] = [:]
        var reader = JSONReader(payload)
        do {
            try reader.eachMember { (name, reader) throws(JSONFault) in
                if identityFields.contains(name) {
                    found[name] = try reader.value().scalarText
                } else {
                    try reader.skipValue()
                }
            }
        } catch {
            // A payload that cannot be read has no identity to be found by; its batch is halved instead.
            return [:]
        }
        return found
    }
}
