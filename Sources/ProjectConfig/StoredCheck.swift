internal import ConnectorKit
internal import Foundation

/// What a definition made in the pages may not do although one in a file may: who can use the pages is trusted less
/// than who can write the files. It may use no secret but its own, read no variable and no file outside the project's
/// directory, and run no command.
struct StoredCheck {
    let catalog: ConnectorCatalog
    let project: Project
    let protectedPaths: [String]
    let log: DiagnosticLog

    /// The beginning of the names of a definition's own secrets.
    static func secretPrefix(_ kind: DefinitionKind, _ name: String) -> String { "\(kind.rawValue).\(name)." }

    func check(_ part: ProjectPart) {
        guard part.isStored, part.hiddenBy == nil else { return }
        let prefix = Self.secretPrefix(part.kind, part.name)
        switch part.kind {
        case .source:
            guard let connection = project.sources[part.name] else { return }
            check(connection, catalog.source(connection.type)?.declaration, prefix)
        case .destination:
            guard let connection = project.destinations[part.name] else { return }
            check(connection, catalog.destination(connection.type)?.declaration, prefix)
        case .dataset: return
        case .sync:
            guard let notify = project.sync(part.name)?.notify else { return }
            if let value = notify.signingSecret { check(value, "signing_secret", isSecret: true, prefix) }
            if notify.allowsPrivate {
                log.error(
                    code: "private_address_not_allowed",
                    "a sync made in the pages cannot post to this machine or to a private network",
                    hint: "leave out `allow_private`, or define the sync in the project file", at: notify.location)
            }
            switch notify.target {
            case .webhook(let value): check(value, "webhook", isSecret: true, prefix)
            case .command(let value):
                log.error(
                    code: "command_not_allowed", "a sync made in the pages cannot run a command",
                    hint: "use a webhook, or define the sync in the project file", at: value.location)
            }
        }
    }

    private func check(_ connection: ConnectionDefinition, _ declaration: ConnectorDeclaration?, _ prefix: String) {
        for (name, value) in connection.settings.sorted(by: { $0.key < $1.key }) {
            let setting = declaration?.settings.first { $0.name == name }
            check(value, name, isSecret: setting?.isSecret ?? false, prefix)
            if setting?.kind == .path, let path = value.literal { check(path: path, name, at: value) }
        }
    }

    private func check(_ value: SettingValue, _ name: String, isSecret: Bool, _ prefix: String) {
        let use: String
        switch value.content {
        case .text(let parts):
            let isLiteral = parts.allSatisfy { if case .literal = $0 { true } else { false } }
            if isLiteral { return }
            use = "a variable of the server"
        case .file: use = "a file of the server"
        case .secret(let secret):
            if secret == prefix + name, isSecret { return }
            use = "the secret `\(secret)`"
        }
        log.error(
            code: "reference_not_allowed",
            "`\(name)` refers to \(use), which a definition made in the pages cannot use",
            hint: "write the value itself, or define it in the project file", at: value.location)
    }

    private func check(path: String, _ name: String, at value: SettingValue) {
        let absolute = FilePath.absolute(path, in: project.directory)
        let real = Self.real(absolute)
        let isInside = Self.isBelow(real, Self.real(project.directory))
        let isProtected = protectedPaths.contains { Self.isBelow(real, Self.real($0)) }
        if isInside && !isProtected { return }
        log.error(
            code: "path_not_allowed", "`\(name)` leads out of what a definition made in the pages may read",
            hint:
                "name a file below the project's directory that is not of the state, or define it in the project file",
            at: value.location)
    }

    private static func isBelow(_ path: String, _ folder: String) -> Bool {
        path == folder || path.hasPrefix(folder == "/" ? "/" : folder + "/")
    }

    private static func real(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
}
