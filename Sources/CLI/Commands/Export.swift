internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import ProjectConfig
internal import Runner

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Prints one project file that says everything: the files' definitions and those made in the pages.",
        discussion: """
            Example: sluice export > sluice.yaml.new

            Names are in a stable order, comments are left out, secrets are references. What was made in the pages can be \
            put under version control that way; a definition that a file has is changed in the file from then on.
            """)

    @OptionGroup var common: ProjectOptions

    func run() throws {
        Output.isJSON = common.json
        let place = StatePlace(common)
        let text =
            try place.isThere
            ? place.definitions(common).export(by: .commandLine) : Self.files(place, common)
        if common.json { return try Output.print(json: ["project": text]) }
        Output.write(text, to: STDOUT_FILENO)
    }

    /// Without a state there is nothing but the files, and no state is made for it.
    private static func files(_ place: StatePlace, _ common: ProjectOptions) throws -> String {
        let workspace = try Workspace.open(common)
        return ProjectExport(loaded: workspace.loaded, isInForce: { _ in true }).text(catalog: Connectors.all)
    }
}
