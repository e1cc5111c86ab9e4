internal import ConnectorKit
internal import StateStore
internal import SyncCore

/// Whether a run sends every record again, and why.
package struct FullRun: Sendable, Hashable {
    package var isFull: Bool
    package var reason: String?
    /// Whether what is believed of the destination is of no use and is left out.
    package var forgetsState: Bool
    /// Whether no run has taken up the whole of the sync yet: what was sent of chosen records alone is none.
    package var isFirst = false

    static let firstRun = "first_run"
    static let requested = "requested"
    static let keyChanged = "key_changed"
    static let behaviorChanged = "behavior_changed"
    package static let mappingChanged = "mapping_changed"
    static let carriedOn = "full_run_unfinished"
    /// The name under which a sync remembers that a full run has not come to its end; with `mapping_changed` where only
    /// limited runs after a changed mapping did not.
    static let unfinished = "full_unfinished"
    /// The name under which a sync remembers that its first run, but for chosen records, is still to come.
    static let awaited = "first_run_awaited"

    /// - Parameters:
    ///   - memory: what the last run left behind; `definition` is empty before the first.
    ///   - isLost: whether the fingerprints were there once and cannot be read.
    static func decide(
        _ prepared: PreparedSync, memory: SyncMemory, snapshot: Snapshot?, isLost: Bool, options: RunOptions
    ) throws -> FullRun {
        if options.startsOver {
            return FullRun(isFull: true, reason: firstRun, forgetsState: true, isFirst: true)
        }
        if isLost { return FullRun(isFull: true, reason: "state_lost", forgetsState: true) }
        if memory.definition.isEmpty && snapshot == nil {
            return FullRun(isFull: true, reason: firstRun, isFirst: true)
        }
        if prepared.shape.behavior == .send {
            try SentOnce.check(prepared, memory: memory, options: options)
            // A run whose plan was lost has left fingerprints and no definition: it has taken up nothing as a whole.
            let isFirst = memory.extra[awaited] != nil || memory.definition.isEmpty
            return FullRun(isFull: false, reason: nil, isFirst: isFirst)
        }
        if !memory.destination.isEmpty, memory.destination != prepared.destinationIdentity {
            return FullRun(isFull: true, reason: "destination_changed", forgetsState: true)
        }
        if !memory.keyRevision.isEmpty, memory.keyRevision != prepared.shape.keyRevision {
            return FullRun(isFull: true, reason: keyChanged, forgetsState: true)
        }
        if isForeign(prepared.shape.behavior, memory) {
            return FullRun(isFull: true, reason: behaviorChanged, forgetsState: true)
        }
        if options.isFull { return FullRun(isFull: true, reason: requested) }
        if !memory.mappingRevision.isEmpty, memory.mappingRevision != prepared.shape.mappingRevision,
            prepared.shape.behavior.rules.changed != .nothing
        {
            return FullRun(isFull: true, reason: mappingChanged)
        }
        if memory.extra[unfinished] != nil { return FullRun(isFull: true, reason: carriedOn) }
        return FullRun(isFull: false, reason: nil)
    }

    /// Whether what was believed of the destination before a run for that reason is still believed.
    static func keepsState(_ reason: String?) -> Bool {
        reason.map { [requested, mappingChanged, carriedOn].contains($0) } ?? true
    }

    /// Whether records that look unchanged are sent too. A limited run after a change of the mapping need not do so: that
    /// is part of what is compared, so only those look unchanged that were sent as they are mapped now, and each
    /// such run goes on where the last one ended.
    func sendsUnchanged(isLimited: Bool) -> Bool { isFull && !(isLimited && reason == Self.mappingChanged) }

    /// Whether what is known was learned under a behavior that means something else by it: a sync that only creates knows
    /// records that it has never written, and one that deletes knows those that are gone.
    private static func isForeign(_ now: Behavior, _ memory: SyncMemory) -> Bool {
        guard let before = RemovalGuard.behavior(memory), before != now else { return false }
        return before == .createOnly || before == .delete || now == .delete
    }

    private init(isFull: Bool, reason: String?, forgetsState: Bool = false, isFirst: Bool = false) {
        self.isFull = isFull
        self.reason = reason
        self.forgetsState = forgetsState
        self.isFirst = isFirst
    }
}
