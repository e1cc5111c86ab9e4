internal import ConnectorKit
internal import Records

/// What a key names at Planhat, as far as that is certain.
enum FoundRecord: Sendable, Hashable {
    case absent
    /// Exactly one, with Planhat's own id.
    case one(String)
    /// More than one could be meant.
    case several
}

/// Finds the records that keys name, before something is taken away: what cannot be told is never guessed.
struct PlanhatSearch: Sendable {
    /// So many keys are looked up one by one; more are looked for in the whole list, which is cheaper then.
    static let singleReadsMax = 20

    let destination: PlanhatDestination
    let object: DestinationObject
    let keyField: String

    /// What each key names, in the order of `keys`.
    func find(_ keys: [String]) async throws(DestinationError) -> [FoundRecord] {
        if keyField == "_id" { return keys.map { .one($0) } }
        let sought = keys.map { SoughtKey($0, isScoped: object.key(keyField)?.uniqueWithin != nil) }
        if keys.count > Self.singleReadsMax, sought.allSatisfy({ $0.parent == nil }) { return try await list(keys) }
        // Few come here: the engine has looked in the list before it asks for a removal.
        if object.keysFoundByList.contains(keyField) { return try await list(keys) }
        var found: [FoundRecord] = []
        for key in sought {
            if let parent = key.parent {
                found.append(try await find(key.value, within: parent))
            } else if keyField == "email" {
                found.append(try await find(email: key.value))
            } else {
                found.append(try await find(key.value))
            }
        }
        return found
    }

    /// Which of these ids no record has.
    func absent(_ ids: [String]) async throws(DestinationError) -> Set<String> {
        guard ids.count <= Self.singleReadsMax else {
            var absent = Set(ids)
            try await destination.eachPage(of: object, fields: ["_id"]) { rows in
                for row in rows { absent.remove(row[0]) }
            }
            return absent
        }
        var absent: Set<String> = []
        for id in ids where try await destination.read(key: id, keyField: "_id", of: object) == nil {
            absent.insert(id)
        }
        if !absent.isEmpty { try await destination.confirmAddress(of: object) }
        return absent
    }

    private func list(_ keys: [String]) async throws(DestinationError) -> [FoundRecord] {
        let ignoresCase = object.key(keyField)?.ignoresCase ?? false
        func folded(_ key: String) -> String { ignoresCase ? key.lowercased() : key }
        let wanted = Set(keys.map(folded))
        var ids: [String: Set<String>] = [:]
        try await destination.eachPage(of: object, fields: [keyField, "_id"]) { rows in
            for row in rows where wanted.contains(folded(row[0])) { ids[folded(row[0]), default: []].insert(row[1]) }
        }
        return keys.map { Self.found(ids[folded($0)] ?? []) }
    }

    private func find(_ key: String) async throws(DestinationError) -> FoundRecord {
        guard let text = try await destination.read(key: key, keyField: keyField, of: object) else {
            try await destination.confirmAddress(of: object)
            return .absent
        }
        let record = JSONReader.valueIfAny(Array(text.utf8))
        if let other = record?[keyField]?.scalarText, other != key { return .several }
        return record?["_id"]?.scalarText.map { .one($0) } ?? .several
    }

    /// Emails are not unique, and the filter may be of no help: only exact matches count, and all of them.
    private func find(email: String) async throws(DestinationError) -> FoundRecord {
        let wanted = email.lowercased()
        var ids: Set<String> = []
        for filters in object.passes {
            let rows = RecordPages(
                client: destination.client, path: object.path, select: "email",
                filters: [("email", email)] + filters)
            try await Self.each(rows) { record in
                guard record["email"]?.scalarText?.lowercased() == wanted, let id = record["_id"]?.scalarText else {
                    return
                }
                ids.insert(id)
            }
        }
        return Self.found(ids)
    }

    // MARK: Keys that are unique within a company only

    /// The column that names the company may hold any of its ids.
    private func find(_ key: String, within parent: String) async throws(DestinationError) -> FoundRecord {
        let companies = try await self.companies(parent)
        guard !companies.isEmpty else {
            // By which name the company goes cannot be told: only that there is no such record anywhere is certain.
            return try await find(key) == .absent ? .absent : .several
        }
        var ids: Set<String> = []
        for company in companies {
            guard let own = try await self.ids(key, in: company) else { return .several }
            ids.formUnion(own)
        }
        if companies.count > 1, !ids.isEmpty { return .several }
        return Self.found(ids)
    }

    private func companies(_ name: String) async throws(DestinationError) -> Set<String> {
        var ids: Set<String> = []
        var fields = ["externalId", "sourceId"]
        if name.utf8.count == 24, name.allSatisfy(\.isHexDigit) { fields.append("_id") }
        for field in fields {
            guard let text = try await destination.read(key: name, keyField: field, of: PlanhatObjects.company),
                let record = JSONReader.valueIfAny(Array(text.utf8)), let id = record["_id"]?.scalarText
            else { continue }
            if let own = record[field]?.scalarText, own != name { continue }
            ids.insert(id)
        }
        if ids.isEmpty { try await destination.confirmAddress(of: PlanhatObjects.company) }
        return ids
    }

    /// Nil where a record has the key and does not say whose it is, in a list that holds other companies' too.
    private func ids(_ key: String, in company: String) async throws(DestinationError) -> Set<String>? {
        let parent = object.key(keyField)?.uniqueWithin ?? "companyId"
        var (ids, unsaid): (Set<String>, Set<String>) = ([], [])
        var isFiltered = true
        for filters in object.passes {
            let rows = RecordPages(
                client: destination.client, path: object.path, select: "\(keyField),\(parent)",
                filters: [("companyId", company)] + filters)
            try await Self.each(rows) { record in
                // A server that does not know the filter answers every company's records.
                let owner = record[parent]?.scalarText
                if let owner, owner != company { isFiltered = false }
                guard record[keyField]?.scalarText == key, owner ?? company == company,
                    let id = record["_id"]?.scalarText
                else { return }
                if owner == nil { unsaid.insert(id) } else { ids.insert(id) }
            }
        }
        return isFiltered || unsaid.isEmpty ? ids.union(unsaid) : nil
    }

    private static func each(
        _ pages: RecordPages, _ body: (JSONValue) -> Void
    ) async throws(DestinationError) {
        var pages = pages
        while let records = try await pages.next() { records.forEach(body) }
    }

    private static func found(_ ids: Set<String>) -> FoundRecord {
        guard let id = ids.first, !id.isEmpty else { return ids.isEmpty ? .absent : .several }
        return ids.count == 1 ? .one(id) : .several
    }
}

/// A key as the engine spells it: alone, or as a JSON array together with what names the record within which it is
/// unique.
struct SoughtKey: Sendable, Hashable {
    var value: String
    var parent: String?

    init(_ key: String, isScoped: Bool) {
        if isScoped, case .array(let parts)? = JSONReader.valueIfAny(Array(key.utf8)), parts.count == 2,
            let own = parts[0].scalarText, let other = parts[1].scalarText
        {
            value = own
            parent = other
        } else {
            value = key
        }
    }
}

extension DestinationObject {
    /// The filters of the lists that together hold every record: archived end users are left out unless asked for.
    var passes: [[(String, String)]] { name == "end_user" ? [[], [("archived", "true")]] : [[]] }
}
