internal import StateStore

/// Removes the history that is older than it is kept, and the plan files that go with it.
package struct SweepHistory: Sendable {
    private let environment: RunEnvironment

    package init(environment: RunEnvironment) { self.environment = environment }

    /// Safe beside running syncs. A sweep that breaks off is finished by the next.
    package func sweep() throws {
        let database = environment.database
        let swept = try Retention().sweep(database, now: environment.time.now())
        for run in swept.planRuns { try environment.state.removePlan(run: run) }
        try Retention.plansRemoved(swept.planRuns, database)
    }
}
