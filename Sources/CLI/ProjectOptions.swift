internal import ArgumentParser

/// The options that every command takes, also one that has no use for some of them: a script may add them to any.
struct ProjectOptions: ParsableArguments {
    /// For the help of commands that read no project.
    static let unread =
        "No project is read: --project, --state and --env are taken, as by every command, and change nothing."

    static let projectDefault = "sluice.yaml"

    @Option(name: .long, help: ArgumentHelp("The project file.", valueName: "path"))
    var project: String = projectDefault

    @Option(name: .long, help: ArgumentHelp("The state directory (.sluice beside the project file).", valueName: "dir"))
    var state: String?

    @Option(name: .long, help: ArgumentHelp("The environment: .env.NAME and the project's section.", valueName: "name"))
    var env: String?

    @Flag(name: .long, help: "Print one JSON value on standard output.")
    var json = false

    @Flag(name: .long, help: "Print only what did not go well.")
    var quiet = false

    @Flag(name: .long, help: "Print more: every wait and step on standard error.")
    var verbose = false
}
