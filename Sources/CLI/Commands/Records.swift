internal import ArgumentParser
internal import Records
internal import Runner
internal import StateStore

struct Records: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "records",
        abstract: "Shows the rows of a run that did not simply arrive, each with its reason and what to do.",
        discussion: "Example: sluice records 12 --outcome rejected")

    @Argument(help: ArgumentHelp("The run's number; the newest if none is named.", valueName: "run"))
    var number: Int64?

    @Option(name: .long, help: "rejected, invalid, held, skipped, undelivered or in_doubt.")
    var outcome: String?

    @Flag(name: .long, help: "Print comma-separated values.")
    var csv = false

    @Option(name: .long, help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit: Int = 100_000

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        if let outcome, OutcomeKind(rawValue: outcome) == nil {
            let known = OutcomeKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--outcome takes one of \(known).")
        }
    }

    func run() throws {
        let workspace = try Workspace.open(common)
        let environment = try workspace.environment()
        let history = RunHistory(environment.database)
        let record = try RunLookup.find(number, environment)
        let kind = outcome.flatMap { OutcomeKind(rawValue: $0) }
        if common.json { return try Output.print(json: ["records": try all(history, record.id, kind)]) }
        if csv { Output.text(CSVText.outcomeHead) }
        for outcome in try all(history, record.id, kind) { show(outcome) }
    }

    private func all(_ history: RunHistory, _ run: Int64, _ kind: OutcomeKind?) throws -> [OutcomeRecord] {
        var found: [OutcomeRecord] = []
        while found.count < limit {
            let page = try history.outcomes(
                run: run, outcome: kind, limit: min(RunHistory.pageMax, limit - found.count), offset: found.count)
            if page.isEmpty { break }
            found += page
        }
        return found
    }

    private func show(_ outcome: OutcomeRecord) {
        if csv {
            return Output.text(CSVText.line(outcome))
        }
        Output.text("\(RunText.key(outcome.key))  \(outcome.outcome.rawValue)  \(outcome.code)")
        Output.text("  \(outcome.message)")
        if !outcome.hint.isEmpty { Output.text("  \(outcome.hint)") }
    }
}
