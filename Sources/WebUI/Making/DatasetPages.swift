internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// What is read: every dataset with its source and the syncs that read it.
struct DatasetsPage: Sendable {
    static let shownMax = 200

    private let project: Project
    private let defined: DefinedProject?

    init(site: Site) throws {
        project = site.project()
        defined = try site.editing?.definitions.project()
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout("Datasets", section: .datasets, visitor: request.visitor)
        layout.message = Message(request.query)
        layout.lead = "<p class=\"lead\">A dataset says which rows of a source are read: a table, or a query.</p>"
        if defined != nil, request.visitor.may(.edit) {
            layout.beside =
                "<div class=\"actions\"><a class=\"button primary\" href=\"\(Place.making(.newDataset).path)\">New dataset</a></div>"
        }
        var table = TableView(
            "Datasets",
            [
                TableView.Column("Name"), TableView.Column("Source"), TableView.Column("Reads"),
                TableView.Column("Used by"), TableView.Column("Defined in"),
            ])
        table.isCaptionHidden = true
        table.isStacked = true
        table.empty = "There is none yet. A dataset is what a sync reads: make one from a table of a source."
        let datasets = project.datasets.values.sorted { $0.name < $1.name }.prefix(Self.shownMax)
        return layout.page(table.html(datasets.map { row($0) }))
    }

    var body: [String: [DatasetBody]] {
        let datasets = project.datasets.values.sorted { $0.name < $1.name }
        return ["datasets": datasets.map { DatasetBody($0, in: project) }]
    }

    private func row(_ dataset: DatasetDefinition) -> [HTML] {
        let syncs = DefinitionUse.users(of: .dataset, dataset.name, in: project).map(\.0)
        let entry = defined?.entry(.dataset, dataset.name)
        return [
            "<a class=\"name\" href=\"\(Place.making(.dataset(dataset.name)).path)\">\(dataset.name)</a>",
            "<a href=\"\(Place.connection(.source, dataset.source).path)\">\(dataset.source)</a>",
            Self.reads(dataset.relation), ConnectionPage.links(syncs),
            entry?.isEditable == true ? "these pages" : HTML("\(dataset.location.file):\(dataset.location.line)"),
        ]
    }

    static func reads(_ relation: Relation) -> HTML {
        switch relation {
        case .table: "<code>\(relation.text)</code>"
        case .query(let sql): "<span class=\"detail\">query</span><code>\(ReasonView.cut(oneLine(sql), 80))</code>"
        }
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

/// A dataset for programs.
struct DatasetBody: Encodable {
    struct ColumnBody: Encodable {
        var name: String
        var type: String
    }

    var name: String
    var source: String
    var table: String?
    var sql: String?
    var syncs: [String]
    /// These three on the page of one dataset only.
    var columns: [ColumnBody]?
    var firstRows: [[String?]]?
    var count: Int?

    private enum CodingKeys: String, CodingKey {
        case name, source, table, sql, syncs, columns, count
        case firstRows = "first_rows"
    }

    init(_ dataset: DatasetDefinition, in project: Project) {
        name = dataset.name
        source = dataset.source
        switch dataset.relation {
        case .table: table = dataset.relation.text
        case .query(let text): sql = text
        }
        syncs = DefinitionUse.users(of: .dataset, dataset.name, in: project).map(\.0)
    }
}

/// One dataset with its first rows.
struct DatasetPage: Sendable {
    /// More rows are not counted.
    static let countMax = 1_000_000

    let dataset: DatasetDefinition
    let entry: DefinedProject.Entry?
    let canDefine: Bool
    let syncs: [String]
    let sample: Sampled
    /// How many rows there are; nil where nobody asked.
    private let counted: Result<(rows: Int, isAll: Bool), RunError>?
    private let project: Project
    let now: Moment

    init(site: Site, _ name: String, _ query: Fields) async throws {
        let project = site.project()
        guard let dataset = project.datasets[name] else {
            throw PageFailure(
                .missing, code: "unknown_dataset", message: "There is no dataset \(name).",
                hint: "The page of datasets lists them.")
        }
        self.dataset = dataset
        canDefine = site.editing != nil
        entry = try site.editing?.definitions.project().entry(.dataset, name)
        syncs = DefinitionUse.users(of: .dataset, name, in: project).map(\.0)
        sample = await Sampled.read(site, source: dataset.source, dataset.relation)
        counted = query["count"] == nil ? nil : await Self.count(site, dataset)
        self.project = project
        now = site.now
    }

    private static func count(
        _ site: Site, _ dataset: DatasetDefinition
    ) async -> Result<(rows: Int, isAll: Bool), RunError> {
        do {
            let connection = try site.connections().source(named: dataset.source)
            let relation = dataset.relation
            return .success(
                try await KnownMetadata.patiently {
                    try await ReadSample(connection).count(of: relation, max: countMax)
                })
        } catch {
            return .failure(RunError(error))
        }
    }

    private var countView: HTML {
        switch counted {
        case nil:
            let link = Place.making(.dataset(dataset.name)).link([("count", "rows")])
            return "<p class=\"detail\"><a href=\"\(link)\" rel=\"nofollow\">Count the rows</a></p>"
        case .success(let count):
            let more: HTML = count.isAll ? .empty : "at least "
            return "<p class=\"detail\">It has \(more)\(Wording.counted(count.rows, "row")).</p>"
        case .failure(let error): return ReasonView.box(error.code, error.message, error.hint, tone: "part")
        }
    }

    var body: DatasetBody {
        var body = DatasetBody(dataset, in: project)
        if case .rows(let rows) = sample {
            body.columns = rows.columns.map { DatasetBody.ColumnBody(name: $0.name, type: $0.type.rawValue) }
            body.firstRows = rows.rows
        }
        if case .success(let count) = counted, count.isAll { body.count = count.rows }
        return body
    }

    func html(_ request: WebRequest) -> HTML {
        var layout = Layout(dataset.name, section: .datasets, visitor: request.visitor)
        layout.trail = [("Datasets", .making(.datasets))]
        layout.message = Message(request.query)
        layout.lead = """
            <p class="lead">Reads \(DatasetsPage.reads(dataset.relation)) of <a href="\(Place.connection(.source, dataset.source).path)">\(dataset.source)</a>, used by \(ConnectionPage.links(syncs))</p>\(ReadingWords.html(dataset))\(origin)\(countView)
            """
        if canDefine, request.visitor.may(.edit) {
            let sync = Place.making(.newSync).link([("from", dataset.name)])
            let own: HTML =
                entry?.isEditable == true
                ? """
                <a class="button" href="\(Place.making(.datasetDeed(dataset.name, .edit)).path)">Edit</a><a class="button" href="\(Place.making(.datasetDeed(dataset.name, .delete)).path)">Delete…</a>
                """ : .empty
            layout.beside =
                "<div class=\"actions\"><a class=\"button primary\" href=\"\(sync)\">New sync from it</a>\(own)</div>"
        }
        let query: HTML
        if case .query(let sql) = dataset.relation {
            query = "<section><h2>Query</h2>\(CodeBlock("Query", style: "code").html(HTML(sql)))</section>"
        } else {
            query = .empty
        }
        return layout.page("\(query)<section><h2>First rows</h2>\(sample.html())</section>")
    }

    private var origin: HTML {
        if let record = entry?.record {
            return """
                <p class="detail">Made in these pages, last changed \(TimeView.time(record.changedAt, now: now)) by \(record.changedBy).</p>
                """
        }
        return """
            <p class="detail">Defined in <code>\(dataset.location.file)</code>, line \(dataset.location.line), and changed there.</p>
            """
    }
}

/// Makes or changes a dataset: a source, then a table of it or a query, with the first rows.
struct DatasetForm: Sendable {
    /// A source may have thousands of tables: so many are listed, and a search finds the others.
    static let tablesMax = 60

    let site: Site
    let editing: Editing
    let draft: DatasetDraft

    init(site: Site, _ editing: Editing, _ draft: DatasetDraft) {
        self.site = site
        self.editing = editing
        self.draft = draft
    }

    private var place: Place {
        draft.existing.map { .making(.datasetDeed($0, .edit)) } ?? .making(.newDataset)
    }

    func html(_ request: WebRequest) async throws -> HTML {
        var layout = Layout(
            draft.existing.map { "Edit \($0)" } ?? "New dataset", section: .datasets, visitor: request.visitor)
        layout.trail = [("Datasets", .making(.datasets))]
        let sources = site.project().sources.values.sorted { $0.name < $1.name }
        guard sources.contains(where: { $0.name == draft.source }) else { return layout.page(choose(sources)) }
        layout.lead =
            "<p class=\"lead\">Of <a href=\"\(Place.connection(.source, draft.source).path)\">\(draft.source)</a>: pick a table, or write a query.</p>"
        var sample = HTML.empty
        var columns: [Column] = []
        if let relation = draft.relation {
            try site.gate.note(.rowsSeen, by: request.visitor, subject: "source \(draft.source)")
            let read = await Sampled.read(site, source: draft.source, relation)
            if case .rows(let rows) = read { columns = rows.columns }
            sample = "<section><h2>First rows</h2>\(read.html())</section>"
        }
        let wrong = ProblemsView.html(draft.problems, "It was not saved")
        let rename: HTML? = draft.existing.flatMap { name in
            draft.revision.map { RenameView.html(name, .making(.datasetDeed(name, .rename)), $0, request.visitor) }
        }
        return layout.page(
            "\(wrong)\(form(request.visitor, columns))\(sample)\(draft.relation == nil ? await tables(request) : .empty)\(rename)"
        )
    }

    private func choose(_ sources: [ConnectionDefinition]) -> HTML {
        guard !sources.isEmpty else {
            return """
                <p class="empty">There is no source yet to read from. <a href="\(Place.making(.kinds(.source)).path)">Connect one</a> first.</p>
                """
        }
        return TilesView.html(
            sources.map { source in
                TilesView.Tile(
                    title: source.name, text: ConnectionPage.displayName(source.type, .source, site.catalog),
                    target: place.link([("source", source.name)]))
            })
    }

    /// One form for both: a table's name, or a query.
    private func form(_ visitor: Visitor, _ columns: [Column]) -> HTML {
        let revision: HTML =
            draft.revision.map { "<input type=\"hidden\" name=\"revision\" value=\"\($0)\">" } ?? .empty
        var name = EntryView("Name", "name", value: draft.name, help: "What syncs call it.")
        name.isRequired = true
        var table = EntryView("Table", "table", value: draft.table)
        table.help = "As the source names it, such as `public.accounts`."
        var sql = EntryView("Query", "sql", value: draft.sql)
        sql.help = "One `select`. It counts instead of the table. Leave out of it what is not to be sent."
        let save: HTML =
            draft.relation == nil
            ? "<button name=\"do\" value=\"preview\" class=\"primary\">Show rows</button>"
            : "<button name=\"do\" value=\"save\" class=\"primary\">Save dataset</button><button name=\"do\" value=\"preview\">Show rows</button>"
        let problems = draft.problems
        (name.problems, table.problems, sql.problems) = (problems, problems, problems)
        let isQuery = !draft.sql.isEmpty || draft.table.isEmpty
        let query: HTML =
            isQuery
            ? sql.area(rows: 7) : "<details><summary>Write a query instead</summary>\(sql.area(rows: 7))</details>"
        return """
            <form class="card" method="post" action="\(place.path)">\(FormView.token(visitor))\(revision)<input type="hidden" name="source" value="\(draft.source)">
            <div class="fields">\(draft.existing == nil ? name.text() : .empty)\(table.text())</div>\(query)\(draft.relation == nil ? .empty : draft.incremental.html(columns, problems))
            <p class="bar">\(save) <a href="\(Place.making(.datasets).path)">Cancel</a></p></form>
            """
    }

    private func tables(_ request: WebRequest) async -> HTML {
        do {
            let connection = try site.connections().source(named: draft.source)
            let all = try await editing.known.tables(of: draft.source, now: site.now) {
                try await connection.tables()
            }
            return list(all, sought: request.query["q"] ?? "")
        } catch {
            let failure = RunError(error)
            return ReasonView.box(
                failure.code, "The tables cannot be listed. " + failure.message, failure.hint, tone: "bad")
        }
    }

    private func list(_ all: [TableInfo], sought: String) -> HTML {
        let wanted = sought.lowercased()
        let found = all.filter { wanted.isEmpty || DatasetDraft.text($0).lowercased().contains(wanted) }
        var table = TableView(
            "Tables of \(draft.source)",
            [
                TableView.Column("Table"), TableView.Column("Kind"), TableView.Column("Columns"),
                TableView.Column("Rows, about", .number),
            ])
        table.isCaptionHidden = true
        table.isStacked = true
        table.empty = "Nothing of that name can be read."
        let rows = found.prefix(Self.tablesMax).map { info -> [HTML] in
            let text = DatasetDraft.text(info)
            let link = place.link([("source", draft.source), ("table", text)])
            let columns = info.columns.prefix(8).map(\.name).joined(separator: ", ")
            return [
                "<a class=\"name\" href=\"\(link)\">\(text)</a>", HTML(info.kind),
                HTML(columns + (info.columns.count > 8 ? " and \(info.columns.count - 8) more" : "")),
                info.rowsEstimate.map { NumberView.grouped($0) } ?? "<span class=\"nought\">unknown</span>",
            ]
        }
        let search: HTML =
            all.count > 12
            ? """
            <form class="filter" method="get" action="\(place.path)" role="search"><input type="hidden" name="source" value="\(draft.source)">\(FormView.input("Name contains", name: "q", value: sought, type: "search"))<button>Find</button></form>
            """ : .empty
        let more: HTML =
            found.count > Self.tablesMax
            ? "<p class=\"more\">and \(found.count - Self.tablesMax) more; search by name</p>" : .empty
        return "<section><h2>Tables and views</h2>\(search)\(table.html(rows))\(more)</section>"
    }
}
