internal import ProjectConfig
internal import Runner

/// Asks before a sync forgets what it believes: the name has to be typed.
struct ResetPage: Sendable {
    let sync: String
    let known: Int

    init(site: Site, _ name: String) throws {
        sync = try site.sync(name).name
        known = try ResetState(try site.sync(name), environment: site.environment).knownCount()
    }

    func html(_ request: WebRequest, problem: String?) -> HTML {
        var layout = Layout("Reset \(sync)", section: .syncs, visitor: request.visitor)
        layout.trail = [("Syncs", .syncs), (sync, .sync(sync))]
        let wrong: HTML? = problem.map { text in
            "<p class=\"notice bad\" role=\"alert\" id=\"wrong\"><a href=\"#name\">\(text)</a></p>"
        }
        let verb = known == 1 ? "is" : "are"
        return layout.page(
            """
            \(wrong)<section class="card narrow"><p>\(Wording.counted(known, "record")) \(verb) believed to be at the destination. Forget them, and the next run sends every row of the source again. Nothing is removed at the destination.</p>
            <p>A dry run of a full run shows how many that would be: <code>sluice plan \(sync) --full</code>.</p>
            <form method="post" action="\(Place.syncAction(sync, .reset).path)">\(FormView.token(request.visitor))
            \(FormView.input("Type the name of the sync to confirm", name: "name", hint: sync, attributes: " autocomplete=\"off\" required"))
            <p class="bar"><button class="danger">Forget and start over</button> <a href="\(Place.sync(sync).path)">Leave it as it is</a></p></form></section>
            """)
    }
}
