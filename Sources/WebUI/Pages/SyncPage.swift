internal import ConnectorKit
internal import Foundation
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// How one sync is, and what it is.
struct SyncPage: Sendable {
    let definition: SyncDefinition
    let health: SyncHealth
    let tab: Place.Tab
    let history: [RunRecord]
    let hasMore: Bool
    /// When complete runs of the last 30 days ended; for the health.
    let completeAt: [Moment]
    /// How many seconds old the data may get by its schedule; for the health.
    let promised: Int64?
    let now: Moment
    /// What a dry run found, while it is kept.
    let plan: BackgroundWork.Progress?
    let lines: [String]?
    /// What people did to it.
    let deeds: [AuditRecord]
    let tools: SyncTools
    /// How many of its records are in doubt.
    private let inDoubt: Int

    static let runsMax = 30

    init(site: Site, _ name: String, _ query: Fields) throws {
        definition = try site.sync(name)
        tab = query["tab"].flatMap { Place.Tab(rawValue: $0) } ?? .health
        now = site.now
        let before = query["before"].flatMap { Int64($0) }
        let found = try site.history.runs(sync: name, states: nil, before: before, limit: Self.runsMax + 1)
        hasMore = found.count > Self.runsMax
        history = try site.runs.current(Array(found.prefix(Self.runsMax)))
        let last = try before == nil ? history.first : site.history.runs(sync: name, limit: 1).first
        let paused = try site.environment.paused(site.project().syncs)
        let promise = FreshnessPromise(site.project().syncs, paused: paused, kept: site.dueTimes)
        promised = tab == .health && !history.isEmpty ? promise.seconds(name, from: now) : nil
        health = SyncHealth(
            definition, promise, isPaused: paused.contains(name), lastRun: last,
            freshAt: try site.history.completeRuns()[name], nextRun: site.engine.nextRuns()[name], now: now)
        completeAt =
            tab == .health ? try site.history.completeTimes(sync: name, since: FreshnessDays.begin(now)) : []
        plan = site.work.progress(.syncAction(name, .plan))
        deeds = tab == .timeline ? try site.audit.page(subject: "sync \(name)", limit: 20) : []
        tools = try SyncTools(site: site, name)
        inDoubt = tab == .health ? DoubtView.count(of: name, site) : 0
        lines = tab == .definition ? DefinitionText.lines(of: definition, in: site.project()) : nil
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout(definition.name, section: .syncs, visitor: request.visitor)
        layout.trail = [("Syncs", .syncs)]
        layout.message = Message(request.query)
        layout.lead = """
            <p class="lead">\(health.badge) <span>\(definition.dataset.source) to <a href="\(Place.connection(.destination, definition.destination).path)">\(definition.destination)</a> \(definition.object), \(Say.behavior(definition.behavior)), \(ScheduleWords.schedule(definition.schedule))</span></p>
            """
        layout.beside = actions(request.visitor)
        if case .working = plan { layout.refreshSeconds = 2 }
        return layout.page(
            "\(tabs)\(PlanView(progress: plan, showsRows: request.visitor.may(.seeRows), now: now).html())\(content(request.visitor))"
        )
    }

    // MARK: Parts

    private func actions(_ visitor: Visitor) -> HTML {
        guard visitor.may(.run) else { return .empty }
        let name = definition.name
        let pause =
            health.isPaused
            ? FormView.button("Resume", .syncAction(name, .resume), visitor)
            : FormView.button("Pause", .syncAction(name, .pause), visitor)
        let reset: HTML? =
            visitor.may(.force) ? "<a class=\"button\" href=\"\(Place.syncAction(name, .reset).path)\">Reset…</a>" : nil
        let run: HTML =
            health.condition == .running
            ? health.lastRun.map { "<a class=\"button\" href=\"\(Place.run($0.id).path)\">Watch run \($0.id)</a>" }
                ?? .empty
            : FormView.button("Run now", .syncAction(name, .run), visitor, style: "primary")
        return """
            <div class="actions">\(run)\(FormView.button("Dry run", .syncAction(name, .plan), visitor))\(pause)\(reset)\(tools.actions(visitor))</div>
            """
    }

    private var tabs: HTML {
        let links = Place.Tab.allCases.html { item in
            let current: HTML = item == tab ? " aria-current=\"page\"" : ""
            let link = Place.sync(definition.name).link([("tab", item == .health ? nil : item.rawValue)])
            return "<li><a href=\"\(link)\"\(current)>\(item.rawValue.capitalized)</a></li>"
        }
        return "<nav class=\"tabs\" aria-label=\"Views of the sync\"><ul>\(links)</ul></nav>"
    }

    private func content(_ visitor: Visitor) -> HTML {
        switch tab {
        case .health: healthTab(visitor)
        case .timeline: timelineTab(visitor)
        case .mapping: MappingView(definition: definition, example: example(visitor)).html()
        case .definition: definitionTab
        }
    }

    /// A record as a dry run would send it, by field.
    private func example(_ visitor: Visitor) -> [String: String] {
        guard visitor.may(.seeRows), case .done(.plan(let report), _) = plan,
            let payload = report.examples.lazy.compactMap(\.payload).first
        else { return [:] }
        return Dictionary(PayloadView.fields(payload), uniquingKeysWith: { first, _ in first })
    }

    private func healthTab(_ visitor: Visitor) -> HTML {
        var html = numbers + DoubtView(sync: definition.name, visitor: visitor).notice(inDoubt)
        if !health.problem.isEmpty, let last = health.lastRun {
            html += """
                <section class="notice \(health.condition == .failing ? "bad" : "part")"><p><strong>\(health.problem.prefix(1).uppercased() + health.problem.dropFirst())</strong></p><p>\(hint(last, visitor))</p><p><a href="\(Place.run(last.id).path)">Open run \(last.id)</a></p></section>
                """
        }
        guard !history.isEmpty else {
            return html
                + "<p class=\"empty\">This sync has never run. A dry run shows what a run would do, and sends nothing.</p>"
        }
        guard history.contains(where: { $0.state.isFinal }) else {
            return html + "<p class=\"empty\">The first run has not ended yet.</p>"
        }
        return html
            + "<div class=\"grid two\">\(SyncCharts(runs: history.reversed(), completeAt: completeAt, promised: promised, now: now).html())</div>"
    }

    private func hint(_ run: RunRecord, _ visitor: Visitor) -> HTML {
        let about = PageHint.About(run, visitor)
        if let error = run.error { return PageHint.html(error.code, error.hint, about) }
        return run.guard.map { PageHint.html(PageHint.code(ofGuard: $0.name), $0.hint, about) } ?? .empty
    }

    private var numbers: HTML {
        let last = health.lastRun
        let cells: [(String, HTML)] = [
            ("Complete as of", health.freshAt.map { TimeView.both($0, now: now) } ?? "never"),
            (
                "Last run",
                last.map {
                    "<a href=\"\(Place.run($0.id).path)\">Run \($0.id)</a> \(TimeView.both($0.startedAt, now: now))"
                } ?? "none"
            ),
            ("Rows read", last.map { NumberView.grouped($0.rows.scanned) } ?? "–"),
            ("Accepted", last.map { NumberView.grouped($0.operations.accepted) } ?? "–"),
            ("Did not arrive", last.map { NumberView.link($0.notArrived, Place.records(run: $0.id).path) } ?? "–"),
            ("Next run", health.isPaused ? "paused" : health.nextRun.map { TimeView.both($0, now: now) } ?? "by hand"),
        ]
        let list = cells.html { name, value in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" }
        return "<dl class=\"numbers\">\(list)</dl>"
    }

    private func timelineTab(_ visitor: Visitor) -> HTML {
        var pager = HTML.empty
        if hasMore, let last = history.last {
            let older = Place.sync(definition.name).link([("tab", "timeline"), ("before", String(last.id))])
            pager = "<nav class=\"pager\" aria-label=\"Pages\"><a href=\"\(older)\">Older runs</a></nav>"
        }
        let done: HTML =
            visitor.may(.seeAudit) && !deeds.isEmpty
            ? "<section><h2>What people did</h2>\(AuditTable(now: now).html(deeds))</section>" : .empty
        let search: HTML =
            visitor.may(.seeRows) ? "<section><h2>Records</h2>\(KeySearch.html(definition.name))</section>" : .empty
        return
            "<section><h2>Runs</h2>\(RunTable(now: now, showsSync: false).html(history))\(pager)</section>\(search)\(done)"
    }

    private var definitionTab: HTML {
        if let own = tools.definition { return own }
        let place = definition.location
        let text: HTML
        if let lines {
            text = CodeBlock("Definition of \(definition.name)", style: "code").html(
                lines.enumerated().html { index, line in
                    "<span class=\"line\"><span class=\"no\">\(place.line + index)</span>\(line)</span>\n"
                })
        } else {
            text = "<p class=\"empty\">The file cannot be read at the moment.</p>"
        }
        return """
            <section><h2>\(place.file), line \(place.line)</h2><p class="detail">This sync is defined in a file and is changed there; the server takes the change up by itself or at its next start.</p>\(text)</section>
            """
    }

    var body: SyncBody { SyncBody(health) }
}

/// How settings of a sync are said.
enum Say {
    static func behavior(_ behavior: Behavior) -> String {
        behavior.rawValue.replacing("_", with: " ")
    }
}

/// The lines of a definition as they stand in its file.
enum DefinitionText {
    static let linesMax = 400

    /// From the line of its name to the next line that is not deeper; nil where the file cannot be read.
    static func lines(of sync: SyncDefinition, in project: Project) -> [String]? {
        let path =
            project.files.first { $0 == sync.location.file || $0.hasSuffix("/" + sync.location.file) }
            ?? project.files.first { $0.hasSuffix("/" + (sync.location.file.split(separator: "/").last ?? "")) }
        guard let path, let data = FileManager.default.contents(atPath: path) else { return nil }
        let all = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard sync.location.line >= 1, sync.location.line <= all.count else { return nil }
        let rest = all[(sync.location.line - 1)...]
        guard let first = rest.first else { return nil }
        let depth = indent(first)
        var lines = [String(first)]
        for line in rest.dropFirst().prefix(linesMax) {
            let isBlank = line.allSatisfy(\.isWhitespace)
            if !isBlank && indent(line) <= depth { break }
            lines.append(String(line))
        }
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        return lines
    }

    private static func indent(_ line: Substring) -> Int { line.prefix { $0 == " " }.count }
}

/// Source column to field, as a table.
struct MappingView {
    let definition: SyncDefinition
    /// What one record has in each field; empty before a dry run.
    let example: [String: String]

    func html() -> HTML {
        var table = TableView(
            "Mapping",
            [
                TableView.Column("Field"), TableView.Column("From"), TableView.Column("How"),
                TableView.Column("As sent, for example"), TableView.Column("Defined in"),
            ])
        table.isCaptionHidden = true
        return table.html([key] + definition.mappings.map { row($0) })
    }

    private func value(_ field: String) -> HTML {
        guard !example.isEmpty else { return "<span class=\"nought\">after a dry run</span>" }
        return example[field].map { "<code>\(ReasonView.cut($0, 80))</code>" }
            ?? "<span class=\"nought\">nothing</span>"
    }

    private var key: [HTML] {
        let columns = definition.key.columns.joined(separator: ", ")
        let within = definition.key.within.map { ", unique within \($0)" } ?? ""
        return [
            "<code>\(definition.key.field ?? "(not written)")</code>", "<code>\(columns)</code>",
            "\(StateView.badge("key", .live, .shield))\(within)", value(definition.key.field ?? ""),
            HTML(place(definition.key.location)),
        ]
    }

    private func row(_ mapping: MappingDefinition) -> [HTML] {
        let (from, how): (HTML, String) =
            switch mapping.source {
            case .column(let column, let lookup, let nulls):
                ("<code>\(column)</code>", Self.how(lookup, nulls))
            case .constant(let value): ("<code>\(value.text)</code>", "the same for every row")
            }
        return ["<code>\(mapping.field)</code>", from, HTML(how), value(mapping.field), HTML(place(mapping.location))]
    }

    private static func how(_ lookup: String?, _ nulls: MappingDefinition.Nulls) -> String {
        let parts = [
            lookup.map { "the record that has it as \($0)" }, nulls == .skip ? "an empty value changes nothing" : nil,
        ].compactMap { $0 }
        return parts.isEmpty ? "as it is" : parts.joined(separator: "; ")
    }

    private func place(_ location: Location) -> String { "\(location.file):\(location.line)" }
}
