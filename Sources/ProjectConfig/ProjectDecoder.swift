internal import ConnectorKit
internal import Records

/// Makes the project's values from merged nodes. What has an error is left out and reported.
struct ProjectDecoder {
    let log: DiagnosticLog
    /// The absolute directory of each file, by the file as shown.
    let directories: [String: String]

    func project(
        _ merged: ProjectFiles.Merged, directory: String, file: String, files: [String]
    ) -> Project {
        var project = Project(directory: directory, file: file, files: files)
        project.sources = connections(merged.sections["sources", default: []], word: "source")
        project.destinations = connections(merged.sections["destinations", default: []], word: "destination")
        let settings = settingDecoder
        if let notify = merged.notify {
            project.notify = NotifyDecoder(log: log, settings: settings).notify(notify)
        }
        let datasetEntries = merged.sections["datasets", default: []]
        let datasets = DatasetDecoder(log: log)
        for entry in datasetEntries {
            project.datasets[entry.key] = datasets.dataset(
                entry.value, name: entry.key, what: "dataset `\(entry.key)`", at: entry.keyLocation)
        }
        let syncs = SyncDecoder(
            log: log, datasets: project.datasets, datasetNames: datasetEntries.map(\.key), settings: settings)
        let syncEntries = merged.sections["syncs", default: []]
        project.syncs = syncEntries.compactMap { syncs.sync($0) }
        checkRenames(project.syncs, names: syncEntries.map(\.key))
        return project
    }

    private var settingDecoder: SettingDecoder { SettingDecoder(log: log, directories: directories) }

    private func connections(_ entries: [ConfigNode.Entry], word: String) -> [String: ConnectionDefinition] {
        var connections: [String: ConnectionDefinition] = [:]
        for entry in entries { connections[entry.key] = connection(entry, word: word) }
        return connections
    }

    private func connection(_ entry: ConfigNode.Entry, word: String) -> ConnectionDefinition? {
        guard let values = entry.value.entries else {
            log.wrongKind(
                entry.value, expected: "a mapping with a `type` and its settings", for: "\(word) `\(entry.key)`",
                at: entry.keyLocation)
            return nil
        }
        var settings: [String: SettingValue] = [:]
        var places: [String: Location] = [:]
        for value in values where value.key != "type" {
            places[value.key] = value.keyLocation
            settings[value.key] = settingDecoder.setting(value)
        }
        guard let type = values.first(where: { $0.key == "type" }) else {
            log.error(
                code: "missing_key", "\(word) `\(entry.key)` needs `type`",
                hint: "say what kind of \(word) it is: `type: …`",
                at: entry.keyLocation, missing: "type")
            return nil
        }
        guard let text = type.value.text, !text.isEmpty else {
            log.wrongKind(type.value, expected: "a text", for: "`type`", at: type.keyLocation)
            return nil
        }
        return ConnectionDefinition(
            name: entry.key, type: text, settings: settings, settingLocations: places, location: entry.keyLocation,
            typeLocation: type.value.location, directory: directories[entry.keyLocation.file] ?? "/")
    }

    private func checkRenames(_ syncs: [SyncDefinition], names: [String]) {
        for sync in syncs {
            guard let old = sync.renamedFrom, names.contains(old) else { continue }
            log.error(
                code: "conflicting_keys", "`renamed_from` names the sync `\(old)`, which is still in the project",
                hint: "renamed_from takes the name that a sync had before; remove the old sync or this line",
                at: sync.location)
        }
    }
}

/// Reads the value of a setting.
struct SettingDecoder {
    let log: DiagnosticLog
    let directories: [String: String]

    /// Text, `{file: path}` or `{secret: name}`.
    func setting(_ entry: ConfigNode.Entry) -> SettingValue? {
        let node = entry.value
        let directory = directories[node.location.file] ?? "/"
        if let text = node.text {
            do {
                return SettingValue(
                    .text(try ReferenceText.parse(text)), location: node.location, directory: directory)
            } catch {
                log.error(
                    code: "invalid_reference", "the reference `\(error.reference)` \(error.message)",
                    hint: "write ${NAME} or ${NAME:-default}; $${ stands for ${ itself", at: node.location)
                return nil
            }
        }
        guard
            let reader = MappingReader(
                node, what: "the value of `\(entry.key)`", at: entry.keyLocation, keys: ["file", "secret"],
                expected: "a text, {file: path} or {secret: name}", log: log)
        else { return nil }
        let content: SettingValue.Content? =
            switch (reader.entry("file"), reader.entry("secret")) {
            case (.some, nil): reader.text("file", expected: "a path").map { .file($0) }
            case (nil, .some): reader.text("secret", expected: "a name").map { .secret($0) }
            default: reportNeitherOrBoth(entry)
            }
        return content.map { SettingValue($0, location: node.location, directory: directory) }
    }

    private func reportNeitherOrBoth(_ entry: ConfigNode.Entry) -> SettingValue.Content? {
        log.error(
            code: "conflicting_keys", "the value of `\(entry.key)` needs one of `file` and `secret`",
            hint: "write {file: path} or {secret: name}", at: entry.value.location)
        return nil
    }
}

/// Reads a dataset: `{source, table}` or `{source, sql}`.
struct DatasetDecoder {
    let log: DiagnosticLog

    func dataset(
        _ node: ConfigNode, name: String, what: String, at location: Location
    ) -> DatasetDefinition? {
        guard
            let reader = MappingReader(
                node, what: what, at: location, keys: ["source", "table", "sql", "incremental", "complete_scan"],
                expected: "a mapping such as {source: NAME, table: schema.name}", log: log)
        else { return nil }
        let source = reader.requiredText("source", expected: "the name of a source")
        let relation = relation(reader)
        let incremental = IncrementalDecoder(log: log).incremental(reader)
        guard let source, let relation, let place = reader.value("source")?.location else { return nil }
        var dataset = DatasetDefinition(
            name: name, source: source, relation: relation, location: location, sourceLocation: place)
        dataset.incremental = incremental
        return dataset
    }

    private func relation(_ reader: MappingReader) -> Relation? {
        switch (reader.entry("table"), reader.entry("sql")) {
        case (.some(let table), nil):
            guard let text = reader.text("table", expected: "the name of a table") else { return nil }
            log.warnAboutVariable(text, at: table.value.location)
            do {
                return try TableName.parse(text)
            } catch {
                log.error(
                    code: "invalid_value", "`\(text.prefix(80))` is not the name of a table: \(error.message)",
                    hint:
                        "write `name` or `schema.name`; a part with a dot in it goes in double quotes",
                    at: table.value.location)
                return nil
            }
        case (nil, .some(let sql)):
            guard let text = reader.text("sql", expected: "a SELECT statement") else { return nil }
            log.warnAboutVariable(text, at: sql.value.location)
            let trimmed = text.trimmingEnd()
            if !trimmed.isEmpty { return .query(trimmed) }
            log.error(
                code: "invalid_value", "`sql` is empty", hint: "write one SELECT statement", at: sql.value.location)
            return nil
        case (.some, .some(let sql)):
            log.error(
                code: "conflicting_keys", "\(reader.what) has both `table` and `sql`", hint: "keep one of them",
                at: sql.keyLocation)
            return nil
        case (nil, nil):
            log.error(
                code: "missing_key", "\(reader.what) needs `table` or `sql`",
                hint: "write `table: schema.name`, or `sql: |` and the statement below it", at: reader.location)
            return nil
        }
    }
}

extension DiagnosticLog {
    /// `${NAME}` is replaced only in settings; elsewhere it would silently stay as it is.
    func warnAboutVariable(_ text: String, at location: Location) {
        guard let start = text.firstRange(of: "${") else { return }
        warning(
            code: "variable_not_expanded",
            "`\(text[start.lowerBound...].prefix(40).prefix { $0 != "\n" })` is taken as it is",
            hint: "variables are replaced only in the settings of sources, destinations and notify", at: location)
    }
}

extension String {
    /// Without white space and line breaks at the end.
    fileprivate func trimmingEnd() -> String {
        var text = self[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
