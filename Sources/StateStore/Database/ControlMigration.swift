internal import GRDB

/// One step of the control database's schema. Steps are only ever added at the end; a published one never changes,
/// because files that have taken it are never taken through it again (a test holds each text to its checksum).
package struct ControlMigration: Sendable {
    package var name: String
    package var sql: String

    package init(name: String, sql: String) {
        self.name = name
        self.sql = sql
    }

    /// The file's version, kept in `PRAGMA user_version`, is the number of steps it has taken.
    package static let all = [
        ControlMigration(name: "1 syncs, runs, outcomes, exchanges", sql: syncs + runs + outcomes + exchanges),
        ControlMigration(
            name: "2 people, definitions, secrets", sql: people + sessions + marks + audit + secrets + definitions),
        ControlMigration(name: "3 what runs cost", sql: efforts),
    ]

    /// "SLUC": tells a control database from any other SQLite file (`PRAGMA application_id`).
    static let applicationID = 0x534C_5543

    static func migrator(_ migrations: [ControlMigration]) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for (index, migration) in migrations.enumerated() {
            migrator.registerMigration(migration.name, foreignKeyChecks: .immediate) { database in
                try database.execute(sql: migration.sql)
                try database.execute(sql: "PRAGMA application_id = \(applicationID)")
                try database.execute(sql: "PRAGMA user_version = \(index + 1)")
            }
        }
        return migrator
    }

    // `definition` is null until the sync's memory was saved for the first time.
    private static let syncs = """
        CREATE TABLE syncs (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            seed INTEGER NOT NULL DEFAULT 0,
            definition TEXT,
            mapping_revision TEXT NOT NULL DEFAULT '',
            key_revision TEXT NOT NULL DEFAULT '',
            destination TEXT NOT NULL DEFAULT '',
            columns TEXT NOT NULL DEFAULT '',
            has_accepted INTEGER NOT NULL DEFAULT 0,
            is_paused INTEGER NOT NULL DEFAULT 0,
            last_complete_run INTEGER REFERENCES runs(id) ON DELETE SET NULL,
            extra TEXT NOT NULL DEFAULT '{}'
        ) STRICT;
        CREATE INDEX syncs_by_last_complete_run ON syncs(last_complete_run) WHERE last_complete_run IS NOT NULL;

        """

    // Times are milliseconds since 1970. AUTOINCREMENT: the number of a removed run is never given again.
    private static let runs = """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            sync INTEGER NOT NULL REFERENCES syncs(id) ON DELETE CASCADE,
            state TEXT NOT NULL,
            is_full INTEGER NOT NULL,
            full_reason TEXT,
            is_limited INTEGER NOT NULL,
            started_by TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            ended_at INTEGER,
            rows_scanned INTEGER NOT NULL DEFAULT 0,
            rows_carried INTEGER NOT NULL DEFAULT 0,
            rows_unchanged INTEGER NOT NULL DEFAULT 0,
            rows_invalid INTEGER NOT NULL DEFAULT 0,
            rows_held INTEGER NOT NULL DEFAULT 0,
            rows_skipped INTEGER NOT NULL DEFAULT 0,
            rows_deferred INTEGER NOT NULL DEFAULT 0,
            rows_planned INTEGER NOT NULL DEFAULT 0,
            operations_planned INTEGER NOT NULL DEFAULT 0,
            operations_removals INTEGER NOT NULL DEFAULT 0,
            operations_accepted INTEGER NOT NULL DEFAULT 0,
            operations_rejected INTEGER NOT NULL DEFAULT 0,
            operations_undelivered INTEGER NOT NULL DEFAULT 0,
            operations_in_doubt INTEGER NOT NULL DEFAULT 0,
            operations_created INTEGER NOT NULL DEFAULT 0,
            operations_updated INTEGER NOT NULL DEFAULT 0,
            operations_already_equal INTEGER NOT NULL DEFAULT 0,
            operations_sent INTEGER NOT NULL DEFAULT 0,
            operations_removed INTEGER NOT NULL DEFAULT 0,
            requests INTEGER NOT NULL DEFAULT 0,
            bytes_sent INTEGER NOT NULL DEFAULT 0,
            reasons TEXT NOT NULL DEFAULT '[]',
            guard TEXT,
            error TEXT,
            applied_position INTEGER NOT NULL DEFAULT -1,
            sealed_at INTEGER,
            plan_definition TEXT,
            has_plan INTEGER NOT NULL DEFAULT 1,
            cancel_requested_at INTEGER
        ) STRICT;
        CREATE INDEX runs_by_sync ON runs(sync, id);
        CREATE INDEX runs_by_start ON runs(started_at);
        CREATE INDEX runs_sealed ON runs(sync, id) WHERE sealed_at IS NOT NULL;
        CREATE INDEX runs_unfinished ON runs(id) WHERE state IN ('queued', 'running', 'closing', 'interrupted');
        CREATE INDEX runs_with_plan ON runs(started_at) WHERE has_plan;

        """

    private static let efforts = """
        CREATE TABLE efforts (
            run INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
            effort TEXT NOT NULL
        ) STRICT;

        """

    private static let outcomes = """
        CREATE TABLE outcomes (
            run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            key TEXT NOT NULL,
            key_high INTEGER NOT NULL,
            key_low INTEGER NOT NULL,
            outcome TEXT NOT NULL,
            code TEXT NOT NULL,
            message TEXT NOT NULL,
            hint TEXT NOT NULL,
            batch INTEGER,
            at INTEGER NOT NULL,
            PRIMARY KEY (run, sequence)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX outcomes_by_reason ON outcomes(run, outcome, code, sequence);
        CREATE INDEX outcomes_by_key ON outcomes(key, run) WHERE key <> '';

        """

    private static let exchanges = """
        CREATE TABLE exchanges (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            batch INTEGER,
            attempt INTEGER NOT NULL,
            at INTEGER NOT NULL,
            method TEXT NOT NULL,
            path TEXT NOT NULL,
            status INTEGER,
            milliseconds INTEGER NOT NULL,
            request_bytes INTEGER NOT NULL,
            response_bytes INTEGER NOT NULL,
            error TEXT,
            is_write INTEGER NOT NULL,
            first_sequence INTEGER,
            last_sequence INTEGER,
            request_body TEXT NOT NULL,
            response_body TEXT NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX exchanges_by_number ON exchanges(run, number);
        CREATE INDEX exchanges_by_sequence ON exchanges(run, first_sequence, last_sequence)
            WHERE first_sequence IS NOT NULL;

        """
}
