package import ConnectorKit
package import ProjectConfig
package import StateStore

/// The definitions of the project: those of its files, which are changed in the files, and those made in the pages, which
/// are changed here. All of them are read and checked by the one loader that reads the files.
///
/// Definitions of the pages are trusted less than files: they use no secrets but their own, no variables, no files
/// outside the project's directory and no commands. A secret that is entered goes into the vault and the definition
/// holds `{secret: KIND.NAME.SETTING}`. It stays with the address it was entered for: where a connection's address
/// changes, the secret has to be entered again.
package struct Definitions: Sendable {
    let store: DefinitionStore
    let vault: SecretVault
    let audit: AuditLog
    let time: RunTime
    let catalog: ConnectorCatalog
    private let database: ControlDatabase
    private let known: KnownDefinitions
    let load: @Sendable (StoredDefinitions) -> (LoadedProject?, [Diagnostic])
    private let protectedPaths: [String]
    package let projectFile: String
    /// The files that the project is read from as it is now.
    package let places: @Sendable () -> ProjectPlaces

    /// - Parameters:
    ///   - projectFile: there need be none.
    ///   - state: the state directory, which no definition of the pages may read from.
    ///   - followsFiles: whether a file that has changed counts at once. Where it does not, `reread` says when.
    package init(
        environment: (state: StateDirectory, database: ControlDatabase, time: RunTime), vault: SecretVault,
        loader: ProjectLoader, projectFile: String, environmentName: String? = nil, catalog: ConnectorCatalog,
        followsFiles: Bool = true
    ) {
        database = environment.database
        time = environment.time
        store = DefinitionStore(environment.database)
        audit = AuditLog(database: environment.database, time: environment.time)
        self.vault = vault
        self.catalog = catalog
        protectedPaths = [environment.state.path]
        self.projectFile = projectFile
        known = KnownDefinitions(followsFiles: followsFiles)
        places = { loader.places(projectFile, environmentName: environmentName) }
        load = { stored in
            loader.check(projectFile, environmentName: environmentName, catalog: catalog, stored: stored)
        }
    }

    // MARK: Reading

    /// What is in force. Definitions of the pages that cannot be used (a file has changed under them, say) are left out
    /// and told with what is wrong; throws `ProjectErrors` only for what is wrong with the files.
    ///
    /// Pages ask for it with every look, and reading hundreds of syncs takes a while: what was read is kept as long as
    /// its files and what was made in the pages stay as they were. A new file that an `include` finds is seen after
    /// `forget`.
    package func project() throws -> DefinedProject {
        let records = try store.all()
        if let kept = known.project(of: records) { return kept }
        do {
            return try read(records)
        } catch let errors as ProjectErrors {
            guard let last = known.last else { throw errors }
            return last
        }
    }

    /// Reads everything again; it is what `project` says from now on. Throws `ProjectErrors`, and then what was read
    /// before stays.
    package func reread() throws -> DefinedProject { try read(store.all()) }

    private func read(_ records: [DefinitionRecord]) throws -> DefinedProject {
        let begunAt = time.now()
        let read = try project(of: records)
        known.keep(read, of: records, begunAt: begunAt)
        return read
    }

    /// Reads everything again the next time.
    package func forget() { known.forget() }

    private func project(of records: [DefinitionRecord]) throws -> DefinedProject {
        let (loaded, warnings, problems) = try usable(records)
        var entries = loaded.parts.map { part in
            DefinedProject.Entry(part: part, record: part.isStored ? Self.record(of: part, records) : nil)
        }
        for index in entries.indices where entries[index].record != nil {
            entries[index].problems = problems[entries[index].part.location.file] ?? []
        }
        let present = Set(entries.map { "\($0.part.kind.rawValue) \($0.part.name)" })
        for record in records where !present.contains(Self.place(record)) {
            guard let kind = DefinitionKind(rawValue: record.kind) else { continue }
            entries.append(
                DefinedProject.Entry(
                    part: ProjectPart(unreadable: kind, record.name, text: record.text), record: record,
                    problems: problems[Self.place(record)] ?? []))
        }
        return DefinedProject(
            loaded: loaded, warnings: warnings, entries: entries, orphans: try orphans(loaded.project, entries))
    }

    /// The YAML of one definition, with its section and name: what a file would say.
    package func yaml(of kind: DefinitionKind, _ name: String) throws -> String? {
        guard let entry = try project().entry(kind, name) else { return nil }
        let inner = DefinitionValue.mapping([.init(name, entry.part.value)])
        return YAMLWriter.text(.mapping([.init(kind.section, inner)]))
    }

    /// The project file of everything in force. Noted.
    package func export(by actor: Actor) throws -> String {
        let text = try project().exported(catalog: catalog)
        try audit.note(.exported, by: actor)
        return text
    }

    // MARK: Parts

    /// Loads with every stored definition that can be used. One that cannot takes those along that need it.
    func usable(
        _ records: [DefinitionRecord]
    ) throws -> (LoadedProject, [Diagnostic], [String: [Diagnostic]]) {
        var left = records
        var problems: [String: [Diagnostic]] = [:]
        while true {
            let (loaded, diagnostics) = load(stored(left))
            if let loaded { return (loaded, diagnostics, problems) }
            let errors = diagnostics.filter { $0.severity == .error }
            let bad = Dictionary(grouping: errors) { $0.file ?? "" }
                .filter { file, _ in left.contains { Self.place($0) == file } }
            guard !bad.isEmpty else { throw ProjectErrors(diagnostics) }
            problems.merge(bad) { first, _ in first }
            left.removeAll { bad[Self.place($0)] != nil }
        }
    }

    func stored(_ records: [DefinitionRecord]) -> StoredDefinitions {
        StoredDefinitions(
            records.compactMap { record in
                DefinitionKind(rawValue: record.kind).map { .init($0, record.name, record.text) }
            }, protectedPaths: protectedPaths)
    }

    /// Everything that is wrong with a project of these stored definitions, and its parts.
    func check(_ records: [DefinitionRecord]) -> (errors: [Diagnostic], parts: [ProjectPart]) {
        let (loaded, diagnostics) = load(stored(records))
        return (diagnostics.filter { $0.severity == .error }, loaded?.parts ?? [])
    }

    private func orphans(_ project: Project, _ entries: [DefinedProject.Entry]) throws -> [String] {
        let defined = Set(entries.filter { $0.part.kind == .sync }.map(\.part.name))
        let renamed = Set(project.syncs.compactMap(\.renamedFrom))
        return try database.all().map(\.name).filter { !defined.contains($0) && !renamed.contains($0) }
    }

    static func place(_ record: DefinitionRecord) -> String { "\(record.kind) \(record.name)" }

    private static func record(of part: ProjectPart, _ records: [DefinitionRecord]) -> DefinitionRecord? {
        records.first { $0.kind == part.kind.rawValue && $0.name == part.name }
    }
}
