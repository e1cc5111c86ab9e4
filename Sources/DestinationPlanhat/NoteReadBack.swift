internal import ConnectorKit
internal import Records

/// Whether notes that were in doubt have arrived: a note of their company with their external id, subject and text is there. A
/// text that Planhat has rewritten leaves the note in doubt.
extension PlanhatDestination {
    func haveArrived(notes batch: OperationBatch) async throws(DestinationError) -> [Bool?] {
        let sent = batch.entries.map { SentNote(Array(batch.bytes[$0.payload])) }
        let known = sent.compactMap(\.self)
        guard !known.isEmpty else { return sent.map { _ in nil } }
        let companies = try await companyIDs(of: Set(known.map(\.company)))
        let there = try await storedNotes(Set(known.map(\.externalId)))
        return sent.map { note in
            guard let note, let company = companies[note.company] else { return nil }
            let wanted = StoredNote(
                externalId: note.externalId, company: company, subject: note.subject, text: note.text)
            return there.contains(wanted) ? true : nil
        }
    }

    private func storedNotes(_ externalIds: Set<String>) async throws(DestinationError) -> Set<StoredNote> {
        let note = PlanhatObjects.note
        var found: Set<StoredNote> = []
        guard externalIds.count > PlanhatSearch.singleReadsMax else {
            for id in externalIds.sorted() {
                guard let text = try await read(key: id, keyField: "externalId", of: note),
                    let record = JSONReader.valueIfAny(Array(text.utf8)), let stored = StoredNote(record)
                else { continue }
                found.insert(stored)
            }
            return found
        }
        try await eachPage(of: note, fields: StoredNote.fields) { rows in
            for row in rows where externalIds.contains(row[0]) {
                if let stored = StoredNote(row) { found.insert(stored) }
            }
        }
        return found
    }

    /// Planhat's own ids of companies by what notes name them; one that is not found has none.
    private func companyIDs(of references: Set<String>) async throws(DestinationError) -> [String: String] {
        var ids: [String: String] = [:]
        for (field, prefix) in [("externalId", "extid-"), ("sourceId", "srcid-")] {
            let keys = references.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
            let search = PlanhatSearch(destination: self, object: PlanhatObjects.company, keyField: field)
            for (key, found) in zip(keys, try await search.find(keys)) {
                if case .one(let id) = found { ids[prefix + key] = id }
            }
        }
        for own in references where !own.hasPrefix("extid-") && !own.hasPrefix("srcid-") { ids[own] = own }
        return ids
    }
}

/// A note as it was sent. Nil where it cannot be told from others that arrived.
struct SentNote: Sendable, Hashable {
    var externalId: String
    /// As the note names it: `extid-…`, `srcid-…` or Planhat's own id.
    var company: String
    var subject: String
    var text: String

    init?(_ payload: [UInt8]) {
        guard let json = JSONReader.valueIfAny(payload), let id = json["externalId"]?.scalarText, !id.isEmpty
        else { return nil }
        if let company = json["companyId"]?.scalarText, !company.isEmpty {
            self.company = company
        } else if let company = json["companyExternalId"]?.scalarText, !company.isEmpty {
            self.company = "extid-" + company
        } else {
            return nil
        }
        externalId = id
        subject = (json["subject"]?.scalarText ?? "").trimmed()
        text = (json["description"]?.scalarText ?? "").trimmed()
    }
}

/// A note as Planhat shows it.
struct StoredNote: Sendable, Hashable {
    static let fields = ["externalId", "companyId", "subject", "description", "type"]

    var externalId: String
    var company: String
    var subject: String
    var text: String

    init(externalId: String, company: String, subject: String, text: String) {
        self.externalId = externalId
        self.company = company
        self.subject = subject
        self.text = text
    }

    /// Nil for a talk that is no note.
    init?(_ record: JSONValue) { self.init(Self.fields.map { record[$0]?.scalarText ?? "" }) }

    /// The texts of `fields`.
    init?(_ texts: [String]) {
        guard texts.count == Self.fields.count, texts[4] == "note" else { return nil }
        self.init(externalId: texts[0], company: texts[1], subject: texts[2].trimmed(), text: texts[3].trimmed())
    }
}
