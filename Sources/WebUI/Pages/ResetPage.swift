internal import ProjectConfig
internal import Runner

/// Asks before a sync forgets what it believes: the name has to be typed.
struct ResetPage: Sendable {
    let sync: String
    /// Nil where the state is damaged, which a reset forgets too.
    let known: Int?
    private let isOrphan: Bool

    init(site: Site, _ name: String) throws {
        isOrphan = try site.isOrphan(name)
        sync = isOrphan ? name : try site.sync(name).name
        known = try ResetState(sync, environment: site.environment).knownCountIfWhole()
    }

    func html(_ request: WebRequest, problem: String?) -> HTML {
        var layout = Layout("Reset \(sync)", section: .syncs, visitor: request.visitor)
        layout.trail = [("Syncs", .syncs), (sync, .sync(sync))]
        let wrong: HTML? = problem.map { text in
            "<p class=\"notice bad\" role=\"alert\" id=\"wrong\"><a href=\"#name\">\(text)</a></p>"
        }
        let believed =
            known.map {
                "\(Wording.counted($0, "record")) \($0 == 1 ? "is" : "are") believed to be at the destination."
            }
            ?? "The state of this sync is damaged, so that nobody knows which records it has sent."
        let after: HTML =
            isOrphan
            ? "Forget them, and a sync that takes this name, or takes it over, begins anew with every row of its source."
            : "Forget them, and the next run sends every row of the source again."
        let trial: HTML = isOrphan ? .empty : trial(request.visitor)
        return layout.page(
            """
            \(wrong)<section class="card narrow"><p>\(believed) \(after) Nothing is removed at the destination.</p>\(trial)
            <form method="post" action="\(Place.syncAction(sync, .reset).path)">\(FormView.token(request.visitor))
            \(FormView.input("Type the name of the sync to confirm", name: "name", hint: sync, attributes: " autocomplete=\"off\" required"))
            <p class="bar"><button class="danger">Forget and start over</button> <a href="\(Place.sync(sync).path)">Leave it as it is</a></p></form></section>
            """)
    }

    /// What the form of a dry run says so that it is made as after a reset.
    static let asReset = "as_reset"

    /// How many that would be can be seen before.
    private func trial(_ visitor: Visitor) -> HTML {
        """
        <p>A dry run as after a reset shows how many that would be, and sends nothing.</p>\(FormView.button("Dry run as after a reset", .syncAction(sync, .plan), visitor, fields: [(Self.asReset, "1")]))
        """
    }
}
