internal import ArgumentParser
internal import Runner
internal import StateStore

struct PeopleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "people",
        abstract: "Shows who may sign in to the server's pages, and gives somebody a new password.",
        discussion: """
            Example: sluice people list

            For whoever may use the state directory on the machine itself, as when the only admin has forgotten the \
            password. People are added and get their roles in the pages.
            """,
        subcommands: [ListPeople.self, SetPassword.self])

    static func people(_ common: ProjectOptions) throws -> People {
        Output.isJSON = common.json
        let place = StatePlace(common)
        try place.requireState()
        return People(database: try ControlDatabase.open(path: place.path + "/sluice.db"), time: .system)
    }
}

struct ListPeople: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Names, roles, and when each was last seen.",
        discussion: "Example: sluice people list")

    @OptionGroup var common: ProjectOptions

    func run() throws {
        let people = try PeopleCommand.people(common).list()
        if common.json { return try Output.print(json: ["people": people.map { PersonBody(person: $0) }]) }
        if people.isEmpty {
            return Output.text("Nobody may sign in yet: sluice serve prints a link for the first admin.")
        }
        for person in people {
            let seen = person.lastSeenAt.map { "last seen \($0.text)" } ?? "never seen"
            Output.text("\(person.name)  \(person.role.rawValue)  \(seen)")
        }
    }
}

private struct PersonBody: Encodable {
    var person: Person

    private enum CodingKeys: String, CodingKey {
        case name, role
        case lastSeenAt = "last_seen_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(person.name, forKey: .name)
        try container.encode(person.role.rawValue, forKey: .role)
        try container.encode(person.lastSeenAt?.text, forKey: .lastSeenAt)
    }
}

struct SetPassword: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "password", abstract: "Gives somebody a new password, which it reads from standard input.",
        discussion: "Example: sluice people password root")

    @Argument(help: "The person's name.")
    var name: String

    @OptionGroup var common: ProjectOptions

    mutating func run() async throws {
        let people = try PeopleCommand.people(common)
        try await people.setPassword(name, try SecretInput.read(prompt: "New password: "), by: .commandLine)
        if common.json { return try Output.print(json: ["changed": name]) }
        if !common.quiet { Output.text("\(name) has a new password, and is signed out everywhere.") }
    }
}
