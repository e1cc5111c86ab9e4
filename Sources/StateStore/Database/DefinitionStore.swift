internal import GRDB

/// A definition that was made in the pages.
package struct DefinitionRecord: Sendable, Hashable {
    package var kind: String
    package var name: String
    /// The value below its name, as YAML.
    package var text: String
    /// Grows with each change.
    package var revision: Int
    package var changedAt: Moment
    package var changedBy: String

    package init(kind: String, name: String, text: String, revision: Int = 1, changedAt: Moment, changedBy: String) {
        self.kind = kind
        self.name = name
        self.text = text
        self.revision = revision
        self.changedAt = changedAt
        self.changedBy = changedBy
    }
}

/// What is to be stored at once: definitions and their secrets change together or not at all.
package struct DefinitionChange: Sendable {
    package struct Known: Sendable, Hashable {
        package var kind: String
        package var name: String
        /// nil where there was none.
        package var revision: Int?

        package init(kind: String, name: String, revision: Int?) {
            self.kind = kind
            self.name = name
            self.revision = revision
        }
    }

    /// What the change was made from: every definition that it looked at.
    package var known: [Known] = []
    package var saved: [DefinitionRecord] = []
    package var removed: [(kind: String, name: String)] = []
    package var secretsSet: [SecretRecord] = []
    package var secretsRemoved: [String] = []
    /// The check of the key that `secretsSet` were sealed with.
    package var keyCheck: String?

    package init() {}
}

package struct DefinitionStore: Sendable {
    private let database: ControlDatabase

    package init(_ database: ControlDatabase) { self.database = database }

    /// By kind and name.
    package func all() throws(StateError) -> [DefinitionRecord] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM definitions ORDER BY kind, name").map { row in
                DefinitionRecord(
                    kind: row["kind"], name: row["name"], text: row["text"], revision: row["revision"],
                    changedAt: Moment(milliseconds: row["changed_at"]), changedBy: row["changed_by"])
            }
        }
    }

    package enum Answer: Sendable, Hashable {
        case done
        /// Somebody changed a definition meanwhile.
        case changed
        /// The key of the secrets was changed meanwhile.
        case otherKey
    }

    /// Stores all of it, or nothing where what it was made from has changed.
    package func apply(_ change: DefinitionChange, noting entry: AuditRecord) throws(StateError) -> Answer {
        try database.write { database in
            for known in change.known {
                let sql = "SELECT revision FROM definitions WHERE kind = ? AND name = ?"
                let found = try Int.fetchOne(database, sql: sql, arguments: [known.kind, known.name])
                guard found == known.revision else { return .changed }
            }
            if !change.secretsSet.isEmpty {
                guard try MarkTable.value(database, SecretStore.mark) == change.keyCheck else { return .otherKey }
            }
            for (kind, name) in change.removed {
                try database.execute(
                    sql: "DELETE FROM definitions WHERE kind = ? AND name = ?", arguments: [kind, name])
            }
            for definition in change.saved { try Self.save(database, definition) }
            for name in change.secretsRemoved {
                try database.execute(sql: "DELETE FROM secrets WHERE name = ?", arguments: [name])
            }
            for secret in change.secretsSet { try SecretStore.set(database, secret) }
            try AuditTable.insert(database, entry)
            return .done
        }
    }

    private static func save(_ database: Database, _ definition: DefinitionRecord) throws {
        let sql = """
            INSERT INTO definitions (kind, name, text, revision, changed_at, changed_by) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (kind, name) DO UPDATE SET text = excluded.text, revision = excluded.revision,
                changed_at = excluded.changed_at, changed_by = excluded.changed_by
            """
        try database.execute(
            sql: sql,
            arguments: [
                definition.kind, definition.name, definition.text, definition.revision,
                definition.changedAt.milliseconds, definition.changedBy,
            ])
    }
}
