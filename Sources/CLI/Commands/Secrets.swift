internal import ArgumentParser
internal import ConnectorKit
internal import Foundation
internal import Glibc
internal import Runner
internal import StateStore

struct Secrets: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets",
        abstract: "Keeps secrets, sealed, in the state directory; {secret: NAME} in the project refers to one.",
        discussion: """
            Example: sluice secrets set warehouse_password < password.txt

            A secret is read from standard input, never from the command line, and is never shown again. The key that \
            seals them is SLUICE_SECRET_KEY (32 bytes in base64) or, without that, a file secret.key that is made in the \
            state directory. Keep a copy of the key somewhere else: without it nobody can read the secrets.
            """,
        subcommands: [SetSecret.self, ListSecrets.self, RemoveSecret.self, RotateKey.self])
}

struct SetSecret: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Stores a secret that it reads from standard input, without its last line end.",
        discussion: "Example: printf %s \"$TOKEN\" | sluice secrets set api_token")

    @Argument(help: "The name that {secret: NAME} refers to.")
    var name: String

    @OptionGroup var common: ProjectOptions

    func run() throws {
        Output.isJSON = common.json
        let value = try SecretInput.read(prompt: "Secret \(name): ")
        try StatePlace(common).vault().set(name, Secret(value), by: .commandLine)
        if common.json { return try Output.print(json: ["set": name]) }
        if !common.quiet { Output.text("\(name) is set.") }
    }
}

struct ListSecrets: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Shows which secrets there are and when they were set, never what they are.",
        discussion: "Example: sluice secrets list")

    @OptionGroup var common: ProjectOptions

    func run() throws {
        Output.isJSON = common.json
        let place = StatePlace(common)
        let entries = place.isThere ? try place.vault().list() : []
        if common.json {
            return try Output.print(json: ["secrets": entries.map { SecretBody(entry: $0) }])
        }
        if entries.isEmpty { return Output.text("There are no secrets.") }
        for entry in entries { Output.text("\(entry.name)  set \(entry.changedAt.text) by \(entry.changedBy)") }
    }
}

private struct SecretBody: Encodable {
    var entry: SecretVault.Entry

    private enum CodingKeys: String, CodingKey {
        case name
        case changedAt = "changed_at"
        case changedBy = "changed_by"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(entry.name, forKey: .name)
        try container.encode(entry.changedAt.text, forKey: .changedAt)
        try container.encode(entry.changedBy, forKey: .changedBy)
    }
}

struct RemoveSecret: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Forgets a secret.", discussion: "Example: sluice secrets remove api_token")

    @Argument(help: "The secret's name.")
    var name: String

    @OptionGroup var common: ProjectOptions

    func run() throws {
        Output.isJSON = common.json
        try StatePlace(common).vault().remove(name, by: .commandLine)
        if common.json { return try Output.print(json: ["removed": name]) }
        if !common.quiet { Output.text("\(name) is removed.") }
    }
}

struct RotateKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Seals every secret with a new key.",
        discussion: """
            Example: sluice secrets rotate

            Where the key is in the file secret.key, a new one is made and put there. Where it is in SLUICE_SECRET_KEY, \
            the new key is read from standard input, in base64: put it into the variable afterwards, also for a server \
            that is running. Either all secrets are sealed anew or none.
            """)

    @OptionGroup var common: ProjectOptions

    func run() throws {
        Output.isJSON = common.json
        let place = StatePlace(common)
        let isGiven = place.variables[SecretKey.variable].map { !$0.isEmpty } ?? false
        let key =
            isGiven
            ? try SecretKey(text: try SecretInput.read(prompt: "New key: "), place: "Standard input") : nil
        let count = try place.vault().rotate(to: key, by: .commandLine)
        if common.json { return try Output.print(json: ["sealed": count]) }
        if common.quiet { return }
        Output.text("\(RunText.counted(count, "secret")) sealed with the new key.")
        if isGiven {
            Output.text("Put the new key into \(SecretKey.variable) now; the old one opens nothing any more.")
        }
    }
}

/// Reads a secret from standard input; at a terminal without showing it.
enum SecretInput {
    static func read(prompt: String) throws -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            var data = Data()
            while data.count <= SecretVault.valueBytesMax,
                let part = try FileHandle.standardInput.read(upToCount: 1 << 16), !part.isEmpty
            {
                data.append(part)
            }
            guard var text = String(validating: data, as: UTF8.self) else {
                throw RunError(
                    code: "invalid_secret", message: "Standard input is not UTF-8 text.",
                    hint: "Encode it, in base64 for example.")
            }
            if text.last?.isNewline ?? false { text.removeLast() }
            return text
        }
        Output.write(prompt, to: STDERR_FILENO)
        var before = termios()
        let isTerminal = unsafe tcgetattr(STDIN_FILENO, &before) == 0
        if isTerminal {
            var silent = before
            silent.c_lflag &= ~tcflag_t(ECHO)
            _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        }
        defer {
            if isTerminal { _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) }
            Output.write("\n", to: STDERR_FILENO)
        }
        return readLine() ?? ""
    }
}
