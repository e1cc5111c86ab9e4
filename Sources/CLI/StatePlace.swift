internal import ConnectorKit
internal import Foundation
internal import ProjectConfig
internal import Runner
internal import StateStore
internal import Synchronization

/// The state directory of a command line, for commands that need no project.
struct StatePlace {
    let path: String
    let variables: [String: String]

    init(_ options: ProjectOptions, variables: [String: String] = ProcessInfo.processInfo.environment) {
        self.variables = variables
        path =
            options.state ?? variables["SLUICE_STATE"]
            ?? URL(filePath: Self.project(options, variables)).deletingLastPathComponent().path + "/.sluice"
    }

    init(path: String, variables: [String: String] = ProcessInfo.processInfo.environment) {
        self.path = path
        self.variables = variables
    }

    var isThere: Bool { FileManager.default.fileExists(atPath: path + "/sluice.db") }

    /// Whether there is a key of the secrets.
    var hasKey: Bool {
        !(variables[SecretKey.variable] ?? "").isEmpty || FileManager.default.fileExists(atPath: path + "/secret.key")
    }

    func requireState() throws {
        guard !isThere else { return }
        throw RunError(
            code: "state_missing", message: "There is no state in \(path).",
            hint: "Give the right directory with --state, or the project with --project.")
    }

    /// What the files say and what was made in the pages.
    ///
    /// - Parameter followsFiles: whether a file that has changed counts at once.
    func definitions(_ options: ProjectOptions, followsFiles: Bool = true) throws -> Definitions {
        let state = try StateDirectory(path: path)
        let database = try ControlDatabase.open(path: state.databasePath)
        let key = SecretKeyPlace(variables: variables, state: state)
        return Definitions(
            environment: (state: state, database: database, time: .system),
            vault: SecretVault(database: database, time: .system, key: key),
            loader: ProjectLoader(environment: variables), projectFile: Self.project(options, variables),
            environmentName: options.env, catalog: Connectors.all, followsFiles: followsFiles)
    }

    /// Whether there are any made in the pages.
    func hasDefinitions() throws -> Bool {
        guard isThere else { return false }
        return try !DefinitionStore(ControlDatabase.open(path: path + "/sluice.db")).all().isEmpty
    }

    static func project(_ options: ProjectOptions, _ variables: [String: String]) -> String {
        guard options.project == ProjectOptions.projectDefault else { return options.project }
        return variables["SLUICE_PROJECT"] ?? options.project
    }

    /// Makes the directory where there is none.
    func vault() throws -> SecretVault {
        let state = try StateDirectory(path: path)
        return SecretVault(
            database: try ControlDatabase.open(path: state.databasePath), time: .system,
            key: SecretKeyPlace(variables: variables, state: state))
    }

    /// Looks up `{secret: name}` when a connection asks for it; nothing is opened, and nothing made, before.
    var lookup: @Sendable (String) throws(SecretReferences.Failure) -> Secret {
        let opened = OpenedVault()
        return { name throws(SecretReferences.Failure) in
            guard isThere else {
                throw SecretReferences.Failure(
                    code: "unknown_secret", message: "There is no secret \(name), for there is no state yet.",
                    hint: "Set it: sluice secrets set \(name) reads it from standard input.")
            }
            do {
                return try opened.vault(of: self).value(name)
            } catch {
                let failure = RunError(error)
                throw SecretReferences.Failure(code: failure.code, message: failure.message, hint: failure.hint)
            }
        }
    }
}

/// Opened at the first use, then kept.
private final class OpenedVault: Sendable {
    private let known = Mutex<SecretVault?>(nil)

    func vault(of place: StatePlace) throws -> SecretVault {
        try known.withLock { known in
            if let known { return known }
            let vault = try place.vault()
            known = vault
            return vault
        }
    }
}
