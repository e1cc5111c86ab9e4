package import Records
internal import StateStore

/// The records of a sync of which nobody knows whether they arrived, as they are now: what `confirm` and `resend` would
/// find. What a run has told of them may have been decided since.
package struct RecordsInDoubt: Sendable {
    private let pending: PendingFile

    /// Throws `state_corrupt` or `state_newer`.
    package init(sync: String, environment: RunEnvironment) throws {
        pending = try PendingFile.open(environment.state.sync(sync))
    }

    /// How many there are; costs a pass over all that wait.
    package var count: Int {
        guard pending.count > 0 else { return 0 }
        var count = 0
        for entry in pending.entries where entry.kind == .inDoubt { count += 1 }
        return count
    }

    /// - Parameter keyHash: as outcomes have it.
    package func contains(_ keyHash: Hash128) -> Bool { pending.find(keyHash)?.kind == .inDoubt }
}
