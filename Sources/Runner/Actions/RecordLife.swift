package import ProjectConfig
package import Records
package import StateStore
internal import SyncCore

/// The life of one record, as far as retention keeps it.
package struct RecordLife: Sendable {
    package struct Step: Sendable, Hashable {
        package var run: RunRecord
        /// An `OutcomeKind`, `accepted`, or `confirmed` by a person; `sent` or `planned` where the run, or what is kept of it,
        /// does not say more.
        package var outcome: String
        package var reason: Reason?
        /// What was sent, as JSON text; nil where the record never left.
        package var payload: String?
        /// What would have been sent of a record that never left, as JSON text.
        package var unsent: String?
        package var exchanges: [ExchangeRecord]
    }

    private let sync: String
    /// Nil where the sync is defined nowhere any more.
    private let definition: SyncDefinition?
    private let environment: RunEnvironment

    package init(_ definition: SyncDefinition, environment: RunEnvironment) {
        (sync, self.definition) = (definition.name, definition)
        self.environment = environment
    }

    /// Of a sync that is defined nowhere any more: how its keys were made is not known, so every way is tried.
    package init(orphan sync: String, environment: RunEnvironment) {
        (self.sync, definition) = (sync, nil)
        self.environment = environment
    }

    /// The hashes that the record may have: outcomes and what waits name it by them.
    package func hashes(ofKey key: String) throws -> Set<Hash128> { Set(try names(of: key).map(\.hash)) }

    private func names(of key: String) throws -> [(text: String, hash: Hash128)] {
        if let definition {
            let dataset = try Dataset(definition, environment: environment)
            return [(dataset.normalized(key: key), dataset.hash(ofKey: key))]
        }
        let seed = try environment.database.memory(sync)?.seed ?? 0
        return KeyWriter.spellings(key).map { ($0, Hash128.of($0, seed: seed)) }
    }

    /// Oldest first.
    package func steps(key: String, runsMax: Int = 100) throws -> [Step] {
        let history = RunHistory(environment.database)
        let names = try names(of: key)
        let hashes = Set(names.map(\.hash))
        var outcomes: [Int64: OutcomeRecord] = [:]
        for name in names {
            for outcome in try history.life(sync: sync, key: name.text) { outcomes[outcome.run] = outcome }
        }
        let planned = Set(try environment.state.plannedRuns())
        var steps: [Step] = []
        for run in try history.runs(sync: sync, limit: runsMax).reversed() {
            let sent = planned.contains(run.id) ? try find(hashes, in: run.id) : nil
            let outcome = outcomes[run.id]
            guard sent != nil || outcome != nil else { continue }
            let exchanges = try sent.map { try history.exchanges(run: run.id, sequence: $0.sequence) } ?? []
            let isConfirmed = outcome == nil && run.trigger == ConfirmRecords.trigger
            let told = outcome?.outcome.rawValue ?? Self.outcome(in: run, wasCarried: !exchanges.isEmpty)
            let word = isConfirmed ? Self.confirmed : told
            let isKept = exchanges.isEmpty && (word == OutcomeKind.undelivered.rawValue || word == Self.planned)
            let payload = sent.flatMap { $0.payload.isEmpty ? nil : $0.payload }
            steps.append(
                Step(
                    run: run, outcome: word, reason: outcome?.reason, payload: isKept ? nil : payload,
                    unsent: isKept ? payload : nil, exchanges: exchanges))
        }
        return steps
    }

    private static let planned = "planned"
    private static let confirmed = "confirmed"

    /// What became of a planned record of which the history says nothing else: it was accepted, unless the run had more
    /// that did not arrive than the history names.
    /// - Parameters:
    ///   - wasCarried: whether a request of the run carried the record.
    ///   - keptMax: how many of one outcome are named at least.
    package static func outcome(
        in run: RunRecord, wasCarried: Bool, keptMax: Int = OutcomeSink.keptMax
    ) -> String {
        let undelivered = OutcomeKind.undelivered.rawValue
        if run.state == .stoppedByGuard { return undelivered }
        guard run.state.isFinal else { return wasCarried ? "sent" : planned }
        let operations = run.operations
        let isRestUnnamed = operations.undelivered > keptMax
        if isRestUnnamed && !wasCarried { return undelivered }
        guard isRestUnnamed || operations.rejected > keptMax else { return "accepted" }
        guard operations.accepted == 0 else { return "sent" }
        if operations.rejected == 0 { return undelivered }
        return operations.undelivered == 0 ? OutcomeKind.rejected.rawValue : "sent"
    }

    private func find(_ hashes: Set<Hash128>, in run: Int64) throws -> (sequence: Int, payload: String)? {
        let plan = try PlanReader(path: environment.state.planPath(run: run))
        guard plan.isSealed else { return nil }
        var found: (Int, String)?
        try plan.visit { operation in
            if found == nil, hashes.contains(operation.keyHash) { found = (operation.sequence, operation.payloadText) }
        }
        return found
    }
}
