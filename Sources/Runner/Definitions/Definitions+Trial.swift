internal import ConnectorKit
package import ProjectConfig
internal import StateStore

extension Definitions {
    /// What a change would come to.
    package struct Trial: Sendable {
        /// The project with the change in it; nil where it would be refused.
        package var project: Project?
        /// Why it would be refused, exactly as `save` says it.
        package var problems: [FieldProblem] = []
        /// What deserves a look in this definition.
        package var warnings: [FieldProblem] = []

        package init() {}
    }

    /// Tries a change of a definition and leaves everything as it is: for forms, while somebody fills them in.
    package func trial(_ kind: DefinitionKind, _ name: String, _ value: DefinitionValue) throws -> Trial {
        let records = try store.all()
        let old = records.first { $0.kind == kind.rawValue && $0.name == name }
        let oldValue = old.flatMap { DefinitionValue.parse($0.text, file: name).value }
        var secrets = EnteredSecrets(kind: kind, name: name, old: oldValue)
        let safe = secrets.takeOut(of: value, catalog: catalog)
        var trial = Trial()
        trial.problems = secrets.problems
        guard trial.problems.isEmpty else { return trial }
        let record = DefinitionRecord(
            kind: kind.rawValue, name: name, text: YAMLWriter.text(safe), revision: 0, changedAt: time.now(),
            changedBy: "")
        let others = records.filter { $0 != old }
        if let problems = problems(with: record, instead: records, others: others) {
            trial.problems = problems
            return trial
        }
        let (loaded, diagnostics, _) = try usable(others + [record])
        trial.project = loaded.project
        let part = loaded.parts.first { $0.isStored && $0.kind == kind && $0.name == name }
        trial.warnings = diagnostics.filter { $0.severity == .warning }.compactMap { diagnostic in
            part?.field(of: diagnostic).map { FieldProblem(field: $0, diagnostic: diagnostic) }
        }
        return trial
    }
}
