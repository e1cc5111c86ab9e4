internal import Records
package import StateStore

/// The runs of the history as they are now. The history says of a run whose process was killed that it is running, or
/// closing; here it is `interrupted`, since nobody holds its sync.
package struct CurrentRuns: Sendable {
    private let environment: RunEnvironment

    package init(environment: RunEnvironment) { self.environment = environment }

    /// Newest first; of one sync or of all.
    package func runs(sync: String? = nil, limit: Int) throws -> [RunRecord] {
        try RunHistory(environment.database).runs(sync: sync, limit: limit).map { try current($0) }
    }

    /// What the history says, put right for runs whose process is gone.
    package func current(_ found: [RunRecord]) throws -> [RunRecord] { try found.map { try current($0) } }

    package func run(_ number: Int64) throws -> RunRecord? {
        try environment.database.run(number).map { try current($0) }
    }

    private func current(_ found: RunRecord) throws -> RunRecord {
        guard Self.needsProcess(found), try !SyncLock.isHeld(environment.state.sync(found.sync)) else { return found }
        // Between the two looks it may have ended.
        var run = try environment.database.run(found.id) ?? found
        if Self.needsProcess(run) { run.state = .interrupted }
        return run
    }

    private static func needsProcess(_ run: RunRecord) -> Bool { run.state == .running || run.state == .closing }
}
