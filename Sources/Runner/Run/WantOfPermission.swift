internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// A run too small for `RefusalStreak` to count: it wrote nothing, and all that was left of it was refused for want of a
/// permission.
struct WantOfPermission {
    let files: SyncFiles

    /// Ends the run with the permission's name. The records of its last batch count as not sent, so that the next run tries
    /// them as this one did. Where each was refused by an earlier run too, whose others arrived, they alone lack it.
    func stop(_ sent: inout SendBatch.Sent, of batch: OperationBatch, _ streak: RefusalStreak) throws {
        guard sent.stop == nil, !sent.isCancelled, !streak.hasAccepted else { return }
        let reasons = sent.result.outcomes.rejections
        guard reasons.count == batch.count, let reason = reasons[batch.count - 1],
            reasons.values.allSatisfy({ $0.code == RefusalStreak.forbidden })
        else { return }
        let pending = try PendingFile.open(files)
        guard batch.entries.contains(where: { pending.find($0.keyHash)?.kind != .rejected }) else { return }
        sent.result.takeBack(RefusalStreak.forbidden)
        sent.stop = SendBatch.forbidden(reason)
    }
}
