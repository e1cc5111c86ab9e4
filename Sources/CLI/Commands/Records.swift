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

    @Option(
        name: .long,
        help: ArgumentHelp("At most so many; 1,000 for people, all for --csv and --json.", valueName: "n"))
    var limit: Int?

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        if let outcome, OutcomeKind(rawValue: outcome) == nil {
            let known = OutcomeKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--outcome takes one of \(known).")
        }
        if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1.") }
    }

    func run() throws {
        let workspace = try Workspace.open(common)
        let (environment, scratch) = try workspace.environmentToRead()
        defer { scratch?.remove() }
        let history = RunHistory(environment.database)
        let record = try RunLookup.find(number, environment)
        let kind = outcome.flatMap { OutcomeKind(rawValue: $0) }
        if common.json {
            var all: [OutcomeRecord] = []
            try pages(history, record.id, kind, limit ?? .max) { all += $0 }
            return try Output.print(json: ["records": all])
        }
        if csv {
            Output.text(CSVText.outcomeHead)
            return try pages(history, record.id, kind, limit ?? .max) { Self.print($0.map { CSVText.line($0) }) }
        }
        var shown = 0
        try pages(history, record.id, kind, limit ?? Self.textMax) { page in
            Self.print(page.flatMap { Self.lines($0) })
            shown += page.count
        }
        try tellRest(history, record, kind, shown: shown)
    }

    /// What a person reads at once.
    private static let textMax = 1_000

    /// Each page goes on behind the last row of the one before, however far that is.
    private func pages(
        _ history: RunHistory, _ run: Int64, _ kind: OutcomeKind?, _ limit: Int, _ body: ([OutcomeRecord]) -> Void
    ) throws {
        var filter = OutcomeFilter()
        filter.outcome = kind
        var left = limit
        while left > 0 {
            let page = try history.outcomes(run: run, filter, limit: min(RunHistory.pageMax, left))
            guard let last = page.last else { return }
            body(page)
            left -= page.count
            filter.after = OutcomeFilter.Cursor(code: last.code, sequence: last.sequence)
        }
    }

    /// Says what is kept besides, and that the history does not keep every row of a run of very many.
    private func tellRest(_ history: RunHistory, _ run: RunRecord, _ kind: OutcomeKind?, shown: Int) throws {
        let counts = try history.outcomeCounts(run: run.id)
        let kept = kind.map { counts[$0] ?? 0 } ?? counts.values.reduce(0, +)
        if kept > shown && limit == nil {
            Output.text("… and \(RunText.grouped(kept - shown)) more: --csv has what is kept, --limit shows more.")
        }
        let missing = kind.map { counts[$0] ?? 0 } ?? counts.filter { $0.key != .skipped }.values.reduce(0, +)
        let all = kind.map { Self.count($0, run) } ?? run.notArrived
        guard all > missing else { return }
        let what = kind.map { "are \($0.rawValue.replacing("_", with: " "))" } ?? "did not arrive"
        Output.text(
            "Of \(RunText.counted(all, "row")) that \(what), the history keeps \(RunText.grouped(missing)).")
    }

    /// How many rows of the run ended so.
    private static func count(_ kind: OutcomeKind, _ run: RunRecord) -> Int {
        switch kind {
        case .invalid: run.rows.invalid
        case .held: run.rows.held
        case .rejected: run.operations.rejected
        case .undelivered: run.operations.undelivered
        case .inDoubt: run.operations.inDoubt
        // What a first run skips is counted and not named.
        case .skipped: 0
        }
    }

    private static func print(_ lines: [String]) {
        if !lines.isEmpty { Output.text(lines.joined(separator: "\n")) }
    }

    private static func lines(_ outcome: OutcomeRecord) -> [String] {
        let head = "\(RunText.key(outcome.key))  \(outcome.outcome.rawValue)  \(outcome.code)"
        return [head, "  \(outcome.message)"] + (outcome.hint.isEmpty ? [] : ["  \(outcome.hint)"])
    }
}
