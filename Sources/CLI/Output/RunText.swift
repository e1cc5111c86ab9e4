internal import Records
internal import Runner
internal import StateStore

/// A run in words for people.
enum RunText {
    static func grouped(_ number: Int) -> String { Wording.grouped(number) }

    static func counted(_ number: Int, _ noun: String) -> String { Wording.counted(number, noun) }

    static func key(_ key: String) -> String { Wording.key(key) }

    static func state(_ state: RunState) -> String { Wording.state(state) }

    /// The whole run: what did not arrive comes first.
    ///
    /// - Parameter remark: what else the first line says in parentheses.
    static func summary(
        _ run: RunRecord, reasons: [ReasonSummary], remark: String = ""
    ) -> [String] {
        var lines = ["\(run.sync): run \(run.id) \(state(run.state))" + duration(run) + full(run) + remark]
        if run.state == .interrupted {
            lines.append("  its process ended before it did; the next run of \(run.sync) finishes it or plans anew")
        }
        if let failure = run.error { lines += problem(failure.code, failure.message, failure.hint) }
        let guards = run.guard?.all ?? []
        for (index, record) in guards.enumerated() {
            // Their hint is one: it names all of them.
            lines += problem("guard " + record.name, record.message, index == guards.count - 1 ? record.hint : "")
        }
        lines += notArrived(run, reasons)
        lines.append("  rows        " + rows(run.rows) + scan(run.effort?.scan))
        lines.append("  operations  " + operations(run.operations))
        if run.requests > 0 {
            lines.append("  requests    \(grouped(run.requests)), \(bytes(run.bytesSent)) sent")
        }
        return lines
    }

    /// Where the run's time went, and how its requests were answered.
    static func effort(_ effort: RunEffort) -> [String] {
        var lines = ["  stages      " + EffortText.stages(effort)]
        if let answers = EffortText.answers(effort) { lines.append("  answers     " + answers) }
        if let waits = EffortText.waits(effort) { lines.append("  waited      " + waits) }
        return lines
    }

    /// What the run warned of while it went on.
    static func warnings(_ run: RunRecord) -> [String] {
        run.warnings.flatMap { problem("warning[\($0.code)]", $0.message, $0.hint) }
    }

    private static func problem(_ code: String, _ message: String, _ hint: String) -> [String] {
        var lines = ["  \(code): \(message)"]
        if !hint.isEmpty { lines.append("    " + hint) }
        return lines
    }

    private static func notArrived(_ run: RunRecord, _ reasons: [ReasonSummary]) -> [String] {
        // What a sync is told not to send is no failure of it.
        let (skipped, missing) = (reasons.filter { $0.outcome == .skipped }, reasons.filter { $0.outcome != .skipped })
        return named("did not arrive", missing, run, among: reasons) + named("left out", skipped, run, among: reasons)
    }

    private static func named(
        _ head: String, _ reasons: [ReasonSummary], _ run: RunRecord, among all: [ReasonSummary]
    ) -> [String] {
        guard !reasons.isEmpty else { return [] }
        var lines = ["  \(head):"]
        for reason in reasons {
            let count = counted(reason, run, among: all)
            let keys = reason.examples.filter { !$0.isEmpty }
            let shown = keys.isEmpty ? "" : " (\(keys.joined(separator: ", "))\(count > keys.count ? ", …" : ""))"
            let verb = reason.count == 1 ? "is" : "are"
            let kept = count > reason.count ? ", of which the first \(grouped(reason.count)) \(verb) kept" : ""
            lines.append("    \(grouped(count)) \(reason.outcome.rawValue): \(reason.reason.code)\(shown)\(kept)")
            lines.append("      \(reason.reason.message)")
            if !reason.reason.hint.isEmpty { lines.append("      \(reason.reason.hint)") }
        }
        return lines
    }

    /// How many rows the reason concerns: the run counted them all, the history keeps so many of each kind.
    private static func counted(_ reason: ReasonSummary, _ run: RunRecord, among all: [ReasonSummary]) -> Int {
        guard all.filter({ $0.reason.code == reason.reason.code }).count == 1 else { return reason.count }
        return max(reason.count, run.reasons.first { $0.code == reason.reason.code }?.count ?? 0)
    }

    static func rows(_ rows: RowLedger) -> String {
        let carried = rows.carried > 0 ? " + \(grouped(rows.carried)) carried" : ""
        let parts = [
            ("unchanged", rows.unchanged), ("invalid", rows.invalid), ("held", rows.held), ("skipped", rows.skipped),
            ("deferred", rows.deferred), ("planned", rows.planned),
        ]
        return "\(grouped(rows.scanned)) scanned\(carried) = " + sum(parts, always: ["unchanged", "planned"])
    }

    /// What the first figure of a row ledger is of.
    static func scan(_ scan: RunEffort.Scan?) -> String {
        EffortText.scan(scan).map { " (read: \($0))" } ?? ""
    }

    static func operations(_ operations: OperationLedger) -> String {
        let removals = operations.removals > 0 ? " + \(counted(operations.removals, "removal"))" : ""
        let kinds = [
            ("created", operations.created), ("updated", operations.updated),
            ("already equal", operations.alreadyEqual), ("sent", operations.sent), ("removed", operations.removed),
        ].filter { $0.1 > 0 }.map { "\(grouped($0.1)) \($0.0)" }
        let detail = kinds.isEmpty ? "" : " (" + kinds.joined(separator: ", ") + ")"
        let rest = [
            ("rejected", operations.rejected), ("undelivered", operations.undelivered),
            ("in doubt", operations.inDoubt),
        ].filter { $0.1 > 0 }.map { " + \(grouped($0.1)) \($0.0)" }.joined()
        return
            "\(grouped(operations.planned)) planned\(removals) = \(grouped(operations.accepted)) accepted\(detail)\(rest)"
    }

    private static func sum(_ parts: [(String, Int)], always: Set<String>) -> String {
        parts.filter { $0.1 > 0 || always.contains($0.0) }.map { "\(grouped($0.1)) \($0.0)" }.joined(separator: " + ")
    }

    private static func duration(_ run: RunRecord) -> String {
        guard let ended = run.endedAt else { return "" }
        return " after " + Wording.seconds(from: run.startedAt, to: ended)
    }

    private static func full(_ run: RunRecord) -> String {
        guard run.full else { return "" }
        let reason = run.fullReason.map { $0.replacing("_", with: " ") }
        // Such a run passes over what was sent as it is mapped now.
        if let reason, run.limited, run.fullReason == FullRun.mappingChanged { return " (\(reason))" }
        return " (full run\(reason.map { ": " + $0 } ?? ""))"
    }

    static func bytes(_ count: Int64) -> String { Wording.bytes(count) }
}
