package import ConnectorKit

/// Holds a project against what the connectors declare, without opening a connection and without looking a reference
/// up.
package enum Validation {
    /// Errors and warnings, ordered by file, line and column.
    package static func validate(_ project: Project, catalog: ConnectorCatalog) -> [Diagnostic] {
        let log = DiagnosticLog()
        let connections = ConnectionCheck(log: log)
        for source in project.sources.values.sorted(by: { $0.name < $1.name }) {
            connections.check(source, word: "source", declarations: catalog.sources.map(\.declaration))
            guard let type = catalog.source(source.type) else { continue }
            let check = ConnectorSettingsCheck(connection: source, declaration: type.declaration)
            let problem = check.problem { settings throws(ConnectorError) in _ = try type.make(settings) }
            if let problem { log.add(problem) }
        }
        for destination in project.destinations.values.sorted(by: { $0.name < $1.name }) {
            connections.check(
                destination, word: "destination", declarations: catalog.destinations.map(\.declaration))
            guard let type = catalog.destination(destination.type) else { continue }
            let check = ConnectorSettingsCheck(connection: destination, declaration: type.declaration)
            let problem = check.problem { settings throws(ConnectorError) in
                _ = try type.make(settings, DestinationContext())
            }
            if let problem { log.add(problem) }
        }
        for dataset in project.datasets.values.sorted(by: { $0.name < $1.name }) {
            checkSource(of: dataset, in: project, log: log)
        }
        for sync in project.syncs {
            if project.datasets[sync.dataset.name] != sync.dataset {
                checkSource(of: sync.dataset, in: project, log: log)
            }
            guard let object = object(of: sync, in: project, catalog: catalog, log: log) else { continue }
            SyncCheck(sync: sync, object: object, log: log).check()
            checkSettings(of: sync, writing: object, in: project, catalog: catalog, log: log)
        }
        OverlapCheck(project: project, catalog: catalog, log: log).check()
        DependencyCheck(syncs: project.syncs, log: log).check()
        return log.diagnostics
    }

    private static func checkSource(of dataset: DatasetDefinition, in project: Project, log: DiagnosticLog) {
        guard project.sources[dataset.source] == nil else { return }
        let names = project.sources.keys.sorted()
        log.error(
            code: "unknown_source", "there is no source `\(dataset.source)`",
            hint: names.isEmpty ? "define it below `sources`" : NearestName.hint(for: dataset.source, among: names),
            at: dataset.sourceLocation)
    }

    /// What only some objects need of their destination is asked for by the syncs that write them.
    private static func checkSettings(
        of sync: SyncDefinition, writing object: DestinationObject, in project: Project, catalog: ConnectorCatalog,
        log: DiagnosticLog
    ) {
        guard let connection = project.destinations[sync.destination] else { return }
        let declared = catalog.destination(connection.type)?.declaration.settings ?? []
        for name in object.requiredSettings
        where connection.settings[name] == nil && connection.settingLocations[name] == nil {
            guard let setting = declared.first(where: { $0.name == name }), setting.defaultValue == nil else {
                continue
            }
            log.error(
                code: "missing_setting",
                "the sync `\(sync.name)` writes \(object.name), which needs the setting `\(name)` of the destination "
                    + "`\(connection.name)`",
                hint: setting.example.isEmpty ? setting.help : "\(setting.help) Example: \(setting.example)",
                at: sync.destinationLocation)
        }
    }

    private static func object(
        of sync: SyncDefinition, in project: Project, catalog: ConnectorCatalog, log: DiagnosticLog
    ) -> DestinationObject? {
        guard let connection = project.destinations[sync.destination] else {
            let names = project.destinations.keys.sorted()
            log.error(
                code: "unknown_destination", "there is no destination `\(sync.destination)`",
                hint: names.isEmpty
                    ? "define it below `destinations`" : NearestName.hint(for: sync.destination, among: names),
                at: sync.destinationLocation)
            return nil
        }
        guard let type = catalog.destination(connection.type) else { return nil }
        if let object = type.objects.first(where: { $0.name == sync.object }) { return object }
        let names = type.objects.map(\.name)
        let near = NearestName.hint(for: sync.object, among: names)
        log.error(
            code: "unknown_object", "\(type.declaration.displayName) has no object `\(sync.object)`",
            hint: near.isEmpty ? "`sluice objects \(connection.name)` lists them" : near,
            at: sync.destinationLocation)
        return nil
    }
}

/// Holds a connection's settings against the declaration of its kind.
struct ConnectionCheck {
    let log: DiagnosticLog

    func check(_ connection: ConnectionDefinition, word: String, declarations: [ConnectorDeclaration]) {
        guard let declaration = declarations.first(where: { $0.type == connection.type }) else {
            log.error(
                code: "unknown_type", "there is no kind of \(word) `\(connection.type)`",
                hint: NearestName.hint(for: connection.type, among: declarations.map(\.type)),
                at: connection.typeLocation)
            return
        }
        let names = declaration.settings.map(\.name)
        for (name, value) in connection.settings.sorted(by: { $0.key < $1.key }) {
            if let setting = declaration.settings.first(where: { $0.name == name }) {
                check(value, for: setting, of: connection)
            } else {
                log.error(
                    code: "unknown_setting", "\(declaration.displayName) has no setting `\(name)`",
                    hint: NearestName.hint(for: name, among: names),
                    at: connection.settingLocations[name] ?? value.location)
            }
        }
        for setting in declaration.settings
        where setting.isRequired && setting.defaultValue == nil && connection.settings[setting.name] == nil
            && connection.settingLocations[setting.name] == nil
        {
            log.error(
                code: "missing_setting", "\(word) `\(connection.name)` needs the setting `\(setting.name)`",
                hint: setting.example.isEmpty ? setting.help : "\(setting.help) Example: \(setting.example)",
                at: connection.location, missing: setting.name)
        }
    }

    private func check(_ value: SettingValue, for setting: SettingDeclaration, of connection: ConnectionDefinition) {
        guard let literal = value.literal else { return }
        let place = connection.settingLocations[setting.name] ?? value.location
        if literal.isEmpty {
            guard setting.isRequired || setting.isSecret else { return }
            log.error(code: "invalid_setting", "`\(setting.name)` is empty", hint: setting.help, at: value.location)
        } else if setting.isSecret {
            log.warning(
                code: "secret_in_file", "`\(setting.name)` is written in the project file",
                hint: "write ${\(Self.variableName(connection.name, setting.name))} and put the value into .env, "
                    + "which stays out of version control",
                at: place)
        } else if let problem = SettingCheck.problem(literal, for: setting, isLiteral: true) {
            log.error(
                code: "invalid_setting", "`\(setting.name)` \(problem.message)", hint: problem.hint,
                at: value.location)
        }
    }

    static func variableName(_ connection: String, _ setting: String) -> String {
        let name = "\(connection)_\(setting)".uppercased()
        return String(name.map { $0 == "-" ? "_" : $0 })
    }
}

/// Follows `schedule: {after: […]}`.
struct DependencyCheck {
    let syncs: [SyncDefinition]
    let log: DiagnosticLog

    func check() {
        let names = syncs.map(\.name)
        for sync in syncs {
            for parent in parents(of: sync) where !names.contains(parent) {
                log.error(
                    code: "unknown_sync", "there is no sync `\(parent)`",
                    hint: NearestName.hint(for: parent, among: names.filter { $0 != sync.name }),
                    at: sync.schedule?.location)
            }
        }
        var reported: Set<String> = []
        for sync in syncs where !reported.contains(sync.name) {
            guard let cycle = cycle(from: sync.name) else { continue }
            reported.formUnion(cycle)
            log.error(
                code: "schedule_cycle",
                "syncs wait for one another: \((cycle + [cycle[0]]).joined(separator: " after "))",
                hint: "give one of them a `cron` or `every`", at: sync.schedule?.location)
        }
    }

    private func parents(of sync: SyncDefinition) -> [String] {
        if case .after(let names) = sync.schedule?.trigger { names } else { [] }
    }

    /// The way from `start` back to itself, if there is one.
    private func cycle(from start: String) -> [String]? {
        var byName: [String: [String]] = [:]
        for sync in syncs { byName[sync.name] = parents(of: sync) }
        var cameFrom: [String: String] = [:]
        var waiting = [start]
        var seen: Set<String> = []
        while let name = waiting.popLast() {
            guard seen.insert(name).inserted else { continue }
            for parent in byName[name] ?? [] {
                if parent == start { return way(to: name, from: start, cameFrom) }
                if !seen.contains(parent) {
                    cameFrom[parent] = name
                    waiting.append(parent)
                }
            }
        }
        return nil
    }

    private func way(to end: String, from start: String, _ cameFrom: [String: String]) -> [String] {
        var way = [end]
        while let last = way.last, last != start, let previous = cameFrom[last] { way.append(previous) }
        return way.reversed()
    }
}
