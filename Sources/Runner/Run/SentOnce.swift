internal import ProjectConfig
internal import StateStore
internal import SyncCore

/// Where rows are sent, each goes once in the life of the sync: what would send them all again is refused.
enum SentOnce {
    /// Throws `full_refused`, or `sent_under_another_key` and its kin where what is known of the rows is of no use.
    static func check(_ prepared: PreparedSync, memory: SyncMemory, options: RunOptions) throws {
        let name = prepared.definition.name
        let startOver =
            "To send every row again, use sluice reset \(name), which says how many rows that would be."
        if options.isFull {
            throw RunError(
                code: "full_refused",
                message: "Sync \(name) sends each row once; a full run would send all of them again.",
                hint: startOver)
        }
        if !memory.keyRevision.isEmpty, memory.keyRevision != prepared.shape.keyRevision {
            throw RunError(
                code: "sent_under_another_key",
                message: "The key of sync \(name) has changed: which rows were sent is known by the old key only.",
                hint: "Put the key back, or give the sync another name. " + startOver)
        }
        if !memory.destination.isEmpty, memory.destination != prepared.destinationIdentity {
            throw RunError(
                code: "sent_to_another_account",
                message: "The rows of sync \(name) were sent to another account or object than the one named now.",
                hint: "Put the destination back, or give the sync another name. " + startOver)
        }
    }
}
