package import ConnectorKit

/// Writes one project file from everything that a project defines.
package struct ProjectExport {
    private let loaded: LoadedProject
    private let isInForce: (ProjectPart) -> Bool

    package init(loaded: LoadedProject, isInForce: @escaping (ProjectPart) -> Bool) {
        self.loaded = loaded
        self.isInForce = isInForce
    }

    /// Sources, destinations and datasets by name, syncs in the order of the project. A literal secret of a file is
    /// written as a reference to a variable, `${CONNECTION_SETTING}`.
    package func text(catalog: ConnectorCatalog) -> String {
        var sections = [DefinitionValue.Entry("version", .plain("1"))]
        for kind in DefinitionKind.allCases {
            var parts = loaded.parts.filter { $0.kind == kind && $0.hiddenBy == nil && isInForce($0) }
            if kind != .sync { parts.sort { $0.name < $1.name } }
            guard !parts.isEmpty else { continue }
            let entries = parts.map { DefinitionValue.Entry($0.name, value(of: $0, catalog: catalog)) }
            sections.append(DefinitionValue.Entry(kind.section, .mapping(entries)))
        }
        if let notify = loaded.notify {
            sections.append(DefinitionValue.Entry("notify", moved(notify, loaded.project.notify)))
        }
        return sections.map { YAMLWriter.text(.mapping([$0])) }.joined(separator: "\n")
    }

    private func value(of part: ProjectPart, catalog: ConnectorCatalog) -> DefinitionValue {
        switch part.kind {
        case .source:
            guard let connection = loaded.project.sources[part.name] else { return part.value }
            return value(part.value, of: connection, catalog.source(connection.type)?.declaration)
        case .destination:
            guard let connection = loaded.project.destinations[part.name] else { return part.value }
            return value(part.value, of: connection, catalog.destination(connection.type)?.declaration)
        case .dataset: return part.value
        case .sync:
            guard let notify = part.value["notify"] else { return part.value }
            var value = part.value
            value["notify"] = moved(notify, loaded.project.sync(part.name)?.notify)
            return value
        }
    }

    private func value(
        _ value: DefinitionValue, of connection: ConnectionDefinition, _ declaration: ConnectorDeclaration?
    ) -> DefinitionValue {
        var value = value
        for (name, setting) in connection.settings {
            let declared = declaration?.settings.first { $0.name == name }
            switch setting.content {
            case .file(let path):
                value[name] = .mapping([.init("file", .text(rebased(path, from: setting.directory)))])
            case .secret: continue
            case .text:
                guard let literal = setting.literal, let declared else { continue }
                if declared.isSecret {
                    value[name] = .text("${\(ConnectionCheck.variableName(connection.name, name))}")
                } else if declared.kind == .path {
                    let path = rebased(literal, from: setting.directory)
                    value[name] = .text(
                        path.split(separator: "${", omittingEmptySubsequences: false).joined(separator: "$${"))
                }
            }
        }
        return value
    }

    /// `{file: path}` of a notification as from the project's directory.
    private func moved(_ notify: DefinitionValue, _ definition: NotifyDefinition?) -> DefinitionValue {
        guard let definition else { return notify }
        let (key, setting) =
            switch definition.target {
            case .webhook(let value): ("webhook", value)
            case .command(let value): ("command", value)
            }
        guard case .file(let path) = setting.content else { return notify }
        var notify = notify
        notify[key] = .mapping([.init("file", .text(rebased(path, from: setting.directory)))])
        return notify
    }

    private func rebased(_ path: String, from directory: String) -> String {
        if path.hasPrefix("/") || directory == loaded.project.directory { return path }
        return FilePath.shown(FilePath.absolute(path, in: directory), from: loaded.project.directory)
    }
}
