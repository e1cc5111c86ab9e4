internal import ArgumentParser
internal import Foundation
internal import ProjectConfig
internal import Runner

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Writes a commented project and a .gitignore; never overwrites.",
        discussion: """
            Example: sluice init my-project

            With --project PATH instead of a folder the project gets that name. --state and --env change nothing here.
            """)

    @Argument(
        help: ArgumentHelp("The folder, made where it is not there; this one if none is named.", valueName: "dir"))
    var folder: String?

    @OptionGroup var common: ProjectOptions

    func validate() throws {
        if folder != nil && common.project != ProjectOptions.projectDefault {
            throw ValidationError("Name a folder or a file with --project, not both.")
        }
    }

    func run() throws {
        let named = common.project as NSString
        let directory = folder ?? (named.deletingLastPathComponent.isEmpty ? "." : named.deletingLastPathComponent)
        let files = [
            (named.lastPathComponent, ProjectTemplate.project(catalog: Connectors.all)),
            (".gitignore", ProjectTemplate.gitignore),
            (".env.example", ProjectTemplate.environmentExample(catalog: Connectors.all)),
        ]
        let manager = FileManager.default
        let project = directory + "/" + named.lastPathComponent
        guard !manager.fileExists(atPath: project) else {
            throw RunError(
                code: "file_exists", message: "\(project) is there already and is left as it is.",
                hint: "Choose another folder, or move the file away.")
        }
        do {
            try manager.createDirectory(atPath: directory, withIntermediateDirectories: true)
            var written: [String] = []
            for (name, text) in files where !manager.fileExists(atPath: directory + "/" + name) {
                try Data(text.utf8).write(
                    to: URL(fileURLWithPath: directory + "/" + name), options: .withoutOverwriting)
                written.append(directory == "." ? name : directory + "/" + name)
            }
            if common.json { return try Output.print(json: ["written": written]) }
            if common.quiet { return }
            for name in written { Output.text("wrote \(name)") }
            Output.text("Next: fill in .env (see .env.example), then sluice check.")
        } catch let error as CocoaError {
            throw RunError(
                code: "cannot_write", message: "The project cannot be written to \(directory).",
                hint: error.localizedDescription)
        }
    }
}
