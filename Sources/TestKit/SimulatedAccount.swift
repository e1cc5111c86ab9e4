public import ConnectorKit
public import Records
internal import Synchronization

/// What happens to one request on its way.
public enum SimulatedFault: Sendable, Hashable {
    case none
    /// Refused for its rate: known not to have been carried out.
    case rateLimited(after: Duration?)
    /// An error of the server that nothing came of, though nobody can know that.
    case failedBefore
    /// The first `records` operations were carried out, or all, and the answer was lost.
    case lostAfter(records: Int)
    /// The credentials are refused.
    case unauthorized
    /// More than `items` operations are too much for one request.
    case tooLarge(items: Int)
}

/// How an account tells which operations it refused.
public enum SimulatedAttribution: Sendable, Hashable {
    /// Each by itself.
    case each
    /// Only how many; the others are carried out.
    case counted
    /// One refused operation refuses the whole request.
    case whole
}

/// An account of a destination in memory: records by key, rules that refuse, faults, and a memory of all that arrived.
/// Two operations with one new key in one request make two records, as they do in systems that look keys up once.
public final class SimulatedAccount: Sendable {
    public struct Request: Sendable, Hashable {
        public var keys: [String]
        public var fault: SimulatedFault
        public var kind: OperationKind
        /// What the account's mark was when it arrived.
        public var mark: Int64
        /// How many of its operations were refused, if it was carried out.
        public var refused = 0
    }

    private struct State {
        var records: [String: String] = [:]
        var created: [String: Int] = [:]
        var made: [String: String] = [:]
        var mark: Int64 = 0
        var removed: [String: Int] = [:]
        var events: [String: [String]] = [:]
        var keyless: [String] = []
        var tellsIDs = true
        var matchesKeys = true
        var tellsWhatArrived = false
        var requests: [Request] = []
        var singleReads = 0
        var pagedReads = 0
        var attribution = SimulatedAttribution.each
        var refuses: @Sendable (String, String) -> Reason? = { _, _ in nil }
        var fault: @Sendable (Int, [String]) -> SimulatedFault = { _, _ in .none }
        var onWrite: @Sendable (Int) async -> Void = { _ in }
        var answerMilliseconds: @Sendable (Int) -> Int = { _ in 1 }
        var fields: [DestinationField] = []
        var people: [[String: String]] = []
        var readError: ConnectorError?
    }

    private let state = Mutex(State())

    public init() {}

    /// Payloads as JSON text by key.
    public var records: [String: String] {
        get { state.withLock { $0.records } }
        set { state.withLock { $0.records = newValue } }
    }

    /// How often a record of each key was created.
    public var created: [String: Int] { state.withLock { $0.created } }
    /// What the record of each key was when it was created last.
    public var made: [String: String] { state.withLock { $0.made } }
    /// How often a record of each key was deleted.
    public var removed: [String: Int] { state.withLock { $0.removed } }
    /// The payloads that were sent, by key: each stays, also where it came before.
    public var events: [String: [String]] { state.withLock { $0.events } }

    /// The names of records that have no key.
    public var keyless: [String] {
        get { state.withLock { $0.keyless } }
        set { state.withLock { $0.keyless = newValue } }
    }

    /// Whether answers tell the ids of the records written.
    public var tellsIDs: Bool {
        get { state.withLock { $0.tellsIDs } }
        set { state.withLock { $0.tellsIDs = newValue } }
    }

    /// Whether a write finds a record by its key; otherwise each makes one more.
    public var matchesKeys: Bool {
        get { state.withLock { $0.matchesKeys } }
        set { state.withLock { $0.matchesKeys = newValue } }
    }

    /// Whether the account can be asked which events it has.
    public var tellsWhatArrived: Bool {
        get { state.withLock { $0.tellsWhatArrived } }
        set { state.withLock { $0.tellsWhatArrived = newValue } }
    }

    /// The account's own id of the record with that key.
    public static func id(of key: String) -> String { "id of " + key }

    /// A number that each request keeps, for whoever asks later what it belonged to.
    public var mark: Int64 {
        get { state.withLock { $0.mark } }
        set { state.withLock { $0.mark = newValue } }
    }

    /// Every write that was sent, oldest first.
    public var requests: [Request] { state.withLock { $0.requests } }
    public var singleReads: Int { state.withLock { $0.singleReads } }
    public var pagedReads: Int { state.withLock { $0.pagedReads } }

    public var attribution: SimulatedAttribution {
        get { state.withLock { $0.attribution } }
        set { state.withLock { $0.attribution = newValue } }
    }

    /// The account's own fields.
    public var fields: [DestinationField] {
        get { state.withLock { $0.fields } }
        set { state.withLock { $0.fields = newValue } }
    }

    /// Records of `SimulatedDestination.person`, each as texts by field; `_id` is its id.
    public var people: [[String: String]] {
        get { state.withLock { $0.people } }
        set { state.withLock { $0.people = newValue } }
    }

    /// What every read fails with.
    public var readError: ConnectorError? {
        get { state.withLock { $0.readError } }
        set { state.withLock { $0.readError = newValue } }
    }

    /// Says why an operation, given as key and payload, is refused; nil accepts it.
    public func refuse(_ rule: @escaping @Sendable (String, String) -> Reason?) {
        state.withLock { $0.refuses = rule }
    }

    /// Says what happens to a request, given its number from 0 and its keys.
    public func fault(_ rule: @escaping @Sendable (Int, [String]) -> SimulatedFault) {
        state.withLock { $0.fault = rule }
    }

    /// Is called with a request's number while it is on its way.
    public func onWrite(_ hook: @escaping @Sendable (Int) async -> Void) { state.withLock { $0.onWrite = hook } }

    /// Says how long an answer to that many operations takes.
    public func answerMilliseconds(_ rule: @escaping @Sendable (Int) -> Int) {
        state.withLock { $0.answerMilliseconds = rule }
    }

    func milliseconds(of count: Int) -> Int { state.withLock { $0.answerMilliseconds }(count) }

    /// - Returns: the request's number, and what happens to it.
    func arrive(_ batch: OperationBatch) async -> (number: Int, fault: SimulatedFault) {
        let keys = batch.entries.indices.map { batch.keyText($0) }
        let (number, rule, hook) = state.withLock { ($0.requests.count, $0.fault, $0.onWrite) }
        let fault = rule(number, keys)
        state.withLock {
            $0.requests.append(Request(keys: keys, fault: fault, kind: batch.kind, mark: $0.mark))
        }
        await hook(number)
        return (number, fault)
    }

    /// Carries out the first `count` operations of the request with that number.
    func carryOut(_ batch: OperationBatch, first count: Int, of number: Int) -> BatchOutcome {
        let (refuses, attribution) = state.withLock { ($0.refuses, $0.attribution) }
        let reasons = (0..<min(count, batch.count)).map { refuses(batch.keyText($0), batch.payloadText($0)) }
        let failed = reasons.compactMap { $0 }
        state.withLock { $0.requests[number].refused = failed.count }
        if attribution == .whole, let first = failed.first {
            return .unattributed(failed: batch.count, reason: first, WriteTally())
        }
        var tally = WriteTally()
        state.withLock { state in
            let before = state.matchesKeys ? state.records : [:]
            for (index, reason) in reasons.enumerated() where reason == nil {
                let (key, payload) = (batch.keyText(index), batch.payloadText(index))
                if Self.carryOut(batch.kind, key, payload, &state) { continue }
                if let known = before[key] {
                    if known != payload { tally.updated += 1 }
                } else {
                    tally.created += 1
                    state.created[key, default: 0] += 1
                    state.made[key] = payload
                }
                state.records[key] = payload
            }
        }
        if batch.wantsIDs && tellsIDs {
            tally.ids = reasons.indices.map { reasons[$0] == nil ? Self.id(of: batch.keyText($0)) : nil }
        }
        if attribution == .counted, let first = failed.first {
            return .unattributed(failed: failed.count, reason: first, tally)
        }
        return .attributed(reasons.map { $0.map { .rejected($0) } ?? .accepted }, tally)
    }

    /// Whatever creates nothing. False for an upsert.
    private static func carryOut(
        _ kind: OperationKind, _ key: String, _ payload: String, _ state: inout State
    ) -> Bool {
        switch kind {
        case .upsert: return false
        case .send: state.events[key, default: []].append(payload)
        case .delete:
            precondition(payload.isEmpty || payload == id(of: key))
            if state.records.removeValue(forKey: key) != nil { state.removed[key, default: 0] += 1 }
        case .archive, .clear:
            if state.records[key] != nil { state.records[key] = payload }
        case .remember, .forget: preconditionFailure("a local operation arrived")
        }
        return true
    }

    func noteRead(isPaged: Bool) -> ConnectorError? {
        state.withLock { state in
            if isPaged { state.pagedReads += 1 } else { state.singleReads += 1 }
            return state.readError
        }
    }
}
