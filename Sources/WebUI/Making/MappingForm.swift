internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// The mapping as a form.
struct MappingForm: Sendable {
    /// More options than this make the page heavy; the column is then typed, with a list to pick from.
    static let optionsMax = 500

    let model: SyncForm.Model

    private var draft: SyncDraft { model.draft }
    private var object: DestinationObject { model.object }

    private var place: Place { draft.existing.map { .making(.sync($0, .edit)) } ?? .making(.newSync) }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout(
            draft.existing.map { "Edit \($0)" } ?? "What goes where?", section: .syncs, visitor: request.visitor)
        layout.trail =
            draft.existing.map { [("Syncs", .syncs), ($0, .sync($0))] } ?? [
                ("Syncs", .syncs), ("New sync", .making(.newSync)),
            ]
        let way: HTML = draft.existing == nil ? SyncFlow.way(draft, 4) : .empty
        let revision: HTML =
            draft.revision.map { "<input type=\"hidden\" name=\"revision\" value=\"\($0)\">" } ?? .empty
        let cancel = draft.existing.map { Place.sync($0) } ?? .syncs
        let rename: HTML? = draft.existing.flatMap { name in
            draft.revision.map { RenameView.html(name, .making(.sync(name, .rename)), $0, request.visitor) }
        }
        return layout.page(
            """
            \(way)\(ProblemsView.html(draft.problems, draft.problems.count == 1 ? "One thing is not right yet" : "\(draft.problems.count) things are not right yet"))\(warnings)
            <form method="post" action="\(place.path)" class="mapping">\(FormView.token(request.visitor))\(revision)\(head)
            \(rows)\(lists)
            <p class="bar"><button name="do" value="show">Check and show rows</button><button name="do" value="add">More lines</button><button name="do" value="refresh">Refresh fields</button></p>\(discovery)
            \(samples)
            <p class="bar"><button name="do" value="save" class="primary">Save sync</button> <a href="\(cancel.path)">Cancel</a></p></form>\(fields)\(rename)
            """)
    }

    private var warnings: HTML {
        guard !draft.warnings.isEmpty else { return .empty }
        let items = draft.warnings.prefix(10).html { warning in
            "<li>\(Prose.sentence(warning.message))<span class=\"do\">\(Prose.sentence(warning.hint))</span></li>"
        }
        return "<section class=\"notice part wrong\"><h2>Worth a look</h2><ul>\(items)</ul></section>"
    }

    // MARK: What was chosen before

    private var head: HTML {
        draft.existing == nil ? chosen : changeable
    }

    private var chosen: HTML {
        var name = EntryView("Name of the sync", "name", value: draft.name)
        name.problems = draft.problems
        name.isRequired = true
        let columns = draft.keyColumns.html { "<input type=\"hidden\" name=\"column\" value=\"\($0)\">" }
        let effect = draft.behavior.map { BehaviorWords($0).name } ?? ""
        let keyed: HTML =
            draft.keyField.isEmpty
            ? "<code>\(draft.keyColumns.joined(separator: ", "))</code>"
            : "<code>\(draft.keyColumns.first ?? "")</code> → <code>\(draft.keyField)</code>\(draft.within.isEmpty ? "" : " within \(draft.within)")"
        return """
            <input type="hidden" name="from" value="\(draft.from)"><input type="hidden" name="to" value="\(draft.to)"><input type="hidden" name="behavior" value="\(draft.behavior?.rawValue ?? "")"><input type="hidden" name="field" value="\(draft.keyField)">\(columns)<input type="hidden" name="within" value="\(draft.within)">
            <div class="card"><div class="fields">\(name.text())<dl class="said"><dt>Sync</dt><dd>\(draft.from) → \(draft.to)</dd><dt>Behavior</dt><dd>\(effect)</dd><dt>Key</dt><dd>\(keyed)</dd></dl></div></div>
            """
    }

    /// A sync that there is: dataset and object stay; behavior and key can be changed.
    private var changeable: HTML {
        var behavior = EntryView("Behavior", "behavior", value: draft.behavior?.rawValue ?? "")
        behavior.problems = draft.problems
        let behaviors = behavior.select(object.behaviors.map { ($0.rawValue, BehaviorWords($0).name) })
        guard draft.behavior != .send else {
            return
                "<div class=\"card\"><div class=\"fields\">\(behaviors)</div>\(KeyView.columns(model.columns, draft))</div>"
        }
        var field = EntryView("Key: field of \(object.displayName)", "field", value: draft.keyField)
        field.help = "Another key makes every row new."
        field.problems = draft.problems
        var column = EntryView("Column that holds it", "column", value: draft.keyColumns.first ?? "")
        column.problems = draft.problems
        var within = EntryView("Unique within", "within", value: draft.within)
        within.problems = draft.problems
        let hasWithin = object.keys.contains { $0.uniqueWithin != nil }
        let withinField: HTML = hasWithin ? within.select([("", "everywhere")] + names(draft.within)) : .empty
        return """
            <div class="card"><div class="fields">\(behaviors)\(field.select(object.keys.map { ($0.name, $0.name) }))\(column.select(names(draft.keyColumns.first ?? "")))\(withinField)</div></div>
            """
    }

    /// The columns, and one that is gone but still chosen.
    private func names(_ chosen: String) -> [(value: String, label: String)] {
        let known = model.columns.map { ($0.name, $0.name) }
        return chosen.isEmpty || known.contains { $0.0 == chosen } ? known : known + [(chosen, "\(chosen) (gone)")]
    }

    // MARK: The rows

    private var isHeavy: Bool { (model.columns.count + 2) * draft.rows.count > Self.optionsMax }

    private var rows: HTML {
        let body = draft.rows.enumerated().html { index, row in self.row(index, row) }
        return """
            <div class="stack maps"><table><caption class="hidden">Mapping</caption><thead><tr><th scope="col">Field of \(object.displayName)</th><th scope="col">From</th><th scope="col">How</th><th scope="col">First rows, as sent</th></tr></thead><tbody>\(body)</tbody></table><input type="hidden" name="rows" value="\(draft.rows.count)"></div>
            """
    }

    private func row(_ index: Int, _ row: SyncDraft.Row) -> HTML {
        let own = draft.problems.filter { $0.input == "m\(index)-from" || $0.input == "m\(index)-field" }
        let wrong = own.html { problem in
            "<span class=\"said\">\(IconView.icon(.bad))<span>\(Prose.sentences(problem))</span></span>"
        }
        let wrongLine: HTML = own.isEmpty ? .empty : "<div id=\"wrong-m\(index)\">\(wrong)</div>"
        let invalid: HTML = own.isEmpty ? .empty : " class=\"invalid\""
        let described: HTML = own.isEmpty ? .empty : " aria-invalid=\"true\" aria-describedby=\"wrong-m\(index)\""
        let field = model.field(row.field)
        let type: HTML =
            field.map { field -> HTML in
                let need: HTML = field.isRequiredOnCreate ? " <span class=\"need\">needed by new ones</span>" : .empty
                return "<span class=\"detail\">\(field.type.word)\(need)</span>"
            } ?? .empty
        return """
            <tr\(invalid)><th scope="row"><input id="m\(index)-field" name="m\(index)-field" value="\(row.field)" list="fields" aria-label="Field \(index + 1)" placeholder="field" spellcheck="false" autocomplete="off"\(described)>\(type)</th><td data-label="From"><div>\(from(index, row, field))\(wrongLine)</div></td><td data-label="How"><div>\(how(index, row, field))</div></td><td data-label="As sent"><div>\(values(row))</div></td></tr>

            """
    }

    private func from(_ index: Int, _ row: SyncDraft.Row, _ field: DestinationField?) -> HTML {
        let id = "m\(index)-from"
        let column = model.columns.first { $0.name == row.from }
        let fits = column.map { column in field.map { Suggestions.suits(column.type, $0.type) } ?? true } ?? true
        let type: HTML =
            column.map { "<span class=\"detail\">\($0.type.rawValue)\(fits ? "" : ": hardly fits")</span>" } ?? .empty
        if isHeavy {
            return """
                <input id="\(id)" name="\(id)" value="\(row.from)" list="columns" aria-label="Column for \(row.field)" placeholder="column" autocomplete="off" spellcheck="false">\(type)
                """
        }
        let options =
            [("", "nothing"), (SyncDraft.constant, "the same for all…")]
            + names(row.from == SyncDraft.constant ? "" : row.from)
        return """
            <select id="\(id)" name="\(id)" aria-label="Column for \(row.field.isEmpty ? "line \(index + 1)" : row.field)">\(EntryView.options(options, row.from))</select>\(type)
            """
    }

    private func how(_ index: Int, _ row: SyncDraft.Row, _ field: DestinationField?) -> HTML {
        var html = HTML.empty
        if row.from == SyncDraft.constant {
            return """
                <input id="m\(index)-constant" name="m\(index)-constant" value="\(row.constant)" aria-label="Value of \(row.field)" placeholder="value"\(choices(field))>
                """
        }
        if case .reference(let object, let forms) = field?.type { html += lookup(index, row, object, forms) }
        if case .referenceList(let object, let forms) = field?.type { html += lookup(index, row, object, forms) }
        guard !row.from.isEmpty, draft.behavior != .send else { return html }
        let options = [("", "empty clears it"), ("skip", "empty changes nothing")]
        return html + """
            <select id="m\(index)-nulls" name="m\(index)-nulls" aria-label="Empty values of \(row.field)">\(EntryView.options(options, row.skipsNulls ? "skip" : ""))</select>
            """
    }

    private func lookup(_ index: Int, _ row: SyncDraft.Row, _ object: String, _ forms: [ReferenceForm]) -> HTML {
        let options = forms.map { form in
            form.lookup.map { ($0, "holds \(Self.word(object)) \($0)") } ?? ("", "holds the id itself")
        }
        return """
            <select id="m\(index)-lookup" name="m\(index)-lookup" aria-label="What the column for \(row.field) holds">\(EntryView.options(options, row.lookup))</select>
            """
    }

    private static func word(_ object: String) -> String { "the " + object.replacing("_", with: " ") + "'s" }

    private func choices(_ field: DestinationField?) -> HTML {
        guard case .choice(let words) = field?.type, !words.isEmpty else { return .empty }
        return " title=\"One of: \(words.prefix(20).joined(separator: ", "))\""
    }

    private func values(_ row: SyncDraft.Row) -> HTML {
        guard row.isMapped else { return .empty }
        let name = model.object.field(row.field)?.name ?? row.field
        return model.samples.html { sample in
            let text = sample.reason == nil ? sample.values[name] ?? sample.values[row.field] : nil
            return text.map { "<code class=\"cut\">\(ReasonView.cut($0, 40))</code>" }
                ?? "<span class=\"nought cut\">–</span>"
        }
    }

    /// Names to pick from while typing.
    private var lists: HTML {
        let fields = (object.fields.filter(\.isWritable) + model.discovered).prefix(300)
        let columns: HTML =
            isHeavy
            ? "<datalist id=\"columns\">\(([SyncDraft.constant] + model.columns.map(\.name)).html { "<option value=\"\($0)\"></option>" })</datalist>"
            : .empty
        return
            "<datalist id=\"fields\">\(fields.html { "<option value=\"\($0.name)\"></option>" })</datalist>\(columns)"
    }

    // MARK: Below the rows

    private var discovery: HTML {
        if let problem = model.discoveryProblem {
            return ReasonView.box(
                problem.code, "The account's own fields cannot be listed. " + problem.message, problem.hint,
                tone: "part")
        }
        guard let under = object.acceptsUnknownFieldsUnder else { return .empty }
        let count = model.discovered.count
        let known: HTML =
            count == 0
            ? "The account has no fields of its own for this object."
            : "\(count) of the account's own fields are known, written <code>\(under).Name</code>."
        return """
            <p class="hint">\(known) One that was made a moment ago shows after <em>Refresh fields</em>.</p>
            """
    }

    private var unused: [String] {
        let used = Set(draft.rows.map(\.from) + draft.keyColumns + [draft.within])
        return model.columns.map(\.name).filter { !used.contains($0) }
    }

    private var samples: HTML {
        if let problem = model.sampleProblem {
            return ReasonView.box(
                problem.code, "The first rows cannot be shown. " + problem.message, problem.hint, tone: "part")
        }
        let refused = model.samples.compactMap(\.reason)
        let boxes = refused.prefix(1).html {
            ReasonView.box($0.code, "A first row would not be sent. " + $0.message, $0.hint, tone: "part")
        }
        let rest: HTML =
            unused.isEmpty
            ? .empty
            : "<p class=\"hint\">Not used: \(unused.prefix(30).html { "<code>\($0)</code> " })\(unused.count > 30 ? "and \(unused.count - 30) more" : "")</p>"
        return boxes + rest
    }

    /// Every field there is, for reading.
    private var fields: HTML {
        let all = (object.fields.filter(\.isWritable) + model.discovered).prefix(90)
        let rows = all.html { field in
            """
            <tr><th scope="row"><code>\(field.name)</code></th><td>\(field.type.word)\(field.isRequiredOnCreate ? ", needed by new ones" : "")</td><td>\(Prose.html(ReasonView.cut(field.help, 120)))</td></tr>

            """
        }
        return """
            <section><details><summary>All \(object.fields.filter(\.isWritable).count + model.discovered.count) fields of \(object.displayName)</summary><div class="scroll" role="region" aria-label="Fields" tabindex="0"><table><caption class="hidden">Fields of \(object.displayName)</caption><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">What it is</th></tr></thead><tbody>\(rows)</tbody></table></div></details></section>
            """
    }
}
