internal import GRDB

/// The people who may sign in. What is changed and its entry in the audit log are one transaction.
package struct PeopleStore: Sendable {
    private let database: ControlDatabase

    package init(_ database: ControlDatabase) { self.database = database }

    // MARK: Reading

    /// In the order of their names.
    package func all() throws(StateError) -> [PersonRecord] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM people ORDER BY name_key").map(Self.record)
        }
    }

    package func person(nameKey: String) throws(StateError) -> PersonRecord? {
        try database.read { try Self.find($0, nameKey) }
    }

    package func hasOne(role: String) throws(StateError) -> Bool {
        try database.read { try Self.count($0, role: role) > 0 }
    }

    // MARK: Changing

    /// `taken` where somebody has the name.
    package func add(_ person: PersonRecord, noting entry: AuditRecord) throws(StateError) -> PeopleChange {
        try database.write { database in
            guard try Self.find(database, person.nameKey) == nil else { return .taken }
            try Self.insert(database, person)
            try AuditTable.insert(database, entry)
            return .done
        }
    }

    /// Adds the first person of a role, for whoever has the token that `mark` holds the hash of, and takes the token
    /// away. `unknown` where the mark is another one; `taken` where there is a person of that role or name.
    package func addFirst(
        _ person: PersonRecord, mark: String, hash: String, noting entry: AuditRecord
    ) throws(StateError) -> PeopleChange {
        try database.write { database in
            guard try Self.count(database, role: person.role) == 0 else { return .taken }
            guard try MarkTable.value(database, mark) == hash else { return .unknown }
            guard try Self.find(database, person.nameKey) == nil else { return .taken }
            try Self.insert(database, person)
            try MarkTable.set(database, mark, nil)
            try AuditTable.insert(database, entry)
            return .done
        }
    }

    /// Gives a person another role. `lastOne` where nobody would have the role `keeping` any more.
    package func setRole(
        nameKey: String, _ role: String, keeping: String, noting entry: AuditRecord
    ) throws(StateError) -> PeopleChange {
        try database.write { database in
            guard let person = try Self.find(database, nameKey) else { return .unknown }
            if role != keeping, try Self.isLast(database, person, role: keeping) { return .lastOne }
            try database.execute(sql: "UPDATE people SET role = ? WHERE id = ?", arguments: [role, person.id])
            try AuditTable.insert(database, entry)
            return .done
        }
    }

    /// Changes the password and ends every session of the person, but the one with the hash `sparing`.
    package func setPassword(
        nameKey: String, _ password: String, at moment: Moment, sparing: String? = nil, noting entry: AuditRecord
    ) throws(StateError) -> PeopleChange {
        try database.write { database in
            guard let person = try Self.find(database, nameKey) else { return .unknown }
            try database.execute(
                sql: "UPDATE people SET password = ?, password_changed_at = ? WHERE id = ?",
                arguments: [password, moment.milliseconds, person.id])
            try database.execute(
                sql: "DELETE FROM sessions WHERE person = ? AND token_hash <> ?", arguments: [person.id, sparing ?? ""])
            try AuditTable.insert(database, entry)
            return .done
        }
    }

    /// Stores the same password under another hash, unless it was changed meanwhile.
    package func rehash(id: Int64, from old: String, to new: String) throws(StateError) {
        try database.write {
            try $0.execute(
                sql: "UPDATE people SET password = ? WHERE id = ? AND password = ?", arguments: [new, id, old])
        }
    }

    /// Removes a person and their sessions. `lastOne` where nobody would have the role `keeping` any more.
    package func remove(
        nameKey: String, keeping: String, noting entry: AuditRecord
    ) throws(StateError) -> PeopleChange {
        try database.write { database in
            guard let person = try Self.find(database, nameKey) else { return .unknown }
            if try Self.isLast(database, person, role: keeping) { return .lastOne }
            try database.execute(sql: "DELETE FROM people WHERE id = ?", arguments: [person.id])
            try AuditTable.insert(database, entry)
            return .done
        }
    }

    // MARK: Rows

    static func find(_ database: Database, _ nameKey: String) throws -> PersonRecord? {
        try Row.fetchOne(database, sql: "SELECT * FROM people WHERE name_key = ?", arguments: [nameKey]).map(record)
    }

    static func record(_ row: Row) -> PersonRecord {
        var person = PersonRecord(
            name: row["name"], nameKey: row["name_key"], role: row["role"], password: row["password"],
            addedAt: Moment(milliseconds: row["added_at"]))
        person.id = row["id"]
        person.passwordChangedAt = Moment(milliseconds: row["password_changed_at"])
        person.lastSeenAt = (row["last_seen_at"] as Int64?).map(Moment.init(milliseconds:))
        return person
    }

    private static func insert(_ database: Database, _ person: PersonRecord) throws {
        let sql = """
            INSERT INTO people (name, name_key, role, password, password_changed_at, added_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        try database.execute(
            sql: sql,
            arguments: [
                person.name, person.nameKey, person.role, person.password, person.passwordChangedAt.milliseconds,
                person.addedAt.milliseconds,
            ])
    }

    private static func count(_ database: Database, role: String) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM people WHERE role = ?", arguments: [role]) ?? 0
    }

    private static func isLast(_ database: Database, _ person: PersonRecord, role: String) throws -> Bool {
        try person.role == role && count(database, role: role) == 1
    }
}
