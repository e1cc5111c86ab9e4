internal import Foundation
package import Records
package import StateStore

/// What a sealed plan says of itself: everything that a later process needs to deliver it or to close its run.
package struct PlanSummary: Sendable, Hashable, Codable {
    package var definition = ""
    package var mappingRevision = ""
    package var keyRevision = ""
    /// Which account of which system the plan is for.
    package var destination = ""
    /// The guards that spoke against the plan.
    package var guards: Set<String> = []
    package var rows = RowLedger()
    package var removals = 0
    /// Records that vanished from the source and are not removed because of rows without a key.
    package var withheldRemovals = 0
    /// All that is in the plan, what the books alone carry out included.
    package var operations = 0
    package var behavior = ""
    /// Whether the scan read all of the dataset.
    package var isScanComplete = true
    /// How far an incremental dataset had come; nil where there is none.
    package var watermark: String?
    /// Whether what is refused is kept whole.
    package var keepsRefused = false
    /// Planned operations whose key was never accepted before.
    package var plannedNew = 0
    /// Why rows did not become operations, counted.
    package var reasons: [String: Int] = [:]
    /// The scanned columns with their declared types, as JSON.
    package var columns = ""
    /// Records that were refused or in doubt before and need no more care: accepted state again, or vanished.
    package var pendingCleared: [String] = []
    /// Keys that were asked for by `resend`, or are in doubt, and are no longer in the source.
    package var gone: [String] = []
    package var full = false
    package var fullReason: String?
    /// Whether what was believed of the destination before was of no use.
    package var forgetsState = false
    /// Whether the sync's first run was still to come; nil in plans of before this was told.
    package var isFirst: Bool?
    /// Whether it is of chosen records alone, or of one to try.
    package var isSelective: Bool?
    /// The fields that planned rows had values for, of those that a null empties; nil in plans of before this was told.
    package var filled: [String]?
    /// Those that had values before, and for which the dataset has none any more.
    package var emptied: [String]?
    /// Whether the guard `empty_scan` spoke against it, accepted or not; nil in plans of before this was told.
    package var isEmptyNews: Bool?
    /// Where the plan was saved for a person to look at: what it was made from.
    package var origin: PlanOrigin?
    /// What was known of the sync when a run made the plan (`StoppedPlan`); nil in plans of before this was told, and of
    /// others.
    package var stamp: String?

    package init() {}

    /// How much of an incremental dataset was read for it; nil where there is none.
    var scan: RunEffort.Scan? { keepsRefused ? isScanComplete ? .complete : .recent : nil }

    func encoded() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }

    /// What the plan of a run says, as long as it is kept; nil where there is none.
    package static func of(run: Int64, state: StateDirectory) throws -> PlanSummary? {
        guard try state.plannedRuns().contains(run) else { return nil }
        let reader = try PlanReader(path: state.planPath(run: run))
        return reader.isSealed ? try decode(reader.summary) : nil
    }

    static func decode(_ bytes: [UInt8]) throws -> PlanSummary {
        do {
            return try JSONDecoder().decode(PlanSummary.self, from: Data(bytes))
        } catch {
            throw StateError(
                code: "plan_corrupt", message: "The plan's summary cannot be read.",
                hint: "Run the sync again; the plan is then made anew.")
        }
    }
}

/// What stands at the head of a plan file.
struct PlanHeader: Codable {
    var run: Int64
    var sync: String
    var keyField: String
    var madeAt: Moment

    func encoded() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }

    static func decode(_ bytes: [UInt8]) throws -> PlanHeader {
        do {
            return try JSONDecoder().decode(PlanHeader.self, from: Data(bytes))
        } catch {
            throw StateError(
                code: "plan_corrupt", message: "The plan's header cannot be read.",
                hint: "Run the sync again; the plan is then made anew.")
        }
    }
}
