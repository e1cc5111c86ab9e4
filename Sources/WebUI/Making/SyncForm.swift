internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// The mapping of a sync, new or made before: what goes where, with three real rows as they would be sent and
/// everything that is wrong marked where it is.
struct SyncForm: Sendable {
    static let samplesMax = 3
    /// Lines that are free for more fields.
    private static let spareMax = 3

    let site: Site
    let editing: Editing
    var draft: SyncDraft

    init(site: Site, _ editing: Editing, _ draft: SyncDraft) {
        self.site = site
        self.editing = editing
        self.draft = draft
    }

    /// All that the page is drawn from.
    struct Model: Sendable {
        var draft: SyncDraft
        var object: DestinationObject
        var columns: [Column] = []
        var discovered: [DestinationField] = []
        /// Why the account's own fields could not be listed.
        var discoveryProblem: RunError?
        var samples: [MapSample.Row] = []
        var sampleProblem: RunError?

        func field(_ name: String) -> DestinationField? {
            object.field(name) ?? discovered.first { $0.name == name }
        }
    }

    static func columns(_ site: Site, _ editing: Editing, _ dataset: DatasetDefinition) async throws -> [Column] {
        let source = try site.connections().source(named: dataset.source)
        return try await editing.known.columns(of: "\(dataset.source) \(dataset.relation.text)", now: site.now) {
            try await source.columns(of: dataset.relation)
        }
    }

    func html(_ request: WebRequest) async throws -> HTML {
        try site.gate.note(
            .rowsSeen, by: request.visitor, subject: draft.existing.map { "sync \($0)" } ?? "dataset \(draft.from)")
        return MappingForm(model: try await model()).html(request)
    }

    private func model() async throws -> Model {
        let project = site.project()
        let ends = SyncEnds(draft, project, site.catalog, existing: draft.existing.flatMap { project.sync($0) })
        guard let dataset = ends.dataset, let object = ends.object else {
            throw PageFailure(
                .conflict, code: "sync_incomplete", message: "The dataset or the destination of this sync is gone.",
                hint: "Begin anew: choose both again.")
        }
        var model = Model(draft: draft, object: object)
        if draft.name.isEmpty {
            model.draft.name = ConnectionForm.free("\(draft.from)-to-\(object.name)", project.syncs.map(\.name))
        }
        do {
            model.columns = try await Self.columns(site, editing, dataset)
        } catch {
            model.sampleProblem = RunError(error)
        }
        await discover(&model)
        if !model.draft.hasRows {
            model.draft.rows = Suggestions.rows(model.columns, object, model.discovered, draft)
            model.draft.hasRows = true
        }
        // There is always a line to write on.
        model.draft.addRows(Self.spareMax - model.draft.rows.count { $0.field.isEmpty })
        try await check(&model)
        return model
    }

    /// The account's own fields. That they cannot be listed stops nobody: they can be written by name.
    private func discover(_ model: inout Model) async {
        guard model.object.acceptsUnknownFieldsUnder != nil else { return }
        let object = model.object
        do {
            let destination = try site.connections().destination(
                named: draft.destination, time: site.environment.time)
            model.discovered = try await editing.known.fields(of: draft.to, now: site.now) {
                try await destination.discoveredFields(of: object)
            }
        } catch {
            model.discoveryProblem = RunError(error)
        }
    }

    /// What a project file of it would be told, and the first rows as they would be sent.
    private func check(_ model: inout Model) async throws {
        let name = model.draft.existing ?? model.draft.name
        let trial = try editing.definitions.trial(.sync, name, model.draft.definition)
        let draft = model.draft
        model.draft.warnings = trial.warnings.map { FormProblem(draft.input($0), $0.diagnostic) }
        if model.draft.problems.isEmpty {
            model.draft.problems = trial.problems.map { FormProblem(draft.input($0), $0.diagnostic) }
        }
        let twice = Self.filledTwice(model.draft)
        if !twice.isEmpty { model.draft.problems.removeAll { $0.code == "duplicate_key" } }
        let known = Set(model.draft.problems)
        let ofAccount = Self.unknownFields(model) + Self.unsuited(model, trial.project?.sync(name))
        model.draft.problems += (twice + ofAccount).filter { !known.contains($0) }
        guard model.sampleProblem == nil, let project = trial.project, let sync = project.sync(name) else { return }
        do {
            let source = try site.connections().source(named: sync.dataset.source)
            let sample = MapSample(sync, object: model.object, discovered: model.discovered, source: source)
            model.samples = try await KnownMetadata.patiently { try await sample.rows(max: Self.samplesMax) }
        } catch {
            model.sampleProblem = RunError(error)
        }
    }

    /// A file would say that a key of the mapping is there twice, by its line; here it is said at the field.
    private static func filledTwice(_ draft: SyncDraft) -> [FormProblem] {
        var seen: Set<String> = []
        return draft.rows.enumerated().compactMap { index, row in
            guard row.isMapped, !seen.insert(row.field).inserted else { return nil }
            return FormProblem(
                "m\(index)-field", code: "duplicate_key", message: "`\(row.field)` is filled twice",
                hint: "keep one of the lines")
        }
    }

    /// What the account's own fields say against the draft. None where it cannot be asked: the run then says so.
    func accountProblems() async throws -> [FormProblem] {
        let project = site.project()
        let ends = SyncEnds(draft, project, site.catalog, existing: draft.existing.flatMap { project.sync($0) })
        guard let object = ends.object else { return [] }
        var model = Model(draft: draft, object: object)
        await discover(&model)
        let name = draft.existing ?? draft.name
        let trial = try editing.definitions.trial(.sync, name, draft.definition)
        return Self.unknownFields(model) + Self.unsuited(model, trial.project?.sync(name))
    }

    /// Look-ups that the account's own fields do not have, and constants that they do not take: the run would be refused.
    private static func unsuited(_ model: Model, _ sync: SyncDefinition?) -> [FormProblem] {
        guard let sync else { return [] }
        return sync.mappings.compactMap { mapping in
            guard let field = model.discovered.first(where: { $0.name == mapping.field }),
                let index = model.draft.rows.firstIndex(where: { $0.isMapped && $0.field == mapping.field }),
                let problem = KnownField(field, of: sync).problem(with: mapping)
            else { return nil }
            return FormProblem(
                "m\(index)-from", code: problem.code, message: problem.message, hint: problem.hint)
        }
    }

    /// Custom fields that the account does not have: the run would be refused.
    private static func unknownFields(_ model: Model) -> [FormProblem] {
        guard model.discoveryProblem == nil, let under = model.object.acceptsUnknownFieldsUnder,
            model.draft.definition["allow_unknown_custom"]?.scalar != "true"
        else { return [] }
        return model.draft.rows.enumerated().compactMap { index, row in
            guard row.isMapped, row.field.hasPrefix(under + "."), model.field(row.field) == nil else { return nil }
            let near = NearestName.among(model.discovered.map(\.name), to: row.field)
            return FormProblem(
                "m\(index)-field", code: "unknown_custom_field", message: "the account has no field `\(row.field)`",
                hint: near.map { "did you mean `\($0)`?" } ?? "create the field there, then refresh the fields")
        }
    }
}
