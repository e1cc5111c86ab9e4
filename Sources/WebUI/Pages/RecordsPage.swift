internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// Which rows of a run did not simply arrive, and why.
struct RecordsPage: Sendable {
    /// More, each with what was answered and what to do, make a page of over 50 kB.
    static let pageSize = 25

    let run: RunRecord
    let filter: OutcomeFilter
    let records: [OutcomeRecord]
    let hasMore: Bool
    /// The numbers of those that are in doubt still.
    private let inDoubt: Set<Int>
    /// What of the sync is in doubt, on this page or not.
    private let inDoubtCount: Int
    private let isDefined: Bool

    init(site: Site, _ number: Int64, _ query: Fields) throws {
        run = try site.run(number)
        filter = Self.filter(query)
        let found = try site.history.outcomes(run: number, filter, limit: Self.pageSize + 1)
        hasMore = found.count > Self.pageSize
        records = Array(found.prefix(Self.pageSize))
        isDefined = site.project().sync(run.sync) != nil
        inDoubt = isDefined ? DoubtView.open(records, of: run, site) : []
        inDoubtCount = inDoubt.isEmpty ? 0 : DoubtView.count(run, site)
    }

    static func filter(_ query: Fields) -> OutcomeFilter {
        var filter = OutcomeFilter()
        filter.outcome = query["outcome"].flatMap { OutcomeKind(rawValue: $0) }
        if filter.outcome != nil { filter.code = query["code"] }
        filter.keyPrefix = query["q"]
        if let sequence = query.number("after") {
            filter.after = OutcomeFilter.Cursor(code: query["after_code"] ?? "", sequence: sequence)
        }
        return filter
    }

    private var fixed: [(String, String?)] {
        [("outcome", filter.outcome?.rawValue), ("code", filter.code), ("q", filter.keyPrefix)]
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Rows of run \(run.id) that did not arrive", section: .runs, visitor: request.visitor)
        layout.trail = [("Runs", .runs), (run.sync, .sync(run.sync)), ("Run \(run.id)", .run(run.id))]
        layout.message = Message(request.query)
        let csv = Place.recordsCSV(run: run.id).link(fixed)
        layout.beside = "<div class=\"actions\"><a class=\"button\" href=\"\(csv)\" download>Download CSV</a></div>"
        return layout.page("\(form)\(list(request.visitor))\(pager)")
    }

    private var form: HTML {
        let outcomes =
            [("", "All outcomes")]
            + OutcomeKind.allCases.map { kind in
                (kind.rawValue, kind.rawValue.replacing("_", with: " "))
            }
        let codes = [("", "All reasons")] + run.reasons.map { ($0.code, $0.code) }
        return """
            <form class="filter" method="get" action="\(Place.records(run: run.id).path)">\(FormView.select("Outcome", name: "outcome", chosen: filter.outcome?.rawValue ?? "", outcomes))\(FormView.select("Reason", name: "code", chosen: filter.code ?? "", codes))\(FormView.input("Key begins with", name: "q", value: filter.keyPrefix ?? "", type: "search"))<button>Show</button></form>
            """
    }

    private func list(_ visitor: Visitor) -> HTML {
        let canSend = visitor.may(.run) && isDefined && run.state.isFinal && records.contains { !$0.key.isEmpty }
        var columns = [
            TableView.Column("Key"), TableView.Column("Outcome"), TableView.Column("Why, and what to do"),
            TableView.Column("Noted"),
        ]
        if canSend { columns.append(TableView.Column(inDoubt.isEmpty ? "Send again" : "Choose")) }
        var table = TableView("Rows that did not arrive", columns)
        table.isCaptionHidden = true
        table.isStacked = true
        table.empty =
            filter == OutcomeFilter()
            ? "Every row of this run arrived, or did not have to." : "No row of this run is like that."
        let rows = table.html(records.map { row($0, canSend: canSend, visitor) })
        guard canSend else { return rows }
        let doubt = DoubtView(sync: run.sync, visitor: visitor)
        let buttons: HTML =
            inDoubt.isEmpty
            ? "<p class=\"bar\"><button>Send the ticked ones again</button></p>"
            : "<input type=\"hidden\" name=\"run\" value=\"\(run.id)\">\(doubt.ticked(of: inDoubtCount))"
        return """
            <form method="post" action="\(Place.syncAction(run.sync, .resend).path)">\(FormView.token(visitor))\(rows)\(buttons)</form>
            """
    }

    private func row(_ record: OutcomeRecord, canSend: Bool, _ visitor: Visitor) -> [HTML] {
        var cells: [HTML] = [
            record.key.isEmpty
                ? "<span class=\"nought\">(no key)</span>"
                : "<a class=\"key\" href=\"\(RecordNeighbors.link(run, record.key, filter.outcome, filter.code, at: record.sequence))\">\(ReasonView.cut(record.key, 80))</a>",
            StateView.outcome(record.outcome),
            ReasonView.cell(record.code, record.message, record.hint, about: about(record, visitor)),
            "<time datetime=\"\(record.at.text)\">\(TimeView.clock(record.at))</time>",
        ]
        if canSend {
            cells.append(
                record.key.isEmpty
                    ? .empty
                    : "<input type=\"checkbox\" name=\"key\" value=\"\(record.key)\" aria-label=\"\(label(record))\">"
            )
        }
        return cells
    }

    private func about(_ record: OutcomeRecord, _ visitor: Visitor) -> PageHint.About {
        PageHint.About(run, visitor).of(record.outcome, record.code)
    }

    private func label(_ record: OutcomeRecord) -> String {
        inDoubt.isEmpty ? "Send \(record.key) again" : "Choose \(record.key)"
    }

    private var pager: HTML {
        guard hasMore, let last = records.last else { return .empty }
        let next = Place.records(run: run.id)
            .link(fixed + [("after", String(last.sequence)), ("after_code", last.code)])
        let first: HTML? = filter.after.map { _ in
            "<a href=\"\(Place.records(run: run.id).link(fixed))\">First page</a>"
        }
        return
            "<nav class=\"pager\" aria-label=\"Pages\">\(first) <a rel=\"next\" href=\"\(next)\">Next \(Self.pageSize)</a></nav>"
    }

    var body: [String: [OutcomeRecord]] { ["records": records] }
}

/// All rows of a run that did not arrive as comma-separated values, read page by page.
struct RecordsCSV: TextStream {
    private let history: RunHistory
    private let run: Int64
    private var filter: OutcomeFilter
    private var hasBegun = false

    init(site: Site, _ number: Int64, _ query: Fields) throws {
        run = try site.run(number).id
        history = site.history
        filter = RecordsPage.filter(query)
    }

    mutating func next() throws -> String? {
        guard hasBegun else {
            hasBegun = true
            return CSVText.outcomeHead + "\n"
        }
        let page = try history.outcomes(run: run, filter, limit: RunHistory.pageMax)
        guard let last = page.last else { return nil }
        filter.after = OutcomeFilter.Cursor(code: last.code, sequence: last.sequence)
        return page.map { CSVText.line($0) + "\n" }.joined()
    }

    var answer: WebAnswer {
        WebAnswer(.download(name: "sluice-run-\(run).csv", type: "text/csv; charset=utf-8", self))
    }
}
