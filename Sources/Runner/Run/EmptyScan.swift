internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// What a sync remembers of the emptiness of its dataset, for the guard `empty_scan`: that a person has let it through,
/// for as long as it stays empty.
enum EmptyScan {
    /// The name under which a sync remembers with which dataset and behavior it was let through.
    static let acceptedName = "empty_accepted"

    /// Whether the emptiness of just this dataset was accepted, with what this behavior does then, and no row was seen
    /// since.
    static func isAccepted(_ prepared: PreparedSync, _ memory: SyncMemory) -> Bool {
        memory.extra[acceptedName] == mark(prepared.shape.behavior.rawValue, prepared.definitionText)
    }

    private static func mark(_ behavior: String, _ definition: String) -> String {
        "\(behavior) \(RemovalGuard.datasetMark(definition))"
    }

    /// Notes that the emptiness was let through: the guard spoke against the plan, and its run came to its end all the same.
    static func note(_ summary: PlanSummary, isWhole: Bool, in memory: inout SyncMemory) {
        if summary.rows.scanned > 0 {
            memory.extra[acceptedName] = nil
        } else if isWhole, summary.isEmptyNews == true {
            memory.extra[acceptedName] = mark(summary.behavior, summary.definition)
        }
    }

    /// Notes that a scan has met rows, whatever becomes of its run: from then on an empty dataset is news again.
    static func noteRows(
        _ summary: PlanSummary, of sync: String, in memory: inout SyncMemory, _ database: ControlDatabase
    ) throws {
        guard summary.rows.scanned > 0, memory.extra[acceptedName] != nil else { return }
        memory.extra[acceptedName] = nil
        // What this run makes of the rest of the memory is not true yet.
        guard var kept = try database.memory(sync) else { return }
        kept.extra[acceptedName] = nil
        try database.save(kept)
    }
}
