internal import ArgumentParser
internal import ProjectConfig

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Prints the JSON Schema of the project file, for editors.",
        discussion: """
            Example: sluice schema > sluice.schema.json

            The schema is JSON, with --json and without. \(ProjectOptions.unread)
            """)

    @OptionGroup var common: ProjectOptions

    func run() { Output.text(ProjectSchema.json(catalog: Connectors.all)) }
}

struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Prints a completion script for a shell.",
        discussion: """
            Example: sluice completions bash > /etc/bash_completion.d/sluice

            --json changes how errors are printed and nothing else: the script stays one. \(ProjectOptions.unread)
            """)

    @Argument(help: "bash, zsh or fish.")
    var shell: String = "bash"

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        guard CompletionShell(rawValue: shell) == nil else { return }
        let known = CompletionShell.allCases.map(\.rawValue).sorted().joined(separator: ", ")
        throw ValidationError("There are completions for \(known), not for \(shell).")
    }

    func run() {
        guard let kind = CompletionShell(rawValue: shell) else { return }
        Output.text(Sluice.completionScript(for: kind))
    }
}

struct Version: ParsableCommand {
    static let number = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Prints the version.",
        discussion: """
            Example: sluice version --json

            \(ProjectOptions.unread)
            """)

    @OptionGroup var common: ProjectOptions

    func run() throws {
        if common.json { return try Output.print(json: ["version": Self.number]) }
        Output.text("sluice \(Self.number)")
    }
}
