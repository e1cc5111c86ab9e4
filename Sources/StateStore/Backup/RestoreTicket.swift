internal import Glibc

/// One restore: which backup lies in the state directory, proved and synced, to be put in the place of the state.
package struct RestoreTicket: Sendable, Hashable {
    private static let firstLine = "sluice restore 1"
    private static let bytesMax = 4_096

    /// No other restore has it.
    package var id: String
    package var generation: Int64
    package var madeAt: Moment
    package var files: Int
    /// Whether it holds secrets, which open only with the key they were sealed with.
    package var hasSecrets: Bool
    /// The roles that people have in it.
    package var roles: [String] = []
    /// The version of its database.
    package var schema: Int

    /// Whether this program can read it.
    package var isReadable: Bool { schema <= ControlMigration.all.count }

    /// Where the backup lies.
    func folder(_ state: StateDirectory) -> String { "\(state.restoreFolder)/new.\(id)" }

    static func newID() -> String { String(UInt64.random(in: 0 ... .max), radix: 36) }

    // MARK: As a file

    var bytes: [UInt8] {
        let lines = [
            Self.firstLine, "id \(id)", "generation \(generation)", "made_at \(madeAt.milliseconds)", "files \(files)",
            "has_secrets \(hasSecrets ? 1 : 0)", "roles \(roles.joined(separator: ","))", "schema \(schema)", "end",
        ]
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// nil for anything else than what `bytes` makes: also for the empty mark of a restore that cannot be gone on with.
    init?(_ bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.first == Self.firstLine[...], lines.last == "end" else { return nil }
        var values: [Substring: Substring] = [:]
        for line in lines {
            guard let space = line.firstIndex(of: " ") else { continue }
            values[line[..<space]] = line[line.index(after: space)...]
        }
        func number(_ name: Substring) -> Int64? { values[name].flatMap { Int64($0) } }
        guard let id = values["id"], Self.isID(id), let generation = number("generation"),
            let madeAt = number("made_at"), let files = number("files"), let secrets = number("has_secrets"),
            let roles = values["roles"], let schema = number("schema")
        else { return nil }
        self.init(
            id: String(id), generation: generation, madeAt: Moment(milliseconds: madeAt), files: Int(clamping: files),
            hasSecrets: secrets != 0, roles: roles.split(separator: ",").map { String($0) },
            schema: Int(clamping: schema))
    }

    init(
        id: String, generation: Int64, madeAt: Moment, files: Int, hasSecrets: Bool, roles: [String], schema: Int
    ) {
        self.id = id
        self.generation = generation
        self.madeAt = madeAt
        self.files = files
        self.hasSecrets = hasSecrets
        self.roles = roles
        self.schema = schema
    }

    static func read(_ file: StateFile) throws -> RestoreTicket? {
        RestoreTicket(try file.bytes(at: 0, count: bytesMax))
    }

    /// It becomes part of a path.
    private static func isID(_ text: Substring) -> Bool {
        (1...13).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    }
}

/// The mark of a restore that has begun to replace the state: until it has ended nobody may use it.
struct RestoreMark {
    let path: String

    init(database: String) { path = database + ".restoring" }

    init(_ state: StateDirectory) { self.init(database: state.databasePath) }

    var isThere: Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0
    }

    /// What is being put in place; nil where there is no mark, or none that says so.
    func ticket() throws -> RestoreTicket? {
        guard let file = try StateFile.openIfPresent(path, .read) else { return nil }
        return try RestoreTicket.read(file)
    }

    func set(_ ticket: RestoreTicket) throws { try FileCopy.write(ticket.bytes, at: path) }

    func clear() throws {
        try StateFolder.remove(path)
        try StateFolder.synchronize(StateFolder.parent(path))
    }

    func refuse() throws(StateError) {
        guard isThere else { return }
        throw Self.unfinished
    }

    static let unfinished = StateError(
        code: "restore_unfinished", message: "A restore of this state was cut off, so it is not whole.",
        hint: "Start sluice serve, which finishes it, or run the same sluice restore again: it needs no --force then.")
}
