package import ConnectorKit
package import ProjectConfig
package import StateStore

/// The project as it is in force: what the files say and what was made in the pages, merged.
package struct DefinedProject: Sendable {
    /// One definition, whether it is in force or not.
    package struct Entry: Sendable {
        package var part: ProjectPart
        /// What the database says of it; nil for a definition of a file, which is changed in the file.
        package var record: DefinitionRecord?
        /// What is wrong with it: then it is not in force.
        package var problems: [Diagnostic] = []

        package var isEditable: Bool { record != nil }
        package var isInForce: Bool { problems.isEmpty && part.hiddenBy == nil }
    }

    package var loaded: LoadedProject
    package var warnings: [Diagnostic]
    /// The files' in their order, then those of the pages by kind and name.
    package var entries: [Entry]
    /// Syncs that have a history and are defined nowhere any more. They do not run; what is known of them stays, and is
    /// theirs again once a sync of that name is back, or of another with `renamed_from`.
    package var orphans: [String]

    package var project: Project { loaded.project }

    package func entry(_ kind: DefinitionKind, _ name: String) -> Entry? {
        let found = entries.filter { $0.part.kind == kind && $0.part.name == name }
        return found.first { $0.part.hiddenBy == nil } ?? found.first
    }

    /// The project file that says all that is in force: sections and names in a stable order, no comments, secrets as
    /// references. Relative paths are as from the project's directory.
    package func exported(catalog: ConnectorCatalog) -> String {
        ProjectExport(
            loaded: loaded,
            isInForce: { part in
                entry(part.kind, part.name)?.isInForce ?? true
            }
        ).text(catalog: catalog)
    }
}
