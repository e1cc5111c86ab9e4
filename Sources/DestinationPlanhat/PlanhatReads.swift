package import ConnectorKit

extension PlanhatDestination {
    /// The largest page of each list, as documented.
    package static func pageMax(_ path: String) -> Int {
        switch path {
        case "companies": 5_000
        case "churn": 1_000
        case "nps", "tasks", "tickets", "users": 10_000
        default: 2_000
        }
    }

    package func readRecords(
        of object: DestinationObject, fields: [String], _ page: ([[String]]) async throws -> Void
    ) async throws {
        if let rows = try await leanCompanies(object, fields) {
            let pageMax = Self.pageMax(object.path)
            for start in stride(from: 0, to: rows.count, by: pageMax) {
                try await page(Array(rows[start..<min(start + pageMax, rows.count)]))
            }
            return
        }
        for filters in object.passes {
            var pages = pages(of: object, fields, filters)
            while let records = try await pages.next() {
                let rows = records.flatMap { Self.texts(of: $0, fields, object) }
                if !rows.isEmpty { try await page(rows) }
            }
        }
    }

    /// As `readRecords`, for what cannot fail by itself.
    func eachPage(
        of object: DestinationObject, fields: [String], _ page: ([[String]]) -> Void
    ) async throws(DestinationError) {
        if let rows = try await leanCompanies(object, fields) { return page(rows) }
        for filters in object.passes {
            var pages = pages(of: object, fields, filters)
            while let records = try await pages.next() {
                page(records.flatMap { Self.texts(of: $0, fields, object) })
            }
        }
    }

    private func pages(
        of object: DestinationObject, _ fields: [String], _ filters: [(String, String)]
    ) -> RecordPages {
        var seen: Set<String> = []
        let names = fields.flatMap { [$0] + (object.storedName(of: $0).map { [$0] } ?? []) }
            .filter { seen.insert($0).inserted }
        return RecordPages(client: client, path: object.path, select: names.joined(separator: ","), filters: filters)
    }

    /// One row for a record; one for each element where a field holds a list.
    private static func texts(
        of record: JSONValue, _ fields: [String], _ object: DestinationObject
    ) -> [[String]] {
        var rows: [[String]] = [[]]
        for field in fields {
            let own = record[field] == .null ? nil : record[field]
            let value = own ?? object.storedName(of: field).flatMap { record[$0] }
            guard case .array(let elements)? = value else {
                let text = value?.scalarText ?? ""
                for index in rows.indices { rows[index].append(text) }
                continue
            }
            let texts = elements.isEmpty ? [""] : elements.map { $0.scalarText ?? "" }
            rows = rows.flatMap { row in texts.map { row + [$0] } }
        }
        return rows
    }

    package func read(
        key: String, keyField: String, of object: DestinationObject
    ) async throws(DestinationError) -> String? {
        if keyField == "email" { return try await read(email: key, of: object) }
        if let found = try await readOne(key: key, keyField: keyField, of: object) { return found }
        // A ticket's key is stored under another name, by which it is found.
        guard let stored = object.storedName(of: keyField) else { return nil }
        return try await readOne(key: key, keyField: stored, of: object)
    }

    private func readOne(
        key: String, keyField: String, of object: DestinationObject
    ) async throws(DestinationError) -> String? {
        let request = PlanhatRequest.one(object.path, key: key, keyField: keyField)
        return try await client.exchange(request) { (answer) throws(DestinationError) in
            // An id that is not even of the right form is refused with 400 by the database behind.
            if answer.status == 404 || (answer.status == 400 && keyField == "_id") { return nil }
            guard (200...299).contains(answer.status) else {
                throw PlanhatErrors.status(answer, address: client.address)
            }
            switch JSONReader.valueIfAny(answer.body) {
            case .object?: return String(decoding: answer.body, as: UTF8.self)
            case .null?: return nil
            default: throw PlanhatErrors.unreadable(answer, "it is not one record")
            }
        }
    }

    /// Emails are looked up by the list's filter, which may be of no help: only an exact match counts, and a list with
    /// anybody else in it is read to its end.
    private func read(email: String, of object: DestinationObject) async throws(DestinationError) -> String? {
        let wanted = email.lowercased()
        for archived in [false, true] {
            let filters = [("email", email)] + (archived ? [("archived", "true")] : [])
            let request = PlanhatRequest.list(object.path, limit: 100, filters: filters)
            let (found, isFiltered) = try await client.exchange(request) { (answer) throws(DestinationError) in
                let records = try RecordPages.texts(answer, address: client.address)
                let own = records.filter { record in
                    JSONReader.valueIfAny(record)?["email"]?.scalarText?.lowercased() == wanted
                }
                return (own.first, own.count == records.count)
            }
            if let found { return String(decoding: found, as: UTF8.self) }
            guard !isFiltered, let id = try await id(ofEmail: wanted, of: object, filters) else { continue }
            if let found = try await readOne(key: id, keyField: "_id", of: object) { return found }
        }
        return nil
    }

    private func id(
        ofEmail wanted: String, of object: DestinationObject, _ filters: [(String, String)]
    ) async throws(DestinationError) -> String? {
        var pages = RecordPages(client: client, path: object.path, select: "email", filters: filters)
        while let records = try await pages.next() {
            if let record = records.first(where: { $0["email"]?.scalarText?.lowercased() == wanted }) {
                return record["_id"]?.scalarText
            }
        }
        return nil
    }
}

extension DestinationObject {
    /// Under which other name a record shows what is sent as `field`: a ticket's keys are those of a conversation.
    package func storedName(of field: String) -> String? {
        guard name == "ticket" else { return nil }
        return ["sourceId": "externalId", "title": "subject", "type": "subType"][field]
    }
}

/// The records of one list, a page at a time, ordered by id so that records made meanwhile do not shift the pages.
struct RecordPages {
    let client: PlanhatClient
    let path: String
    var select: String?
    var filters: [(String, String)] = []
    /// Nil for lists that are not known to be sorted.
    var sort: String? = "_id"
    var limit: Int
    private var offset = 0
    private var firstPageCount: Int?
    private var lastFirst: JSONValue?
    private var isDone = false

    init(client: PlanhatClient, path: String, select: String? = nil, filters: [(String, String)] = []) {
        self.client = client
        self.path = path
        self.select = select
        self.filters = filters
        limit = PlanhatDestination.pageMax(path)
    }

    /// The next page, or nil after the last. A server may give fewer records than asked for; so the end is a page
    /// that is shorter than the first one, or empty, not one that is shorter than the limit.
    mutating func next() async throws(DestinationError) -> [JSONValue]? {
        if isDone { return nil }
        let request = PlanhatRequest.list(
            path, limit: limit, offset: offset, select: select,
            filters: filters + (sort.map { [("sort", $0)] } ?? []))
        let address = client.address
        let last = lastFirst
        let records = try await client.exchange(request) { (answer) throws(DestinationError) in
            let records = try Self.records(answer, address: address)
            if let first = records.first, first == last {
                throw PlanhatErrors.unreadable(answer, "the next page is the same page again")
            }
            return records
        }
        lastFirst = records.first
        offset += records.count
        isDone = records.count < firstPageCount ?? 1
        firstPageCount = firstPageCount ?? records.count
        return records.isEmpty ? nil : records
    }

    private static func records(_ answer: PlanhatAnswer, address: String) throws(DestinationError) -> [JSONValue] {
        guard (200...299).contains(answer.status) else { throw PlanhatErrors.status(answer, address: address) }
        guard case .array(let records)? = JSONReader.valueIfAny(answer.body) else {
            throw PlanhatErrors.unreadable(answer, "it is not a list")
        }
        return records
    }

    /// The records of a list as they stand in the answer.
    static func texts(_ answer: PlanhatAnswer, address: String) throws(DestinationError) -> [[UInt8]] {
        guard (200...299).contains(answer.status) else { throw PlanhatErrors.status(answer, address: address) }
        var reader = JSONReader(answer.body)
        var texts: [[UInt8]] = []
        do {
            try reader.eachElement { (reader) throws(JSONFault) in
                _ = reader.peek()
                let start = reader.position
                try reader.skipValue()
                texts.append(Array(reader.bytes[start..<reader.position]))
            }
            try reader.expectEnd()
        } catch {
            throw PlanhatErrors.unreadable(answer, "it is not a list")
        }
        return texts
    }
}
