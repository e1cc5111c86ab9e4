internal import ArgumentParser
internal import Records
internal import Runner
internal import StateStore

struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Stops a run politely, from another terminal.",
        discussion: """
            Example: sluice cancel 12

            A run that is going stops after the batch that is on its way, at most 30 seconds later, and its own command \
            ends with 130. A run that was interrupted (its process was killed) is closed by the next run of its sync, \
            without sending the rest. A run that has ended stays as it is.

            With --json: {"run": 12, "sync": NAME, "state": how the run was found}. Exit code: 0 in all three cases, \
            2 where there is no such run.
            """)

    @Argument(help: ArgumentHelp("The run's number.", valueName: "run"))
    var number: Int64

    @OptionGroup var common: ProjectOptions

    func run() throws {
        let workspace = try Workspace.open(common)
        let environment = try workspace.environment()
        guard let answer = try CancelRun(environment: environment).cancel(number) else {
            throw RunLookup.unknown(number)
        }
        if !answer.state.isFinal { try environment.note(.runCancelled, subject: "run \(number)") }
        if common.json { return try Output.print(json: CancelBody(answer)) }
        Output.text(Self.sentence(answer))
    }

    private static func sentence(_ answer: CancelRun.Answer) -> String {
        let (run, sync) = (answer.run, answer.sync)
        if answer.state.isFinal { return "Run \(run) has ended already: \(RunText.state(answer.state))." }
        switch (answer.state, answer.isSettled) {
        case (.interrupted, true):
            return
                "Run \(run) is not running any more: its process ended while it closed its books. All that it was to "
                + "send is settled; the next run of \(sync) finishes it."
        case (.interrupted, false):
            return
                "Run \(run) is not running any more: its process ended before it did. The next run of \(sync) closes "
                + "it without sending the rest, and plans anew what is missing."
        case (_, true): return "Run \(run) is closing its books: there is nothing left to stop."
        case (_, false): return "Run \(run) stops after the batch that is on its way."
        }
    }
}

private struct CancelBody: Encodable {
    var run: Int64
    var sync: String
    /// How the run was found.
    var state: String

    init(_ answer: CancelRun.Answer) {
        run = answer.run
        sync = answer.sync
        state = answer.state.rawValue
    }
}
