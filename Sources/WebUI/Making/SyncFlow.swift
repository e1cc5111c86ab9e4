internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// A new sync, step by step. What is chosen stands in the address, so that each step can be gone back to, and no script
/// is needed.
struct SyncFlow: Sendable {
    let site: Site
    let editing: Editing
    let draft: SyncDraft
    private let project: Project
    private let ends: SyncEnds

    init(site: Site, _ editing: Editing, _ draft: SyncDraft) {
        self.site = site
        self.editing = editing
        self.draft = draft
        project = site.project()
        ends = SyncEnds(draft, project, site.catalog)
    }

    static let names = ["Dataset", "Object", "Behavior", "Key", "Mapping"]

    /// The step that is next: the first that nothing is chosen for.
    private var step: Int {
        guard ends.dataset != nil else { return 0 }
        guard let object = ends.object else { return 1 }
        guard let behavior = draft.behavior, object.behaviors.contains(behavior) else { return 2 }
        let isKeyed = behavior == .send || object.key(draft.keyField) != nil
        return isKeyed && !draft.keyColumns.isEmpty ? 4 : 3
    }

    func html(_ request: WebRequest) async throws -> HTML {
        if step == 4 { return try await SyncForm(site: site, editing, draft).html(request) }
        var layout = Layout(Self.question(step), section: .syncs, visitor: request.visitor)
        layout.trail = [("Syncs", .syncs), ("New sync", .making(.newSync))]
        return layout.page("\(Self.way(draft, step))\(try await content(request))")
    }

    private static func question(_ step: Int) -> String {
        switch step {
        case 0: "Which rows are sent?"
        case 1: "What do they become?"
        case 2: "What happens to records?"
        default: "What makes a row and a record the same?"
        }
    }

    /// Where one is, with links back.
    static func way(_ draft: SyncDraft, _ current: Int) -> HTML {
        func without(_ step: Int) -> String {
            draft.link { draft in
                if step <= 0 { draft.from = "" }
                if step <= 1 { draft.to = "" }
                if step <= 2 { draft.behavior = nil }
                if step <= 3 { (draft.keyField, draft.keyColumns, draft.within) = ("", [], "") }
            }
        }
        let steps = names.enumerated().map { index, name in (name, index < current ? without(index) : nil) }
        return StepsView.html(steps, current: current)
    }

    private func content(_ request: WebRequest) async throws -> HTML {
        switch step {
        case 0: datasets
        case 1: objects
        case 2: behaviors
        default: try await keys(request)
        }
    }

    // MARK: Dataset

    private var datasets: HTML {
        let all = project.datasets.values.sorted { $0.name < $1.name }
        let new: HTML =
            "<p class=\"more\"><a class=\"button\" href=\"\(Place.making(.newDataset).path)\">New dataset</a></p>"
        guard !all.isEmpty else {
            return "<p class=\"empty\">There is no dataset yet: say first which table or query is read.</p>\(new)"
        }
        let tiles = all.prefix(100).map { dataset in
            let reads = { if case .table = dataset.relation { dataset.relation.text } else { "a query" } }()
            return TilesView.Tile(
                title: dataset.name, text: "\(dataset.source): \(reads)", target: draft.link { $0.from = dataset.name })
        }
        return "\(TilesView.html(tiles))\(new)"
    }

    // MARK: Object

    private var objects: HTML {
        let all = project.destinations.values.sorted { $0.name < $1.name }
        guard !all.isEmpty else {
            return """
                <p class="empty">There is no destination yet. <a href="\(Place.making(.kinds(.destination)).path)">Connect one</a> first.</p>
                """
        }
        return all.html { destination in
            let objects = site.catalog.destination(destination.type)?.objects ?? []
            let records = objects.filter { $0.behaviors != [.send] }
            let events = objects.filter { $0.behaviors == [.send] }
            return """
                <section><h2>\(destination.name)</h2>\(tiles(records, destination.name))\(events.isEmpty ? .empty : "<h3>Events: sent once, never changed</h3>")\(tiles(events, destination.name))</section>
                """
        }
    }

    private func tiles(_ objects: [DestinationObject], _ destination: String) -> HTML {
        guard !objects.isEmpty else { return .empty }
        return TilesView.html(
            objects.map { object in
                TilesView.Tile(
                    title: object.displayName, text: object.help.isEmpty ? keyWords(object) : object.help,
                    target: draft.link { $0.to = destination + "." + object.name })
            })
    }

    private func keyWords(_ object: DestinationObject) -> String {
        "Known by " + object.keys.map { "`\($0.name)`" }.joined(separator: ", ")
    }

    // MARK: Behavior

    private var behaviors: HTML {
        guard let object = ends.object else { return .empty }
        let rows = object.behaviors.html { behavior -> HTML in
            let effect = BehaviorWords(behavior)
            return """
                <tr><th scope="row"><a class="button" href="\(draft.link { $0.behavior = behavior })">\(effect.name)</a></th><td data-label="Is there already"><div>\(effect.matched)</div></td><td data-label="Is not there"><div>\(effect.unmatched)</div></td><td data-label="Leaves the source"><div>\(effect.vanished)</div></td></tr>
                """
        }
        return """
            <div class="stack choose"><table><caption class="hidden">Behaviors of \(object.displayName)</caption><thead><tr><th scope="col">Behavior</th><th scope="col">The record is there already</th><th scope="col">It is not there</th><th scope="col">The row leaves the source</th></tr></thead><tbody>\(rows)</tbody></table></div>
            """
    }

    // MARK: Key

    private func keys(_ request: WebRequest) async throws -> HTML {
        guard let object = ends.object, let dataset = ends.dataset, let behavior = draft.behavior else { return .empty }
        let columns: [Column]
        do {
            columns = try await SyncForm.columns(site, editing, dataset)
        } catch {
            let failure = RunError(error)
            return ReasonView.box(
                failure.code, "The dataset cannot be read. " + failure.message, failure.hint, tone: "bad")
        }
        var problems: [FormProblem] = []
        if request.query["choose"] != nil {
            problems = [
                FormProblem(
                    behavior == .send ? nil : "column", code: "illegal_key", message: "The key is not complete.",
                    hint: behavior == .send
                        ? "Tick at least one column." : "Choose a field and the column that holds it.")
            ]
        }
        let hidden: HTML = """
            <input type="hidden" name="from" value="\(draft.from)"><input type="hidden" name="to" value="\(draft.to)"><input type="hidden" name="behavior" value="\(behavior.rawValue)"><input type="hidden" name="choose" value="1">
            """
        let body =
            behavior == .send
            ? KeyView.columns(columns, draft) : KeyView(object: object, behavior: behavior, draft: draft).html(columns)
        return """
            \(ProblemsView.html(problems, "One thing is missing"))<form class="card" method="get" action="\(Place.making(.newSync).path)">\(hidden)\(body)<p class="bar"><button class="primary">Next: mapping</button></p></form>
            """
    }
}

/// What a behavior does, in words.
struct BehaviorWords {
    let name, matched, unmatched, vanished: String

    init(_ behavior: Behavior) {
        switch behavior {
        case .updateOrCreate:
            (name, matched, unmatched, vanished) = ("Update or create", "updated", "created", "it stays as it is")
        case .updateOnly:
            (name, matched, unmatched, vanished) = ("Update only", "updated", "left out", "it stays as it is")
        case .createOnly:
            (name, matched, unmatched, vanished) = ("Create only", "left as it is", "created", "it stays as it is")
        case .send:
            (name, matched, unmatched, vanished) = (
                "Send", "not looked for: each row is sent once in the life of the sync", "sent once", "nothing"
            )
        case .mirror:
            (name, matched, unmatched, vanished) = (
                "Mirror", "updated", "created", "it is removed, if this sync has sent it before"
            )
        case .delete: (name, matched, unmatched, vanished) = ("Delete", "removed", "nothing", "nothing")
        }
    }
}

/// The choice of the key: each field that can be one, with what to know of it, and the column.
struct KeyView {
    /// So many columns can be ticked; a dataset may have thousands.
    private static let columnsMax = 100

    let object: DestinationObject
    let behavior: Behavior
    let draft: SyncDraft

    func html(_ columns: [Column]) -> HTML {
        let first = object.keys.first { refusal($0) == nil }?.name
        let chosen = object.key(draft.keyField)?.name ?? first
        let fields = object.keys.html { key -> HTML in
            let no = refusal(key)
            let checked: HTML = key.name == chosen && no == nil ? " checked" : .empty
            let disabled: HTML = no == nil ? .empty : " disabled"
            let id = key.name == first ? "field" : "key-\(key.name)"
            return """
                <li class="radio"><input type="radio" id="\(id)" name="field" value="\(key.name)"\(checked)\(disabled)><label for="\(id)"><code>\(key.name)</code> <span>\(Prose.html(no ?? words(key)))</span></label></li>
                """
        }
        let names = [("", "choose")] + columns.map { ($0.name, "\($0.name) (\($0.type.rawValue))") }
        var column = EntryView("Column that holds it", "column", value: draft.keyColumns.first ?? guess(columns))
        column.help =
            "A value on every row, and on no two rows the same. Rows without one, or with one twice, are not sent and are told."
        let isNested = object.keys.contains { $0.uniqueWithin != nil }
        var within = EntryView("Unique within", "within", value: draft.within)
        within.help =
            "Only if two parents may have the same key: the column that names the parent. Leave it empty otherwise."
        let withinField: HTML =
            isNested ? within.select([("", "everywhere")] + columns.map { ($0.name, $0.name) }) : .empty
        return """
            <fieldset><legend>Field of \(object.displayName)</legend><ul class="radios">\(fields)</ul></fieldset>
            <div class="fields">\(column.select(names))\(withinField)</div>
            """
    }

    private func guess(_ columns: [Column]) -> String {
        (columns.first { $0.name.lowercased() == "id" } ?? columns.first { $0.name.lowercased().hasSuffix("id") })?.name
            ?? ""
    }

    /// Why a field cannot be the key here; nil where it can.
    private func refusal(_ key: KeyField) -> String? {
        guard !key.canCreate, behavior == .createOnly else { return nil }
        return "Cannot be the key here: only the destination gives it out, so nothing can be created by it."
    }

    private func words(_ key: KeyField) -> String {
        var parts: [String] = key.note.isEmpty ? [] : [key.note]
        if key.note.isEmpty, let parent = key.uniqueWithin { parts.append("Unique within one `\(parent)` only.") }
        if !key.canCreate, behavior == .updateOrCreate || behavior == .mirror {
            parts.append("Rows that are not there yet cannot be created by it.")
        }
        if key.ignoresCase { parts.append("Upper and lower case are the same.") }
        return parts.joined(separator: " ")
    }

    /// Where an object is sent, the key only says which row was sent already.
    /// What is chosen is always drawn, also far down or gone from the source: what is not drawn would not be saved.
    static func columns(_ columns: [Column], _ draft: SyncDraft) -> HTML {
        let chosen = draft.keyColumns
        let shown = columns.enumerated().filter { $0.offset < columnsMax || chosen.contains($0.element.name) }
        let gone = chosen.filter { name in !columns.contains { $0.name == name } }
        let boxes = shown.map { ($0.element.name, $0.element.type.rawValue) } + gone.map { ($0, "(gone)") }
        let items = boxes.enumerated().html { index, box -> HTML in
            let (name, note) = box
            let isChosen = chosen.isEmpty ? name.lowercased() == "id" : chosen.contains(name)
            let checked: HTML = isChosen ? " checked" : .empty
            return """
                <li class="radio"><input type="checkbox" id="c\(index)" name="column" value="\(name)"\(checked)><label for="c\(index)"><code>\(name)</code> <span>\(note)</span></label></li>
                """
        }
        return """
            <fieldset><legend>Columns that together tell one row from every other</legend><p class="hint">A row is sent once. It is known again by these, and never sent a second time.</p><ul class="radios">\(items)</ul></fieldset>
            """
    }
}
