internal import ConnectorKit
internal import Foundation
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// A sync that is defined nowhere any more: why it does not run, what is kept of it, and what can be done. It is only to
/// be looked at, but for a reset.
struct OrphanPage: Sendable {
    static let filesMax = 10

    let orphan: OrphanedSync
    private let runs: [RunRecord]
    private let hasMore: Bool
    private let lastRun: RunRecord?
    private let freshAt: Moment?
    /// Files of the project, in none of which it stands.
    private let files: [String]
    private let canDefine: Bool
    private let deeds: [AuditRecord]
    private let now: Moment

    init(site: Site, _ name: String, _ request: WebRequest) throws {
        orphan = try OrphanedSync(name, environment: site.environment)
        let before = request.query["before"].flatMap { Int64($0) }
        let found = try site.history.runs(sync: name, states: nil, before: before, limit: SyncPage.runsMax + 1)
        hasMore = found.count > SyncPage.runsMax
        runs = try site.runs.current(Array(found.prefix(SyncPage.runsMax)))
        lastRun = try before == nil ? runs.first : site.history.runs(sync: name, limit: 1).first
        freshAt = try site.history.completeRuns()[name]
        files = Self.shown(site.project())
        canDefine = site.editing != nil && request.visitor.may(.edit)
        deeds = request.visitor.may(.seeAudit) ? try site.audit.page(subject: "sync \(name)", limit: 20) : []
        now = site.now
    }

    static let badge = StateView.badge("Orphaned, paused", .calm, .pause)

    /// As people know them: from the project's directory.
    private static func shown(_ project: Project) -> [String] {
        project.files.map { file in
            file.hasPrefix(project.directory + "/") ? String(file.dropFirst(project.directory.count + 1)) : file
        }
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout(orphan.name, section: .syncs, visitor: request.visitor)
        layout.trail = [("Syncs", .syncs)]
        layout.message = Message(request.query)
        layout.lead =
            "<p class=\"lead\">\(Self.badge) <span>It is defined nowhere any more, so it does not run. What is known of it stays.</span></p>"
        return layout.page(
            """
            <section class="notice part"><h2>Why</h2><p>\(reason(request.visitor))</p></section>
            \(kept)\(doing(request.visitor))\(records(request.visitor))
            <section><h2>Runs</h2>\(RunTable(now: now, showsSync: false, empty: "No run of it is kept.").html(runs))\(pager)</section>
            \(done)
            """)
    }

    // MARK: Parts

    private func reason(_ visitor: Visitor) -> HTML {
        guard let parting = orphan.parting else {
            return "\(nowhere), and nobody noted since when."
        }
        let at = TimeView.both(parting.at, now: now)
        if let by = parting.by {
            return visitor.may(.seeAudit)
                ? "\(by) deleted it in these pages, \(at)." : "It was deleted in these pages, \(at)."
        }
        guard let place = parting.place else {
            return "\(nowhere). That was noticed when the server started, \(at)."
        }
        return
            "It stood in <code>\(place)</code> and was gone from there when the project was read again, \(at). \(nowhere)."
    }

    private var nowhere: HTML {
        guard !files.isEmpty else { return "The project has no files, and these pages do not define it" }
        let names = files.prefix(Self.filesMax).enumerated().html { index, file in
            "\(index == 0 ? "" : ", ")<code>\(file)</code>"
        }
        let left = files.count - Self.filesMax
        let more: HTML = left > 0 ? " and \(left) more" : .empty
        return "Neither the project's files (\(names)\(more)) nor these pages define it"
    }

    private var kept: HTML {
        let unknown: HTML = "<span class=\"nought\">unknown</span>"
        let cells: [(String, HTML)] = [
            ("Believed to be at the destination", orphan.known.map { HTML(Wording.counted($0, "record")) } ?? unknown),
            ("In doubt", orphan.inDoubt.map { HTML(Wording.counted($0, "record")) } ?? unknown),
            ("Complete as of", freshAt.map { TimeView.both($0, now: now) } ?? "never"),
            (
                "Last run",
                lastRun.map {
                    "<a href=\"\(Place.run($0.id).path)\">Run \($0.id)</a> \(TimeView.both($0.startedAt, now: now))"
                } ?? "none"
            ),
            ("Did not arrive", lastRun.map { NumberView.link($0.notArrived, Place.records(run: $0.id).path) } ?? "–"),
            ("Read from", orphan.source.map { HTML($0) } ?? unknown),
        ]
        let list = cells.html { name, value in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" }
        let trouble = orphan.trouble.map { ReasonView.box($0.code, $0.message, $0.hint, tone: "bad") }
        return "<section><h2>What is kept</h2>\(trouble)<dl class=\"numbers\">\(list)</dl></section>"
    }

    private func doing(_ visitor: Visitor) -> HTML {
        let name = orphan.name
        let make: HTML = canDefine ? " <a href=\"\(Place.making(.newSync).path)\">Make a sync</a>" : .empty
        let reset: HTML =
            visitor.may(.force)
            ? "<a href=\"\(Place.syncAction(name, .reset).path)\">Reset it…</a> That forgets what is believed to be at the destination; its runs stay."
            : "An editor can reset it: that forgets what is believed to be at the destination."
        return """
            <section><h2>What can be done</h2><ul>
            <li>Put the definition back under the name <strong>\(name)</strong>: it goes on where it stopped.\(make)</li>
            <li>Let another sync take its place, with <code>renamed_from: \(name)</code>: what is kept becomes that one's.</li>
            <li>Leave it: nothing is sent, and nothing is removed at the destination.</li>
            <li>\(reset)</li></ul></section>
            """
    }

    private func records(_ visitor: Visitor) -> HTML {
        guard visitor.may(.seeRows) else { return .empty }
        return "<section><h2>Records</h2>\(KeySearch.html(orphan.name))</section>"
    }

    private var pager: HTML {
        guard hasMore, let last = runs.last else { return .empty }
        let older = Place.sync(orphan.name).link([("before", String(last.id))])
        return "<nav class=\"pager\" aria-label=\"Pages\"><a href=\"\(older)\">Older runs</a></nav>"
    }

    private var done: HTML {
        deeds.isEmpty ? .empty : "<section><h2>What people did</h2>\(AuditTable(now: now).html(deeds))</section>"
    }

    var body: OrphanBody {
        OrphanBody(orphan: orphan, freshAt: freshAt, lastRun: lastRun)
    }
}

/// To the life of one record of a sync, by its key.
enum KeySearch {
    /// The name of the input, which the page of a sync takes to the record's.
    static let name = "key"

    static func html(_ sync: String) -> HTML {
        """
        <form class="filter" method="get" action="\(Place.sync(sync).path)" role="search">\(FormView.input("Key of a record", name: name, type: "search", attributes: " required"))<button>Find</button></form>
        """
    }
}

/// A sync that is defined nowhere any more, for programs: every key that other syncs have, and what is kept of it.
struct OrphanBody: Encodable {
    let orphan: OrphanedSync
    let freshAt: Moment?
    let lastRun: RunRecord?

    private enum Keys: String, CodingKey {
        case name, condition, source, destination, object, paused, behavior, since
        case freshAt = "fresh_at"
        case nextRun = "next_run"
        case lastRun = "last_run"
        case stoodIn = "stood_in"
        case known = "records_known"
        case inDoubt = "records_in_doubt"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(orphan.name, forKey: .name)
        try container.encode("orphaned", forKey: .condition)
        try container.encode(orphan.source, forKey: .source)
        try container.encodeNil(forKey: .destination)
        try container.encodeNil(forKey: .object)
        try container.encode(true, forKey: .paused)
        try container.encode(orphan.behavior?.rawValue, forKey: .behavior)
        try container.encode(freshAt, forKey: .freshAt)
        try container.encodeNil(forKey: .nextRun)
        try container.encode(lastRun, forKey: .lastRun)
        try container.encode(orphan.parting?.at, forKey: .since)
        try container.encode(orphan.parting?.place, forKey: .stoodIn)
        try container.encode(orphan.known, forKey: .known)
        try container.encode(orphan.inDoubt, forKey: .inDoubt)
    }
}
