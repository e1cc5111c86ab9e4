package import Records
package import StateStore

/// What the history keeps of the outcomes of a run: all that are in doubt, and of the refused and the undelivered the
/// first so many; of a later batch the first of each reason, so that no reason is without an example. All are counted, and
/// the pending file has every one that is to be tried again.
package enum KeptOutcomes {
    /// - Parameter ledger: of the batches before.
    package static func of(_ frame: SettleFrame, after ledger: OperationLedger) -> [SettledOther] {
        var (rejected, undelivered) = (ledger.rejected, ledger.undelivered)
        var codes: Set<String> = []
        return frame.others.filter { other in
            let isFirst = codes.insert(other.reason.code).inserted
            switch other.outcome {
            case .rejected:
                rejected += 1
                return isFirst || rejected <= OutcomeSink.keptMax
            case .undelivered:
                undelivered += 1
                return isFirst || undelivered <= OutcomeSink.keptMax
            default:
                return true
            }
        }
    }
}
