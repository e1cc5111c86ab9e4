internal import ArgumentParser
internal import ConnectorKit
internal import ProjectConfig
internal import Runner
internal import StateStore

struct Resend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resend",
        abstract: "Reads the source again and sends chosen records in a run of their own.",
        discussion: """
            Example: sluice resend companies --key acct-7 --key acct-9

            A run of the sync that was interrupted is finished first, which may send other records too: its rest, not \
            only the chosen ones. Both runs are shown. A key that is not in the source any more is named; there is \
            nothing to send for it.
            """)

    @Argument(help: "A sync of the project.")
    var sync: String

    @Option(name: .long, help: "The key of a record; repeat for more. A composite key is a JSON array.")
    var key: [String] = []

    @Flag(name: .long, help: "All records that the destination refused and has not accepted since.")
    var rejected = false

    @Flag(name: .long, help: "All records in doubt: sending them may make them twice.")
    var inDoubt = false

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        let chosen = [!key.isEmpty, rejected, inDoubt].filter { $0 }.count
        if chosen != 1 { throw ValidationError("Give --key, --rejected or --in-doubt.") }
    }

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        let definition = try workspace.sync(sync)
        var options = RunOptions()
        options.trigger = "resend"
        if !key.isEmpty { options.onlyKeys = Set(key) }
        if rejected { options.onlyPending = .rejected }
        if inDoubt { options.onlyPending = .inDoubt }
        let chosen = options
        try await RunReport(common, workspace).run([definition], tellsGone: true) { environment in
            try environment.note(.recordsResent, definition.name)
            return await RunSyncs(environment: environment).run([definition], options: chosen)
        }
    }
}

struct Test: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Sends one record, as a recorded run, and shows request and answer.",
        discussion: """
            Example: sluice test companies --key acct-7

            A run of the sync that was interrupted is finished first, which may send other records too: its rest, not \
            only this one. Both runs are shown.

            With --json: {"runs": [RUN…], "exchanges": [{"method", "path", "status", "error", "request", "answer"}]}.
            """)

    @Argument(help: "A sync of the project.")
    var sync: String

    @Option(name: .long, help: "The record's key; the first record of the dataset if none is named.")
    var key: String?

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        let definition = try workspace.sync(sync)
        var options = RunOptions()
        options.trigger = "test"
        options.limit = 1
        options.isTrial = true
        if let key { options.onlyKeys = [key] } else { options.isFull = definition.behavior != .send }
        let chosen = options
        try await RunReport(common, workspace).run([definition], tellsExchanges: true) { environment in
            await RunSyncs(environment: environment).run([definition], options: chosen)
        }
    }
}
