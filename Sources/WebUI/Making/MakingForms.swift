internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// What the forms that define things do. Each saves through `Definitions`, which checks as it checks a project file; what
/// it refuses comes back with everything that was typed but secrets.
struct MakingForms: Sendable {
    let site: Site
    let request: WebRequest

    private var form: Fields { request.form }
    private var actor: Actor { Actor(request.visitor.name, address: request.visitor.address) }

    func answer(_ making: Making) async throws -> WebAnswer {
        let editing = try site.needEditing()
        switch making {
        case .sample: return try await Sample(site: site, editing: editing, actor: actor).make()
        case .newConnection(let end, let type):
            return try await save(editing, try ConnectionForm(editing, end, type: type, site.catalog))
        case .connection(let end, let name, let deed):
            if deed == .edit {
                return try await save(editing, try ConnectionForm(editing, end, name: name, site.catalog))
            }
            return try change(editing, ConnectionForm.kind(end), name, deed)
        case .newDataset: return try await save(editing, DatasetDraft(form))
        case .datasetDeed(let name, let deed):
            if deed == .edit {
                var draft = try DatasetDraft(editing, name: name)
                draft.take(form)
                return try await save(editing, draft)
            }
            return try change(editing, .dataset, name, deed)
        case .newSync: return try await save(editing, SyncDraft(form))
        case .sync(let name, .edit):
            var draft = try SyncDraft(editing, name: name)
            draft.take(form)
            return try await save(editing, draft)
        case .sync(let name, .schedule): return try schedule(editing, name)
        case .sync(let name, let deed) where deed != .first: return try change(editing, .sync, name, deed)
        default:
            throw PageFailure(
                .wrongMethod, code: "method_not_allowed", message: "This address is only to be looked at.",
                hint: "Use GET.")
        }
    }

    private func refused(_ page: HTML) -> WebAnswer { WebAnswer(.page(page), status: 400) }

    /// Saves, and puts it in force. What stops it is given back, for the form to say beside all that was typed; also that
    /// somebody else was faster.
    private func save(
        _ editing: Editing, _ kind: DefinitionKind, _ name: String, _ value: DefinitionValue, from revision: Int?,
        _ problem: (FieldProblem) -> FormProblem
    ) throws -> [FormProblem] {
        do {
            let answer = try editing.definitions.save(kind, name, value, from: revision, by: actor)
            if case .refused(let problems) = answer { return problems.map(problem) }
        } catch let error as RunError where error.code == "definition_changed" || error.code == "invalid_secret" {
            return [FormProblem(error)]
        }
        try editing.changed()
        return []
    }

    // MARK: Connections

    private func save(_ editing: Editing, _ given: ConnectionForm) async throws -> WebAnswer {
        var connection = given
        connection.take(form)
        connection.problems = connection.plainProblems(form)
        connection.problems += connection.connectorProblems(form, site.catalog).filter { problem in
            !connection.problems.contains { $0.input == problem.input }
        }
        if connection.problems.isEmpty {
            connection.problems += await connection.hostProblem(form, site.connections()).map { [$0] } ?? []
        }
        let kind = ConnectionForm.kind(connection.end)
        if connection.existing == nil {
            connection.problems += try taken(editing, kind, connection.name).map { [$0] } ?? []
        }
        guard connection.problems.isEmpty else {
            let trial = try editing.definitions.trial(kind, connection.name, connection.definition(form))
            connection.problems += trial.problems.map { Self.problem($0) }.filter { problem in
                !connection.problems.contains { $0.input == problem.input }
            }
            return refused(connection.html(request))
        }
        let revision = connection.existing == nil ? nil : form.number("revision")
        connection.problems = try save(
            editing, kind, connection.name, connection.definition(form), from: revision, Self.problem)
        guard connection.problems.isEmpty else { return refused(connection.html(request)) }
        return try Forms(site: site).check(connection.end, connection.name, request.visitor)
    }

    private static func problem(_ problem: FieldProblem) -> FormProblem {
        let field = problem.field.first.map { $0 == "type" ? "name" : ConnectionForm.input($0) }
        return FormProblem(problem.diagnostic.code == "invalid_name" ? "name" : field, problem.diagnostic)
    }

    /// A name that something has already.
    private func taken(_ editing: Editing, _ kind: DefinitionKind, _ name: String) throws -> FormProblem? {
        guard try editing.definitions.project().entry(kind, name) != nil else { return nil }
        return FormProblem(
            "name", code: "definition_exists", message: "There is a \(kind.rawValue) \(name) already.",
            hint: "Choose another name.")
    }

    // MARK: Rename and delete

    private func change(
        _ editing: Editing, _ kind: DefinitionKind, _ name: String, _ deed: Making.Deed
    ) throws -> WebAnswer {
        guard let revision = form.number("revision") else { throw PageFailure.formTooOld }
        _ = try editing.made(kind, name)
        switch deed {
        case .delete:
            let answer = try editing.definitions.remove(kind, name, from: revision, by: actor)
            if case .refused(let problems) = answer {
                let page = try RemovalPage(editing, kind, name)
                return refused(page.html(request, problems: problems.map { FormProblem(nil, $0.diagnostic) }))
            }
            try editing.changed()
            return .redirect(Self.list(kind), [("done", Message.removed.rawValue)])
        case .rename:
            let new = ConnectionForm.trimmed(form["rename"] ?? "")
            guard new != name else { return .redirect(Self.page(kind, name)) }
            let answer = try editing.definitions.rename(kind, name, to: new, from: revision, by: actor)
            if case .refused(let problems) = answer, let first = problems.first {
                throw PageFailure(
                    .conflict, code: first.diagnostic.code, message: first.diagnostic.message,
                    hint: first.diagnostic.hint)
            }
            try editing.changed()
            return .redirect(Self.page(kind, new), [("done", Message.renamed.rawValue)])
        default: throw PageFailure.noSuchPage
        }
    }

    static func list(_ kind: DefinitionKind) -> Place {
        switch kind {
        case .source, .destination: .connections
        case .dataset: .making(.datasets)
        case .sync: .syncs
        }
    }

    static func page(_ kind: DefinitionKind, _ name: String) -> Place {
        switch kind {
        case .source: .connection(.source, name)
        case .destination: .connection(.destination, name)
        case .dataset: .making(.dataset(name))
        case .sync: .sync(name)
        }
    }

    // MARK: Datasets

    private func save(_ editing: Editing, _ given: DatasetDraft) async throws -> WebAnswer {
        let page = DatasetForm(site: site, editing, given)
        guard form["do"] == "save" else { return WebAnswer(.page(try await page.html(request))) }
        var draft = given
        if draft.existing == nil, let problem = try taken(editing, .dataset, draft.name) { draft.problems = [problem] }
        if draft.problems.isEmpty {
            let revision = draft.existing == nil ? nil : form.number("revision")
            draft.problems = try save(editing, .dataset, draft.name, draft.definition, from: revision) { problem in
                FormProblem(DatasetDraft.input(problem), problem.diagnostic)
            }
            if draft.problems.isEmpty {
                return .redirect(.making(.dataset(draft.name)), [("done", Message.saved.rawValue)])
            }
        }
        return refused(try await DatasetForm(site: site, editing, draft).html(request))
    }

    // MARK: Syncs

    private func save(_ editing: Editing, _ given: SyncDraft) async throws -> WebAnswer {
        var draft = given
        switch form["do"] {
        case "save": break
        case "refresh":
            editing.known.forget()
            return WebAnswer(.page(try await SyncForm(site: site, editing, draft).html(request)))
        default:
            draft.addRows(form["do"] == "add" ? 5 : 0)
            return WebAnswer(.page(try await SyncForm(site: site, editing, draft).html(request)))
        }
        if draft.existing == nil, let problem = try taken(editing, .sync, draft.name) { draft.problems = [problem] }
        draft.problems += try await SyncForm(site: site, editing, draft).accountProblems()
        if draft.problems.isEmpty {
            let revision = draft.existing == nil ? nil : form.number("revision")
            draft.problems = try save(editing, .sync, draft.name, draft.definition, from: revision) { problem in
                FormProblem(draft.input(problem), problem.diagnostic)
            }
            if draft.problems.isEmpty {
                return .redirect(.making(.sync(draft.name, .first)), [("done", Message.saved.rawValue)])
            }
        }
        return refused(try await SyncForm(site: site, editing, draft).html(request))
    }

    private func schedule(_ editing: Editing, _ name: String) throws -> WebAnswer {
        let entry = try editing.made(.sync, name)
        let words = ScheduleForm(form)
        var value = entry.part.value
        value["schedule"] = words.value
        let revision = form.number("revision") ?? -1
        let problems = try save(editing, .sync, name, value, from: revision) { problem in
            FormProblem(words.input(problem.field), problem.diagnostic)
        }
        guard problems.isEmpty else {
            var page = try FirstRunPage(site: site, editing, name)
            (page.words, page.problems, page.revision) = (words, problems, revision)
            return refused(page.html(request))
        }
        return .redirect(.making(.sync(name, .first)), [("done", Message.saved.rawValue)])
    }
}
