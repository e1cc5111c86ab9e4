public import Records

/// What a scan reads.
public enum Relation: Sendable, Hashable {
    /// A table or view by name; `schema` nil means the source's default.
    case table(schema: String?, name: String)
    /// One SELECT statement.
    case query(String)

    public var text: String {
        switch self {
        case .table(let schema, let name): schema.map { "\($0).\(name)" } ?? name
        case .query(let sql): sql
        }
    }
}

public struct ScanRequest: Sendable, Hashable {
    public var relation: Relation
    /// The columns to read, in this order, exact names, no name twice; nil reads all in the source's order.
    public var columns: [String]?
    /// Stops after so many rows; nil reads all.
    public var rowsMax: Int?
    public var batchRowsMax: Int
    public var batchBytesMax: Int

    public init(
        _ relation: Relation, columns: [String]? = nil, rowsMax: Int? = nil, batchRowsMax: Int = 2_048,
        batchBytesMax: Int = 512 << 10
    ) {
        self.relation = relation
        self.columns = columns
        self.rowsMax = rowsMax
        self.batchRowsMax = batchRowsMax
        self.batchBytesMax = batchBytesMax
    }
}

/// The batches of one scan, pulled one at a time by one task.
public struct RowBatches: Sendable {
    /// The columns in the order of the cells; known before the first batch.
    public let columns: [Column]
    private let pull: @Sendable () async throws -> RowBatch?

    public init(columns: [Column], pull: @escaping @Sendable () async throws -> RowBatch?) {
        self.columns = columns
        self.pull = pull
    }

    /// The next batch, never empty; nil after the last. Throws `SourceError` or `CancellationError`.
    public func next() async throws -> RowBatch? { try await pull() }
}

/// Reads rows from one system. Holds settings, never an open connection.
///
/// Every implementation keeps these rules; TestKit's conformance suite proves them:
/// - `check` changes nothing.
/// - The same request on unchanged data gives the same rows.
/// - Memory does not grow with the number of rows.
/// - A scan is one consistent snapshot of the data.
/// - Cancelling a scan returns within a second and releases everything.
/// - A scan that could not read to the end throws; it never just ends early.
/// - A single cell that cannot be represented is `unreadable` with its reason; it does not end the scan.
/// - Every error has a documented code, and no text or mirror contains a secret.
public protocol Source: Sendable {
    /// Proves step by step that the address and the credentials work, without reading the data. Tells each
    /// step as it begins, so that who waits sees which one takes its time.
    func check(_ told: @escaping CheckProgress) async -> ConnectionReport

    /// Runs `body` with the batches of one scan; every resource the scan needs is released before this method
    /// returns, also on error and cancellation. Throws `SourceError`, `CancellationError` or what `body` throws.
    func withScan<Result: Sendable>(
        _ request: ScanRequest,
        _ body: (RowBatches) async throws -> Result
    ) async throws -> Result
}

extension Source {
    /// The test, for who only wants its end.
    public func check() async -> ConnectionReport { await check { _ in } }
}

/// A table or view that can be read.
public struct TableInfo: Sendable, Hashable {
    public var schema: String?
    public var name: String
    /// `table`, `view`, `materialized view`, `foreign table`.
    public var kind: String
    public var columns: [Column]
    /// The source's own estimate, where it keeps one.
    public var rowsEstimate: Int?

    public init(schema: String?, name: String, kind: String, columns: [Column], rowsEstimate: Int? = nil) {
        self.schema = schema
        self.name = name
        self.kind = kind
        self.columns = columns
        self.rowsEstimate = rowsEstimate
    }
}

/// A source that can say what there is to read.
public protocol Discoverable: Sendable {
    /// The tables and views its user sees, without the system's own, ordered by schema and name.
    func tables() async throws(SourceError) -> [TableInfo]

    /// The columns that a scan of `relation` would deliver, without reading rows.
    func columns(of relation: Relation) async throws(SourceError) -> [Column]
}
