internal import Runner
internal import StateStore

/// Who did and looked at what. Never a row's data.
struct AuditPage: Sendable {
    static let pageSize = 50

    let entries: [AuditRecord]
    let hasMore: Bool
    let subject: String?
    let now: Moment

    init(site: Site, _ query: Fields) throws {
        subject = query["subject"]
        let before = query["before"].flatMap { Int64($0) }
        let found = try site.audit.page(before: before, subject: subject, limit: Self.pageSize + 1)
        hasMore = found.count > Self.pageSize
        entries = Array(found.prefix(Self.pageSize))
        now = site.now
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Audit", section: .audit, visitor: request.visitor)
        layout.lead =
            "<p class=\"lead\">What people did and which rows they looked at. Nothing can be changed or removed here.</p>"
        let filter: HTML = """
            <form class="filter" method="get" action="\(Place.audit.path)" role="search">\(FormView.input("About, such as sync companies", name: "subject", value: subject ?? "", type: "search"))<button>Show</button></form>
            """
        return layout.page("\(filter)\(AuditTable(now: now).html(entries))\(pager)")
    }

    private var pager: HTML {
        guard hasMore, let last = entries.last else { return .empty }
        let older = Place.audit.link([("subject", subject), ("before", String(last.id))])
        return "<nav class=\"pager\" aria-label=\"Pages\"><a href=\"\(older)\">Older entries</a></nav>"
    }

    var body: [String: [AuditBody]] { ["entries": entries.map { AuditBody($0) }] }
}

/// Entries as rows.
struct AuditTable {
    let now: Moment

    func html(_ entries: [AuditRecord]) -> HTML {
        var table = TableView(
            "Entries, newest first",
            [
                TableView.Column("At"), TableView.Column("Who"), TableView.Column("Did"), TableView.Column("About"),
                TableView.Column("More"), TableView.Column("From"),
            ])
        table.isCaptionHidden = true
        table.isStacked = true
        table.empty = "Nothing is noted yet."
        return table.html(
            entries.map { entry in
                [
                    TimeView.both(entry.at, now: now), HTML(entry.who), "<code>\(entry.action)</code>",
                    HTML(entry.subject), HTML(entry.detail), HTML(entry.address),
                ]
            })
    }
}

/// An entry for programs.
struct AuditBody: Encodable {
    var id: Int64
    var at: Moment
    var who: String
    var address: String
    var action: String
    var subject: String
    var detail: String

    init(_ entry: AuditRecord) {
        id = entry.id
        at = entry.at
        who = entry.who
        address = entry.address
        action = entry.action
        subject = entry.subject
        detail = entry.detail
    }
}
