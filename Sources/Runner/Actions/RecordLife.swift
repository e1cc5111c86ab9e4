package import ProjectConfig
package import Records
package import StateStore
internal import SyncCore

/// The life of one record, as far as retention keeps it.
package struct RecordLife: Sendable {
    package struct Step: Sendable, Hashable {
        package var run: RunRecord
        /// `sent` where the record was in the run's plan and nothing else is known of it: it was accepted.
        package var outcome: String
        package var reason: Reason?
        /// What was sent, as JSON text.
        package var payload: String?
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
            steps.append(
                Step(
                    run: run, outcome: outcome?.outcome.rawValue ?? Self.outcome(in: run),
                    reason: outcome?.reason, payload: sent?.payload, exchanges: exchanges))
        }
        return steps
    }

    /// What became of a planned record of which the history says nothing else.
    private static func outcome(in run: RunRecord) -> String {
        if run.state == .stoppedByGuard { return OutcomeKind.undelivered.rawValue }
        return run.state.isFinal ? "accepted" : "sent"
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
