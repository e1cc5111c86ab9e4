internal import ConnectorKit
internal import Foundation
internal import ProjectConfig
internal import Runner
internal import StateStore

/// A project that has been loaded and checked, and what its commands work with.
struct Workspace {
    let options: ProjectOptions
    let loaded: LoadedProject
    /// What deserves a look, from loading and validating.
    let warnings: [Diagnostic]

    var project: Project { loaded.project }

    /// Loads the project and validates it; throws every error found. Warnings are printed unless quiet.
    ///
    /// - Parameter mayBeEmpty: whether there need be no project file: a server's pages are where the first is made.
    static func open(
        _ options: ProjectOptions, variables: [String: String] = ProcessInfo.processInfo.environment,
        mayBeEmpty: Bool = false
    ) throws -> Workspace {
        Output.isJSON = options.json
        if let merged = try withPages(options, variables, always: mayBeEmpty) { return merged }
        let path = StatePlace.project(options, variables)
        let (checked, found) = ProjectLoader(environment: variables).check(
            path, environmentName: options.env, catalog: Connectors.all)
        guard let loaded = checked else { throw ProjectErrors(found) }
        if !options.quiet {
            for warning in found { Output.errorText(warning.rendered) }
        }
        return Workspace(options: options, loaded: loaded, warnings: found)
    }

    /// With what was made in the pages; nil where there is nothing of them.
    private static func withPages(
        _ options: ProjectOptions, _ variables: [String: String], always: Bool
    ) throws -> Workspace? {
        let place = StatePlace(options, variables: variables)
        do {
            guard try always || place.hasDefinitions() else { return nil }
        } catch let error as StateError {
            // Commands that need no state go on with the files; the others meet the same error.
            Output.note("\(error.code): what was made in the pages is left out: \(error.message)")
            return nil
        }
        return Workspace(options: options, try place.definitions(options).project())
    }

    private init(options: ProjectOptions, loaded: LoadedProject, warnings: [Diagnostic]) {
        (self.options, self.loaded, self.warnings) = (options, loaded, warnings)
    }

    /// Of what was read already. Its warnings are printed unless quiet.
    init(options: ProjectOptions, _ defined: DefinedProject) {
        let problems = defined.entries.flatMap(\.problems) + defined.warnings
        if !options.quiet {
            for problem in problems { Output.errorText(problem.rendered) }
        }
        self.init(options: options, loaded: defined.loaded, warnings: problems)
    }

    func statePath() -> String {
        options.state ?? ProcessInfo.processInfo.environment["SLUICE_STATE"] ?? project.directory + "/.sluice"
    }

    /// Looks up all that the project refers to, secrets that are kept in the state directory included.
    var references: SecretReferences {
        var references = loaded.references
        references.kept = StatePlace(path: statePath()).lookup
        return references
    }

    /// One for the process: what keeps it from working is told once.
    private static let machineLimits = MachineLimits(variables: ProcessInfo.processInfo.environment)

    func connections(state: StateDirectory?) -> ProjectConnections {
        let references = references
        return ProjectConnections(
            project: project, catalog: Connectors.all, state: state, machine: Self.machineLimits
        ) { connection, declaration in
            try references.settings(for: connection, declaration: declaration)
        }.limiting(
            Set(loaded.parts.filter { $0.isStored && $0.hiddenBy == nil }.map(\.location)),
            to: OutboundPolicy(ProcessInfo.processInfo.environment["SLUICE_ALLOW_HOSTS"]))
    }

    /// The state directory where there is one that can be written to, for commands that leave nothing there but their share of
    /// the rate limit.
    func stateIfAny() -> StateDirectory? {
        guard StatePlace(path: statePath()).isThere else { return nil }
        do {
            return try StateDirectory(path: statePath())
        } catch {
            // Somebody else's state: whoever only looks is not stopped by it.
            return nil
        }
    }

    /// What commands need that only look. Where there is no state yet, an empty one stands in for it that is gone with the
    /// second value: looking leaves nothing behind.
    func environmentToRead(
        progress: @escaping @Sendable (RunProgress) -> Void = { _ in }
    ) throws -> (RunEnvironment, ScratchState?) {
        if StatePlace(path: statePath()).isThere { return (try environment(progress: progress), nil) }
        let scratch = ScratchState()
        do {
            return (try environment(at: scratch.path, progress: progress), scratch)
        } catch {
            scratch.remove()
            throw error
        }
    }

    /// What runs and actions need; makes the state directory where there is none.
    func environment(
        at path: String? = nil, progress: @escaping @Sendable (RunProgress) -> Void = { _ in }
    ) throws -> RunEnvironment {
        let state = try StateDirectory(path: path ?? statePath())
        var environment = RunEnvironment(
            state: state, database: try ControlDatabase.open(path: state.databasePath), time: .system,
            connections: connections(state: state), progress: progress)
        environment.untilNextLook = { try await Task.sleep(for: .seconds(1)) }
        // The pages are told four times a second.
        environment.historyLag = .milliseconds(200)
        return environment
    }

    func sync(_ name: String) throws -> SyncDefinition {
        if let sync = project.sync(name) { return sync }
        throw unknown("sync", name, project.syncs.map(\.name))
    }

    /// Nil where the sync is defined nowhere any more and something is known of it. Throws `unknown_sync`.
    func syncIfDefined(_ name: String, _ environment: RunEnvironment) throws -> SyncDefinition? {
        if let sync = project.sync(name) { return sync }
        let isTakenOver = project.syncs.contains { $0.renamedFrom == name }
        guard !isTakenOver, try environment.database.known(name) != nil else { return try sync(name) }
        return nil
    }

    func unknown(_ kind: String, _ name: String, _ known: [String], in place: String = "The project") -> RunError {
        let near = NearestName.among(known, to: name)
        let listed = known.isEmpty ? "It has none." : "It has \(known.sorted().joined(separator: ", "))."
        return RunError(
            code: "unknown_\(kind)", message: "\(place) has no \(kind) \(name).",
            hint: near.map { "Did you mean \($0)?" } ?? listed)
    }
}

extension RunEnvironment {
    /// Notes in the audit log that a command did something to a sync.
    func note(_ action: AuditAction, _ sync: String, detail: String = "") throws {
        try note(action, subject: "sync \(sync)", detail: detail)
    }

    func note(_ action: AuditAction, subject: String, detail: String = "") throws {
        let audit = AuditLog(database: database, time: time)
        try audit.note(action, by: .commandLine, subject: subject, detail: detail)
    }
}

extension RunTime {
    /// The machine's clock and random numbers.
    static let system = RunTime(
        now: { Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) },
        sleep: { try await Task.sleep(for: $0) },
        chance: { Double.random(in: 0..<1) },
        seed: { UInt64.random(in: .min ... .max) })
}
