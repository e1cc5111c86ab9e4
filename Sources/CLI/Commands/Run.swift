internal import ArgumentParser
internal import Runner
internal import SyncCore

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs syncs: reads the source, sends what changed, keeps the books.",
        discussion: """
            Example: sluice run companies people

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

    @Flag(name: .long, help: "Wait for a run of the same sync instead of failing.")
    var wait = false

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        if all && !syncs.isEmpty { throw ValidationError("Name syncs or use --all, not both.") }
        if !all && syncs.isEmpty { throw ValidationError("Name the syncs to run, or use --all.") }
        if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1.") }
    }

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        var named: Set<String> = []
        let definitions = try syncs.filter { named.insert($0).inserted }.map { try workspace.sync($0) }
        let guards = GuardName.allCases.map(\.rawValue)
        for name in acceptGuard where !guards.contains(name) {
            throw workspace.unknown("guard", name, guards, in: "Sluice")
        }
        var options = RunOptions()
        options.isFull = full
        options.limit = limit
        options.acceptedGuards = Set(acceptGuard)
        options.waits = wait
        let (report, chosen) = (RunReport(common, workspace), options)
        if all {
            try await report.run(nil) { environment in
                try await RunSyncs(environment: environment, notifier: workspace.notifier(environment))
                    .runAll(workspace.project, options: chosen)
            }
        } else {
            try await report.run(definitions) { environment in
                await RunSyncs(environment: environment, notifier: workspace.notifier(environment))
                    .run(definitions, options: chosen)
            }
        }
    }
}
