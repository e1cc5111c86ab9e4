internal import ArgumentParser
internal import ProjectConfig
internal import Runner

struct Confirm: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Says that records in doubt did arrive.",
        discussion: """
            Example: sluice confirm usage --in-doubt

            The records count as accepted from then on, in a run of their own, and nothing is sent. A key that is not \
            in doubt is named and changes nothing.

            With --json: {"confirmed": how many, "unknown": [the given keys that are not in doubt]}. Exit code: 0 all \
            the given records were confirmed (none in doubt with --in-doubt included), 1 a key was not in doubt, a run \
            of the sync is going on, or one that was interrupted has to be finished first by sluice run.
            """)

    @Argument(help: "A sync of the project.")
    var sync: String

    @Option(name: .long, help: "The key of a record; repeat for more.")
    var key: [String] = []

    @Flag(name: .long, help: "All records in doubt.")
    var inDoubt = false

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        if key.isEmpty != inDoubt { throw ValidationError("Give --key or --in-doubt.") }
    }

    func run() throws {
        let workspace = try Workspace.open(common)
        let (definition, environment) = (try workspace.sync(sync), try workspace.environment())
        let action = ConfirmRecords(definition, environment: environment)
        try environment.note(.recordsConfirmed, definition.name)
        let result = try action.confirm(inDoubt ? nil : key)
        if common.json {
            try Output.print(json: ConfirmBody(confirmed: result.confirmed, unknown: result.unknown))
        } else {
            let verb = result.confirmed == 1 ? "is" : "are"
            Output.text("\(RunText.counted(result.confirmed, "record")) \(verb) now known to have arrived.")
            for key in result.unknown { Output.text("\(key) is not in doubt.") }
        }
        if !result.unknown.isEmpty { throw ExitStatus.failed }
    }
}

private struct ConfirmBody: Encodable {
    var confirmed: Int
    var unknown: [String]
}
