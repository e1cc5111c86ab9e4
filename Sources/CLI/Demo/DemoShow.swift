internal import ConnectorKit
internal import Foundation
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

/// What the demo does and says.
struct DemoShow: Sendable {
    let project: DemoProject
    /// Whether the runs are told as JSON: what the show says besides is then no output.
    let isJSON: Bool
    /// Whether it tells only what did not arrive.
    let isQuiet: Bool

    init(project: DemoProject, _ common: ProjectOptions) {
        self.project = project
        isJSON = common.json
        isQuiet = common.quiet
    }

    /// Returns the runs of both rounds, in their order.
    func play(address: String) async throws -> [RunRecord] {
        let workspace = try workspace(address)
        let environment = try workspace.environment()
        say("A local Planhat listens on \(address).")
        say("The sample database: \(project.folder)/data/acme.db")
        heading("First run: everything is new")
        let first = try await run(workspace, environment)
        heading("A week passes: rows change, come and go")
        try project.change()
        try await showChanges(workspace, environment)
        heading("Second run: only what changed is sent")
        let runs = try await run(workspace, environment)
        try showMissing(runs, environment)
        return first + runs
    }

    private func say(_ line: String) {
        if !isQuiet { tell(line) }
    }

    private func tell(_ line: String) { isJSON ? Output.note(line) : Output.text(line) }

    private func workspace(_ address: String) throws -> Workspace {
        var options = ProjectOptions()
        options.project = project.projectPath
        options.state = project.folder + "/.sluice"
        options.env = nil
        options.json = isJSON
        options.quiet = true
        options.verbose = false
        var variables = ProcessInfo.processInfo.environment
        variables["SANDBOX_URL"] = address
        variables["PLANHAT_API_KEY"] = "sandbox-token"
        return try Workspace.open(options, variables: variables)
    }

    private func heading(_ text: String) {
        say("")
        say(text)
        say(String(repeating: "-", count: text.count))
    }

    private func run(_ workspace: Workspace, _ environment: RunEnvironment) async throws -> [RunRecord] {
        let results = try await RunSyncs(environment: environment).runAll(workspace.project, options: RunOptions())
        for result in results {
            if let error = result.error { throw error }
            for record in result.records {
                RunText.summary(record, reasons: []).forEach(say)
                if let failure = record.error {
                    throw RunError(code: failure.code, message: failure.message, hint: failure.hint)
                }
            }
        }
        return results.flatMap(\.records)
    }

    private func showChanges(_ workspace: Workspace, _ environment: RunEnvironment) async throws {
        for sync in SyncOrder(workspace.project.syncs, environment: environment).sorted() {
            let report = try await PlanSync(sync, options: RunOptions(), environment: environment).plan(examplesMax: 50)
            let keys = { (change: String) in report.examples.filter { $0.change == change }.map(\.key) }
            let (added, changed) = (keys("added"), keys("changed"))
            say("\(sync.name): \(added.count) new (\(added.joined(separator: ", "))), \(changed.count) changed")
            for line in Self.wrapped(changed) { say("  " + line) }
        }
        say("Rows that left the source stay in Planhat: the behavior is update_or_create.")
    }

    private func showMissing(_ runs: [RunRecord], _ environment: RunEnvironment) throws {
        let history = RunHistory(environment.database)
        heading("What did not arrive, and why")
        for run in runs {
            for outcome in try history.outcomes(run: run.id, outcome: nil, limit: 100) {
                tell("\(run.sync) \(outcome.key): \(outcome.outcome.rawValue), \(outcome.code)")
                tell("  \(outcome.message)")
                tell("  \(outcome.hint)")
            }
        }
    }

    private static func wrapped(_ words: [String]) -> [String] {
        var lines: [String] = []
        for word in words {
            if let last = lines.last, last.count + word.count < 96 {
                lines[lines.count - 1] = last + ", " + word
            } else {
                lines.append(word)
            }
        }
        return lines
    }
}
