public import ConnectorKit
public import Records

/// Proves the rules written above `Source` for one connector and one set of data.
///
/// Give it a source that works, what is known of one relation, and the two ways to look at it from outside; then
/// expect `violations()` to be empty. Each violation is a sentence. `SourceConformanceEndings` holds the rules for
/// scans that do not end well; `violations()` includes them.
public struct SourceConformance: Sendable {
    public var source: any Source & Discoverable
    /// Three rows or more, at least two columns, and rows in an order the source keeps from scan to scan.
    public var relation: Relation
    /// What a scan of `relation` delivers.
    public var columnNames: [String]
    public var rows: [[Value]]
    /// A relation that does not exist.
    public var missingRelation: Relation
    /// A relation whose scan takes several seconds: many rows, or a slow query.
    public var longRelation: Relation
    /// Texts that must appear nowhere: the password and anything else that is secret in the settings.
    public var secrets: [String]
    /// What the source holds, as a text that is equal as long as nothing was changed.
    public var stateOfData: @Sendable () async throws -> String
    /// What scans of this source hold now (open files, sessions on the server); empty when all is released.
    public var openResources: @Sendable () async throws -> [String]

    public init(
        source: any Source & Discoverable, relation: Relation, columnNames: [String], rows: [[Value]],
        missingRelation: Relation, longRelation: Relation, watch: SourceWatch
    ) {
        self.source = source
        self.relation = relation
        self.columnNames = columnNames
        self.rows = rows
        self.missingRelation = missingRelation
        self.longRelation = longRelation
        secrets = watch.secrets
        stateOfData = watch.stateOfData
        openResources = watch.openResources
    }

    /// Every broken rule as a sentence; empty for a source that keeps them all.
    public func violations() async -> [String] {
        guard rows.count >= 3, columnNames.count >= 2 else { return ["the suite needs three rows and two columns"] }
        var found: [String] = []
        found += await rule("check") { try await checkViolations() }
        found += await rule("scan") { try await scanViolations() }
        found += await rule("batches") { try await batchViolations() }
        found += await rule("rowsMax") { try await limitViolations() }
        found += await rule("columns") { try await columnViolations() }
        found += await rule("discovery") { try await discoveryViolations() }
        found += await rule("texts") { textViolations() }
        found += await SourceConformanceEndings(suite: self).violations()
        return found
    }

    /// Runs one rule and names it in what it found; a thrown error is a violation too. After each rule nothing may
    /// still be held.
    func rule(_ name: String, _ body: () async throws -> [String]) async -> [String] {
        do {
            var found = try await body()
            let held = try await openResources()
            if !held.isEmpty { found.append("still holds \(held.joined(separator: ", "))") }
            return found.map { "\(name): \($0)" }
        } catch {
            return ["\(name): threw \(error)"]
        }
    }

    // MARK: The rules

    private func checkViolations() async throws -> [String] {
        let before = try await stateOfData()
        let report = await source.check()
        var found: [String] = []
        if !report.isOK { found.append("a source that works does not pass: \(report.steps)") }
        if report.steps.isEmpty { found.append("tells no steps") }
        if report.address.isEmpty { found.append("tells no address") }
        if try await stateOfData() != before { found.append("changed the data") }
        return found + leaks(in: "\(report)", of: "the report")
    }

    private func scanViolations() async throws -> [String] {
        let before = try await stateOfData()
        let first = try await read(ScanRequest(relation))
        let second = try await read(ScanRequest(relation))
        async let third = read(ScanRequest(relation))
        async let fourth = read(ScanRequest(relation))
        let together = try await (third, fourth)
        var found: [String] = []
        if first.columns.map(\.name) != columnNames {
            found.append("delivers the columns \(first.columns.map(\.name)) instead of \(columnNames)")
        }
        if first.rows.count != rows.count {
            found.append("delivers \(first.rows.count) rows instead of \(rows.count)")
        }
        if let index = zip(first.rows, rows).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset {
            found.append("row \(index + 1) is \(first.rows[index]) instead of \(rows[index])")
        }
        if second != first { found.append("a second scan of the same data differs from the first") }
        if together.0 != first || together.1 != first { found.append("two scans at once differ from one alone") }
        if try await stateOfData() != before { found.append("changed the data") }
        return found
    }

    private func batchViolations() async throws -> [String] {
        var request = ScanRequest(relation)
        request.batchRowsMax = 2
        let whole = try await read(ScanRequest(relation))
        let small = try await read(request)
        var found: [String] = []
        if small.batchSizes.contains(0) { found.append("a batch is empty") }
        if small.batchSizes.contains(where: { $0 > 2 }) { found.append("a batch has more rows than batchRowsMax") }
        if small.rows != whole.rows { found.append("smaller batches give other rows") }
        request = ScanRequest(relation)
        request.batchBytesMax = 1
        let tiny = try await read(request)
        if tiny.rows != whole.rows { found.append("a batchBytesMax smaller than a row gives other rows") }
        if tiny.batchSizes.contains(where: { $0 > 1 }) { found.append("a batch goes beyond batchBytesMax") }
        let afterEnd = try await source.withScan(ScanRequest(relation)) { batches in
            while try await batches.next() != nil {}
            return try await batches.next() == nil
        }
        if !afterEnd { found.append("next() gives a batch after the last") }
        return found
    }

    private func limitViolations() async throws -> [String] {
        let whole = try await read(ScanRequest(relation)).rows
        var found: [String] = []
        for limit in [0, 1, rows.count - 1, rows.count, rows.count + 1] {
            var request = ScanRequest(relation, rowsMax: limit)
            request.batchRowsMax = 2
            let limited = try await read(request)
            if limited.rows != Array(whole.prefix(limit)) {
                found.append("with rowsMax \(limit) the \(limited.rows.count) rows are not the first of all")
            }
            if limited.columns.map(\.name) != columnNames { found.append("rowsMax \(limit) changes the columns") }
        }
        return found
    }

    private func columnViolations() async throws -> [String] {
        let whole = try await read(ScanRequest(relation))
        let promised = try await source.columns(of: relation)
        var found: [String] = []
        if promised != whole.columns { found.append("columns(of:) says \(promised), a scan \(whole.columns)") }
        let choices = [Array(columnNames.reversed()), [columnNames[1]], [columnNames[columnNames.count - 1]]]
        for chosen in choices {
            let read = try await read(ScanRequest(relation, columns: chosen))
            let places = chosen.compactMap { columnNames.firstIndex(of: $0) }
            if read.columns != places.map({ whole.columns[$0] }) {
                found.append("chosen columns \(chosen) come as \(read.columns)")
            }
            if read.rows != whole.rows.map({ row in places.map { row[$0] } }) {
                found.append("chosen columns \(chosen) have other values than in a scan of all")
            }
        }
        for (row, values) in whole.rows.enumerated() {
            for (column, value) in zip(whole.columns, values) where value == .null && !column.isNullable {
                found.append("column \(column.name) promises never to be null and is, in row \(row + 1)")
            }
        }
        return found
    }

    private func discoveryViolations() async throws -> [String] {
        let before = try await stateOfData()
        let tables = try await source.tables()
        var found: [String] = []
        let names = tables.map { [$0.schema ?? "", $0.name] }
        if names != names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            found.append("tables are not ordered by schema and name")
        }
        if Set(names).count != names.count { found.append("a table is listed twice") }
        if case .table(let schema, let name) = relation {
            let listed = tables.first { $0.name == name && (schema == nil || $0.schema == schema) }
            if let listed {
                let scanned = try await source.columns(of: relation)
                if listed.columns != scanned { found.append("lists \(listed.columns), a scan has \(scanned)") }
            } else {
                found.append("does not list the table \(relation.text)")
            }
        }
        if try await stateOfData() != before { found.append("changed the data") }
        return found
    }

    private func textViolations() -> [String] {
        var dumped = ""
        dump(source, to: &dumped)
        return leaks(in: "\(source)", of: "its description")
            + leaks(in: String(reflecting: source), of: "its debug text") + leaks(in: dumped, of: "its mirror")
    }

    // MARK: What the rules are made of

    struct Read: Sendable, Equatable {
        var columns: [Column] = []
        var rows: [[Value]] = []
        var batchSizes: [Int] = []
    }

    func read(_ request: ScanRequest) async throws -> Read {
        try await source.withScan(request) { batches in
            var read = Read(columns: batches.columns)
            while let batch = try await batches.next() {
                read.batchSizes.append(batch.rowCount)
                for row in 0..<batch.rowCount {
                    read.rows.append((0..<batch.columnCount).map { batch.value(row: row, column: $0) })
                }
            }
            return read
        }
    }

    func leaks(in text: String, of place: String) -> [String] {
        secrets.filter { !$0.isEmpty && text.contains($0) }.map { _ in "a secret is in \(place)" }
    }
}

/// How a conformance suite looks at a source from outside.
public struct SourceWatch: Sendable {
    public var secrets: [String]
    public var stateOfData: @Sendable () async throws -> String
    public var openResources: @Sendable () async throws -> [String]

    public init(
        secrets: [String], stateOfData: @escaping @Sendable () async throws -> String,
        openResources: @escaping @Sendable () async throws -> [String]
    ) {
        self.secrets = secrets
        self.stateOfData = stateOfData
        self.openResources = openResources
    }
}
