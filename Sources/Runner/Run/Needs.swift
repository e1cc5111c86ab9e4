internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// What one column of the source says in each planned row, kept for a question that is asked after the scan: a hash and a
/// place, twenty-four bytes a row.
struct NotedColumn {
    private(set) var rows: [(sequence: Int, hash: Hash128)] = []
    /// The different values while they are few.
    private(set) var texts: Set<String> = []
    private let place: Int
    private let ignoresCase: Bool

    init?(_ column: String, scanColumns: [String], ignoresCase: Bool = false) {
        guard let place = scanColumns.firstIndex(of: column) else { return nil }
        self.place = place
        self.ignoresCase = ignoresCase
    }

    func hash(_ text: String) -> Hash128 { Hash128.of(ignoresCase ? text.lowercased() : text, seed: 3) }

    mutating func note(_ view: borrowing RowsView, _ row: Int, sequence: Int) {
        let text = Value(view.cell(row, place)).text
        rows.append((sequence, hash(text)))
        if texts.count <= Resolver.singleReadsMax { texts.insert(text) }
    }
}

/// The records of another object that planned rows need.
struct Needs {
    let rule: ExistenceRule
    var values: NotedColumn

    init?(_ shape: SyncShape, scanColumns: [String]) {
        guard let rule = ExistenceRule(shape), let values = NotedColumn(rule.column, scanColumns: scanColumns) else {
            return nil
        }
        self.rule = rule
        self.values = values
    }
}

/// Strikes out the rows whose record is not there: the destination would take and drop them without a word. Nothing is
/// read where nothing is planned; few different records are read one by one, more by one paged read.
struct NeedsResolver {
    let prepared: PreparedSync
    let retrying: Retrying

    /// The hashes of those records that are there; nil where the account may not be asked.
    func existing(_ needs: Needs) async throws -> SortedHashes? {
        let objects = type(of: prepared.destination).objects
        guard let object = objects.first(where: { $0.name == needs.rule.object }), object.isReadable else { return nil }
        do {
            return SortedHashes(try await read(needs, of: object))
        } catch let error as ConnectorError where error.code == "forbidden" {
            return nil
        }
    }

    private func read(_ needs: Needs, of object: DestinationObject) async throws -> [Hash128] {
        let field = needs.rule.field
        let destination = prepared.destination
        if needs.values.texts.count <= Resolver.singleReadsMax {
            var found: [Hash128] = []
            for text in needs.values.texts {
                let record = try await retrying.read {
                    try await destination.read(key: text, keyField: field, of: object)
                }
                if record != nil { found.append(needs.values.hash(text)) }
            }
            return found
        }
        return try await retrying.read {
            var hashes: [Hash128] = []
            try await destination.readRecords(of: object, fields: [field]) { page in
                for record in page where !record[0].isEmpty { hashes.append(needs.values.hash(record[0])) }
            }
            return hashes
        }
    }
}
