internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// How far the column of an incremental dataset has come.
struct NewestValue {
    let rule: IncrementalDefinition
    let prepared: PreparedSync
    let retrying: Retrying

    /// The newest value that is not in the future; nil where there is none. One row with a time yet to come would otherwise
    /// hide all rows that are changed until then. Rows of the future are read by every run. A time without a zone is
    /// taken for UTC, since the database's zone is not known: where it is behind, a row may be ahead by so much.
    ///
    /// - Parameters:
    ///   - now: what lies after it is of the future.
    ///   - clock: the clock's moment, by which a person is told of such rows; later than `now` where a plan is sent as it was
    ///     made.
    func read(_ now: Moment, clock: Moment) async throws -> (Watermark?, warning: Reason?) {
        guard let newest = try await newest(notAfter: nil) else { return (nil, nil) }
        try requireOverlap(newest)
        let far = clock.milliseconds * 1_000 + Watermark.skewSeconds * 1_000_000
        let warning = newest.moment(ifAfter: far, .asTheLatest).map { _ in ahead(newest) }
        guard let moment = newest.moment(ifAfter: now.milliseconds * 1_000) else { return (newest, warning) }
        // Where all rows lie ahead, what comes next may have any time that a clock can show now.
        return (try await self.newest(notAfter: moment) ?? moment.asTheEarliest, warning)
    }

    private func newest(notAfter last: Watermark?) async throws -> Watermark? {
        let relation = IncrementalSQL.newest(of: prepared.definition.dataset.relation, rule.column, notAfter: last)
        let value: Value
        do {
            value = try await retrying.read {
                try await prepared.source.withScan(ScanRequest(relation, rowsMax: 1)) { batches -> Value in
                    guard let batch = try await batches.next() else { return .null }
                    return batch.withRows { rows in Value(rows.cell(0, 0)) }
                }
            }
        } catch let error as ConnectorError where error.disposition == .fixConfiguration {
            // A database that has no largest value of the column's type says so of a query that nobody wrote.
            try await requireGrowing()
            throw error
        }
        if value == .null { return nil }
        // Where truth values are kept as numbers, their largest one is a number too.
        if case .integer(0...1) = value { try await requireGrowing() }
        guard let watermark = Watermark(value) else {
            throw notGrowing("has values that do not grow with time (such as \(value.text.prefix(40)))")
        }
        return watermark
    }

    /// Throws `incremental_column` where the type of the column alone says that it does not grow.
    private func requireGrowing() async throws {
        let columns = try await retrying.read {
            try await prepared.source.columns(of: prepared.definition.dataset.relation)
        }
        guard let column = columns.first(where: { $0.name == rule.column }), Self.isFixed(column.type) else { return }
        throw notGrowing("has the type \(Self.typeText(column)), which does not grow with every change")
    }

    /// Whether no value of the type says how far a dataset has come.
    static func isFixed(_ type: ColumnType) -> Bool {
        switch type {
        case .boolean, .double, .time, .interval, .uuid, .json, .bytes, .array: true
        default: false
        }
    }

    /// The type as the database calls it.
    static func typeText(_ column: Column) -> String {
        column.declaredType.isEmpty ? column.type.rawValue : column.declaredType
    }

    private func notGrowing(_ what: String) -> RunError {
        RunError(
            code: "incremental_column", message: "Column \(rule.column) of sync \(prepared.definition.name) \(what).",
            hint: "Name a column of times, dates or whole numbers that grows with every change, or leave out "
                + "incremental.")
    }

    /// A time means nothing to a column of numbers, and would be passed over without a word.
    private func requireOverlap(_ newest: Watermark) throws {
        let isNumber = newest.kind == .integer
        switch rule.overlap {
        case .seconds(let seconds) where isNumber && seconds > 0:
            throw unfit("whole numbers, and its overlap is a time", "as a whole number of the column's own unit: 600")
        case .number(let number) where !isNumber && number > 0:
            throw unfit("times, and its overlap is a number", "as a time: 10m")
        default: return
        }
    }

    private func unfit(_ what: String, _ example: String) -> RunError {
        RunError(
            code: "incremental_column",
            message: "Column \(rule.column) of sync \(prepared.definition.name) holds \(what).",
            hint: "Write overlap \(example).")
    }

    private func ahead(_ newest: Watermark) -> Reason {
        Reason(
            code: "incremental_ahead",
            message: "Column \(rule.column) has times of the future, up to \(newest.shown). Their rows are read by "
                + "every run.",
            hint: "Correct those rows, or the clock that wrote them.")
    }
}
