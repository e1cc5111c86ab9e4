internal import ArgumentParser
internal import ProjectConfig

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Prints the JSON Schema of the project file, for editors.",
        discussion: "Example: sluice schema > sluice.schema.json")

    @Flag(name: .long, help: "Changes nothing: the schema is JSON.")
    var json = false

    func run() { Output.text(ProjectSchema.json(catalog: Connectors.all)) }
}

struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Prints a completion script for a shell.",
        discussion: "Example: sluice completions bash > /etc/bash_completion.d/sluice")

    @Argument(help: "bash, zsh or fish.")
    var shell: String = "bash"

    @Flag(name: .long, help: "Changes nothing but how errors are printed: the script stays one.")
    var json = false

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
        commandName: "version", abstract: "Prints the version.", discussion: "Example: sluice version --json")

    @Flag(name: .long, help: "Print one JSON value on standard output.")
    var json = false

    func run() throws {
        if json { return try Output.print(json: ["version": Self.number]) }
        Output.text("sluice \(Self.number)")
    }
}
