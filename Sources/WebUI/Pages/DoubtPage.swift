internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// Asks before all records of a sync that are in doubt are decided in one go: they arrived, or they are sent again.
struct DoubtPage: Sendable {
    /// What the form says instead of keys.
    static let all = "in_doubt"

    let sync: String
    let destination: String
    let action: Place.SyncAction
    let count: Int
    /// The last run that names any of them.
    private let run: RunRecord?

    init(site: Site, _ name: String, _ action: Place.SyncAction) throws {
        let definition = try site.sync(name)
        (sync, destination, self.action) = (name, definition.destination, action)
        count = try RecordsInDoubt(sync: name, environment: site.environment).count
        run = try site.history.runs(sync: name, limit: SyncPage.runsMax)
            .first { $0.operations.inDoubt + $0.rows.held > 0 }
    }

    func html(_ request: WebRequest, problem: String? = nil) -> HTML {
        var layout = Layout("Records of \(sync) in doubt", section: .syncs, visitor: request.visitor)
        layout.trail = [("Syncs", .syncs), (sync, .sync(sync))]
        guard count > 0 else {
            return layout.page("<p class=\"empty\">No record of this sync is in doubt.</p>")
        }
        let wrong: HTML? = problem.map { text in "<p class=\"notice bad\" role=\"alert\">\(text)</p>" }
        layout.lead = """
            <p class="lead">\(Wording.counted(count, "record")) may have arrived or not: the request that carried \(count == 1 ? "it" : "them") got no complete answer.</p>
            """
        return layout.page(
            """
            \(wrong)<section class="card narrow"><h2>\(action == .confirm ? "They arrived" : "Send them again")</h2>
            <p>\(action == .confirm ? DoubtView.confirming : DoubtView.resending)</p>\(looks)
            <form method="post" action="\(Place.syncAction(sync, action).path)">\(FormView.token(request.visitor))<input type="hidden" name="which" value="\(Self.all)"><input type="hidden" name="count" value="\(count)">
            <p class="bar"><button class="\(action == .confirm ? "primary" : "danger")">\(button)</button> <a href="\(Place.sync(sync).path)">Leave it as it is</a></p></form></section>
            <p class="more"><a href="\(other.target)">\(other.label)</a></p>
            """)
    }

    private var button: String {
        if action == .confirm { return count == 1 ? "The one arrived" : "All \(count) arrived" }
        return count == 1 ? "Send the one again" : "Send all \(count) again"
    }

    /// Where to look before that.
    private var looks: HTML {
        let named: HTML? = run.map { run in
            let kind = run.operations.inDoubt > 0 ? OutcomeKind.inDoubt : .held
            let target = Place.records(run: run.id).link([("outcome", kind.rawValue)])
            return " <a href=\"\(target)\">Run \(run.id) names them.</a>"
        }
        return """
            <p>Look first: <a href="\(Place.connection(.destination, destination).path)">\(destination)</a> knows.\(named)</p>
            """
    }

    private var other: (target: String, label: String) {
        action == .confirm
            ? (Place.syncAction(sync, .resend).path, "They did not arrive: send them again…")
            : (Place.syncAction(sync, .confirm).path, "They arrived after all…")
    }
}
