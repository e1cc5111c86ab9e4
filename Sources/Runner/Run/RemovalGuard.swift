internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// Every guard that a person may accept, by name.
package enum GuardNames {
    package static let all = GuardName.allCases.map(\.rawValue) + [RemovalGuard.keyless]
}

extension GuardRecord {
    /// The first of them, with the others; nil where none stops the run.
    init?(_ verdicts: [GuardVerdict]) {
        let all = verdicts.map { GuardRecord(name: $0.name.rawValue, message: $0.message, hint: $0.hint) }
        guard let first = all.first else { return nil }
        self.init(name: first.name, message: first.message, hint: first.hint, also: Array(all.dropFirst()))
    }
}

/// What a sync remembers about the removals it has made, for the guards that look at them.
enum RemovalGuard {
    /// The guard that does not stop a run and only withholds its removals.
    static let keyless = "keyless_rows"

    private static let behaviorName = "behavior"
    private static let isAllowed = "removals_allowed"
    private static let datasetName = "removals_dataset"

    /// Whether these would be the first removals since the behavior became one that removes. A sync that was a mirror
    /// from its first run on was meant as one.
    static func isFirst(_ now: Behavior, _ memory: SyncMemory) -> Bool {
        guard now.rawValue != memory.extra[behaviorName] else { return memory.extra[isAllowed] == "0" }
        return memory.extra[behaviorName] != nil
    }

    /// The same of a sync that removes the record of each of its rows: also where its key or its account was changed, since
    /// every row then is a removal that was never made, or its dataset: by an edited query nobody means to remove what it
    /// has besides.
    static func isFirst(_ now: Behavior, _ memory: SyncMemory, _ full: FullRun, isOtherDataset: Bool) -> Bool {
        if isFirst(now, memory) { return true }
        guard now.rules.added == .remove else { return false }
        return isOtherDataset
            || full.forgetsState && full.reason != FullRun.firstRun && memory.extra[behaviorName] != nil
    }

    /// Whether rows may be missing because the dataset is another than that of the last run that came to its end, and not
    /// because they went away.
    static func isOtherDataset(_ prepared: PreparedSync, _ memory: SyncMemory) -> Bool {
        memory.extra[datasetName].map { $0 != datasetMark(prepared.definitionText) } ?? false
    }

    /// Changes with the dataset that the text of a definition names.
    static func datasetMark(_ definition: String) -> String {
        Hash128.of(PreparedSync.datasetText(of: definition), seed: 7).hexadecimal
    }

    /// How many removals a plan holds that are made of rows.
    static func ofRows(_ behavior: Behavior, _ rows: RowLedger) -> Int {
        behavior.rules.added == .remove ? rows.planned : 0
    }

    /// The behavior of the last run that came to an end.
    static func behavior(_ memory: SyncMemory) -> Behavior? {
        memory.extra[behaviorName].flatMap { Behavior(rawValue: $0) }
    }

    /// Notes what a run was made with, and whether the removals of the whole dataset were sent.
    static func note(_ summary: PlanSummary, isWhole: Bool, in memory: inout SyncMemory) {
        let now = Behavior(rawValue: summary.behavior)
        if let before = memory.extra[behaviorName] {
            let isOther = summary.forgetsState && now?.rules.added == .remove
            if before != summary.behavior || isOther { memory.extra[isAllowed] = "0" }
        }
        let removals = summary.removals + (now.map { ofRows($0, summary.rows) } ?? 0)
        if isWhole && removals > 0 { memory.extra[isAllowed] = "1" }
        memory.extra[behaviorName] = summary.behavior
        if isWhole { memory.extra[datasetName] = datasetMark(summary.definition) }
    }

    static func withheld(_ count: Int) -> GuardRecord {
        GuardRecord(
            name: keyless,
            message:
                "\(Wording.counted(count, "record")) vanished from the source and \(count == 1 ? "was" : "were") "
                + "not removed: rows without a key may be theirs.",
            hint: "Give every row a key. If the rows without one are of no matter, run with --accept-guard \(keyless).")
    }
}
