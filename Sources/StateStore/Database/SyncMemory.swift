/// What the state directory remembers of one sync between its runs.
package struct SyncMemory: Sendable, Hashable, Codable {
    package var name: String
    /// The secret seed of its hashes. Made once.
    package var seed: UInt64
    /// The definition that the last run used, as JSON.
    package var definition: String
    /// Changes with the mapping: all rows are then sent again.
    package var mappingRevision: String
    /// Changes with how the key is made: the fingerprints are then of no use.
    package var keyRevision: String
    /// Which account of which system the fingerprints speak of.
    package var destination: String
    /// The columns of the last complete scan with their types, as JSON.
    package var columns: String
    /// Whether the destination ever accepted anything.
    package var hasAccepted: Bool
    /// Read only: `save` and `close` leave it as it is, because another process may have paused the sync meanwhile.
    package var isPaused: Bool
    /// The last run whose scan was complete and that ended well.
    package var lastCompleteRun: Int64?
    /// What else is remembered, by name.
    package var extra: [String: String]

    package init(
        name: String, seed: UInt64, definition: String = "", mappingRevision: String = "", keyRevision: String = "",
        destination: String = "", columns: String = ""
    ) {
        self.name = name
        self.seed = seed
        self.definition = definition
        self.mappingRevision = mappingRevision
        self.keyRevision = keyRevision
        self.destination = destination
        self.columns = columns
        hasAccepted = false
        isPaused = false
        lastCompleteRun = nil
        extra = [:]
    }
}

/// What the control database has of a sync, be it only that it was paused.
package struct KnownSync: Sendable, Hashable {
    package var memory: SyncMemory?
    package var hasRuns: Bool
    /// Whether any of the runs that are kept brought something there.
    package var hasArrived: Bool

    package init(memory: SyncMemory?, hasRuns: Bool, hasArrived: Bool) {
        self.memory = memory
        self.hasRuns = hasRuns
        self.hasArrived = hasArrived
    }
}

/// The newest sealed plan of a sync: what `--accept-guard` and a resumed run ask for.
package struct SealedPlan: Sendable, Hashable {
    package var run: RunRecord
    package var sealedAt: Moment
    /// The definition the plan was made with.
    package var definition: String
    /// The position of the last settle frame that the database has applied; -1 where there is none.
    package var appliedPosition: Int
}
