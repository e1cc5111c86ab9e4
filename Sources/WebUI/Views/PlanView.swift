internal import Records
internal import Runner
internal import StateStore

/// What a dry run found.
struct PlanView {
    let progress: BackgroundWork.Progress?
    /// Whether the reader may see keys and values.
    let showsRows: Bool
    let now: Moment

    func html() -> HTML {
        switch progress {
        case nil: .empty
        case .working(let since, _):
            """
            <section class="card" aria-busy="true"><h2>Dry run</h2><progress>The dry run goes on.</progress><p class="note">Reading the source since \(TimeView.clock(since)). Nothing is sent. This page loads itself again.</p></section>
            """
        case .failed(let error, _):
            ReasonView.box(error.code, "The dry run could not be made. " + error.message, error.hint, tone: "bad")
        case .done(.plan(let report), let at): found(report, at)
        case .done: .empty
        }
    }

    private func found(_ report: PlanSync.Report, _ at: Moment) -> HTML {
        let kinds = report.kinds
        let numbers: [(String, Int)] = [
            ("Read", report.rows.scanned), ("Unchanged", report.rows.unchanged), ("New", kinds.new),
            ("Changed", kinds.changed), ("To remove", kinds.removed), ("Invalid", report.rows.invalid),
            ("Held", report.rows.held), ("Skipped", report.rows.skipped),
        ]
        let list = numbers.html { name, count in
            "<div><dt>\(name)</dt><dd>\(NumberView.quiet(count))</dd></div>"
        }
        let guardBox = report.guardRecord.map {
            ReasonView.guards($0, opening: "A guard would stop the run. ")
        }
        let full =
            report.full ? ", a full run\(report.fullReason.map { ": " + $0.replacing("_", with: " ") } ?? "")" : ""
        return """
            <section class="card"><h2>Dry run: a run would \(report.promise)\(full)</h2>
            <p class="detail">Made \(TimeView.both(at, now: now)). Nothing was sent.</p>
            \(guardBox)<dl class="numbers">\(list)</dl>\(examples(report))</section>
            """
    }

    private func examples(_ report: PlanSync.Report) -> HTML {
        guard showsRows, !report.examples.isEmpty else { return .empty }
        var table = TableView(
            "Examples",
            [TableView.Column("Key"), TableView.Column("Change"), TableView.Column("As it would be sent, or why not")])
        table.isCaptionHidden = true
        table.isStacked = true
        return table.html(
            report.examples.map { example in
                [
                    HTML(Wording.key(ReasonView.cut(example.key, 60))), HTML(example.change.replacing("_", with: " ")),
                    example.payload.map { "<code class=\"wrap\">\(ReasonView.cut($0, 600))</code>" }
                        ?? ReasonView.cell(example.code ?? "", example.message ?? "", example.hint ?? ""),
                ]
            })
    }
}
