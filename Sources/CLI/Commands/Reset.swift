internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import ProjectConfig
internal import Runner

struct Reset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Forgets what is believed to be at the destination; the next run sends every row.",
        discussion: "Example: sluice reset companies --yes")

    @Argument(help: "A sync of the project, or one that was and has a history.")
    var sync: String

    @Flag(name: .long, help: "Do not ask.")
    var yes = false

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        // A wrong name leaves nothing behind.
        if !StatePlace(path: workspace.statePath()).isThere { _ = try workspace.sync(sync) }
        let environment = try workspace.environment()
        let definition = try workspace.syncIfDefined(sync, environment)
        let action =
            definition.map { ResetState($0, environment: environment) } ?? ResetState(sync, environment: environment)
        let known = try action.knownCountIfWhole()
        var rows: Int?
        if let definition { rows = try await action.rowsToSendIfWhole(definition) }
        let sending = rows.map { RunText.counted($0, "row") } ?? "every row"
        if !yes {
            let believed =
                known.map { count in
                    "\(RunText.counted(count, "record")) \(count == 1 ? "is" : "are") known to be at the destination."
                } ?? "The state of this sync is damaged, so that nobody knows what is at the destination."
            let after = definition == nil ? "" : " After the reset the next run sends \(sending)."
            Output.note(believed + after)
            guard isatty(STDIN_FILENO) == 1 else {
                throw RunError(
                    code: "invalid_option", message: "Nothing was forgotten: there is nobody to ask.",
                    hint: "Use --yes if it is meant.")
            }
            Output.write("Forget them? [y/N] ", to: STDERR_FILENO)
            guard readLine()?.lowercased().hasPrefix("y") == true else { throw ExitStatus.failed }
        }
        try environment.note(.syncReset, sync)
        try action.reset()
        if common.json { return try Output.print(json: ResetBody(forgotten: known, rowsToSend: rows)) }
        let forgotten = known.map { RunText.counted($0, "record") } ?? "the damaged state"
        Output.text("Forgot \(forgotten)" + (definition == nil ? "." : "; the next run sends \(sending)."))
    }
}

private struct ResetBody: Encodable {
    /// Null where the state was damaged.
    var forgotten: Int?
    var rowsToSend: Int?

    private enum CodingKeys: String, CodingKey {
        case forgotten
        case rowsToSend = "rows_to_send"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(forgotten, forKey: .forgotten)
        try container.encode(rowsToSend, forKey: .rowsToSend)
    }
}
