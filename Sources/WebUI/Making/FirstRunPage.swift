internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// After a sync is made: a dry run, a few rows, all of them, a schedule, and the file that says the same.
struct FirstRunPage: Sendable {
    let sync: SyncDefinition
    let yaml: String?
    let plan: BackgroundWork.Progress?
    let last: RunRecord?
    let others: [String]
    let now: Moment
    var words: ScheduleForm
    /// Of the definition that the schedule is changed from; nil where a file has it.
    var revision: Int?
    var problems: [FormProblem] = []

    init(site: Site, _ editing: Editing, _ name: String) throws {
        sync = try site.sync(name)
        revision = try editing.definitions.project().entry(.sync, name)?.record?.revision
        yaml = try editing.definitions.yaml(of: .sync, name)
        plan = site.work.progress(.syncAction(name, .plan))
        last = try site.history.runs(sync: name, limit: 1).first
        others = site.project().syncs.map(\.name).filter { $0 != name }
        words = ScheduleForm(sync.schedule)
        now = site.now
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("First run of \(sync.name)", section: .syncs, visitor: request.visitor)
        layout.trail = [("Syncs", .syncs), (sync.name, .sync(sync.name))]
        layout.message = Message(request.query)
        if case .working = plan { layout.refreshSeconds = 2 }
        layout.lead =
            "<p class=\"lead\">\(sync.dataset.source) to \(sync.destination) \(sync.object), \(Say.behavior(sync.behavior)). Try it before all of it goes.</p>"
        return layout.page(
            """
            \(ProblemsView.html(problems, "The schedule was not saved"))<ol class="ladder">\(dryRun(request.visitor))\(few(request.visitor))\(all(request.visitor))\(schedule(request.visitor))\(file)</ol>
            """)
    }

    private var isPlanned: Bool { if case .done(.plan, _) = plan { true } else { false } }

    private func step(_ title: String, _ isDone: Bool, _ content: HTML) -> HTML {
        let done: HTML = isDone ? " class=\"done\"" : .empty
        let mark = isDone ? StateView.badge("done", .good, .ok) : HTML.empty
        return
            "<li\(done)><section class=\"card\"><div class=\"bar\"><h2>\(title)</h2>\(mark)</div>\(content)</section></li>"
    }

    private func dryRun(_ visitor: Visitor) -> HTML {
        let button: HTML =
            visitor.may(.run)
            ? FormView.button(
                isPlanned ? "Dry run again" : "Dry run", .syncAction(sync.name, .plan), visitor,
                style: isPlanned ? "" : "primary", fields: [("then", "first")]) : .empty
        return step(
            "Dry run", isPlanned,
            """
            <p>Says what a run would do, with examples. Nothing is sent.</p>\(PlanView(progress: plan, showsRows: visitor.may(.seeRows), now: now).html())<p class="bar">\(button)</p>
            """)
    }

    /// None for a sync that does nothing but remove: a run of the first few removes nothing, and is refused.
    private func few(_ visitor: Visitor) -> HTML {
        guard sync.behavior != .delete else { return .empty }
        let button: HTML =
            visitor.may(.run)
            ? FormView.button(
                "Run the first 10", .syncAction(sync.name, .run), visitor,
                style: isPlanned && last == nil ? "primary" : "", fields: [("limit", "10")]) : .empty
        return step(
            "Run the first 10", last != nil,
            "<p>Sends ten records, so that you can look at them over there. Nothing is removed.</p>\(lastRun(isWhole: false))<p class=\"bar\">\(button)</p>"
        )
    }

    /// The last run, at the step that it was.
    private func lastRun(isWhole: Bool) -> HTML {
        guard let last, last.limited != isWhole else { return .empty }
        return """
            <p><a href="\(Place.run(last.id).path)">Run \(last.id)</a> \(StateView.badge(last.state)) \(Wording.counted(last.operations.accepted, "record")) accepted</p>
            """
    }

    /// Whether the last run was of all rows and came to its end; of rows that did not arrive its badge tells.
    private var isThrough: Bool {
        guard let last, !last.limited else { return false }
        return last.state == .succeeded || last.state == .completedWithRejections
    }

    private func all(_ visitor: Visitor) -> HTML {
        let isDone = isThrough && last?.state == .succeeded
        let removes = sync.behavior == .delete
        let isNext = !isThrough && (removes ? isPlanned : last != nil)
        let button: HTML =
            visitor.may(.run)
            ? FormView.button("Run all", .syncAction(sync.name, .run), visitor, style: isNext ? "primary" : "") : .empty
        let what =
            removes
            ? "Removes the records that the rows name. From then on only those of new rows are removed."
            : "Sends every row that is not there yet. From then on only what has changed is sent."
        return step("Run all", isDone, "<p>\(what)</p>\(lastRun(isWhole: true))<p class=\"bar\">\(button)</p>")
    }

    private func schedule(_ visitor: Visitor) -> HTML {
        let isSet = sync.schedule != nil
        guard visitor.may(.edit), let revision else {
            return step("Schedule", isSet, "<p>It runs \(ScheduleWords.schedule(sync.schedule)).</p>")
        }
        let mark: HTML = isThrough && !isSet ? " class=\"primary\"" : .empty
        return step(
            "Schedule", isSet,
            """
            <p>It runs \(ScheduleWords.schedule(sync.schedule)).</p><form method="post" action="\(Place.making(.sync(sync.name, .schedule)).path)">\(FormView.token(visitor))<input type="hidden" name="revision" value="\(revision)">
            \(words.html(others: others, problems: problems))<p class="bar"><button\(mark)>Save schedule</button></p></form>
            """)
    }

    private var file: HTML {
        guard let yaml else { return .empty }
        return """
            <li><section class="card"><h2>The same as a file</h2><p>This is what you have made. Put it into <code>sluice.yaml</code> and commit it when you want it reviewed and versioned; the file then counts. <code>sluice export</code> writes all of it.</p>\(CodeBlock("Definition of \(sync.name)", id: "yaml", style: "code").copied(HTML(yaml)))</section></li>
            """
    }
}
