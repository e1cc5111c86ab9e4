internal import ArgumentParser
internal import ConnectorKit
internal import ProjectConfig
internal import Runner

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs syncs: reads the source, sends what changed, keeps the books.",
        discussion: """
            Example: sluice run companies people
            Example: sluice plan companies --out companies.plan, then sluice run --plan companies.plan

            Exit code: 0 everything arrived, 1 failed, 2 project or command line wrong, 3 rows did not arrive,
            5 stopped by a guard, 130 cancelled.
            """)

    @Argument(help: "Syncs of the project.")
    var syncs: [String] = []

    @Flag(name: .long, help: "Every sync that is not paused, parents before children.")
    var all = false

    @Flag(name: .long, help: "Send every record again, changed or not.")
    var full = false

    @Option(name: .long, help: ArgumentHelp("Send the first so many changes; remove nothing.", valueName: "n"))
    var limit: Int?

    @Option(name: .long, help: ArgumentHelp("Go on although this guard stopped the run.", valueName: "name"))
    var acceptGuard: [String] = []

    @Option(
        name: .long, help: ArgumentHelp("Send exactly the plan that plan --out saved, or nothing.", valueName: "file"))
    var plan: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write a trace of stages and requests, for Perfetto or chrome://tracing.", valueName: "file"))
    var trace: String?

    @Flag(name: .long, help: "Wait for a run of the same sync instead of failing.")
    var wait = false

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        if all && !syncs.isEmpty { throw ValidationError("Name syncs or use --all, not both.") }
        if plan != nil && (all || full || limit != nil || syncs.count > 1) {
            throw ValidationError(
                "--plan sends what the file says, of the sync it is for: leave out --all, --full and --limit.")
        }
        if !all && syncs.isEmpty && plan == nil { throw ValidationError("Name the syncs to run, or use --all.") }
        if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1.") }
    }

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        let reviewed = try plan.map { try ReviewedPlan(path: $0) }
        if let reviewed, let name = syncs.first { try reviewed.requireSync(name) }
        var named: Set<String> = []
        let definitions = try (reviewed.map { [$0.sync] } ?? syncs).filter { named.insert($0).inserted }.map {
            try workspace.sync($0)
        }
        let guards = GuardNames.all
        for name in acceptGuard where !guards.contains(name) {
            throw workspace.unknown("guard", name, guards, in: "Sluice")
        }
        var options = RunOptions()
        options.isFull = reviewed?.isFull ?? full
        options.reviewed = reviewed
        options.limit = limit
        for definition in definitions { try options.refuseLimit(of: definition) }
        options.acceptedGuards = Set(acceptGuard)
        options.waits = wait
        let (report, chosen) = (RunReport(common, workspace, tracePath: trace), options)
        if all {
            try await report.run(nil) { environment in
                try Self.note(chosen, "all syncs", environment)
                return try await RunSyncs(environment: environment, notifier: workspace.notifier(environment))
                    .runAll(workspace.project, options: chosen)
            }
        } else {
            try await report.run(definitions) { environment in
                for definition in definitions { try Self.note(chosen, "sync \(definition.name)", environment) }
                return await RunSyncs(environment: environment, notifier: workspace.notifier(environment))
                    .run(definitions, options: chosen)
            }
        }
    }

    /// What somebody decided against Sluice's own judgement is in the audit log. A plain run is not: the list of runs says
    /// it, and a timer that starts one each minute would fill a log that only grows.
    private static func note(_ options: RunOptions, _ subject: String, _ environment: RunEnvironment) throws {
        let decided = options.decisions
        if !decided.isEmpty { try environment.note(.runAsked, subject: subject, detail: decided) }
    }
}
