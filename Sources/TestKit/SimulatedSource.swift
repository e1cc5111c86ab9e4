public import ConnectorKit
public import Records
internal import Synchronization

/// A table in memory whose rows may change between scans. A scan reads the rows as they were when it began.
public final class SimulatedSource: Source, Discoverable {
    public typealias Row = [String: Value]

    private struct State {
        var columns: [Column]
        var rows: [Row]
        var beforeBatch: @Sendable (Int) async throws -> Void = { _ in }
        var onScan: @Sendable (Relation, [Row]) -> Void = { _, _ in }
        var batchRowsMax = 64
        var scans = 0
    }

    private let state: Mutex<State>

    public init(columns: [Column], rows: [Row] = []) { state = Mutex(State(columns: columns, rows: rows)) }

    public var rows: [Row] {
        get { state.withLock { $0.rows } }
        set { state.withLock { $0.rows = newValue } }
    }

    public var columns: [Column] {
        get { state.withLock { $0.columns } }
        set { state.withLock { $0.columns = newValue } }
    }

    /// At most so many rows come in one batch, whatever the request allows.
    public var batchRowsMax: Int {
        get { state.withLock { $0.batchRowsMax } }
        set { state.withLock { $0.batchRowsMax = newValue } }
    }

    /// How many scans were begun.
    public var scans: Int { state.withLock { $0.scans } }

    /// Is called before each batch with its number, and before the end; what it throws ends the scan.
    public func beforeBatch(_ hook: @escaping @Sendable (Int) async throws -> Void) {
        state.withLock { $0.beforeBatch = hook }
    }

    /// Is called as a scan begins, with what it asks for and the whole table as it is then.
    public func onScan(_ hook: @escaping @Sendable (Relation, [Row]) -> Void) {
        state.withLock { $0.onScan = hook }
    }

    public func check(_ told: @escaping CheckProgress) async -> ConnectionReport {
        var report = ConnectionReport(address: "memory")
        report.begin("rows", told)
        report.end(ConnectionReport.Step(step: "rows", isOK: true, message: ""))
        return report
    }

    public func withScan<Result: Sendable>(
        _ request: ScanRequest, _ body: (RowBatches) async throws -> Result
    ) async throws -> Result {
        let (table, now) = state.withLock { state in
            state.scans += 1
            var copy = state
            if case .query(let sql) = request.relation { Self.answer(sql, &copy) }
            return (state.rows, copy)
        }
        now.onScan(request.relation, table)
        let columns = try (request.columns ?? now.columns.map(\.name)).map { try column($0, in: now.columns) }
        let rows = request.rowsMax.map { Array(now.rows.prefix($0)) } ?? now.rows
        let size = max(1, min(now.batchRowsMax, request.batchRowsMax))
        let place = Mutex(0)
        return try await body(
            RowBatches(columns: columns) {
                let start = place.withLock { $0 }
                try Task.checkCancellation()
                try await now.beforeBatch(start / size)
                try Task.checkCancellation()
                guard start < rows.count else { return nil }
                let end = min(start + size, rows.count)
                place.withLock { $0 = end }
                let values = rows[start..<end].map { row in columns.map { row[$0.name] ?? .null } }
                return RowBatch(rows: values, columnCount: columns.count)
            })
    }

    /// The two questions of incremental reading: the newest value of a column, and the rows from a value on.
    private static func answer(_ sql: String, _ state: inout State) {
        let parts = sql.split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
        if sql.hasPrefix("select max("), parts.count > 1 {
            var values = state.rows.compactMap { $0[parts[1]] }.filter { $0 != .null }
            if let last = parts.last, last.hasPrefix(" <= ") { values = values.filter { order($0) <= literal(last) } }
            state.columns = [Column(name: "newest", type: .integer, declaredType: "")]
            state.rows = [["newest": values.max { order($0) < order($1) } ?? .null]]
        } else if let column = parts.dropLast().last, let from = parts.last, from.hasPrefix(" >= ") {
            state.rows = state.rows.filter { order($0[column] ?? .null) >= literal(from) }
        }
    }

    /// The number or the time that stands behind an operator.
    private static func literal(_ condition: String) -> Int64 {
        let text = condition.dropFirst(4).filter { $0 != "'" }
        return Int64(text) ?? instant(text)
    }

    private static func order(_ value: Value) -> Int64 {
        switch value {
        case .integer(let number), .timestamp(let number), .localTimestamp(let number): number
        case .text(let text): instant(text)
        default: .min
        }
    }

    private static func instant(_ text: String) -> Int64 {
        unsafe Array(text.utf8).withUnsafeBytes { unsafe ISOInstant($0) }?.micros ?? .min
    }

    public func tables() async throws(SourceError) -> [TableInfo] {
        [TableInfo(schema: nil, name: "rows", kind: "table", columns: columns)]
    }

    public func columns(of relation: Relation) async throws(SourceError) -> [Column] { columns }

    private func column(_ name: String, in columns: [Column]) throws(SourceError) -> Column {
        guard let column = columns.first(where: { $0.name == name }) else {
            throw SourceError(
                code: "unknown_column", message: "There is no column \(name).", hint: "Correct the mapping.",
                disposition: .fixConfiguration)
        }
        return column
    }
}
