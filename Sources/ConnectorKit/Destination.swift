public import Records

/// How many of the accepted operations did what, as far as the destination said.
public struct WriteTally: Sendable, Hashable {
    public var created = 0
    public var updated = 0
    /// The destination's own id of each operation's record, in the order of the batch, nil where the answer does not
    /// tell it; empty where none was asked for or told.
    public var ids: [String?] = []

    public init(created: Int = 0, updated: Int = 0) {
        self.created = created
        self.updated = updated
    }
}

/// What one call of `write` came to.
public enum BatchOutcome: Sendable, Hashable {
    /// One outcome for each operation, in the order of the batch.
    case attributed([Outcome], WriteTally)
    /// `failed` operations (at least one) were refused or are unaccounted for, and the answer does not say which.
    /// `reason` is what the answer said of them. The rest were accepted.
    case unattributed(failed: Int, reason: Reason, WriteTally)
}

/// Writes operations to one system.
///
/// Every implementation keeps these rules; TestKit's conformance suite proves them:
/// - `check` changes nothing.
/// - `write` accounts for every operation, also on partial success, and never retries by itself.
/// - A thrown error says nothing about any operation but what `isKnownUnsent` says about all.
/// - Every HTTP request takes a permit first and is reported to the context as an exchange.
/// - Every error has a documented code, and no text, exchange or mirror contains a secret.
public protocol Destination: Sendable {
    /// The objects this destination can write, declared as data.
    static var objects: [DestinationObject] { get }

    /// Proves step by step that the address and the credentials work, and says what they may do. Tells each
    /// step as it begins, so that who waits sees which one takes its time.
    func check(_ told: @escaping CheckProgress) async -> ConnectionReport

    /// Sends one batch once, of at most the object's limits.
    func write(_ batch: OperationBatch, to object: DestinationObject) async throws(DestinationError) -> BatchOutcome
}

extension Destination {
    /// The test, for who only wants its end.
    public func check() async -> ConnectionReport { await check { _ in } }
}

/// A destination whose records can be read back.
public protocol Readable: Sendable {
    /// Calls `page` with the texts of `fields` of every record of the object, page by page: one array for each record,
    /// in the order of `fields`, with an empty text where the record has no value. A record whose value is a list comes
    /// once for each element. Throws `DestinationError`, `CancellationError` or what `page` throws.
    func readRecords(
        of object: DestinationObject, fields: [String], _ page: ([[String]]) async throws -> Void
    ) async throws

    /// One record by its key as JSON text, or nil if there is none.
    func read(key: String, keyField: String, of object: DestinationObject) async throws(DestinationError) -> String?
}

/// A destination that can tell, by reading, whether what was sent has arrived.
public protocol ReadBack: Sendable {
    /// For each operation of a batch that was in doubt: true where it certainly arrived, nil where that cannot be
    /// told (it may be on its way). Never guesses.
    func haveArrived(_ batch: OperationBatch, object: DestinationObject) async throws(DestinationError) -> [Bool?]
}

/// A destination that has fields of its own making in each account (custom fields).
public protocol FieldDiscovering: Sendable {
    /// The fields of the account for that object that the declaration does not have, named as a mapping names them.
    func discoveredFields(of object: DestinationObject) async throws(DestinationError) -> [DestinationField]
}

public typealias ConnectedDestination = Destination & FieldDiscovering & Readable

/// What the runner lends a destination: permits, a place for exchanges, time.
public struct DestinationContext: Sendable {
    /// Waits until one more HTTP request may leave.
    public var permit: @Sendable () async throws -> Void
    /// Waits, after the permit, until the account may have one more request on its way. What it returns is called once, when
    /// the request has ended.
    public var place: @Sendable () async throws -> @Sendable () -> Void
    /// Is told what the destination's headers say of the rate limit.
    public var observeLimit: @Sendable (RateLimitNotice) -> Void
    /// Is told every request and its answer.
    public var record: @Sendable (Exchange) -> Void

    public init(
        permit: @escaping @Sendable () async throws -> Void = {},
        place: @escaping @Sendable () async throws -> @Sendable () -> Void = { {} },
        observeLimit: @escaping @Sendable (RateLimitNotice) -> Void = { _ in },
        record: @escaping @Sendable (Exchange) -> Void = { _ in }
    ) {
        self.permit = permit
        self.place = place
        self.observeLimit = observeLimit
        self.record = record
    }
}

/// What an answer said about the rate limit.
public struct RateLimitNotice: Sendable, Hashable {
    public var limit: Int?
    public var remaining: Int?
    /// How long until the quota is full again or the next request is welcome.
    public var wait: Duration?
    /// True for a 429.
    public var isRefusal: Bool

    public init(limit: Int? = nil, remaining: Int? = nil, wait: Duration? = nil, isRefusal: Bool = false) {
        self.limit = limit
        self.remaining = remaining
        self.wait = wait
        self.isRefusal = isRefusal
    }
}

/// One request and its answer, for people to look at later. Without credentials; bodies are cut.
public struct Exchange: Sendable, Hashable, Codable {
    public static let bodyBytesMax = 16 << 10

    public var method: String
    /// The path and query, without the host.
    public var path: String
    /// Nil where no answer came.
    public var status: Int?
    public var milliseconds: Int
    public var requestBytes: Int
    public var responseBytes: Int
    /// At most `bodyBytesMax` bytes of each.
    public var requestBody: String
    public var responseBody: String
    /// The code of the error, where no answer came or it could not be understood.
    public var error: String?
    /// Whether the request wrote (as against read).
    public var isWrite: Bool

    public init(
        method: String, path: String, status: Int?, milliseconds: Int, requestBytes: Int, responseBytes: Int,
        requestBody: String, responseBody: String, error: String? = nil, isWrite: Bool
    ) {
        self.method = method
        self.path = path
        self.status = status
        self.milliseconds = milliseconds
        self.requestBytes = requestBytes
        self.responseBytes = responseBytes
        self.requestBody = requestBody
        self.responseBody = responseBody
        self.error = error
        self.isWrite = isWrite
    }
}
