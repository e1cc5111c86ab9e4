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

    /// What the rows before that sequence say.
    func upTo(_ end: Int) -> NotedColumn {
        guard let last = rows.last, last.sequence >= end else { return self }
        var part = self
        part.rows = Array(rows.prefix { $0.sequence < end })
        return part
    }

    /// The different values of the rows; nil where they are many.
    var fewTexts: [String]? {
        if texts.count <= Resolver.singleReadsMax { return texts.sorted() }
        guard rows.count <= Resolver.singleReadsMax else { return nil }
        let wanted = Set(rows.map(\.hash))
        let found = texts.filter { wanted.contains(hash($0)) }
        return found.count == wanted.count ? found.sorted() : nil
    }

    func hash(_ text: String) -> Hash128 { Hash128.of(ignoresCase ? text.lowercased() : text, seed: 3) }

    mutating func note(_ view: borrowing RowsView, _ row: Int, sequence: Int) {
        let text = Value(view.cell(row, place)).text
        rows.append((sequence, hash(text)))
        if texts.count <= Resolver.singleReadsMax { texts.insert(text) }
    }
}

/// The records of other objects that planned rows need: what each row names, by the object it is of.
struct Needs {
    let rule: ExistenceRule
    private(set) var values: [String: NotedColumn] = [:]
    private let blank: NotedColumn
    private let kindPlace: Int?

    init?(_ shape: SyncShape, scanColumns: [String]) {
        guard let rule = ExistenceRule(shape), let values = NotedColumn(rule.column, scanColumns: scanColumns) else {
            return nil
        }
        self.rule = rule
        blank = values
        kindPlace = rule.kindColumn.flatMap { scanColumns.firstIndex(of: $0) }
        for object in [rule.object] + rule.kinds.values { self.values[object] = values }
    }

    mutating func note(_ view: borrowing RowsView, _ row: Int, sequence: Int) {
        let kind = kindPlace.map { Value(view.cell(row, $0)).text } ?? ""
        // What stands for no object is not checked: the field's choices have let it through.
        guard let object = rule.object(ofKind: kind) else { return }
        values[object, default: blank].note(view, row, sequence: sequence)
    }
}

/// Strikes out the rows whose record is not there: the destination would take and drop them without a word. Nothing is
/// read where nothing is planned; few different records are read one by one, more by one paged read of each object.
struct NeedsResolver {
    let prepared: PreparedSync
    let retrying: Retrying

    func judges(_ maker: inout PlanMaker, _ window: PlanWindow) async throws -> [Judge] {
        guard let needs = maker.needs, window.count > 0 else { return [] }
        var judges: [Judge] = []
        for (object, values) in needs.values.sorted(by: { $0.key < $1.key }) {
            let values = values.upTo(window.end)
            guard !values.rows.isEmpty, let existing = try await existing(object, needs.rule, values, &maker) else {
                continue
            }
            var lost = SequenceSet()
            for row in values.rows where !existing.contains(row.hash) { lost.insert(row.sequence) }
            guard lost.count > 0 else { continue }
            let (missing, rule) = (lost, needs.rule)
            judges.append { operation in
                guard missing.contains(operation.sequence) else { return nil }
                let value = SwappedValues.texts(operation.payloadText, [rule.member])[rule.member]
                return Strike(outcome: .invalid, reason: rule.missing(object, value: value))
            }
        }
        return judges
    }

    /// The hashes of those records that are there; nil where the account may not be asked, which is told.
    private func existing(
        _ name: String, _ rule: ExistenceRule, _ values: NotedColumn, _ maker: inout PlanMaker
    ) async throws -> SortedHashes? {
        let objects = type(of: prepared.destination).objects
        guard let object = objects.first(where: { $0.name == name }), object.isReadable else { return nil }
        do {
            return SortedHashes(try await read(values, rule.field, of: object))
        } catch let error as ConnectorError where error.code == "forbidden" {
            let warning = rule.unchecked(name)
            if !maker.warnings.contains(warning) { maker.warnings.append(warning) }
            return nil
        }
    }

    private func read(
        _ values: NotedColumn, _ field: String, of object: DestinationObject
    ) async throws -> [Hash128] {
        let destination = prepared.destination
        if let texts = values.fewTexts {
            var found: [Hash128] = []
            for text in texts {
                let record = try await retrying.read {
                    try await destination.read(key: text, keyField: field, of: object)
                }
                if record != nil { found.append(values.hash(text)) }
            }
            return found
        }
        return try await retrying.read {
            var hashes: [Hash128] = []
            try await destination.readRecords(of: object, fields: [field]) { page in
                for record in page where !record[0].isEmpty { hashes.append(values.hash(record[0])) }
            }
            return hashes
        }
    }
}
