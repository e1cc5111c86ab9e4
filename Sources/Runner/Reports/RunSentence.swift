internal import Records
package import StateStore

/// What has become of a run, in a sentence. What did not arrive comes first.
package enum RunSentence {
    /// For a run that has ended.
    package static func ended(_ run: RunRecord) -> String {
        switch run.state {
        case .succeeded: succeeded(run)
        case .completedWithRejections: notArrived(run)
        case .stoppedByGuard: "A guard stopped the run. Nothing was sent."
        case .failed: "The run failed.\(arrivedBefore(run))"
        case .cancelled: "The run was cancelled.\(arrivedBefore(run))"
        case .skipped: "The run was skipped: the one before was still going."
        case .queued, .running, .closing, .interrupted:
            "The run's process ended before it did. The next run of \(run.sync) finishes it or plans anew."
        }
    }

    /// The last line of a command that ran syncs: of one run its sentence, of several the sum.
    ///
    /// - Parameters:
    ///   - failed: syncs of which no run could be recorded.
    ///   - leftOut: syncs that were not run.
    package static func closing(_ runs: [RunRecord], failed: [String] = [], leftOut: [String] = []) -> String? {
        let rest = leftOut.isEmpty ? nil : "Left out: \(leftOut.joined(separator: ", "))."
        let parts = [closing(runs, failed), rest].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    private static func closing(_ runs: [RunRecord], _ failed: [String]) -> String? {
        if runs.count + failed.count < 2 { return runs.first.map(closing) }
        let accepted = runs.reduce(0) { $0 + $1.operations.accepted }
        let complete = runs.count { $0.state == .succeeded }
        let syncs = Wording.counted(runs.count + failed.count, "sync")
        let arrived = "\(Wording.counted(accepted, "change")) arrived"
        if complete == runs.count && failed.isEmpty {
            if accepted > 0 { return "All \(arrived), of \(syncs)." }
            let aside = runs.reduce(0) { $0 + $1.rows.skipped + $1.rows.deferred }
            let why = aside == 0 ? "nothing changed" : "\(Wording.counted(aside, "row")) skipped or deferred"
            return "Nothing had to be sent: \(syncs), \(why)."
        }
        let missing = runs.reduce(0) { $0 + $1.notArrived }
        var parts = runs.filter { $0.state != .succeeded }.map { run in
            run.notArrived > 0 ? "\(run.sync) \(Wording.grouped(run.notArrived))" : "\(run.sync) \(state(run))"
        }
        parts += failed.map { "\($0) failed" }
        let head = missing > 0 ? "\(Wording.counted(missing, "row")) did not arrive" : "Not every sync is complete"
        return "\(head): \(parts.joined(separator: ", ")). "
            + "\(arrived); \(Wording.grouped(complete)) of \(syncs) complete."
    }

    private static func closing(_ run: RunRecord) -> String {
        switch run.state {
        case .failed, .cancelled:
            guard run.notArrived > 0 else { return ended(run) }
            let what = "\(missing(run)) did not arrive: the run \(run.state == .failed ? "failed" : "was cancelled")."
            return what + arrived(run)
        default: return ended(run)
        }
    }

    private static func state(_ run: RunRecord) -> String {
        run.state == .failed ? "failed" : Wording.state(run.state)
    }

    private static func succeeded(_ run: RunRecord) -> String {
        let accepted = run.operations.accepted
        // Of an incremental dataset a few rows are not all there are.
        let row = run.effort?.scan == .recent ? "recent row" : "row"
        if accepted == 0 && run.rows.scanned == 0 { return "There were no \(row)s to read, and nothing to send." }
        let read = Wording.counted(run.rows.scanned, row)
        if accepted == 0 { return "Nothing had to be sent: \(read) read, \(unsent(run.rows))." }
        return "All \(Wording.counted(accepted, "change")) arrived, of \(read) read."
    }

    /// Why none of the rows that were read was sent.
    private static func unsent(_ rows: RowLedger) -> String {
        let aside = [(rows.skipped, "skipped"), (rows.deferred, "deferred")].filter { $0.0 > 0 }
            .map { "\(Wording.grouped($0.0)) \($0.1)" }
        guard !aside.isEmpty else { return "none of them changed" }
        return aside.joined(separator: " and ") + (rows.unchanged > 0 ? ", none of the others changed" : "")
    }

    private static func notArrived(_ run: RunRecord) -> String { "\(missing(run)) did not arrive.\(arrived(run))" }

    private static func missing(_ run: RunRecord) -> String {
        let all = run.rows.scanned + run.rows.carried + run.operations.removals
        return "\(Wording.grouped(run.notArrived)) of \(Wording.counted(all, "row"))"
    }

    private static func arrived(_ run: RunRecord) -> String {
        run.operations.accepted == 0 ? "" : " \(Wording.counted(run.operations.accepted, "change")) did."
    }

    private static func arrivedBefore(_ run: RunRecord) -> String {
        let accepted = run.operations.accepted
        return accepted == 0 ? " Nothing was accepted." : " \(Wording.counted(accepted, "change")) had arrived before."
    }
}
