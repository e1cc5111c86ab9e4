internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// The first start: three steps, each with its own state, that can be left and come back to; and a sample for who has no
/// account at hand.
struct StartPage: Sendable {
    private let project: Project
    private let destination: ConnectionDefinition?
    private let source: ConnectionDefinition?
    private let checks: [Place: BackgroundWork.Progress]
    private let hasSample: Bool
    private let catalog: ConnectorCatalog

    /// Whether nothing is synced yet, nor ever was, so that the overview would be empty.
    static func isFirst(_ site: Site) throws -> Bool {
        try site.editing != nil && site.project().syncs.isEmpty && site.orphans.isEmpty
    }

    init(site: Site) throws {
        project = site.project()
        catalog = site.catalog
        hasSample = site.editing?.sample != nil
        destination = project.destinations.values.min { $0.name < $1.name }
        source = project.sources.values.min { $0.name < $1.name }
        var checks: [Place: BackgroundWork.Progress] = [:]
        let ends =
            project.sources.keys.map { Place.check(.source, $0) }
            + project.destinations.keys.map { Place.check(.destination, $0) }
        for place in ends { checks[place] = site.work.progress(place) }
        self.checks = checks
    }

    func html(_ request: WebRequest) -> HTML {
        let visitor = request.visitor
        var layout = Layout("Welcome to Sluice", section: .overview, visitor: visitor)
        layout.message = Message(request.query)
        layout.lead = """
            <p class="lead">Sluice reads rows of your database and keeps the records of an account in step with them. Three steps, about five minutes. Nothing is sent before you say so.</p>
            """
        guard visitor.may(.edit) else {
            return layout.page(
                "<p class=\"empty\">Nothing is set up yet. Somebody with the role <em>editor</em> can do that here.</p>"
            )
        }
        return layout.page("<ol class=\"ladder\">\(connect)\(read)\(sync)</ol>\(sample(visitor))")
    }

    private func step(_ title: String, _ state: HTML, _ text: HTML, _ links: HTML) -> HTML {
        """
        <li><section class="card"><div class="bar"><h2>\(title)</h2>\(state)</div><p>\(text)</p><p class="bar">\(links)</p></section></li>
        """
    }

    private func state(_ end: Place.End, _ connection: ConnectionDefinition?) -> HTML {
        guard let connection else { return .empty }
        switch checks[.check(end, connection.name)] {
        case .done(.check(let result), _) where result.report.isOK:
            return result.report.warnings.isEmpty
                ? StateView.badge("works", .good, .ok) : StateView.badge("works, with warnings", .part, .part)
        case .done, .failed: return StateView.badge("the test failed", .bad, .bad)
        case .working: return StateView.badge("being tested", .live, .live)
        case nil: return StateView.badge("made", .calm, .ok)
        }
    }

    private var connect: HTML {
        let kinds = catalog.destinations.map(\.declaration)
        let name = kinds.count == 1 ? kinds[0].displayName : "a destination"
        let target: Place =
            kinds.count == 1
            ? .making(.newConnection(.destination, type: kinds[0].type)) : .making(.kinds(.destination))
        let links: HTML =
            destination.map { known in
                "<a class=\"button\" href=\"\(Place.connection(.destination, known.name).path)\">Look at \(known.name)</a>"
            } ?? "<a class=\"button primary\" href=\"\(target.path)\">Connect \(name)</a>"
        return step(
            "Connect \(name)", state(.destination, destination),
            "You need an API token of a service account. The test says what it may do, and writes nothing.", links)
    }

    private var read: HTML {
        let links: HTML =
            source.map { known in
                """
                <a class="button" href="\(Place.connection(.source, known.name).path)">Look at \(known.name)</a><a class="button\(project.datasets.isEmpty ? " primary" : "")" href="\(Place.making(.newDataset).link([("source", known.name)]))">Choose what to read</a>
                """
            }
            ?? "<a class=\"button\(destination == nil ? "" : " primary")\" href=\"\(Place.making(.kinds(.source)).path)\">Connect a source</a>"
        let names = catalog.sources.map(\.declaration.displayName).joined(separator: " or ")
        return step(
            "Connect a source", state(.source, source),
            "Where your rows are: \(names). Sluice only ever reads it. Then pick a table, or write a query.", links)
    }

    private var sync: HTML {
        let isReady = destination != nil && !project.datasets.isEmpty
        let links: HTML =
            isReady
            ? "<a class=\"button primary\" href=\"\(Place.making(.newSync).path)\">Make the first sync</a>"
            : "<span class=\"nought\">After the first two steps.</span>"
        return step(
            "Make the first sync", .empty,
            "Choose what the rows become and what they are known by; the mapping is proposed. A dry run shows the numbers, then ten records go, then all.",
            links)
    }

    private func sample(_ visitor: Visitor) -> HTML {
        guard hasSample, project.sources.isEmpty, project.destinations.isEmpty else { return .empty }
        return """
            <section class="card aside"><h2>No account at hand?</h2><p>See a sync arrive within a minute: a small database and an account that runs inside this server. Nothing leaves this machine, and it can be deleted like anything else.</p><p class="bar">\(FormView.button("Try with sample data", .making(.sample), visitor, style: "primary"))</p></section>
            """
    }
}

/// Makes the sample: a source, a destination, two datasets and two syncs, and runs the first.
struct Sample: Sendable {
    let site: Site
    let editing: Editing
    let actor: Actor

    func make() async throws -> WebAnswer {
        guard let start = editing.sample else { throw PageFailure.noSuchPage }
        let account = try await start()
        let first = account.firstSync
        if site.project().sync(first) != nil { return .redirect(.sync(first)) }
        for one in account.definitions where try editing.definitions.project().entry(one.kind, one.name) == nil {
            let answer = try editing.definitions.save(one.kind, one.name, yaml: one.text, from: nil, by: actor)
            if case .refused(let problems) = answer, let first = problems.first?.diagnostic {
                throw RunError(code: first.code, message: first.message, hint: first.hint)
            }
        }
        try editing.changed()
        var options = RunOptions()
        options.trigger = "web"
        let number = try await site.engine.start(try site.sync(first), options)
        return .redirect(number.map { .run($0) } ?? .sync(first), [("done", Message.started.rawValue)])
    }
}
