package import ConnectorKit
package import ProjectConfig
package import Runner
package import StateStore

/// All that the pages are made from. Nothing in it belongs to one request.
package struct Site: Sendable {
    /// The project as it is now.
    package var project: @Sendable () -> Project
    package var catalog: ConnectorCatalog
    private let base: RunEnvironment
    /// Tests connections step by step; takes the settings from the project.
    package var connections: @Sendable () -> ProjectConnections
    package var engine: Engine
    package var gate: any Gate
    package var people: People
    package var audit: AuditLog
    /// What runs of this process tell while they go on.
    package var board: LiveBoard
    package var work: BackgroundWork
    /// When syncs are late.
    let dueTimes = KeptDueTimes()
    package var version: String
    package var startedAt: Moment
    /// Nil where things are defined in files only.
    package var editing: Editing?
    /// Why the project's files as they are now are not in force; nil where they are.
    package var projectTrouble: @Sendable () -> ProjectTrouble? = { nil }

    package init(
        project: @escaping @Sendable () -> Project, catalog: ConnectorCatalog, environment: RunEnvironment,
        connections: @escaping @Sendable () -> ProjectConnections, people: People, version: String
    ) {
        self.project = project
        self.catalog = catalog
        base = environment
        self.connections = connections
        self.people = people
        audit = AuditLog(database: environment.database, time: environment.time)
        gate = PeopleGate(people: people, audit: audit)
        board = LiveBoard()
        work = BackgroundWork()
        engine = Engine.byHand(board: board, work: work) {
            var own = environment
            own.connections = connections()
            return own
        }
        self.version = version
        startedAt = environment.time.now()
    }

    /// With the connections of the project as it is now.
    package var environment: RunEnvironment {
        var environment = base
        environment.connections = connections()
        return environment
    }

    var now: Moment { base.time.now() }
    var history: RunHistory { RunHistory(environment.database) }
    var runs: CurrentRuns { CurrentRuns(environment: environment) }

    /// Syncs that have a history and are defined nowhere any more.
    var orphans: [String] { get throws { try editing?.definitions.project().orphans ?? [] } }

    /// Whether a sync of that name has a history and is defined nowhere any more, nor taken over by one with another name.
    func isOrphan(_ name: String) throws -> Bool {
        let project = project()
        guard project.sync(name) == nil, !project.syncs.contains(where: { $0.renamedFrom == name }),
            try editing?.definitions.project().entry(.sync, name) == nil
        else { return false }
        return try orphans.contains(name) || !history.runs(sync: name, limit: 1).isEmpty
    }

    /// The lives of a sync's records, whether it is defined still or not.
    func life(of sync: String) throws -> RecordLife {
        try isOrphan(sync)
            ? RecordLife(orphan: sync, environment: environment)
            : RecordLife(try self.sync(sync), environment: environment)
    }

    /// The sync of that name. Throws `unknown_sync` with the nearest names.
    func sync(_ name: String) throws -> SyncDefinition {
        let project = project()
        if let sync = project.sync(name) { return sync }
        if try isOrphan(name) {
            throw PageFailure(
                .missing, code: "unknown_sync", message: "The sync \(name) is defined nowhere any more.",
                hint: "It does not run; what is known of it stays, and its page says what can be done.")
        }
        let near = NearestName.among(project.syncs.map(\.name), to: name)
        throw PageFailure(
            .missing, code: "unknown_sync", message: "The project has no sync \(name).",
            hint: near.map { "Did you mean \($0)?" } ?? "The page of syncs lists them.")
    }

    /// The run of that number, as it is now. Throws `unknown_run`.
    func run(_ number: Int64) throws -> RunRecord {
        if let run = try runs.run(number) { return run }
        throw PageFailure(
            .missing, code: "unknown_run", message: "There is no run \(number).",
            hint: "The page of runs lists them; history is kept for two years.")
    }
}

/// What is wrong with the project's files as they are now: what they said before stays in force.
package struct ProjectTrouble: Sendable, Hashable {
    package var since: Moment
    package var problems: [Diagnostic]
    /// Whether the project file is not there any more.
    package var isGone = false

    package init(since: Moment, problems: [Diagnostic]) {
        self.since = since
        self.problems = problems
    }

    package static func gone(since: Moment, _ file: String) -> ProjectTrouble {
        var trouble = ProjectTrouble(
            since: since,
            problems: [
                Diagnostic(
                    .error, code: "file_not_found", message: "`\(file)` is not there any more",
                    hint: "put it back; the server goes on without it after SIGHUP or its next start")
            ])
        trouble.isGone = true
        return trouble
    }
}
