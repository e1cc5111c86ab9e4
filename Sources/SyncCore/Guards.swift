package import Records

/// The limits a run must keep to be sent without a person's word (design.md §4.5). A share may be as large as its maximum.
package struct GuardLimits: Sendable, Hashable {
    package var removedPercentMax = 10.0
    package var removedRowsMin = 5
    package var invalidPercentMax = 50.0
    package var schemaChangePercentMax = 50.0
    package var clearedPercentMax = 10.0
    /// In so many records a field may always be emptied.
    package static let clearedRowsMin = 5

    package init() {}
}

/// What a guard needs to know of a plan.
package struct GuardFacts: Sendable, Hashable {
    package var rows: RowLedger
    package var removals = 0
    /// Removals that are made of rows: those of a sync whose rows name what is to be removed.
    package var rowRemovals = 0
    /// Whether the dataset is another than that of the last run that came to its end.
    package var isDatasetChanged = false
    /// Records known to be at the destination before this run.
    package var knownCount = 0
    /// Whether anything was ever accepted for this sync.
    package var hasAccepted = false
    /// Whether a person has let the dataset through empty, and it has been empty ever since.
    package var isEmptinessAccepted = false
    /// Whether the columns differ from those of the last run.
    package var columnsChanged = false
    /// Known records whose row changed.
    package var changed = 0
    /// Rows whose keys were never seen before.
    package var added = 0
    /// Known records whose keys no row had.
    package var unmet = 0
    /// Why keys may read otherwise than before, so that known rows look new: a sentence without its period; nil where
    /// nothing speaks for it.
    package var keysMayDiffer: String?
    /// Whether this would be the first removals since the behavior became one that removes.
    package var isFirstRemoval = false

    /// Fields that have had values and for which the dataset has none any more.
    package var emptied: [String] = []

    package init(rows: RowLedger) { self.rows = rows }
}

package enum GuardName: String, Sendable, Hashable, CaseIterable {
    case emptyScan = "empty_scan"
    case invalid
    case cleared
    case schemaChange = "schema_change"
    case removed
    case firstRemovals = "first_removals"
}

/// A guard that stops a run: which, why, and what to do.
package struct GuardVerdict: Sendable, Hashable {
    package var name: GuardName
    package var message: String
    package var hint: String
}

package enum Guards {
    /// Every guard that speaks against the plan, the most telling first. The hint of each names all of them: a plan is sent
    /// once all are accepted.
    package static func verdicts(_ facts: GuardFacts, limits: GuardLimits) -> [GuardVerdict] {
        let found = [
            emptyScan(facts), invalid(facts, limits), cleared(facts, limits), schemaChange(facts, limits),
            removed(facts, limits), firstRemovals(facts),
        ].compactMap { $0 }
        let options = found.map { "--accept-guard " + $0.name.rawValue }.joined(separator: " ")
        let hint = "Nothing was sent. Look at the dataset; if it is right, run again with \(options)."
        return found.map { GuardVerdict(name: $0.name, message: $0.message, hint: hint) }
    }

    private static func emptyScan(_ facts: GuardFacts) -> GuardVerdict? {
        // A sync that knows no record has none to lose.
        guard facts.hasAccepted, facts.knownCount > 0, facts.rows.scanned == 0, !facts.isEmptinessAccepted else {
            return nil
        }
        return verdict(
            .emptyScan,
            "The dataset is empty, and the sync knows \(facts.knownCount) record\(facts.knownCount == 1 ? "" : "s").")
    }

    private static func invalid(_ facts: GuardFacts, _ limits: GuardLimits) -> GuardVerdict? {
        let share = percent(facts.rows.invalid, of: facts.rows.scanned)
        guard facts.rows.scanned > 0, share > limits.invalidPercentMax else { return nil }
        return verdict(
            .invalid,
            "\(facts.rows.invalid) of \(facts.rows.scanned) rows are invalid (\(text(share)) %, at most "
                + "\(text(limits.invalidPercentMax)) % may be).")
    }

    /// Whether the plan would empty a field that no planned row fills in more records than may be.
    package static func clearsMany(_ facts: GuardFacts, _ limits: GuardLimits) -> Bool {
        facts.changed > GuardLimits.clearedRowsMin
            && percent(facts.changed, of: facts.knownCount) > limits.clearedPercentMax
    }

    private static func cleared(_ facts: GuardFacts, _ limits: GuardLimits) -> GuardVerdict? {
        guard !facts.emptied.isEmpty, clearsMany(facts, limits) else { return nil }
        let isOne = facts.emptied.count == 1
        return verdict(
            .cleared,
            "No row has a value for \(listed(facts.emptied)) any more, where there were some before: "
                + "\(isOne ? "it" : "they") would be emptied in up to \(facts.changed) of \(facts.knownCount) known records "
                + "(\(text(percent(facts.changed, of: facts.knownCount))) %, at most "
                + "\(text(limits.clearedPercentMax)) % may be).")
    }

    private static let listedMax = 5

    private static func listed(_ names: [String]) -> String {
        let first = names.prefix(listedMax).joined(separator: ", ")
        return names.count > listedMax ? first + " and \(names.count - listedMax) more" : first
    }

    private static func schemaChange(_ facts: GuardFacts, _ limits: GuardLimits) -> GuardVerdict? {
        if let made = madeTwice(facts, limits) { return made }
        let share = percent(facts.changed, of: facts.knownCount)
        guard facts.columnsChanged, facts.knownCount > 0, share > limits.schemaChangePercentMax else { return nil }
        return verdict(
            .schemaChange,
            "A column changed its type, and \(facts.changed) of \(facts.knownCount) known records would be sent again "
                + "(\(text(share)) %, at most \(text(limits.schemaChangePercentMax)) % may be).")
    }

    /// Known rows whose keys read otherwise now are no changed rows: they look new, and the known records look vanished.
    private static func madeTwice(_ facts: GuardFacts, _ limits: GuardLimits) -> GuardVerdict? {
        guard let why = facts.keysMayDiffer, facts.added > 0, facts.unmet > 0,
            percent(facts.unmet, of: facts.knownCount) > limits.schemaChangePercentMax
        else { return nil }
        return verdict(
            .schemaChange,
            "\(why): \(facts.added) rows have keys that were never seen, and \(facts.unmet) of \(facts.knownCount) known "
                + "keys are not there. Where they are the same records they would be made or sent a second time.")
    }

    private static func removed(_ facts: GuardFacts, _ limits: GuardLimits) -> GuardVerdict? {
        let share = percent(facts.removals, of: facts.knownCount)
        // A few rows go away by themselves; by an edited query none should.
        let few = facts.isDatasetChanged ? 0 : limits.removedRowsMin
        guard facts.removals > few, share > limits.removedPercentMax else { return nil }
        let why = facts.isDatasetChanged ? ", and its dataset was changed" : ""
        return verdict(
            .removed,
            "\(facts.removals) of \(facts.knownCount) known records would be removed (\(text(share)) %, at most "
                + "\(text(limits.removedPercentMax)) % may be)\(why).")
    }

    private static func firstRemovals(_ facts: GuardFacts) -> GuardVerdict? {
        let count = facts.removals + facts.rowRemovals
        guard facts.isFirstRemoval, count > 0 else { return nil }
        return verdict(
            .firstRemovals,
            "These would be the first removals of this sync as it is now: \(count) record\(count == 1 ? "" : "s").")
    }

    private static func verdict(_ name: GuardName, _ message: String) -> GuardVerdict {
        GuardVerdict(name: name, message: message, hint: "")
    }

    private static func percent(_ part: Int, of whole: Int) -> Double {
        whole > 0 ? Double(part) * 100 / Double(whole) : 0
    }

    private static func text(_ percent: Double) -> String {
        let tenths = Int((percent * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(tenths % 10)"
    }
}
