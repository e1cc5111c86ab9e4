internal import ConnectorKit
internal import ProjectConfig

/// The columns that make up a sync's key, and whether they may give other keys for the same rows than at the last run.
enum KeyColumns {
    /// A sentence without its period; nil where nothing speaks for it.
    ///
    /// - Parameters:
    ///   - before: the scan's columns as `MakePlan.describe` gives them; empty before the first run.
    ///   - isDatasetChanged: for what is sent, and cannot be taken back, an edited query is reason enough to look.
    static func mayDiffer(
        _ definition: SyncDefinition, before: String, now: String, isDatasetChanged: Bool
    ) -> String? {
        let (old, new) = (types(before), types(now))
        for name in definition.key.columns + [definition.key.within].compactMap({ $0 }) {
            guard let was = old[name[...]], let type = new[name[...]], was != type else { continue }
            return "The type of the key's column \(name) was \(was.lowercased()) and is \(type.lowercased())"
        }
        return isDatasetChanged && definition.behavior == .send ? "The dataset was changed" : nil
    }

    private static func types(_ columns: String) -> [Substring: Substring] {
        var types: [Substring: Substring] = [:]
        for line in columns.split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { types[parts[0]] = parts[1] }
        }
        return types
    }
}
