internal import GRDB

/// The rows of `syncs`. A row may be there before its memory: a run was created or the sync was paused.
enum SyncTable {
    /// The row's number, made where the sync is not known yet.
    static func identifier(_ database: Database, _ name: String) throws -> Int64 {
        try database.cachedStatement(sql: "INSERT INTO syncs (name) VALUES (?) ON CONFLICT (name) DO NOTHING")
            .execute(arguments: [name])
        let statement = try database.cachedStatement(sql: "SELECT id FROM syncs WHERE name = ?")
        guard let id = try Int64.fetchOne(statement, arguments: [name]) else {
            throw DatabaseError(resultCode: .SQLITE_NOTFOUND, message: "the sync just stored is not there")
        }
        return id
    }

    static func memory(_ database: Database, name: String) throws -> SyncMemory? {
        let sql = "SELECT * FROM syncs WHERE name = ? AND definition IS NOT NULL"
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [name]).map(memory)
    }

    static func all(_ database: Database) throws -> [SyncMemory] {
        try Row.fetchAll(database, sql: "SELECT * FROM syncs WHERE definition IS NOT NULL ORDER BY name").map(memory)
    }

    private static func memory(_ row: Row) throws -> SyncMemory {
        var memory = SyncMemory(
            name: row["name"], seed: UInt64(bitPattern: row["seed"] as Int64), definition: row["definition"],
            mappingRevision: row["mapping_revision"], keyRevision: row["key_revision"],
            destination: row["destination"], columns: row["columns"])
        memory.hasAccepted = row["has_accepted"]
        memory.isPaused = row["is_paused"]
        memory.lastCompleteRun = row["last_complete_run"]
        memory.extra = try StoredText.decode([String: String].self, row["extra"])
        return memory
    }

    static func save(_ database: Database, _ memory: SyncMemory) throws {
        let id = try identifier(database, memory.name)
        let sql = """
            UPDATE syncs SET seed = ?, definition = ?, mapping_revision = ?, key_revision = ?, destination = ?,
                columns = ?, has_accepted = ?, last_complete_run = ?, extra = ? WHERE id = ?
            """
        try database.cachedStatement(sql: sql).execute(
            arguments: [
                Int64(bitPattern: memory.seed), memory.definition, memory.mappingRevision, memory.keyRevision,
                memory.destination, memory.columns, memory.hasAccepted, memory.lastCompleteRun,
                try StoredText.encode(memory.extra), id,
            ])
    }

    static func rename(_ database: Database, _ old: String, _ new: String) throws -> Bool {
        let find = "SELECT id FROM syncs WHERE name = ?"
        guard old != new, let id = try Int64.fetchOne(database, sql: find, arguments: [old]) else { return false }
        // A pause of either stays in force.
        let isPaused = try Bool.fetchOne(database, sql: "SELECT is_paused FROM syncs WHERE name = ?", arguments: [new])
        try database.execute(sql: "UPDATE runs SET sync = ? WHERE sync = (\(find))", arguments: [id, new])
        try database.execute(sql: "DELETE FROM syncs WHERE name = ?", arguments: [new])
        try database.execute(
            sql: "UPDATE syncs SET name = ?, is_paused = is_paused OR ? WHERE id = ?",
            arguments: [new, isPaused ?? false, id])
        return true
    }

    static func known(_ database: Database, _ name: String) throws -> KnownSync? {
        let sql = """
            SELECT EXISTS (SELECT 1 FROM runs WHERE sync = syncs.id) AS has_runs,
                EXISTS (SELECT 1 FROM runs WHERE sync = syncs.id AND operations_accepted > 0) AS has_arrived
            FROM syncs WHERE name = ?
            """
        guard let row = try Row.fetchOne(database, sql: sql, arguments: [name]) else { return nil }
        return KnownSync(
            memory: try memory(database, name: name), hasRuns: row["has_runs"], hasArrived: row["has_arrived"])
    }

    static func setPaused(_ database: Database, _ name: String, _ isPaused: Bool) throws {
        let id = try identifier(database, name)
        try database.execute(sql: "UPDATE syncs SET is_paused = ? WHERE id = ?", arguments: [isPaused, id])
    }

    static func paused(_ database: Database) throws -> Set<String> {
        try String.fetchSet(database, sql: "SELECT name FROM syncs WHERE is_paused")
    }
}
