internal import Records
package import StateStore

/// Where planning puts the rows that did not become operations: into the history in chunks, or, for a dry run, into
/// a short list of examples, in which every reason occurs. Every row is counted; at most `keptMax` of each kind are
/// kept with their key.
package final class OutcomeSink {
    package static let keptMax = 100_000
    package static let examplesMax = 20
    private static let chunk = 2_000

    private let run: Int64
    private let at: Moment
    private let database: ControlDatabase?
    private var waiting: [OutcomeRecord] = []
    private var kept: [OutcomeKind: Int] = [:]
    /// Below every operation's number, so that the two never meet.
    private var nextSequence = -1_000_000_000
    private var met: Set<String> = []
    package private(set) var reasons: [String: Int] = [:]
    package private(set) var examples: [OutcomeRecord] = []

    /// - Parameter database: nil for a dry run.
    init(run: Int64, at: Moment, database: ControlDatabase?) {
        self.run = run
        self.at = at
        self.database = database
    }

    func add(_ outcome: OutcomeKind, key: String, keyHash: Hash128, _ reason: Reason) throws {
        // A skipped row is where it should be; reasons count what did not arrive.
        if outcome != .skipped { reasons[reason.code, default: 0] += 1 }
        let count = kept[outcome, default: 0]
        guard count < Self.keptMax else { return }
        kept[outcome] = count + 1
        let record = OutcomeRecord(
            run: run, sequence: nextSequence, key: key, keyHash: keyHash, outcome: outcome, reason: reason, at: at)
        nextSequence += 1
        if met.insert(reason.code).inserted || examples.count < Self.examplesMax { examples.append(record) }
        guard database != nil else { return }
        waiting.append(record)
        if waiting.count >= Self.chunk { try flush() }
    }

    func flush() throws {
        guard let database, !waiting.isEmpty else { return }
        try database.record(outcomes: waiting)
        waiting.removeAll(keepingCapacity: true)
    }
}
