internal import Runner
internal import StateStore

/// Every sync, 20 at a time, by name.
struct SyncsPage: Sendable {
    static let pageSize = 20

    let sought: String
    let shown: [SyncHealth]
    let found: Int
    let first: Int
    let bars: [String: [RunBar]]
    let now: Moment
    let canDefine: Bool
    let orphans: [String]

    init(site: Site, _ query: Fields) throws {
        canDefine = site.editing != nil
        sought = query["q"] ?? ""
        let wanted = sought.lowercased()
        let all = try SyncHealthList(site: site).all.sorted { $0.name < $1.name }
            .filter { wanted.isEmpty || $0.name.lowercased().contains(wanted) }
        found = all.count
        first = min(max(0, query.number("from") ?? 0), max(0, all.count - 1))
        shown = Array(all.dropFirst(first).prefix(Self.pageSize))
        bars = try site.history.bars(of: shown.map(\.name), each: SparkBars.countMax)
        now = site.now
        orphans = try site.orphans.filter { wanted.isEmpty || $0.lowercased().contains(wanted) }
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Syncs", section: .syncs, visitor: request.visitor)
        layout.message = Message(request.query)
        if canDefine && request.visitor.may(.edit) { layout.beside = SyncTools.new }
        let search: HTML = """
            <form class="filter" method="get" action="\(Place.syncs.path)" role="search">\(FormView.input("Name contains", name: "q", value: sought, type: "search"))<button>Find</button></form>
            """
        return layout.page(
            "\(search)\(SyncTable(bars: bars, now: now, visitor: request.visitor).html(shown))\(pager)\(orphanList)")
    }

    /// What a file does not say any more is not gone.
    private var orphanList: HTML {
        guard !orphans.isEmpty else { return .empty }
        let items = orphans.prefix(Self.orphansMax).html { name in
            let runs = Place.runs.link([("sync", name)])
            return """
                <li><a class="name" href="\(Place.sync(name).path)">\(name)</a> \(OrphanPage.badge) <a href="\(runs)">its runs</a></li>
                """
        }
        let left = orphans.count - Self.orphansMax
        let more: HTML = left > 0 ? "<li>and \(left) more</li>" : .empty
        return """
            <section class="card" id="orphans"><h2>Defined nowhere any more</h2><p>They do not run. What is known of them stays, and is theirs again once a sync of that name is back, or another says <code>renamed_from</code>.</p><ul class="problems">\(items)\(more)</ul></section>
            """
    }

    /// Orphans that are listed.
    private static let orphansMax = 50

    private var pager: HTML {
        guard found > shown.count else { return .empty }
        func link(_ from: Int, _ label: String) -> HTML {
            let target = Place.syncs.link([
                ("q", sought.isEmpty ? nil : sought), ("from", from == 0 ? nil : String(from)),
            ])
            return "<a href=\"\(target)\">\(label)</a>"
        }
        let back: HTML? = first > 0 ? link(max(0, first - Self.pageSize), "Previous") : nil
        let next: HTML? = first + shown.count < found ? link(first + Self.pageSize, "Next") : nil
        return """
            <nav class="pager" aria-label="Pages">\(back) <span>\(first + 1) to \(first + shown.count) of \(found)</span> \(next)</nav>
            """
    }

    var body: SyncsBody { SyncsBody(syncs: shown.map { SyncBody($0) }, orphans: orphans) }
}

/// The page of syncs for programs.
struct SyncsBody: Encodable {
    var syncs: [SyncBody]
    /// Syncs that have a history and are defined nowhere any more.
    var orphans: [String]
}
