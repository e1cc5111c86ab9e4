internal import Records
internal import StateStore

/// What the history keeps of the outcomes of a run: all that are in doubt, and of the refused and the undelivered the
/// first so many. All are counted, and the pending file has every one that is to be tried again.
enum KeptOutcomes {
    /// - Parameter ledger: of the batches before.
    static func of(_ frame: SettleFrame, after ledger: OperationLedger) -> [SettledOther] {
        var (rejected, undelivered) = (ledger.rejected, ledger.undelivered)
        return frame.others.filter { other in
            switch other.outcome {
            case .rejected:
                rejected += 1
                return rejected <= OutcomeSink.keptMax
            case .undelivered:
                undelivered += 1
                return undelivered <= OutcomeSink.keptMax
            default:
                return true
            }
        }
    }
}
