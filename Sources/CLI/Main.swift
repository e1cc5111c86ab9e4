internal import ArgumentParser
internal import CMemory
internal import ConnectorKit
internal import Foundation
internal import Glibc
internal import Runner

@main
struct Sluice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Moves rows of your database into \(Connectors.destinationNames), and keeps them there in step.",
        discussion: """
            A project file (sluice.yaml) says what goes where. Try it without an account:

              sluice demo

            Then, in a folder of your own:

              sluice init && sluice check && sluice plan accounts && sluice run accounts
            """,
        version: "sluice \(Version.number)",
        subcommands: [
            Init.self, Check.self, Objects.self, Tables.self, Preview.self, Plan.self, Run.self, Runs.self, Show.self,
            Records.self, Record.self, Resend.self, Confirm.self, Reset.self, Test.self, Cancel.self, Pause.self,
            Resume.self, Forget.self, Secrets.self, PeopleCommand.self, Export.self, Backup.self, Restore.self,
            Serve.self, SandboxCommand.self, Demo.self, Schema.self, Completions.self, Version.self,
        ])

    static func main() async {
        // A reader that goes away (`| head`) must not end the program in the middle of a run.
        signal(SIGPIPE, SIG_IGN)
        // A file that reached its limit (ulimit -f) is an error with a name, not the end of the program.
        signal(SIGXFSZ, SIG_IGN)
        sluice_keep_freed_memory()
        Output.prepare()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            finish(error)
        }
    }

    /// Ends the program: help with 0, a wrong command line with 2, and whatever a command decided.
    private static func finish(_ error: any Error) -> Never {
        if let status = error as? ExitStatus { Foundation.exit(status.rawValue) }
        let code = exitCode(for: error)
        if code == .success {
            print(fullMessage(for: error))
            Foundation.exit(0)
        }
        if code == .validationFailure { refuse(error) }
        Output.fail(error)
        Foundation.exit(ExitStatus.of(error).rawValue)
    }

    /// Says what is wrong with the command line.
    private static func refuse(_ error: any Error) -> Never {
        if let unknown = unknownCommand() {
            Output.fail(unknown)
        } else {
            let hint = "sluice \(commandWord() ?? "COMMAND") --help shows what it takes."
            Output.fail(RunError(code: "invalid_command_line", message: message(for: error), hint: hint))
        }
        Foundation.exit(ExitStatus.usage.rawValue)
    }

    /// The command that was meant, if there is one before the options.
    private static func commandWord() -> String? {
        CommandLine.arguments.dropFirst().first.flatMap { $0.hasPrefix("-") ? nil : $0 }
    }

    private static func unknownCommand() -> RunError? {
        let known = configuration.subcommands.map {
            $0.configuration.commandName ?? String(describing: $0).lowercased()
        }
        guard let word = commandWord(), !known.contains(word) else { return nil }
        return RunError(
            code: "unknown_command", message: "There is no command \(word).",
            hint: NearestName.among(known, to: word).map { "Did you mean \($0)?" } ?? "sluice --help lists them.")
    }
}
