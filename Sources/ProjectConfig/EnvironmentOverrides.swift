internal import ConnectorKit

/// Lays an environment's overrides over the project, before it is decoded.
///
/// A named definition takes the override's keys one by one; within a sync the entries of `mappings` and `guards` are
/// taken one by one too, everything else is replaced whole. A null takes a key away. A connection of another `type`,
/// and `table` in place of `sql`, replace what does not go with them. An environment overrides, it does not add.
struct EnvironmentOverrides {
    let log: DiagnosticLog

    /// Reports the names in any environment that override nothing.
    func check(_ merged: ProjectFiles.Merged) {
        for environment in merged.environments {
            for section in ProjectFiles.sections {
                let known = merged.sections[section, default: []].map(\.key)
                for entry in environment.sections[section, default: []] where !known.contains(entry.key) {
                    log.error(
                        code: "overrides_nothing",
                        "environment `\(environment.entry.key)` overrides the \(ProjectFiles.word(section)) "
                            + "`\(entry.key)`, which the project does not define",
                        hint: NearestName.hint(for: entry.key, among: known), at: entry.keyLocation)
                }
            }
        }
    }

    func apply(_ sections: [String: [ConfigNode.Entry]], to merged: inout ProjectFiles.Merged) {
        for section in ProjectFiles.sections {
            for override in sections[section, default: []] {
                guard let index = merged.sections[section]?.firstIndex(where: { $0.key == override.key }),
                    let base = merged.sections[section]?[index]
                else { continue }
                merged.sections[section]?[index] = definition(base, override, section: section)
            }
        }
        if let notify = sections["notify"]?.first { merged.notify = notify.value.isNull ? nil : notify }
    }

    private func definition(
        _ base: ConfigNode.Entry, _ override: ConfigNode.Entry, section: String
    ) -> ConfigNode.Entry {
        guard var entries = base.value.entries, let changes = override.value.entries else {
            log.wrongKind(
                override.value, expected: "a mapping", for: "the override of `\(override.key)`",
                at: override.keyLocation)
            return base
        }
        if let type = changes.first(where: { $0.key == "type" })?.value.text, section != "syncs",
            type != entries.first(where: { $0.key == "type" })?.value.text
        {
            entries = []
        }
        for change in changes {
            if section == "datasets", change.key == "table" || change.key == "sql" {
                entries.removeAll { $0.key == "table" || $0.key == "sql" }
            }
            let isMerged = section == "syncs" && ["mappings", "guards"].contains(change.key)
            put(change, into: &entries, isMerged: isMerged)
        }
        var changed = base
        changed.value = ConfigNode(content: .mapping(entries), location: base.value.location)
        return changed
    }

    private func put(_ change: ConfigNode.Entry, into entries: inout [ConfigNode.Entry], isMerged: Bool) {
        let index = entries.firstIndex { $0.key == change.key }
        if change.value.isNull {
            if let index { entries.remove(at: index) }
        } else if let index {
            if isMerged, var inner = entries[index].value.entries, let changes = change.value.entries {
                for one in changes { put(one, into: &inner, isMerged: false) }
                entries[index].value.content = .mapping(inner)
            } else {
                entries[index] = change
            }
        } else {
            entries.append(change)
        }
    }
}
