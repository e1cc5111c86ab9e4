internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// What is happening, or what happened, in one run.
struct RunPage: Sendable {
    static let exchangesMax = 15
    /// Each may be a kilobyte or two, with what was answered and what to do.
    static let reasonsMax = 10

    let run: RunRecord
    let progress: RunProgressModel
    let reasons: [ReasonSummary]
    let exchanges: [ExchangeRecord]
    let exchangesAfter: Int?
    let timeline: BatchTimeline
    let sealedAt: Moment?
    let requests: [(minute: Int64, requests: Int, refused: Int)]
    let limit: Int?
    let before: RunRecord?
    private let isDefined: Bool
    /// How many records of the sync are in doubt now, where this run has to do with them.
    private let inDoubt: Int
    /// What of the first runs of its sync comes next.
    private let next: String?
    let now: Moment

    init(site: Site, _ number: Int64, _ query: Fields) throws {
        run = try site.run(number)
        now = site.now
        progress = RunProgressModel(run, live: site.board.run(number), now: now)
        let history = site.history
        reasons = try history.boundedReasons(run: number)
        exchangesAfter = query.number("requests")
        exchanges = try history.exchangeHeads(run: number, after: exchangesAfter, limit: Self.exchangesMax + 1)
        timeline = BatchTimeline(
            run: number, try history.exchangeHeads(run: number, after: nil, limit: BatchTimeline.requestsMax))
        sealedAt = try history.sealedAt(run: number)
        requests = try history.requestsPerMinute(run: number)
        before = try history.runs(sync: run.sync, states: nil, before: number, limit: 1).first
        let sync = site.project().sync(run.sync)
        limit = sync.flatMap { RequestLimit.of($0, in: site) }
        isDefined = sync != nil
        inDoubt = isDefined ? DoubtView.count(run, site) : 0
        next = try Self.next(run, sync, site)
    }

    /// After the first few all are run, and after all of them a schedule is set.
    private static func next(_ run: RunRecord, _ sync: SyncDefinition?, _ site: Site) throws -> String? {
        guard site.editing != nil, let sync, sync.schedule == nil, run.trigger == "web",
            run.state == .succeeded || run.state == .completedWithRejections
        else { return nil }
        guard run.limited else { return "Next: schedule" }
        return try site.history.completeRuns()[run.sync] == nil ? "Next: run all" : nil
    }

    var isLive: Bool { !run.state.isFinal && run.state != .interrupted }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Run \(run.id)", section: .runs, visitor: request.visitor)
        layout.trail = [("Runs", .runs), (run.sync, .sync(run.sync))]
        let message = Message(request.query)
        layout.message = message == .started && !isLive ? nil : message
        layout.lead =
            "<p class=\"lead\" id=\"live-head\">\(progress.head)</p><p class=\"hidden\" id=\"live-said\" role=\"status\"></p>"
        layout.beside = actions(request.visitor)
        if isLive {
            layout.refreshSeconds = 3
            layout.events = .runEvents(run.id)
        }
        return layout.page(
            """
            <div id="live-progress">\(progress.progress)</div>
            \(problem(request.visitor))
            <div class="grid two" id="live-ledgers">\(LedgerView.ledgers(run))</div>
            \(reasonSection(request.visitor))
            \(facts)
            \(timeline.html())
            \(requestChart)
            \(exchangeSection)
            """)
    }

    // MARK: Parts

    private func actions(_ visitor: Visitor) -> HTML {
        guard visitor.may(.run) else { return .empty }
        if isLive {
            return
                "<div class=\"actions\">\(FormView.button("Cancel", .cancel(run: run.id), visitor, style: "danger"))</div>"
        }
        guard isDefined else { return .empty }
        let on: HTML? = next.map { text in
            "<a class=\"button primary\" href=\"\(Place.making(.sync(run.sync, .first)).path)\">\(text)</a>"
        }
        return
            "<div class=\"actions\">\(on)\(FormView.button("Run \(run.sync) again", .syncAction(run.sync, .run), visitor))</div>"
    }

    private func problem(_ visitor: Visitor) -> HTML {
        var html = HTML.empty
        if let error = run.error {
            html += ReasonView.box(
                error.code, error.message, error.hint, tone: "bad", about: PageHint.About(run, visitor))
        }
        if let record = run.guard {
            html += ReasonView.guards(record, about: PageHint.About(run, visitor), more: accept(record, visitor))
        }
        for warning in run.warnings {
            html += ReasonView.box(
                warning.code, warning.message, warning.hint, tone: "part", about: PageHint.About(run, visitor))
        }
        return html
    }

    /// Whoever may lets all the guards pass: what they stopped goes on, and what one withheld is done by a run anew.
    private func accept(_ record: GuardRecord, _ visitor: Visitor) -> HTML {
        let isStopped = run.state == .stoppedByGuard
        guard visitor.may(.force), isDefined, isStopped || record.name == PageHint.keylessRows else { return .empty }
        return FormView.button(
            isStopped ? "Go on with this plan" : "Run, and remove them all the same", .syncAction(run.sync, .run),
            visitor, fields: record.all.map { ("accept_guard", $0.name) })
    }

    private func reasonSection(_ visitor: Visitor) -> HTML {
        guard !reasons.isEmpty else { return .empty }
        let earlier = Dictionary((before?.reasons ?? []).map { ($0.code, $0.count) }, uniquingKeysWith: +)
        let most = max(1, reasons.map { counted($0) }.max() ?? 1)
        var table = TableView(
            "Why rows did not arrive",
            [
                TableView.Column("Rows", .number, one: "Row"), TableView.Column("Outcome"), TableView.Column("Reason"),
                TableView.Column("For example"), TableView.Column("Against the run before"),
            ])
        table.isCaptionHidden = true
        table.isStacked = true
        let rows = reasons.prefix(Self.reasonsMax).map { reason -> [HTML] in
            let link = Place.records(run: run.id)
                .link([("outcome", reason.outcome.rawValue), ("code", reason.reason.code)])
            let count = counted(reason)
            let was = earlier[reason.reason.code] ?? 0
            return [
                "<a href=\"\(link)\">\(Wording.grouped(count))</a>",
                StateView.outcome(reason.outcome),
                ReasonView.cell(
                    reason.reason.code, reason.reason.message, reason.reason.hint, about: about(reason, visitor)),
                visitor.may(.seeRows) ? examples(reason) : "<span class=\"nought\">for operators</span>",
                """
                \(ShareBar.svg(count, of: most, tone: "part"))\(ShareBar.svg(was, of: most, tone: "calm"))<span class="detail">\(Wording.grouped(count)), before \(Wording.grouped(was))</span>
                """,
            ]
        }
        let again: HTML =
            visitor.may(.run) && isDefined && reasons.contains(where: { $0.outcome == .rejected }) && run.state.isFinal
            ? FormView.button(
                "Send the rejected again", .syncAction(run.sync, .resend), visitor, fields: [("which", "rejected")])
            : .empty
        let doubts = run.state.isFinal ? DoubtView(sync: run.sync, visitor: visitor).all(inDoubt) : .empty
        return """
            <section><div class="bar"><h2>Why rows did not arrive</h2>\(again)\(doubts)</div>\(table.html(rows))\(moreReasons)</section>
            """
    }

    private func about(_ reason: ReasonSummary, _ visitor: Visitor) -> PageHint.About {
        PageHint.About(run, visitor).of(reason.outcome, reason.reason.code)
    }

    private var moreReasons: HTML {
        let left = reasons.count - Self.reasonsMax
        guard left > 0 else { return .empty }
        return """
            <p class="more"><a href="\(Place.records(run: run.id).path)">\(Wording.counted(left, "more reason")), among all rows that did not arrive</a></p>
            """
    }

    /// The run counted them all, the history keeps so many of each kind.
    private func counted(_ reason: ReasonSummary) -> Int {
        guard reasons.filter({ $0.reason.code == reason.reason.code }).count == 1 else { return reason.count }
        return max(reason.count, run.reasons.first { $0.code == reason.reason.code }?.count ?? 0)
    }

    private func examples(_ reason: ReasonSummary) -> HTML {
        // Rows that share a key are what some reasons are about.
        var seen: Set<String> = [""]
        return reason.examples.filter { seen.insert($0).inserted }.html { key in
            "<a class=\"key\" href=\"\(RecordNeighbors.link(run, key, reason.outcome, reason.reason.code))\">\(ReasonView.cut(key, 40))</a> "
        }
    }

    private var facts: HTML {
        let facts = RunFacts(
            run: run, sealedAt: sealedAt, refused: requests.reduce(0) { $0 + $1.refused }, now: now)
        let id: HTML = isLive ? " id=\"live-facts\"" : .empty
        return "<section><h2>What happened</h2><dl class=\"facts\"\(id)>\(facts.list)</dl></section>"
    }

    private var requestChart: HTML {
        guard requests.count > 1 else { return .empty }
        let shown = requests.suffix(60)
        let labels = shown.map { minute in
            HTML(String(TimeView.clock(Moment(milliseconds: minute.minute * 60_000)).prefix(5)))
        }
        var chart = ColumnChart(
            title: "How close did requests come to the limit?", unit: "a minute", labels: labels,
            series: [
                ColumnChart.Series(
                    name: "Answered", tone: "accent", values: shown.map { Double($0.requests - $0.refused) }),
                ColumnChart.Series(name: "Told to wait", tone: "part", values: shown.map { Double($0.refused) }),
            ])
        if let limit { chart.bound = ("Limit, \(limit) a minute", Double(limit)) }
        return "<section>\(chart.html())</section>"
    }

    private var exchangeSection: HTML {
        guard !exchanges.isEmpty || exchangesAfter != nil else { return .empty }
        let shown = exchanges.prefix(Self.exchangesMax)
        var pager = HTML.empty
        if exchanges.count > Self.exchangesMax, let last = shown.last {
            let next = Place.run(run.id).link([("requests", String(last.number))]) + "#requests"
            pager = "<nav class=\"pager\" aria-label=\"Requests\"><a href=\"\(next)\">Next requests</a></nav>"
        }
        return """
            <section id="requests"><h2>Requests</h2>\(ExchangeTable(run: run, now: now).html(Array(shown)))\(pager)</section>
            """
    }
}

/// What an account lets through in a minute, as the project says it.
enum RequestLimit {
    static func of(_ sync: SyncDefinition, in site: Site) -> Int? {
        guard let connection = site.project().destinations[sync.destination] else { return nil }
        if let setting = connection.settings["requests_per_minute"] { return setting.literal.flatMap { Int($0) } }
        let declared = site.catalog.destination(connection.type)?.declaration.settings
        return declared?.first { $0.name == "requests_per_minute" }?.defaultValue.flatMap { Int($0) }
    }
}

/// Requests as rows.
struct ExchangeTable {
    let run: RunRecord
    let now: Moment

    func html(_ exchanges: [ExchangeRecord], _ caption: String = "Requests in their order") -> HTML {
        var table = TableView(
            caption,
            [
                TableView.Column("No.", .number), TableView.Column("At"), TableView.Column("Request"),
                TableView.Column("Answer"), TableView.Column("Took", .number), TableView.Column("Sent", .number),
                TableView.Column("Batch"),
            ])
        table.isCaptionHidden = true
        return table.html(exchanges.map { row($0) })
    }

    private func row(_ exchange: ExchangeRecord) -> [HTML] {
        let place = Place.exchange(run: run.id, number: exchange.number)
        let batch = exchange.batch.map { "\($0 + 1), try \(exchange.attempt)" } ?? "read"
        return [
            "<a href=\"\(place.path)\">\(exchange.number + 1)</a>",
            Self.moment(exchange) { "<time datetime=\"\($0.text)\">\(TimeView.clock($0))</time>" },
            "<code>\(exchange.method) \(ReasonView.cut(exchange.path, 60))</code>",
            Self.answer(exchange),
            "\(exchange.milliseconds) ms",
            exchange.requestBytes == 0 ? NumberView.quiet(0) : HTML(Wording.bytes(Int64(exchange.requestBytes))),
            HTML(batch),
        ]
    }

    /// Reads that came before the first batch were noted without their moment.
    static func moment(_ exchange: ExchangeRecord, _ html: (Moment) -> HTML) -> HTML {
        exchange.at.milliseconds > 0 ? html(exchange.at) : "<span class=\"nought\">not noted</span>"
    }

    static func answer(_ exchange: ExchangeRecord) -> HTML {
        guard let status = exchange.status else {
            return StateView.badge(exchange.error ?? "no answer", .bad, .bad)
        }
        if (200..<300).contains(status) { return "\(status)" }
        return status == 429
            ? StateView.badge("429 wait", .part, .clock) : StateView.badge(String(status), .bad, .bad)
    }
}
