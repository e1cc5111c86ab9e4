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

    private let definition: SyncDefinition
    private let environment: RunEnvironment

    package init(_ definition: SyncDefinition, environment: RunEnvironment) {
        self.definition = definition
        self.environment = environment
    }

    /// Oldest first.
    package func steps(key: String, runsMax: Int = 100) throws -> [Step] {
        let history = RunHistory(environment.database)
        let dataset = try Dataset(definition, environment: environment)
        let keyHash = dataset.hash(ofKey: key)
        var outcomes: [Int64: OutcomeRecord] = [:]
        for outcome in try history.life(sync: definition.name, key: dataset.normalized(key: key)) {
            outcomes[outcome.run] = outcome
        }
        let planned = Set(try environment.state.plannedRuns())
        var steps: [Step] = []
        for run in try history.runs(sync: definition.name, limit: runsMax).reversed() {
            let sent = planned.contains(run.id) ? try find(keyHash, in: run.id) : nil
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

    private func find(_ keyHash: Hash128, in run: Int64) throws -> (sequence: Int, payload: String)? {
        let plan = try PlanReader(path: environment.state.planPath(run: run))
        guard plan.isSealed else { return nil }
        var found: (Int, String)?
        try plan.visit { operation in
            if found == nil, operation.keyHash == keyHash { found = (operation.sequence, operation.payloadText) }
        }
        return found
    }
}
