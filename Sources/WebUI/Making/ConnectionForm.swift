internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// Which kind of source or destination: one tile for each connector that the program has.
struct KindsPage: Sendable {
    let site: Site
    let end: Place.End

    private var declarations: [ConnectorDeclaration] {
        end == .source ? site.catalog.sources.map(\.declaration) : site.catalog.destinations.map(\.declaration)
    }

    func html(_ request: WebRequest) -> HTML {
        let word = end == .source ? "source" : "destination"
        var layout = Layout("New \(word)", section: .connections, visitor: request.visitor)
        layout.trail = [("Connections", .connections)]
        layout.lead =
            end == .source
            ? "<p class=\"lead\">A source is a database that rows are read from. It is never written to.</p>"
            : "<p class=\"lead\">A destination is an account that rows are sent to.</p>"
        let tiles = declarations.map { declaration in
            let needed = declaration.settings.filter(\.isRequired).map { Prose.label($0.name) }
            let text = needed.isEmpty ? "" : "Needs: " + needed.joined(separator: ", ")
            return TilesView.Tile(
                title: declaration.displayName, text: text,
                target: Place.making(.newConnection(end, type: declaration.type)).path)
        }
        return layout.page(TilesView.html(tiles))
    }
}

/// A source or destination as a form, made from its connector's declaration.
struct ConnectionForm: Sendable {
    let end: Place.End
    let declaration: ConnectorDeclaration
    /// Nil for a new one.
    var existing: String?
    var revision: Int?
    var name: String
    /// What the fields show. Never a secret.
    var values: [String: String] = [:]
    /// When each secret was set.
    var secretsSet: [String: SecretVault.Entry] = [:]
    var problems: [FormProblem] = []
    /// Secrets that were typed into a form that was then refused. They are not kept for it.
    private var typedSecrets: Set<String> = []

    static func kind(_ end: Place.End) -> DefinitionKind { end == .source ? .source : .destination }

    /// A new one.
    init(_ editing: Editing, _ end: Place.End, type: String, _ catalog: ConnectorCatalog) throws {
        self.end = end
        declaration = try Self.declaration(type, end, catalog)
        let project = try editing.definitions.project().project
        let taken = end == .source ? Array(project.sources.keys) : Array(project.destinations.keys)
        name = Self.free(type, taken)
    }

    /// One that was made in the pages.
    init(_ editing: Editing, _ end: Place.End, name: String, _ catalog: ConnectorCatalog) throws {
        let kind = Self.kind(end)
        let entry = try editing.made(kind, name)
        let value = entry.part.value
        self.end = end
        declaration = try Self.declaration(value["type"]?.scalar ?? "", end, catalog)
        existing = name
        revision = entry.record?.revision
        self.name = name
        for setting in declaration.settings where !setting.isSecret {
            values[setting.name] = value[setting.name]?.scalar
        }
        let prefix = "\(kind.rawValue).\(name)."
        for secret in try editing.vault.list() where secret.name.hasPrefix(prefix) {
            secretsSet[String(secret.name.dropFirst(prefix.count))] = secret
        }
    }

    private static func declaration(
        _ type: String, _ end: Place.End, _ catalog: ConnectorCatalog
    ) throws -> ConnectorDeclaration {
        if let declaration = ConnectionPage.declaration(type, end, catalog) { return declaration }
        throw PageFailure.noSuchPage
    }

    static func free(_ name: String, _ taken: [String]) -> String {
        guard taken.contains(name) else { return name }
        return (2...).lazy.map { "\(name)-\($0)" }.first { !taken.contains($0) } ?? name
    }

    static func input(_ setting: String) -> String { "set-" + setting }

    // MARK: What was entered

    /// Takes over what was typed; secrets go into the definition alone. The revision stays that which the form was opened
    /// with.
    mutating func take(_ form: Fields) {
        if existing != nil { revision = form.number("revision") ?? revision }
        name = form["name"] ?? existing ?? ""
        for setting in declaration.settings {
            let typed = form[Self.input(setting.name)].map { Self.trimmed($0) }
            if !setting.isSecret {
                values[setting.name] = typed
            } else if typed?.isEmpty == false {
                typedSecrets.insert(setting.name)
            }
        }
    }

    func definition(_ form: Fields) -> DefinitionValue {
        var value = DefinitionValue.mapping([.init("type", .text(declaration.type))])
        for setting in declaration.settings {
            if setting.isSecret {
                let typed = Self.trimmed(form[Self.input(setting.name)] ?? "")
                let isForgotten = form["forget-" + setting.name] != nil
                if !typed.isEmpty || (secretsSet[setting.name] != nil && !isForgotten) {
                    value[setting.name] = .text(typed)
                }
            } else if let typed = values[setting.name], !typed.isEmpty {
                value[setting.name] = setting.kind.isWord ? .typed(typed) : .text(typed)
            }
        }
        return value
    }

    /// What is missing or no number, before anything else looks at it.
    func plainProblems(_ form: Fields) -> [FormProblem] {
        declaration.settings.compactMap { setting in
            let isSet = setting.isSecret && secretsSet[setting.name] != nil && form["forget-" + setting.name] == nil
            guard setting.isRequired, !isSet, Self.trimmed(form[Self.input(setting.name)] ?? "").isEmpty else {
                return nil
            }
            return FormProblem(
                Self.input(setting.name), code: "missing_key", message: "\(Prose.label(setting.name)) is missing.",
                hint: setting.help)
        }
    }

    /// What the connector itself makes of the settings; nothing is opened. A secret that is kept or missing is taken for
    /// good here, so that the other settings are looked at too.
    func connectorProblems(_ form: Fields, _ catalog: ConnectorCatalog) -> [FormProblem] {
        let settings = settings(form)
        do {
            switch end {
            case .source: _ = try catalog.source(declaration.type)?.make(settings)
            case .destination:
                _ = try catalog.destination(declaration.type)?.make(settings, DestinationContext())
            }
            return []
        } catch {
            // What no setting is named for shows in the test, after it is saved.
            return error.setting.map { [FormProblem(error, input: Self.input($0))] } ?? []
        }
    }

    /// That a host is not to be reached, at the setting that names it. What cannot be looked up now shows in the test.
    func hostProblem(_ form: Fields, _ connections: ProjectConnections) async -> FormProblem? {
        guard let error = await connections.refusedHost(declaration.type, isSource: end == .source, settings(form))
        else {
            return nil
        }
        let known = declaration.settings.map(\.name)
        let setting = ["host", "base_url"].first { known.contains($0) }
        return FormProblem(
            setting.map { Self.input($0) }, code: error.code, message: error.message, hint: error.hint)
    }

    private func settings(_ form: Fields) -> ConnectorSettings {
        var secrets: [String: Secret] = [:]
        for setting in declaration.settings where setting.isSecret {
            let typed = Self.trimmed(form[Self.input(setting.name)] ?? "")
            if !typed.isEmpty || setting.isRequired { secrets[setting.name] = Secret(typed.isEmpty ? "kept" : typed) }
        }
        var texts: [String: String] = [:]
        for setting in declaration.settings where !setting.isSecret {
            let typed = values[setting.name] ?? ""
            texts[setting.name] = typed.isEmpty ? setting.defaultValue : typed
        }
        return ConnectorSettings(name: name, texts: texts, secrets: secrets)
    }

    static func trimmed(_ text: String) -> String {
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(text[first...last])
    }

    // MARK: The form

    private var place: Place {
        existing.map { .making(.connection(end, $0, .edit)) } ?? .making(.newConnection(end, type: declaration.type))
    }

    func html(_ request: WebRequest) -> HTML {
        let title =
            existing.map { "Edit \($0)" }
            ?? "New \(declaration.displayName) \(end == .source ? "source" : "destination")"
        var layout = Layout(title, section: .connections, visitor: request.visitor)
        layout.trail = [("Connections", .connections)]
        if let existing { layout.trail.append((existing, .connection(end, existing))) }
        layout.lead =
            "<p class=\"lead\">When it is saved the connection is tested, step by step. The test changes nothing.</p>"
        let cancel = existing.map { Place.connection(end, $0) } ?? .connections
        return layout.page(
            """
            \(ProblemsView.html(said, "It was not saved"))<form class="card narrow" method="post" action="\(place.path)" novalidate>\(FormView.token(request.visitor))\(revisionField)
            \(nameEntry)\(entries)
            <p class="bar"><button class="primary">Save and test</button> <a href="\(cancel.path)">Cancel</a></p></form>\(rename(request.visitor))
            """)
    }

    /// A file names settings by their names, a form by their labels.
    private func labelled(_ text: String) -> String {
        declaration.settings.reduce(text) { $0.replacing("`\($1.name)`", with: Prose.label($1.name)) }
    }

    private var said: [FormProblem] {
        problems.map { problem in
            var problem = problem
            problem.message = labelled(problem.message)
            problem.hint = labelled(problem.hint)
            return problem
        }
    }

    private var revisionField: HTML {
        revision.map { "<input type=\"hidden\" name=\"revision\" value=\"\($0)\">" } ?? .empty
    }

    private var nameEntry: HTML {
        guard existing == nil else { return .empty }
        var entry = EntryView("Name", "name", value: name, help: "What syncs call it: letters, digits, - and _.")
        entry.isRequired = true
        entry.problems = problems
        return entry.text()
    }

    /// The first half of what a connector declares is what most people need; the rest is folded away.
    private var entries: HTML {
        let settings = declaration.settings
        let count = settings.count <= 4 ? settings.count : settings.count / 2
        let isMain = { (index: Int, setting: SettingDeclaration) in
            index < count || setting.isRequired || setting.isSecret
        }
        let main = settings.enumerated().filter { isMain($0.offset, $0.element) }.html { entry($0.element) }
        let more = settings.enumerated().filter { !isMain($0.offset, $0.element) }.map(\.element)
        guard !more.isEmpty else { return main }
        // Also where what is wrong points there.
        let isOpen = more.contains { setting in
            !(values[setting.name] ?? "").isEmpty
                || problems.contains { $0.input == Self.input(setting.name) || $0.hint.contains("`\(setting.name)`") }
        }
        let open: HTML = isOpen ? " open" : .empty
        return "\(main)<details\(open)><summary>More settings</summary>\(more.html { entry($0) })</details>"
    }

    private func entry(_ setting: SettingDeclaration) -> HTML {
        var view = EntryView(
            Prose.label(setting.name), Self.input(setting.name), value: values[setting.name] ?? "",
            help: labelled(setting.help))
        view.isRequired = setting.isRequired
        view.problems = said
        if !setting.isSecret { view.example = setting.defaultValue ?? setting.example }
        switch setting.kind {
        case .text, .path: return view.text()
        case .integer(let range):
            return view.text(
                type: "number", " min=\"\(range.lowerBound)\" max=\"\(range.upperBound)\" inputmode=\"numeric\"")
        case .boolean: return view.select([("", standard(setting)), ("true", "yes"), ("false", "no")])
        case .choice(let words): return view.select([("", standard(setting))] + words.map { ($0, $0) })
        case .secret:
            view.note = secretNote(setting)
            return view.secret()
        }
    }

    private func standard(_ setting: SettingDeclaration) -> String {
        setting.defaultValue.map { "as usual: \($0)" } ?? "as usual"
    }

    private func secretNote(_ setting: SettingDeclaration) -> HTML {
        guard !typedSecrets.contains(setting.name) else {
            return
                "<span class=\"hint\"><strong>Enter it again</strong>: nothing was saved, and it is never shown.</span>"
        }
        guard let set = secretsSet[setting.name] else {
            return "<span class=\"hint\">It is kept sealed and never shown again.</span>"
        }
        let forget: HTML =
            setting.isRequired
            ? .empty
            : "<span class=\"tick\"><input type=\"checkbox\" id=\"forget-\(setting.name)\" name=\"forget-\(setting.name)\"><label for=\"forget-\(setting.name)\">Forget it</label></span>"
        return """
            <span class="hint">\(StateView.badge("set", .calm, .shield)) last changed <time datetime="\(set.changedAt.text)">\(String(set.changedAt.text.prefix(10)))</time> by \(set.changedBy). Leave it empty to keep it.</span>\(forget)
            """
    }

    private func rename(_ visitor: Visitor) -> HTML {
        guard let existing, let revision else { return .empty }
        return RenameView.html(existing, .making(.connection(end, existing, .rename)), revision, visitor)
    }
}

extension SettingDeclaration.Kind {
    /// Whether what is typed may be a number, true or false.
    var isWord: Bool {
        switch self {
        case .integer, .boolean: true
        case .text, .choice, .path, .secret: false
        }
    }
}

/// Another name for something that was made in the pages.
enum RenameView {
    static func html(_ name: String, _ place: Place, _ revision: Int, _ visitor: Visitor) -> HTML {
        """
        <form class="card narrow" method="post" action="\(place.path)"><h2>Rename</h2>\(FormView.token(visitor))<input type="hidden" name="revision" value="\(revision)">
        \(EntryView("New name", "rename", value: name, help: "Everything that uses it follows.").text())
        <p class="bar"><button>Rename</button></p></form>
        """
    }
}

/// What can be done with a connection, below its settings.
struct ConnectionTools: Sendable {
    let end: Place.End
    let name: String
    let hint: HTML
    let isMade: Bool
    let canDefine: Bool
    private let project: Project

    init(site: Site, _ end: Place.End, _ connection: ConnectionDefinition) throws {
        self.end = end
        name = connection.name
        canDefine = site.editing != nil
        project = site.project()
        guard let editing = site.editing,
            let entry = try editing.definitions.project().entry(ConnectionForm.kind(end), connection.name)
        else {
            (hint, isMade) = (.empty, false)
            return
        }
        isMade = entry.isEditable
        if let record = entry.record {
            hint = """
                <p class="detail">Made in these pages, last changed \(TimeView.time(record.changedAt, now: site.now)) by \(record.changedBy).</p>
                """
        } else {
            hint = """
                <p class="detail">Defined in <code>\(entry.part.location.file)</code>, line \(entry.part.location.line), and changed there.</p>
                """
        }
    }

    func actions(_ visitor: Visitor) -> HTML {
        guard isMade, visitor.may(.edit) else { return .empty }
        return """
            <a class="button" href="\(Place.making(.connection(end, name, .edit)).path)">Edit</a><a class="button" href="\(Place.making(.connection(end, name, .delete)).path)">Delete…</a>
            """
    }

    /// Where the way goes on once the connection works.
    func next(_ visitor: Visitor) -> HTML {
        guard canDefine, visitor.may(.edit) else { return .empty }
        let (text, link) =
            if end == .source {
                ("Choose what to read from it", Place.making(.newDataset).link([("source", name)]))
            } else if !project.datasets.isEmpty {
                ("Make a sync to it", Place.making(.newSync).path)
            } else if !project.sources.isEmpty {
                ("Choose what to read", Place.making(.newDataset).path)
            } else {
                ("Connect a source", Place.making(.kinds(.source)).path)
            }
        return "<p class=\"next\"><a class=\"button primary\" href=\"\(link)\">\(text)</a></p>"
    }
}
