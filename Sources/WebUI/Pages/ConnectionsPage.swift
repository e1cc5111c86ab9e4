internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// Can we reach them? Each source and destination.
struct ConnectionsPage: Sendable {
    struct Row: Sendable {
        var end: Place.End
        var name: String
        var type: String
        var syncs: [String]
        var progress: BackgroundWork.Progress?
    }

    let rows: [Row]
    let now: Moment
    let canDefine: Bool

    init(site: Site) {
        canDefine = site.editing != nil
        let project = site.project()
        let sources = project.sources.values.map { ($0, Place.End.source) }
        let destinations = project.destinations.values.map { ($0, Place.End.destination) }
        rows = (sources + destinations).map { connection, end in
            Row(
                end: end, name: connection.name, type: ConnectionPage.displayName(connection.type, end, site.catalog),
                syncs: ConnectionPage.syncs(of: connection.name, end, in: project),
                progress: site.work.progress(.check(end, connection.name)))
        }.sorted { ($0.end.rawValue, $0.name) > ($1.end.rawValue, $1.name) }
        now = site.now
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Connections", section: .connections, visitor: request.visitor)
        layout.message = Message(request.query)
        layout.lead =
            "<p class=\"lead\">A check tests name, network, credentials and rights, step by step. It changes nothing.</p>"
        if rows.contains(where: { if case .working = $0.progress { true } else { false } }) {
            layout.refreshSeconds = 2
        }
        return layout.page(
            "\(table("Sources", .source, request.visitor))\(table("Destinations", .destination, request.visitor))")
    }

    private func table(_ title: String, _ end: Place.End, _ visitor: Visitor) -> HTML {
        var table = TableView(
            title,
            [
                TableView.Column("Name"), TableView.Column("Kind"), TableView.Column("Last check"),
                TableView.Column("Used by"), TableView.Column("Action"),
            ])
        table.isCaptionHidden = true
        table.isStacked = true
        table.empty =
            end == .source
            ? "There is none yet. A source is a database that rows are read from."
            : "There is none yet. A destination is an account that rows are sent to."
        let shown = rows.filter { $0.end == end }.prefix(200).map { row -> [HTML] in
            [
                "<a class=\"name\" href=\"\(Place.connection(end, row.name).path)\">\(row.name)</a>",
                HTML(row.type),
                ConnectionPage.state(row.progress, now: now),
                ConnectionPage.links(row.syncs),
                visitor.may(.useConnections)
                    ? FormView.button("Check", .check(end, row.name), visitor, style: "small") : .empty,
            ]
        }
        let new: HTML =
            canDefine && visitor.may(.edit)
            ? "<a class=\"button small\" href=\"\(Place.making(.kinds(end)).path)\">New \(end == .source ? "source" : "destination")</a>"
            : .empty
        return "<section><div class=\"bar\"><h2>\(title)</h2>\(new)</div>\(table.html(Array(shown)))</section>"
    }

    var body: [String: [ConnectionBody]] {
        [
            "connections": rows.map {
                ConnectionBody(
                    name: $0.name, kind: $0.end.rawValue, type: $0.type, syncs: $0.syncs,
                    check: CheckView($0.progress, now: now).body)
            }
        ]
    }
}

/// A connection for programs; its settings stay on the page.
struct ConnectionBody: Encodable {
    var name: String
    var kind: String
    var type: String
    var syncs: [String]
    /// Nil where it was not checked since the server was started.
    var check: CheckBody?
}

/// One source or destination: what it is set to, and what its last check found.
struct ConnectionPage: Sendable {
    let end: Place.End
    let connection: ConnectionDefinition
    let declaration: ConnectorDeclaration?
    let syncs: [String]
    let progress: BackgroundWork.Progress?
    let now: Moment
    let tools: ConnectionTools

    init(site: Site, _ end: Place.End, _ name: String) throws {
        self.end = end
        let project = site.project()
        guard let found = end == .source ? project.sources[name] : project.destinations[name] else {
            throw PageFailure(
                .missing, code: "unknown_connection", message: "The project has no such connection: \(name).",
                hint: "The page of connections lists them.")
        }
        connection = found
        declaration = Self.declaration(found.type, end, site.catalog)
        syncs = Self.syncs(of: name, end, in: project)
        progress = site.work.progress(.check(end, name))
        now = site.now
        tools = try ConnectionTools(site: site, end, found)
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout(connection.name, section: .connections, visitor: request.visitor)
        layout.trail = [("Connections", .connections)]
        // That a test has begun, its steps say. After it the way leads on, not to another test.
        let message = Message(request.query)
        layout.message = message == .checking ? nil : message
        layout.lead =
            "<p class=\"lead\">\(declaration?.displayName ?? connection.type), \(end == .source ? "a source" : "a destination"), used by \(Self.links(syncs))</p>\(tools.hint)"
        if request.visitor.may(.useConnections) {
            layout.beside =
                "<div class=\"actions\">\(FormView.button("Check", .check(end, connection.name), request.visitor, style: message == .checking ? "" : "primary"))\(tools.actions(request.visitor))</div>"
        }
        if case .working = progress {
            layout.refreshSeconds = 2
            layout.events = .checkEvents(end, connection.name)
        }
        return layout.page(
            """
            <p class="hidden" id="live-said" role="status"></p><div class="grid" id="\(CheckView.id)">\(check(request.visitor))</div><section><h2>Settings</h2>\(settings)</section>
            """)
    }

    /// What changes while the test goes on: its steps, and the way on once it has passed.
    func check(_ visitor: Visitor) -> HTML {
        let view = CheckView(progress, now: now)
        return "\(view.html())\(view.report?.isOK == true ? tools.next(visitor) : .empty)"
    }

    /// What the project says. A secret is never shown, only where it comes from.
    private var settings: HTML {
        var table = TableView(
            "Settings", [TableView.Column("Setting"), TableView.Column("Value"), TableView.Column("Defined in")])
        table.isCaptionHidden = true
        table.isStacked = true
        let rows = connection.settings.sorted { $0.key < $1.key }.map { name, value -> [HTML] in
            let place = connection.settingLocations[name] ?? value.location
            return [
                "<code>\(name)</code>", shown(name, value),
                tools.isMade ? "these pages" : "\(place.file):\(place.line)",
            ]
        }
        return table.html(rows)
    }

    private func shown(_ name: String, _ value: SettingValue) -> HTML {
        // A setting that the connector does not declare might be anything.
        let isSecret = declaration?.settings.first { $0.name == name }?.isSecret ?? true
        if !isSecret, let literal = value.literal { return "<code>\(literal)</code>" }
        let variables = value.variableNames
        if !variables.isEmpty {
            return "from the environment: \(variables.html { "<code>\($0)</code> " })"
        }
        switch value.content {
        case .file: return "from a file"
        case .secret: return "a secret of the server"
        default: return "set, not shown"
        }
    }

    // MARK: Parts of both pages

    static func declaration(_ type: String, _ end: Place.End, _ catalog: ConnectorCatalog) -> ConnectorDeclaration? {
        end == .source ? catalog.source(type)?.declaration : catalog.destination(type)?.declaration
    }

    static func displayName(_ type: String, _ end: Place.End, _ catalog: ConnectorCatalog) -> String {
        declaration(type, end, catalog)?.displayName ?? type
    }

    static func syncs(of name: String, _ end: Place.End, in project: Project) -> [String] {
        project.syncs.filter { end == .source ? $0.dataset.source == name : $0.destination == name }.map(\.name)
    }

    static func links(_ syncs: [String]) -> HTML {
        guard !syncs.isEmpty else { return "<span class=\"nought\">no sync</span>" }
        let shown = syncs.prefix(5).map { name -> HTML in "<a href=\"\(Place.sync(name).path)\">\(name)</a>" }
        var html = HTML.empty
        for (index, link) in shown.enumerated() { html += index == 0 ? link : ", " + link }
        return syncs.count > 5 ? html + " and \(syncs.count - 5) more" : html
    }

    static func state(_ progress: BackgroundWork.Progress?, now: Moment) -> HTML {
        guard let badge = CheckView(progress, now: now).badge() else {
            return "<span class=\"nought\">not checked</span>"
        }
        guard case .done(_, let at) = progress else { return badge }
        return "\(badge)<span class=\"detail\">\(TimeView.both(at, now: now))</span>"
    }

    var body: ConnectionBody {
        ConnectionBody(
            name: connection.name, kind: end.rawValue, type: declaration?.displayName ?? connection.type, syncs: syncs,
            check: CheckView(progress, now: now).body)
    }
}
