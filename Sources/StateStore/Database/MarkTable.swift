internal import GRDB

/// The rows of `marks`: single values that the database holds beside its tables.
enum MarkTable {
    static func value(_ database: Database, _ name: String) throws -> String? {
        try String.fetchOne(database, sql: "SELECT value FROM marks WHERE name = ?", arguments: [name])
    }

    /// nil takes the mark away.
    static func set(_ database: Database, _ name: String, _ value: String?) throws {
        guard let value else {
            return try database.execute(sql: "DELETE FROM marks WHERE name = ?", arguments: [name])
        }
        let sql =
            "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        try database.execute(sql: sql, arguments: [name, value])
    }
}

extension ControlDatabase {
    package func mark(_ name: String) throws(StateError) -> String? {
        try read { try MarkTable.value($0, name) }
    }

    /// nil takes the mark away.
    package func setMark(_ name: String, _ value: String?) throws(StateError) {
        try write { try MarkTable.set($0, name, value) }
    }
}
