internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// The history of runs, newest first.
struct RunsPage: Sendable {
    static let pageSize = 35

    /// The states that a filter names.
    enum Filter: String, CaseIterable {
        case problems, running, succeeded

        var states: [RunState] {
            switch self {
            case .problems: [.failed, .completedWithRejections, .stoppedByGuard, .interrupted]
            case .running: [.queued, .running, .closing]
            case .succeeded: [.succeeded]
            }
        }

        var label: String {
            switch self {
            case .problems: "Not all well"
            case .running: "Going on"
            case .succeeded: "Succeeded"
            }
        }
    }

    let sync: String?
    let filter: Filter?
    let runs: [RunRecord]
    let hasMore: Bool
    let syncNames: [String]
    let now: Moment

    init(site: Site, _ query: Fields) throws {
        sync = query["sync"]
        filter = query["state"].flatMap { Filter(rawValue: $0) }
        let before = query["before"].flatMap { Int64($0) }
        let found = try site.history.runs(
            sync: sync, states: filter?.states, before: before, limit: Self.pageSize + 1)
        hasMore = found.count > Self.pageSize
        runs = try site.runs.current(Array(found.prefix(Self.pageSize)))
        syncNames = site.project().syncs.map(\.name).sorted()
        now = site.now
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Runs", section: .runs, visitor: request.visitor)
        layout.message = Message(request.query)
        if runs.contains(where: { !$0.state.isFinal && $0.state != .interrupted }) { layout.refreshSeconds = 5 }
        return layout.page("\(form)\(RunTable(now: now).html(runs))\(pager)")
    }

    private var form: HTML {
        let states = [("", "All states")] + Filter.allCases.map { ($0.rawValue, $0.label) }
        return """
            <form class="filter" method="get" action="\(Place.runs.path)">\(syncField)\(FormView.select("State", name: "state", chosen: filter?.rawValue ?? "", states))<button>Show</button></form>
            """
    }

    /// The sync that is sought stands in it also where it is defined nowhere any more.
    private var syncField: HTML {
        guard syncNames.count <= FormView.namesMax else {
            return FormView.input("Name of the sync", name: "sync", value: sync ?? "", type: "search")
        }
        let gone = sync.map { syncNames.contains($0) ? [] : [$0] } ?? []
        let names = [("", "All syncs")] + (gone + syncNames).map { ($0, $0) }
        return FormView.select("Sync", name: "sync", chosen: sync ?? "", names)
    }

    private var pager: HTML {
        guard hasMore, let last = runs.last else { return .empty }
        let older = Place.runs.link([("sync", sync), ("state", filter?.rawValue), ("before", String(last.id))])
        return "<nav class=\"pager\" aria-label=\"Pages\"><a href=\"\(older)\">Older runs</a></nav>"
    }

    var body: [String: [RunRecord]] { ["runs": runs] }
}

/// Runs as rows.
struct RunTable {
    let now: Moment
    var showsSync = true
    var empty: HTML = "No runs yet. A run reads a source, sends what has changed, and keeps the books."

    func html(_ runs: [RunRecord]) -> HTML {
        var columns = [
            TableView.Column("Run"), TableView.Column("Sync"), TableView.Column("State"), TableView.Column("Started"),
            TableView.Column("Took", .number), TableView.Column("Read", .number), TableView.Column("Accepted", .number),
            TableView.Column("Did not arrive", .number), TableView.Column("Started by"),
        ]
        if !showsSync { columns.remove(at: 1) }
        var table = TableView("Runs, newest first", columns)
        table.isCaptionHidden = true
        table.empty = empty
        return table.html(
            runs.map { run in
                var cells = row(run)
                if !showsSync { cells.remove(at: 1) }
                return cells
            })
    }

    private func row(_ run: RunRecord) -> [HTML] {
        let took: HTML = run.endedAt.map { HTML(TimeView.took(run.startedAt, $0)) } ?? "<span class=\"nought\">–</span>"
        let missing: HTML =
            run.notArrived == 0 ? NumberView.quiet(0) : NumberView.link(run.notArrived, Place.records(run: run.id).path)
        return [
            "<a class=\"name\" href=\"\(Place.run(run.id).path)\">\(run.id)</a>",
            "<a href=\"\(Place.sync(run.sync).path)\">\(run.sync)</a>",
            StateView.badge(run.state),
            TimeView.both(run.startedAt, now: now),
            took,
            NumberView.quiet(run.rows.scanned),
            NumberView.quiet(run.operations.accepted),
            missing,
            "\(run.trigger)\(run.full ? ", full" : "")\(run.limited ? ", in part" : "")",
        ]
    }
}
