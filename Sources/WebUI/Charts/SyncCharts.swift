internal import Records
internal import Runner
internal import StateStore

/// The charts of a sync's health, each with its question.
struct SyncCharts {
    /// Oldest first.
    let runs: [RunRecord]
    /// When complete runs ended, oldest first: the last before the 30 days and those within.
    let completeAt: [Moment]
    /// In seconds.
    let promised: Int64?
    let now: Moment

    private var ended: [RunRecord] { runs.filter { $0.endedAt != nil } }

    func html() -> HTML { "\(outcomes)\(durations)\(rates)\(ages)\(reasons)" }

    private func labels(_ runs: [RunRecord]) -> [HTML] {
        runs.map { "<a href=\"\(Place.run($0.id).path)\">Run \($0.id)</a>, \(TimeView.time($0.startedAt, now: now))" }
    }

    private var outcomes: HTML {
        ColumnChart(
            title: "What became of the changes of each run?", unit: "records", labels: labels(ended),
            series: [
                .init(name: "Accepted", tone: "accent", values: ended.map { Double($0.operations.accepted) }),
                .init(name: "Did not arrive", tone: "part", values: ended.map { Double($0.notArrived) }),
            ]
        ).html()
    }

    private var durations: HTML {
        var chart = ColumnChart(
            title: "How long do runs take?", unit: "s", labels: labels(ended),
            series: [.init(name: "Duration", tone: "accent", values: ended.map { Self.seconds($0) })])
        chart.format = Self.tenths
        return chart.html()
    }

    private var rates: HTML {
        ColumnChart(
            title: "How many rows a second?", unit: "rows/s", labels: labels(ended),
            series: [
                .init(
                    name: "Rows read", tone: "accent",
                    values: ended.map { Double($0.rows.scanned) / max(Self.seconds($0), 0.1) })
            ]
        ).html()
    }

    /// How old the data got on each of the last 30 days, beside what the schedule promises. A day on which nothing is
    /// known yet is a gap.
    private var ages: HTML {
        let days = FreshnessDays(completeAt: completeAt, now: now).days
        guard days.contains(where: { $0.oldestHours != nil }) else { return .empty }
        var chart = ColumnChart(
            title: "How old did the data get on each of the last 30 days?", unit: "h",
            labels: days.map { "<time datetime=\"\($0.name)\">\($0.name)</time>" },
            series: [.init(name: "Oldest", tone: "accent", values: days.map { $0.oldestHours ?? 0 })])
        chart.format = Self.tenths
        chart.gaps = Set(days.indices.filter { days[$0].oldestHours == nil })
        if let promised { chart.bound = ("Promised by the schedule", Double(promised) / 3_600) }
        return chart.html()
    }

    private var reasons: HTML {
        guard let last = ended.last else { return .empty }
        let before = ended.dropLast().last
        let old = Dictionary((before?.reasons ?? []).map { ($0.code, $0.count) }, uniquingKeysWith: +)
        let new = Dictionary(last.reasons.map { ($0.code, $0.count) }, uniquingKeysWith: +)
        let codes = Set(old.keys).union(new.keys).sorted { (new[$1] ?? 0, $0) < (new[$0] ?? 0, $1) }.prefix(10)
        guard !codes.isEmpty else { return .empty }
        let most = max(1, codes.map { max(old[$0] ?? 0, new[$0] ?? 0) }.max() ?? 1)
        var table = TableView(
            "Are more rows being refused than before?",
            [
                TableView.Column("Reason"), TableView.Column("Run \(last.id)", .number),
                TableView.Column("Before", .number), TableView.Column("Compared"),
            ])
        table.isCaptionHidden = true
        let rows = codes.map { code -> [HTML] in
            [
                ReasonView.codeLink(code), NumberView.quiet(new[code] ?? 0), NumberView.quiet(old[code] ?? 0),
                "\(ShareBar.svg(new[code] ?? 0, of: most, tone: "part"))\(ShareBar.svg(old[code] ?? 0, of: most, tone: "calm"))",
            ]
        }
        return """
            <figure class="chart"><figcaption>Are more rows being refused than before?</figcaption>\(table.html(rows))</figure>
            """
    }

    private static func seconds(_ run: RunRecord) -> Double {
        Double((run.endedAt ?? run.startedAt).milliseconds - run.startedAt.milliseconds) / 1_000
    }

    private static func tenths(_ value: Double) -> String {
        if value >= 100 { return Wording.grouped(Int(value.rounded())) }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(tenths % 10)"
    }
}
