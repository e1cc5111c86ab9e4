internal import Records
internal import Runner
internal import StateStore

/// The two sums of a run, written so that a reader can add them up: what went in, an equals sign, where it ended.
enum LedgerView {
    struct Term {
        var name: String
        var count: Int
        var tone: String
        var outcome: OutcomeKind?
        /// What it is made of, in words.
        var detail = ""
    }

    static func ledgers(_ run: RunRecord) -> HTML {
        "\(rows(run))\(operations(run))"
    }

    private static func rows(_ run: RunRecord) -> HTML {
        let rows = run.rows
        let terms = [
            Term(name: "unchanged", count: rows.unchanged, tone: "calm"),
            Term(name: "invalid", count: rows.invalid, tone: "part", outcome: .invalid),
            Term(name: "held", count: rows.held, tone: "part", outcome: .held),
            Term(name: "skipped", count: rows.skipped, tone: "calm", outcome: .skipped),
            Term(name: "deferred", count: rows.deferred, tone: "calm"),
            Term(name: "planned", count: rows.planned, tone: "accent"),
        ]
        return sum(
            "Rows", "Every row read ends in one place.",
            left: [("read", rows.scanned), ("carried over", rows.carried)], terms: terms, run: run,
            isBalanced: rows.isBalanced)
    }

    private static func operations(_ run: RunRecord) -> HTML {
        let operations = run.operations
        let kinds = [
            ("created", operations.created), ("updated", operations.updated),
            ("already equal", operations.alreadyEqual), ("sent", operations.sent), ("removed", operations.removed),
        ].filter { $0.1 > 0 }.map { "\(Wording.grouped($0.1)) \($0.0)" }.joined(separator: ", ")
        let terms = [
            Term(name: "accepted", count: operations.accepted, tone: "accent", detail: kinds),
            Term(name: "rejected", count: operations.rejected, tone: "bad", outcome: .rejected),
            Term(name: "undelivered", count: operations.undelivered, tone: "part", outcome: .undelivered),
            Term(name: "in doubt", count: operations.inDoubt, tone: "part", outcome: .inDoubt),
        ]
        return sum(
            "Operations", "Every record to be sent has one answer.",
            left: [("planned", operations.planned), ("removals", operations.removals)], terms: terms, run: run,
            isBalanced: operations.isBalanced)
    }

    private static func sum(
        _ title: String, _ explanation: String, left: [(String, Int)], terms: [Term], run: RunRecord, isBalanced: Bool
    ) -> HTML {
        let total = left.reduce(0) { $0 + $1.1 }
        var body = HTML.empty
        for (index, part) in left.enumerated() where index == 0 || part.1 > 0 {
            body += line(index == 0 ? "" : "+", NumberView.grouped(part.1), HTML(part.0), bar: .empty, kind: "given")
        }
        for (index, term) in terms.enumerated() {
            let link = term.outcome.map { Place.records(run: run.id).link([("outcome", $0.rawValue)]) }
            let number = link.map { NumberView.link(term.count, $0) } ?? NumberView.grouped(term.count)
            let detail: HTML = term.detail.isEmpty ? .empty : "<span class=\"detail\">\(term.detail)</span>"
            body += line(
                index == 0 ? "=" : "+", number, "\(term.name)\(detail)",
                bar: ShareBar.svg(term.count, of: total, tone: term.tone), kind: term.count == 0 ? "none" : "")
        }
        let check: HTML =
            run.state.isFinal
            ? (isBalanced
                ? "<span class=\"sum-ok\">\(IconView.icon(.ok))The sum adds up.</span>"
                : "The sum does not add up: a fault of Sluice.")
            : "The sum is made up at the end of the run."
        return """
            <section class="card"><table class="ledger"><caption>\(title)<span class="detail">\(explanation)</span></caption>
            <thead class="hidden"><tr><th scope="col">Sign</th><th scope="col">Count</th><th scope="col">What</th><th scope="col">Share</th></tr></thead>
            <tbody>\(body)</tbody></table><p class="note">\(check)</p></section>
            """
    }

    private static func line(_ sign: String, _ number: HTML, _ name: HTML, bar: HTML, kind: String) -> HTML {
        """
        <tr class="\(kind)"><td class="sign">\(sign)</td><td class="n">\(number)</td><th scope="row">\(name)</th><td class="share">\(bar)</td></tr>

        """
    }
}

/// How much of a whole something is, as a bar beside its number.
enum ShareBar {
    static func svg(_ part: Int, of whole: Int, tone: String) -> HTML {
        guard whole > 0, part > 0 else { return .empty }
        let width = max(1, Int((Double(part) / Double(whole) * 100).rounded()))
        return """
            <svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="6"/><rect class="\(tone)" width="\(width)" height="6"/></svg>
            """
    }
}
