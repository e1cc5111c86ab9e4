internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// Is everything fine? A sentence, then one row for each sync, problems first.
struct OverviewPage: Sendable {
    static let syncsMax = 20

    let syncs: [SyncHealth]
    let sentence: String
    let total: Int
    let bars: [String: [RunBar]]
    let now: Moment
    private let trouble: HTML
    private let troubles: [Diagnostic]
    private let orphans: [String]

    init(site: Site) throws {
        trouble = ProjectTroubleView.html(site)
        troubles = site.projectTrouble()?.problems ?? []
        orphans = try site.orphans
        let list = try SyncHealthList(site: site)
        syncs = Array(list.all.prefix(Self.syncsMax))
        sentence = list.sentence
        total = list.all.count
        bars = try site.history.bars(of: syncs.map(\.name), each: SparkBars.countMax)
        now = site.now
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Overview", section: .overview, visitor: request.visitor)
        layout.heading = HTML(sentence)
        layout.lead = problems
        layout.message = Message(request.query)
        if syncs.contains(where: { $0.condition == .running }) { layout.refreshSeconds = 5 }
        let rest: HTML =
            total > syncs.count
            ? "<p class=\"more\"><a href=\"\(Place.syncs.path)\">All \(total) syncs</a></p>" : .empty
        return layout.page("\(trouble)\(SyncTable(bars: bars, now: now, visitor: request.visitor).html(syncs))\(rest)")
    }

    /// The first three, in words.
    private var problems: HTML {
        let wrong = syncs.filter { !$0.problem.isEmpty }
        guard !wrong.isEmpty || !orphans.isEmpty else { return .empty }
        let lines = wrong.prefix(3).html { sync in
            "<li><a href=\"\(Place.sync(sync.name).path)\">\(sync.name)</a>: \(sync.problem)</li>"
        }
        let rest: HTML = wrong.count > 3 ? "<li>and \(wrong.count - 3) more below</li>" : .empty
        return "<ul class=\"problems\">\(lines)\(rest)\(orphanLine)</ul>"
    }

    private var orphanLine: HTML {
        guard let first = orphans.first else { return .empty }
        let one = orphans.count == 1
        return """
            <li><a href="\(one ? Place.sync(first).path : Place.syncs.path + "#orphans")">\(one ? first : Wording.counted(orphans.count, "sync"))</a>: defined nowhere any more, so \(one ? "it does" : "they do") not run: orphaned, paused.</li>
            """
    }

    var body: OverviewBody {
        OverviewBody(sentence: sentence, projectProblems: troubles, syncs: syncs.map { SyncBody($0) })
    }
}

/// The overview for programs.
struct OverviewBody: Encodable {
    var sentence: String
    /// Why the project's files as they are now are not in force; empty where they are.
    var projectProblems: [Diagnostic]
    var syncs: [SyncBody]

    private enum CodingKeys: String, CodingKey {
        case sentence, syncs
        case projectProblems = "project_problems"
    }
}

/// A sync as it is, for programs: every key is always there.
struct SyncBody: Encodable {
    let health: SyncHealth

    init(_ health: SyncHealth) { self.health = health }

    private enum Keys: String, CodingKey {
        case name, condition, source, destination, object, paused
        case freshAt = "fresh_at"
        case nextRun = "next_run"
        case lastRun = "last_run"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(health.name, forKey: .name)
        try container.encode(health.condition, forKey: .condition)
        try container.encode(health.source, forKey: .source)
        try container.encode(health.destination, forKey: .destination)
        try container.encode(health.object, forKey: .object)
        try container.encode(health.isPaused, forKey: .paused)
        try container.encode(health.freshAt, forKey: .freshAt)
        try container.encode(health.nextRun, forKey: .nextRun)
        try container.encode(health.lastRun, forKey: .lastRun)
    }
}

/// The table of syncs on the overview and the page of syncs.
struct SyncTable {
    let bars: [String: [RunBar]]
    let now: Moment
    let visitor: Visitor

    func html(_ syncs: [SyncHealth]) -> HTML {
        var table = TableView(
            "Syncs",
            [
                TableView.Column("Sync"), TableView.Column("State"), TableView.Column("Complete as of"),
                TableView.Column("Last run"), TableView.Column("Next run"), TableView.Column("Last 30 runs"),
                TableView.Column("Action"),
            ])
        table.isCaptionHidden = true
        table.isStacked = true
        table.empty =
            "A sync says which rows of a source go to which object of a destination. Make one in the pages, or add it to the project file."
        return table.html(syncs.map { row($0) })
    }

    private func row(_ sync: SyncHealth) -> [HTML] {
        [
            """
            <a class="name" href="\(Place.sync(sync.name).path)">\(sync.name)</a><span class="detail">\(sync.source) → \(sync.destination).\(sync.object)</span>
            """,
            sync.badge,
            sync.freshAt.map { TimeView.both($0, now: now) } ?? "<span class=\"nought\">never</span>",
            lastRun(sync),
            sync.isPaused
                ? "<span class=\"nought\">paused</span>"
                : sync.nextRun.map { TimeView.both($0, now: now) } ?? "<span class=\"nought\">by hand</span>",
            SparkBars(bars: bars[sync.name] ?? []).svg(),
            action(sync),
        ]
    }

    private func lastRun(_ sync: SyncHealth) -> HTML {
        guard let run = sync.lastRun else { return "<span class=\"nought\">none</span>" }
        let missing: HTML =
            run.notArrived == 0
            ? .empty
            : """
            , <a class="part" href="\(Place.records(run: run.id).path)">\(Wording.grouped(run.notArrived)) did not arrive</a>
            """
        return """
            <a href="\(Place.run(run.id).path)">Run \(run.id)</a><span class="detail">\(Wording.grouped(run.rows.scanned)) read, \(Wording.grouped(run.operations.accepted)) accepted\(missing)</span>
            """
    }

    private func action(_ sync: SyncHealth) -> HTML {
        if sync.condition == .running {
            return sync.lastRun.map { "<a href=\"\(Place.run($0.id).path)\">Watch</a>" } ?? .empty
        }
        guard visitor.may(.run) else { return .empty }
        return FormView.button("Run now", .syncAction(sync.name, .run), visitor, style: "small")
    }
}
