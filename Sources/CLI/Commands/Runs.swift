internal import ArgumentParser
internal import Records
internal import Runner
internal import StateStore

struct Runs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "Shows the history of runs, newest first.",
        discussion: """
            Example: sluice runs companies --limit 5

            A run whose process was killed is shown as interrupted until the next run of its sync has dealt with it.
            """)

    @Argument(help: "A sync; all if none is named.")
    var sync: String?

    @Option(name: .long, help: ArgumentHelp("At most so many runs.", valueName: "n"))
    var limit: Int = 20

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit takes a number from 1.") }
    }

    func run() throws {
        let workspace = try Workspace.open(common)
        let (environment, scratch) = try workspace.environmentToRead()
        defer { scratch?.remove() }
        let runs = try CurrentRuns(environment: environment).runs(sync: sync, limit: limit)
        // A sync that the project has no more may still have a history.
        if let sync, runs.isEmpty { _ = try workspace.sync(sync) }
        if common.json { return try Output.print(json: ["runs": runs]) }
        var table = TextTable(["run", "sync", "started", "state", "scanned", "accepted", "did not arrive"])
        for run in runs {
            let operations = run.operations
            table.add([
                String(run.id), run.sync, run.startedAt.text, RunText.state(run.state),
                RunText.grouped(run.rows.scanned), RunText.grouped(operations.accepted),
                RunText.grouped(run.notArrived),
            ])
        }
        if table.isEmpty { return Output.text("No runs yet.") }
        table.lines().forEach(Output.text)
    }
}

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows one run: its ledgers, reasons, stages, waits and requests.",
        discussion: "Example: sluice show 12")

    @Argument(help: ArgumentHelp("The run's number; the newest if none is named.", valueName: "run"))
    var number: Int64?

    @OptionGroup var common: ProjectOptions

    func run() throws {
        let workspace = try Workspace.open(common)
        let (environment, scratch) = try workspace.environmentToRead()
        defer { scratch?.remove() }
        let history = RunHistory(environment.database)
        let record = try RunLookup.find(number, environment)
        if common.json { return try Output.print(json: record) }
        RunText.summary(record, reasons: try history.boundedReasons(run: record.id)).forEach(Output.text)
        RunText.warnings(record).forEach(Output.text)
        if let effort = record.effort { RunText.effort(effort).forEach(Output.text) }
        Output.text("  started     \(record.startedAt.text) by \(record.trigger)")
        let exchanges = try history.exchangeHeads(run: record.id, after: nil, limit: 20)
        guard !exchanges.isEmpty else { return }
        Output.text(exchanges.count == 1 ? "  the request:" : "  requests, the first \(exchanges.count):")
        for exchange in exchanges {
            let status = exchange.status.map(String.init) ?? exchange.error ?? "no answer"
            let batch = exchange.batch.map { " batch \($0 + 1), try \(exchange.attempt)" } ?? ""
            Output.text("    \(exchange.method) \(exchange.path) \(status) in \(exchange.milliseconds) ms\(batch)")
        }
    }
}

/// Finds a run by its number.
enum RunLookup {
    static func find(_ number: Int64?, _ environment: RunEnvironment) throws -> RunRecord {
        let runs = CurrentRuns(environment: environment)
        if let number, let record = try runs.run(number) { return record }
        if number == nil, let newest = try runs.runs(limit: 1).first { return newest }
        throw unknown(number)
    }

    static func unknown(_ number: Int64?) -> RunError {
        RunError(
            code: "unknown_run", message: number.map { "There is no run \($0)." } ?? "There are no runs yet.",
            hint: "sluice runs lists them.")
    }
}
