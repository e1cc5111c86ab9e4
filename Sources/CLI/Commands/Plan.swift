internal import ArgumentParser
internal import Records
internal import Runner
internal import StateStore

struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Dry run: what a run would create, update, skip, and which rows are invalid. Leaves nothing behind.",
        discussion: """
            Example: sluice plan companies --records 5

            With --out the plan is saved: sluice run --plan FILE then sends exactly what you have looked at, or nothing. \
            The file holds the rows that would be sent, so keep it as safe as the state directory.

            Of the rows that would not be sent, one example of each reason comes first.

            Exit code: 0 a run would go on, 1 failed, 2 the project or the command line is wrong, 5 a guard would stop \
            it.
            """)

    @Argument(help: "Syncs of the project.")
    var syncs: [String]

    @Flag(name: .long, help: "As if every record had to be sent again.")
    var full = false

    @Option(name: .long, help: ArgumentHelp("How many examples to show.", valueName: "n"))
    var records: Int = 3

    @Option(name: .long, help: ArgumentHelp("Save the plan in this file, for run --plan.", valueName: "file"))
    var out: String?

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        if out != nil && syncs.count != 1 {
            throw ValidationError("A file holds the plan of one sync: name one with --out.")
        }
    }

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        let definitions = try syncs.map { try workspace.sync($0) }
        var options = RunOptions()
        options.isFull = full
        let (runOptions, examples, file, isQuiet) = (options, max(0, records), out, common.quiet)
        // A plan is made at once, unless it has to wait for something.
        let tell = { @Sendable (progress: RunProgress) in
            guard !isQuiet, case .waiting(let reason, let duration) = progress else { return }
            Output.note("waits \(max(1, Int((duration / .seconds(1)).rounded()))) s: \(reason)")
        }
        // A saved plan belongs to a state: the run that sends it compares them.
        let (environment, scratch) =
            out == nil
            ? try workspace.environmentToRead(progress: tell) : (try workspace.environment(progress: tell), nil)
        defer { scratch?.remove() }
        let reports = try await Interruption.watch {
            var reports: [PlanSync.Report] = []
            for definition in definitions {
                reports.append(
                    try await PlanSync(definition, options: runOptions, environment: environment)
                        .plan(examplesMax: examples, out: file))
            }
            return reports
        }
        if common.json {
            try Output.print(json: ["plans": reports.map { PlanBody($0) }])
        } else {
            for report in reports { show(report) }
        }
        if reports.contains(where: { $0.guardRecord != nil }) { throw ExitStatus.stoppedByGuard }
    }

    private func show(_ report: PlanSync.Report) {
        let full =
            report.full ? " (full run\(report.fullReason.map { ": " + $0.replacing("_", with: " ") } ?? ""))" : ""
        Output.text("\(report.sync): a run would \(report.promise)\(full)")
        if let record = report.guardRecord {
            for one in record.all { Output.text("  guard \(one.name) would stop it: \(one.message)") }
            Output.text("    \(record.hint)")
        }
        Output.text("  rows        " + RunText.rows(report.rows) + RunText.scan(report.scan))
        let kinds = report.kinds
        let sent = "\(RunText.grouped(kinds.new)) new, \(RunText.grouped(kinds.changed)) changed"
        let removed = "\(RunText.grouped(kinds.removed)) to remove"
        let parts = [report.removesRows ? nil : sent, kinds.removed > 0 || report.removesRows ? removed : nil]
        Output.text("  operations  " + parts.compactMap { $0 }.joined(separator: ", "))
        if report.isDestinationRead {
            let (created, updated) = (report.operations.created, report.operations.updated)
            Output.text("  there       \(RunText.grouped(updated)) to update, \(RunText.grouped(created)) to create")
        }
        for warning in report.warnings {
            Output.text("  warning[\(warning.code)]: \(warning.message)")
            Output.text("    \(warning.hint)")
        }
        for reason in report.reasons { Output.text("  \(RunText.grouped(reason.count)) \(reason.code)") }
        for example in report.examples {
            Output.text("  \(example.change) \(RunText.key(example.key))")
            if let payload = example.payload { Output.text("    \(payload)") }
            if let message = example.message { Output.text("    \(message)") }
            if let hint = example.hint, !hint.isEmpty { Output.text("    \(hint)") }
        }
        if let file = report.savedIn {
            let accepted = (report.guardRecord?.all ?? []).map { " --accept-guard \($0.name)" }.joined()
            Output.text("  saved in \(file); to send exactly this: sluice run --plan \(file)\(accepted)")
        }
    }
}
