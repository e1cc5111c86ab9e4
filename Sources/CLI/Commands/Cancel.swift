internal import ArgumentParser
internal import ProjectConfig
internal import Records
internal import Runner
internal import StateStore

struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stops a run politely, from another terminal.", discussion: "Example: sluice cancel 12")

    @Argument(help: ArgumentHelp("The run's number.", valueName: "run"))
    var number: Int64

    @OptionGroup var common: ProjectOptions

    func run() throws {
        let workspace = try Workspace.open(common)
        let environment = try workspace.environment()
        let record = try RunLookup.find(number, RunHistory(environment.database))
        let state = try environment.database.requestCancel(run: record.id, at: environment.time.now())
        if common.json { return try Output.print(json: ["state": state.rawValue]) }
        Output.text(
            state.isFinal
                ? "Run \(record.id) has ended already: \(RunText.state(state))."
                : "Run \(record.id) stops after the batch that is on its way.")
    }
}

struct Pause: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Takes a sync off its schedule and out of run --all.", discussion: "Example: sluice pause companies")

    @Argument(help: "A sync of the project.")
    var sync: String

    @OptionGroup var common: ProjectOptions

    func run() throws { try PauseChange.make(sync, isPaused: true, common) }
}

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts a paused sync back.", discussion: "Example: sluice resume companies")

    @Argument(help: "A sync of the project.")
    var sync: String

    @OptionGroup var common: ProjectOptions

    func run() throws { try PauseChange.make(sync, isPaused: false, common) }
}

private enum PauseChange {
    static func make(_ name: String, isPaused: Bool, _ common: ProjectOptions) throws {
        let workspace = try Workspace.open(common)
        let definition = try workspace.sync(name)
        try workspace.environment().database.setPaused(definition.name, isPaused)
        if common.json { return try Output.print(json: ["paused": isPaused]) }
        Output.text(isPaused ? "\(name) is paused." : "\(name) is back.")
        if !isPaused && definition.paused { Output.note("The project file still says paused: true.") }
    }
}
