/// What `serve` keeps beside the runs: step 2 of the schema.
extension ControlMigration {
    // `name_key` is the form in which names are compared. AUTOINCREMENT: nobody gets a removed person's number.
    static let people = """
        CREATE TABLE people (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL,
            password TEXT NOT NULL,
            password_changed_at INTEGER NOT NULL,
            added_at INTEGER NOT NULL,
            last_seen_at INTEGER
        ) STRICT;

        """

    // Tokens and the subjects of attempts are kept as hashes: whoever reads the file can neither sign in with what is
    // there nor see what was typed by mistake into the field of the name.
    static let sessions = """
        CREATE TABLE sessions (
            token_hash TEXT PRIMARY KEY,
            person INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE,
            begun_at INTEGER NOT NULL,
            seen_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sessions_by_person ON sessions(person, begun_at);
        CREATE TABLE login_attempts (
            subject_hash TEXT PRIMARY KEY,
            failures INTEGER NOT NULL,
            last_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX login_attempts_by_time ON login_attempts(last_at);

        """

    static let marks = """
        CREATE TABLE marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        """

    static let audit = """
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            who TEXT NOT NULL,
            address TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            detail TEXT NOT NULL
        ) STRICT;
        CREATE INDEX audit_by_subject ON audit(subject, id);
        CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
            BEGIN SELECT raise(ABORT, 'the audit log only grows'); END;
        CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
            BEGIN SELECT raise(ABORT, 'the audit log only grows'); END;

        """

    static let secrets = """
        CREATE TABLE secrets (
            name TEXT PRIMARY KEY,
            sealed BLOB NOT NULL,
            changed_at INTEGER NOT NULL,
            changed_by TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        """

    static let definitions = """
        CREATE TABLE definitions (
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            text TEXT NOT NULL,
            revision INTEGER NOT NULL,
            changed_at INTEGER NOT NULL,
            changed_by TEXT NOT NULL,
            PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID;

        """
}
