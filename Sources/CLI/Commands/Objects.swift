internal import ArgumentParser
internal import ConnectorKit
internal import Runner

struct Objects: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "objects",
        abstract: "Shows the objects of a destination: keys, behaviors, fields, and the account's own fields.",
        discussion: """
            Example: sluice objects crm company

            Lines are as wide as the terminal, or as COLUMNS says.
            """)

    @Argument(help: "A destination of the project.")
    var destination: String

    @Argument(help: "An object; all, in short, if none is named.")
    var object: String?

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        let connections = workspace.connections(state: workspace.stateIfAny())
        let objects = try connections.objects(of: destination)
        guard let name = object else { return try list(objects) }
        guard let object = objects.first(where: { $0.name == name }) else {
            throw workspace.unknown("object", name, objects.map(\.name), in: destination)
        }
        let connected = try connections.destination(named: destination, time: .system)
        do {
            try show(object, found: try await connected.discoveredFields(of: object))
        } catch let error as ConnectorError {
            // What is declared is worth showing without the account, too.
            Output.note("The account's own fields could not be read. \(error.message)")
            try show(object, found: [])
        }
    }

    private func list(_ objects: [DestinationObject]) throws {
        if common.json { return try Output.print(json: ["objects": objects.map { ObjectBody($0, found: []) }]) }
        ObjectText.list(objects, width: Output.width).forEach(Output.text)
    }

    private func show(_ object: DestinationObject, found: [DestinationField]) throws {
        if common.json { return try Output.print(json: ObjectBody(object, found: found)) }
        ObjectText(object: object, found: found, width: Output.width).lines().forEach(Output.text)
    }
}
