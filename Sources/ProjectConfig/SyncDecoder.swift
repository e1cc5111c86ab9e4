internal import ConnectorKit

/// Reads a sync.
struct SyncDecoder {
    static let keys = [
        "from", "to", "behavior", "key", "mappings", "schedule", "guards", "notify", "paused", "allow_unknown_custom",
        "allow_unknown_choices", "first_run", "on_change", "removal", "renamed_from",
    ]
    static let later: Set<String> = ["alerts"]

    let log: DiagnosticLog
    let datasets: [String: DatasetDefinition]
    /// Also those that have an error of their own.
    let datasetNames: [String]
    let settings: SettingDecoder

    func sync(_ entry: ConfigNode.Entry) -> SyncDefinition? {
        let what = "sync `\(entry.key)`"
        guard
            let reader = MappingReader(
                entry.value, what: what, at: entry.keyLocation, keys: Self.keys, later: Self.later, log: log)
        else { return nil }
        let dataset = dataset(reader, name: entry.key)
        let target = target(reader)
        let behavior = behavior(reader)
        let key = reader.requiredEntry("key", hint: "write `key: {column: id, field: …}`").flatMap {
            KeyDecoder(log: log).key($0)
        }
        let decoder = MappingDecoder(log: log)
        let needsNone = behavior == .delete && reader.entry("mappings") == nil
        let mappings = needsNone ? [] : decoder.mappings(reader)
        var options = options(reader, behavior: behavior)
        guard let dataset, let target, let behavior, let key, let mappings else { return nil }
        options.name = entry.key
        options.dataset = dataset
        (options.destination, options.object) = target
        options.behavior = behavior
        options.key = key
        options.mappings = mappings
        options.location = entry.keyLocation
        options.destinationLocation = reader.value("to")?.location ?? entry.keyLocation
        options.behaviorLocation = reader.value("behavior")?.location ?? entry.keyLocation
        return options
    }

    private func dataset(_ reader: MappingReader, name: String) -> DatasetDefinition? {
        guard
            let entry = reader.requiredEntry(
                "from", hint: "write the name of a dataset, or {source: NAME, table: schema.name}")
        else { return nil }
        if entry.value.entries != nil {
            return DatasetDecoder(log: log).dataset(
                entry.value, name: "\(name).from", what: "`from` of \(reader.what)", at: entry.keyLocation)
        }
        guard let known = reader.text("from", expected: "the name of a dataset, or a mapping") else { return nil }
        if let dataset = datasets[known] { return dataset }
        if datasetNames.contains(known) { return nil }
        log.error(
            code: "unknown_dataset", "there is no dataset `\(known)`",
            hint: datasetNames.isEmpty
                ? "define it below `datasets`, or write `from: {source: NAME, table: schema.name}`"
                : NearestName.hint(for: known, among: datasetNames), at: entry.value.location)
        return nil
    }

    private func target(_ reader: MappingReader) -> (String, String)? {
        let expected = "a destination and an object, such as `NAME.company`"
        guard let text = reader.requiredText("to", expected: expected, hint: "write \(expected)"),
            let place = reader.value("to")?.location
        else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty { return (parts[0], parts[1]) }
        log.error(
            code: "invalid_value", "`to` expects \(expected), found `\(text.prefix(80))`",
            hint: "write the destination's name, a dot and the object", at: place)
        return nil
    }

    private func behavior(_ reader: MappingReader) -> Behavior? {
        let words = Behavior.allCases.map(\.rawValue).joined(separator: ", ")
        guard reader.requiredEntry("behavior", hint: "it is one of: \(words)") != nil else { return nil }
        return reader.choice("behavior", of: Behavior.self)
    }

    /// Everything that has a default; the rest is filled in by the caller.
    private func options(_ reader: MappingReader, behavior: Behavior?) -> SyncDefinition {
        let place = reader.location
        let empty = DatasetDefinition(
            name: "", source: "", relation: .query(""), location: place, sourceLocation: place)
        var sync = SyncDefinition(
            name: "", dataset: empty, destination: "", object: "", behavior: .updateOrCreate,
            key: KeyDefinition(columns: [], field: nil, location: place), mappings: [], location: place)
        if let guards = reader.entry("guards") { sync.guards = guardSettings(guards) }
        if let schedule = reader.entry("schedule") { sync.schedule = ScheduleDecoder(log: log).schedule(schedule) }
        if let notify = reader.entry("notify") {
            sync.notify = NotifyDecoder(log: log, settings: settings).notify(notify)
        }
        sync.paused = reader.boolean("paused") ?? false
        sync.allowUnknownCustom = reader.boolean("allow_unknown_custom") ?? false
        sync.allowUnknownChoices = reader.boolean("allow_unknown_choices") ?? false
        sync.firstRun = reader.choice("first_run", of: SyncDefinition.FirstRun.self) ?? .backfill
        sync.onChange = reader.choice("on_change", of: SyncDefinition.OnChange.self) ?? .ignore
        sync.removal = reader.choice("removal", of: Removal.self) ?? .delete
        if let old = reader.text("renamed_from", expected: "the name that the sync had"),
            let at = reader.value("renamed_from")?.location,
            ProjectName.check(old, what: "a sync", at: at, log: log)
        {
            sync.renamedFrom = old
        }
        checkFit("first_run", of: [.send], reader, behavior)
        checkFit("on_change", of: [.send], reader, behavior)
        checkFit("removal", of: [.mirror, .delete], reader, behavior)
        return sync
    }

    /// Refuses an option that means nothing for the behavior.
    private func checkFit(_ key: String, of behaviors: [Behavior], _ reader: MappingReader, _ behavior: Behavior?) {
        guard let entry = reader.entry(key), let behavior, !behaviors.contains(behavior) else { return }
        let words = behaviors.map { "`behavior: \($0.rawValue)`" }.joined(separator: " and ")
        log.error(
            code: "conflicting_keys", "`\(key)` goes only with \(words), not with `\(behavior.rawValue)`",
            hint: "remove the line", at: entry.keyLocation)
    }

    private func guardSettings(_ entry: ConfigNode.Entry) -> GuardSettings {
        var guards = GuardSettings()
        guard
            let reader = MappingReader(
                entry.value, what: "`guards`", at: entry.keyLocation,
                keys: [
                    "removed_percent_max", "removed_rows_min", "invalid_percent_max", "schema_change_percent_max",
                    "cleared_percent_max",
                ], log: log)
        else { return guards }
        let percent = 0.0...100.0
        guards.removedPercentMax = reader.number("removed_percent_max", in: percent) ?? guards.removedPercentMax
        guards.invalidPercentMax = reader.number("invalid_percent_max", in: percent) ?? guards.invalidPercentMax
        guards.schemaChangePercentMax =
            reader.number("schema_change_percent_max", in: percent) ?? guards.schemaChangePercentMax
        guards.clearedPercentMax = reader.number("cleared_percent_max", in: percent) ?? guards.clearedPercentMax
        let rows = reader.number("removed_rows_min", in: 0...1_000_000_000)
        guards.removedRowsMin = rows.map { Int($0) } ?? guards.removedRowsMin
        return guards
    }
}

/// Reads a sync's key.
struct KeyDecoder {
    static let columnsMax = 16
    let log: DiagnosticLog

    func key(_ entry: ConfigNode.Entry) -> KeyDefinition? {
        guard
            let reader = MappingReader(
                entry.value, what: "`key`", at: entry.keyLocation, keys: ["column", "columns", "field", "within"],
                expected: "a mapping such as {column: id, field: …}", log: log)
        else { return nil }
        let columns = columns(reader, entry: entry)
        let field = reader.text("field", expected: "a field of the destination")
        let within = reader.text("within", expected: "a column")
        guard let columns, reader.entry("field") == nil || field != nil else { return nil }
        return KeyDefinition(
            columns: columns, field: field, within: within, location: entry.keyLocation,
            fieldLocation: reader.value("field")?.location ?? entry.keyLocation)
    }

    private func columns(_ reader: MappingReader, entry: ConfigNode.Entry) -> [String]? {
        switch (reader.entry("column"), reader.entry("columns")) {
        case (.some, nil):
            return reader.text("column", expected: "a column").map { [$0] }
        case (nil, .some(let several)):
            guard let texts = reader.texts("columns", expected: "a list of columns") else { return nil }
            let names = texts.map(\.text)
            guard !names.isEmpty, names.count <= Self.columnsMax, Set(names).count == names.count else {
                log.error(
                    code: "invalid_value", "`columns` expects 1 to \(Self.columnsMax) columns, none of them twice",
                    at: several.value.location)
                return nil
            }
            return names
        case (.some, .some(let several)):
            log.error(
                code: "conflicting_keys", "`key` has both `column` and `columns`", hint: "keep one of them",
                at: several.keyLocation)
        case (nil, nil):
            log.error(
                code: "missing_key", "`key` needs `column` or `columns`", hint: "name the column that identifies a row",
                at: entry.keyLocation)
        }
        return nil
    }
}
