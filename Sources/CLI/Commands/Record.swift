internal import ArgumentParser
internal import Records
internal import Runner
internal import StateStore

struct Record: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Shows the life of one record: the runs that touched it, what was sent and answered.",
        discussion: "Example: sluice record companies acct-7")

    @Argument(help: "A sync of the project, or one that was and has a history.")
    var sync: String

    @Argument(help: "The record's key; a composite key is a JSON array.")
    var key: String

    @OptionGroup var common: ProjectOptions

    func run() throws {
        let workspace = try Workspace.open(common)
        let (environment, scratch) = try workspace.environmentToRead()
        defer { scratch?.remove() }
        let definition = try workspace.syncIfDefined(sync, environment)
        let life =
            definition.map { RecordLife($0, environment: environment) }
            ?? RecordLife(orphan: sync, environment: environment)
        let steps = try life.steps(key: key)
        if common.json {
            return try Output.print(json: RecordBody(sync: sync, key: key, steps: steps))
        }
        if steps.isEmpty { Output.text("No run that is still kept touched \(key).") }
        for step in steps { show(step) }
    }

    private func show(_ step: RecordLife.Step) {
        Output.text("run \(step.run.id), \(step.run.startedAt.text): \(step.outcome)")
        if let reason = step.reason {
            Output.text("  \(reason.code): \(reason.message)")
            if !reason.hint.isEmpty { Output.text("  \(reason.hint)") }
        }
        if let payload = step.payload { Output.text("  sent: \(payload)") }
        if let payload = step.unsent { Output.text("  never left: \(payload)") }
        for exchange in step.exchanges {
            let status = exchange.status.map(String.init) ?? exchange.error ?? "no answer"
            Output.text("  \(exchange.method) \(exchange.path) answered \(status) in \(exchange.milliseconds) ms")
        }
    }
}
