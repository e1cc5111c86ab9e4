internal import Foundation
internal import GRDB

/// A secret as stored: sealed by somebody who has the key, which the database has not.
package struct SecretRecord: Sendable, Hashable {
    package var name: String
    package var sealed: [UInt8]
    package var changedAt: Moment
    package var changedBy: String

    package init(name: String, sealed: [UInt8], changedAt: Moment, changedBy: String) {
        self.name = name
        self.sealed = sealed
        self.changedAt = changedAt
        self.changedBy = changedBy
    }
}

/// The sealed secrets, and the mark by which a key is known to be the right one.
package struct SecretStore: Sendable {
    static let mark = "secret_key_check"

    private let database: ControlDatabase

    package init(_ database: ControlDatabase) { self.database = database }

    /// In the order of their names.
    package func all() throws(StateError) -> [SecretRecord] {
        try database.read { try Self.all($0) }
    }

    /// How many there are, without a look at any: what a damaged database has for one may be anything.
    func count() throws(StateError) -> Int {
        try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM secrets") ?? 0 }
    }

    package func secret(_ name: String) throws(StateError) -> SecretRecord? {
        try database.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM secrets WHERE name = ?", arguments: [name]).map(Self.record)
        }
    }

    /// False, and nothing is stored, where `check` is not the check of the key any more.
    package func set(_ secret: SecretRecord, check: String, noting entry: AuditRecord) throws(StateError) -> Bool {
        try database.write { database in
            guard try MarkTable.value(database, Self.mark) == check else { return false }
            try Self.set(database, secret)
            try AuditTable.insert(database, entry)
            return true
        }
    }

    /// False where there is none.
    package func remove(_ name: String, noting entry: AuditRecord) throws(StateError) -> Bool {
        try database.write { database in
            try database.execute(sql: "DELETE FROM secrets WHERE name = ?", arguments: [name])
            guard database.changesCount == 1 else { return false }
            try AuditTable.insert(database, entry)
            return true
        }
    }

    // MARK: The key

    package func keyCheck() throws(StateError) -> String? { try database.mark(Self.mark) }

    /// The check that is there, or the given one, which is then the one.
    package func keyCheck(orElse new: String) throws(StateError) -> String {
        try database.write { database in
            if let known = try MarkTable.value(database, Self.mark) { return known }
            try MarkTable.set(database, Self.mark, new)
            return new
        }
    }

    /// Seals every secret anew and changes the check, all or nothing. Throws what `reseal` throws, and then nothing
    /// has changed. Returns how many there are.
    package func reseal(
        check: String, noting entry: AuditRecord, _ reseal: (SecretRecord) throws -> [UInt8]
    ) throws -> Int {
        var refused: (any Error)?
        do {
            return try database.write { database in
                let secrets = try Self.all(database)
                for secret in secrets {
                    let sealed: [UInt8]
                    do { sealed = try reseal(secret) } catch {
                        refused = error
                        throw error
                    }
                    try database.execute(
                        sql: "UPDATE secrets SET sealed = ? WHERE name = ?", arguments: [Data(sealed), secret.name])
                }
                try MarkTable.set(database, Self.mark, check)
                try AuditTable.insert(database, entry)
                return secrets.count
            }
        } catch {
            throw refused ?? error
        }
    }

    // MARK: Rows

    static func all(_ database: Database) throws -> [SecretRecord] {
        try Row.fetchAll(database, sql: "SELECT * FROM secrets ORDER BY name").map(record)
    }

    static func set(_ database: Database, _ secret: SecretRecord) throws {
        let sql = """
            INSERT INTO secrets (name, sealed, changed_at, changed_by) VALUES (?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at,
                changed_by = excluded.changed_by
            """
        try database.execute(
            sql: sql,
            arguments: [secret.name, Data(secret.sealed), secret.changedAt.milliseconds, secret.changedBy])
    }

    private static func record(_ row: Row) -> SecretRecord {
        SecretRecord(
            name: row["name"], sealed: [UInt8](row["sealed"] as Data),
            changedAt: Moment(milliseconds: row["changed_at"]), changedBy: row["changed_by"])
    }
}
