internal import ArgumentParser
internal import ProjectConfig
internal import Runner

struct Pause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Takes a sync off its schedule and out of run --all.",
        discussion: """
            Example: sluice pause companies

            A run that is going goes on; sluice cancel RUN stops it. sluice run companies still runs the sync, and
            sluice resume companies puts it back on its schedule. A server that runs needs no restart.

            With --json: {"sync": NAME, "paused": true, "was_paused": whether it was before, "paused_by_file": whether
            the project file says so too}. Exit code: 0, also where it was paused before; 2 where there is no such sync.
            """)

    @Argument(help: "A sync of the project.")
    var sync: String

    @OptionGroup var common: ProjectOptions

    func run() throws {
        let answer = try PauseBody.set(sync, isPaused: true, common)
        if common.json { return try Output.print(json: PauseBody(answer)) }
        Output.text(answer.wasPaused ? "\(sync) was paused already." : "\(sync) is paused.")
    }
}

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Puts a paused sync back on its schedule.",
        discussion: """
            Example: sluice resume companies

            What it missed while it was paused, however often, is run once. A sync that the project file pauses \
            (paused: true) stays paused until the file says otherwise.

            With --json: {"sync": NAME, "paused": false, "was_paused": whether it was before, "paused_by_file": whether
            the project file still pauses it}. Exit code: 0, also where it was not paused; 2 where there is no such sync.
            """)

    @Argument(help: "A sync of the project.")
    var sync: String

    @OptionGroup var common: ProjectOptions

    func run() throws {
        let answer = try PauseBody.set(sync, isPaused: false, common)
        if common.json { return try Output.print(json: PauseBody(answer)) }
        Output.text(answer.wasPaused ? "\(sync) is back." : "\(sync) was not paused.")
        if answer.isPausedByFile { Output.note("The project file still says paused: true.") }
    }
}

private struct PauseBody: Encodable {
    var sync: String
    var paused: Bool
    var wasPaused: Bool
    var pausedByFile: Bool

    init(_ answer: PauseSync.Answer) {
        sync = answer.sync
        paused = answer.isPaused
        wasPaused = answer.wasPaused
        pausedByFile = answer.isPausedByFile
    }

    enum CodingKeys: String, CodingKey {
        case sync, paused
        case wasPaused = "was_paused"
        case pausedByFile = "paused_by_file"
    }

    static func set(_ name: String, isPaused: Bool, _ common: ProjectOptions) throws -> PauseSync.Answer {
        let workspace = try Workspace.open(common)
        let definition = try workspace.sync(name)
        let environment = try workspace.environment()
        try environment.note(isPaused ? .syncPaused : .syncResumed, definition.name)
        return try PauseSync(environment: environment).set(definition, isPaused: isPaused)
    }
}
