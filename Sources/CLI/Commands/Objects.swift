internal import ArgumentParser
internal import ConnectorKit
internal import Runner

struct Objects: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the objects of a destination: keys, behaviors, fields, and the account's own fields.",
        discussion: "Example: sluice objects crm company")

    @Argument(help: "A destination of the project.")
    var destination: String

    @Argument(help: "An object; all, in short, if none is named.")
    var object: String?

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        let workspace = try Workspace.open(common)
        let connections = workspace.connections(state: nil)
        let objects = try connections.objects(of: destination)
        guard let name = object else { return try list(objects) }
        guard let object = objects.first(where: { $0.name == name }) else {
            throw workspace.unknown("object", name, objects.map(\.name), in: destination)
        }
        let connected = try connections.destination(named: destination, context: DestinationContext())
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
        var table = TextTable(["object", "keys", "behaviors"])
        for object in objects {
            table.add([
                object.name, object.keys.map(\.name).joined(separator: ", "),
                object.behaviors.map(\.rawValue).joined(separator: ", "),
            ])
        }
        table.lines().forEach(Output.text)
    }

    private func show(_ object: DestinationObject, found: [DestinationField]) throws {
        let body = ObjectBody(object, found: found)
        if common.json { return try Output.print(json: body) }
        Output.text("\(object.displayName) (\(object.name))")
        Output.text("behaviors: " + body.behaviors.joined(separator: ", "))
        Output.text("keys:")
        for key in object.keys {
            let within = key.uniqueWithin.map { ", unique within \($0)" } ?? ""
            Output.text("  \(key.name)\(key.canCreate ? "" : ", finds but never creates")\(within)")
            if !key.note.isEmpty { Output.text("    \(key.note)") }
        }
        var table = TextTable(["field", "type", "needed to create", "writable", "about"])
        for field in body.fields {
            table.add([
                field.name, field.type + choices(field), field.required ? "yes" : "", field.writable ? "yes" : "no",
                field.help,
            ])
        }
        table.lines().forEach(Output.text)
    }

    private func choices(_ field: ObjectBody.Field) -> String {
        field.choices.isEmpty ? "" : " (\(field.choices.joined(separator: ", ")))"
    }
}

private struct ObjectBody: Encodable {
    struct Field: Encodable {
        var name: String
        var type: String
        var choices: [String]
        var required: Bool
        var writable: Bool
        var custom: Bool
        var help: String
    }

    var name: String
    var displayName: String
    var keys: [String]
    var behaviors: [String]
    var fields: [Field]

    init(_ object: DestinationObject, found: [DestinationField]) {
        name = object.name
        displayName = object.displayName
        keys = object.keys.map(\.name)
        behaviors = object.behaviors.map(\.rawValue)
        fields = object.fields.map { Self.field($0, isCustom: false) } + found.map { Self.field($0, isCustom: true) }
    }

    enum CodingKeys: String, CodingKey {
        case name
        case displayName = "display_name"
        case keys, behaviors, fields
    }

    private static func field(_ field: DestinationField, isCustom: Bool) -> Field {
        var choices: [String] = []
        if case .choice(let list) = field.type { choices = list }
        return Field(
            name: field.name, type: field.type.word, choices: choices, required: field.isRequiredOnCreate,
            writable: field.isWritable, custom: isCustom, help: field.help)
    }
}
