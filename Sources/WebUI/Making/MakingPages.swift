internal import ProjectConfig
internal import Runner
internal import StateStore

/// Which page answers which address of the forms that define things.
struct MakingPages: Sendable {
    let site: Site
    let request: WebRequest

    func answer(_ making: Making) async throws -> WebAnswer {
        let editing = try site.needEditing()
        switch making {
        case .start: return page(try StartPage(site: site).html(request))
        case .kinds(let end): return page(KindsPage(site: site, end: end).html(request))
        case .newConnection(let end, let type):
            return page(try ConnectionForm(editing, end, type: type, site.catalog).html(request))
        case .connection(let end, let name, .edit):
            return page(try ConnectionForm(editing, end, name: name, site.catalog).html(request))
        case .connection(let end, let name, .delete):
            return page(try RemovalPage(editing, ConnectionForm.kind(end), name).html(request))
        case .datasetDeed(let name, .delete): return page(try RemovalPage(editing, .dataset, name).html(request))
        case .sync(let name, .delete): return page(try RemovalPage(editing, .sync, name).html(request))
        case .newDataset:
            var draft = DatasetDraft(request.query)
            // A link runs no query: only the form, with its token, does.
            draft.sql = ""
            return page(try await DatasetForm(site: site, editing, draft).html(request))
        case .datasetDeed(let name, .edit):
            let draft = try DatasetDraft(editing, name: name)
            return page(try await DatasetForm(site: site, editing, draft).html(request))
        case .newSync: return page(try await SyncFlow(site: site, editing, SyncDraft(request.query)).html(request))
        case .sync(let name, .edit):
            let draft = try SyncDraft(editing, name: name)
            return page(try await SyncForm(site: site, editing, draft).html(request))
        case .sync(let name, .first), .sync(let name, .schedule):
            return page(try FirstRunPage(site: site, editing, name).html(request))
        case .connection(let end, let name, _): return .redirect(.connection(end, name))
        case .datasetDeed(let name, _): return .redirect(.making(.dataset(name)))
        case .sync(let name, _): return .redirect(.sync(name))
        case .datasets, .dataset, .sample: return .redirect(.making(.start))
        }
    }

    private func page(_ html: HTML) -> WebAnswer { WebAnswer(.page(html)) }
}

extension Site {
    /// Throws where nothing can be defined in these pages.
    func needEditing() throws -> Editing {
        if let editing { return editing }
        throw PageFailure(
            .missing, code: "page_not_found", message: "Things are defined in the project file only here.",
            hint: "Start the server with sluice serve to define them in the pages.")
    }
}

extension Editing {
    /// The definition of that name, which was made in the pages. Throws where it is of a file, or not there.
    func made(_ kind: DefinitionKind, _ name: String) throws -> DefinedProject.Entry {
        guard let entry = try definitions.project().entry(kind, name) else {
            throw PageFailure(
                .missing, code: "unknown_\(kind.rawValue)", message: "There is no \(kind.rawValue) \(name).",
                hint: "It may have been renamed or removed.")
        }
        guard entry.isEditable else {
            throw PageFailure(
                .conflict, code: "defined_in_file",
                message: "The \(kind.rawValue) \(name) is defined at \(entry.part.location).",
                hint: "It is changed there.")
        }
        return entry
    }

    /// After a change: the project is in force as it is now, and nothing is believed of what others said before.
    func changed() throws {
        known.forget()
        try reload()
    }
}

/// Asks before a definition is removed, or says why it can not be.
struct RemovalPage: Sendable {
    let kind: DefinitionKind
    let name: String
    let revision: Int
    let users: [(String, Place)]

    init(_ editing: Editing, _ kind: DefinitionKind, _ name: String) throws {
        self.kind = kind
        self.name = name
        revision = try editing.made(kind, name).record?.revision ?? 0
        users = DefinitionUse.users(of: kind, name, in: try editing.definitions.project().project)
    }

    var place: Place { MakingForms.page(kind, name) }

    private var action: Place {
        switch kind {
        case .source: .making(.connection(.source, name, .delete))
        case .destination: .making(.connection(.destination, name, .delete))
        case .dataset: .making(.datasetDeed(name, .delete))
        case .sync: .making(.sync(name, .delete))
        }
    }

    func html(_ request: WebRequest, problems: [FormProblem] = []) -> HTML {
        var layout = Layout("Delete \(name)", visitor: request.visitor)
        layout.trail = [(name, place)]
        let wrong = ProblemsView.html(problems, "It was not deleted")
        guard users.isEmpty else {
            let list = users.html { name, place in "<li><a href=\"\(place.path)\">\(name)</a></li>" }
            return layout.page(
                """
                \(wrong)<section class="card narrow"><p><strong>\(name)</strong> cannot be deleted while these use it:</p><ul>\(list)</ul>
                <p class="bar"><a href="\(place.path)">Leave it as it is</a></p></section>
                """)
        }
        let what: HTML =
            kind == .sync
            ? "Nothing is removed at the destination. What is known of it stays: make a sync of the same name, and it goes on from there."
            : kind == .dataset
                ? "No data is touched." : "Its secrets are removed with it. Nothing at the other side is touched."
        return layout.page(
            """
            \(wrong)<section class="card narrow"><p>Delete the \(kind.rawValue) <strong>\(name)</strong>? \(what)</p>
            <form method="post" action="\(action.path)">\(FormView.token(request.visitor))<input type="hidden" name="revision" value="\(revision)">
            <p class="bar"><button class="danger">Delete \(name)</button> <a href="\(place.path)">Leave it as it is</a></p></form></section>
            """)
    }
}

/// What uses what.
enum DefinitionUse {
    static func users(of kind: DefinitionKind, _ name: String, in project: Project) -> [(String, Place)] {
        switch kind {
        case .source:
            let datasets = project.datasets.values.filter { $0.source == name }.map(\.name).sorted()
            let inline = project.syncs.filter { $0.dataset.source == name && project.datasets[$0.dataset.name] == nil }
            return datasets.map { ($0, .making(.dataset($0))) } + inline.map { ($0.name, .sync($0.name)) }
        case .destination: return syncs(project.syncs.filter { $0.destination == name })
        case .dataset: return syncs(project.syncs.filter { $0.dataset.name == name })
        case .sync:
            return syncs(
                project.syncs.filter { sync in
                    if case .after(let names) = sync.schedule?.trigger { return names.contains(name) }
                    return false
                })
        }
    }

    private static func syncs(_ syncs: [SyncDefinition]) -> [(String, Place)] {
        syncs.map { ($0.name, .sync($0.name)) }
    }
}
