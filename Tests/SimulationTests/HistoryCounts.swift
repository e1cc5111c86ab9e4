import Records
import StateStore
import TestKit

/// What came about in a history, where it shows: at the records of its runs and at what arrived, not where it was arranged.
extension History {
    func count(_ records: [RunRecord], isReviewed: Bool = false) {
        let tally = world.tally
        // Whoever finds a run that was interrupted ends it before it makes its own.
        tally.add(.goneOnWith, if: records.count > 1)
        for record in records {
            tally.add(.cancelled, if: record.state == .cancelled)
            tally.add(.diskFull, if: record.error?.code == "disk_full")
            tally.add(.scannedRecentRows, if: record.effort?.scan == .recent)
            tally.add(.carried, if: record.rows.carried > 0)
            tally.add(.wasInDoubt, if: record.operations.inDoubt > 0)
            tally.add(.planSent, if: isReviewed && record.operations.accepted > 0)
            tally.add(.held, if: record.rows.held > 0)
            let stopped = record.guard.map { [$0.name] + ($0.also ?? []).map(\.name) } ?? []
            for name in stopped { if let happening = Self.stops[name] { tally.add(happening) } }
        }
    }

    private static let stops: [String: Happening] = [
        "invalid": .stoppedByInvalid, "empty_scan": .stoppedByEmptyScan, "removed": .stoppedByRemoved,
    ]

    /// - Parameter first: how many requests each account had before.
    func count(_ crash: CrashPlan, requestsFrom first: [Int]) {
        let tally = world.tally
        if let death = crash.death { tally.add(death) }
        tally.add(.diskFull, if: crash.wasFull)
        tally.add(crash.steps)
        for (account, first) in zip(world.accounts, first) {
            for request in account.requests[first...] {
                switch request.fault {
                case .none: break
                case .rateLimited: tally.add(.rateLimited)
                case .failedBefore: tally.add(.failedBefore)
                case .lostAfter: tally.add(.answerLost)
                case .unauthorized: tally.add(.unauthorized)
                case .tooLarge: tally.add(.tooLarge)
                }
                tally.add(.removed, if: request.kind.isRemoval)
            }
        }
    }
}
