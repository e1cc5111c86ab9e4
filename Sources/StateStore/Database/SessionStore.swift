internal import GRDB

/// Who is signed in, and how often it was tried in vain. Tokens, names and addresses come as hashes.
package struct SessionStore: Sendable {
    package struct Session: Sendable, Hashable {
        package var person: PersonRecord
        package var begunAt: Moment
        package var seenAt: Moment
    }

    package struct Attempts: Sendable, Hashable {
        package var failures: Int
        package var lastAt: Moment

        package init(failures: Int, lastAt: Moment) {
            self.failures = failures
            self.lastAt = lastAt
        }
    }

    private let database: ControlDatabase

    package init(_ database: ControlDatabase) { self.database = database }

    // MARK: Sessions

    package func session(_ tokenHash: String) throws(StateError) -> Session? {
        let sql = """
            SELECT people.*, sessions.begun_at, sessions.seen_at FROM sessions
            JOIN people ON people.id = sessions.person WHERE token_hash = ?
            """
        return try database.read { database in
            try Row.fetchOne(database, sql: sql, arguments: [tokenHash]).map { row in
                Session(
                    person: PeopleStore.record(row), begunAt: Moment(milliseconds: row["begun_at"]),
                    seenAt: Moment(milliseconds: row["seen_at"]))
            }
        }
    }

    /// Begins a session of the person unless their password is not `password` any more: then false. Ends the session
    /// `replacing`, those begun before `oldest`, those last seen before `idle`, and the oldest beyond `max`. Forgets
    /// the failed attempts of `subject`.
    package func begin(
        _ tokenHash: String, person: PersonRecord, at moment: Moment, replacing: String?, limits: SessionLimits,
        forgetting subject: String?, noting entry: AuditRecord
    ) throws(StateError) -> Bool {
        try database.write { database in
            let now = moment.milliseconds
            let isSame = "SELECT count(*) FROM people WHERE id = ? AND password = ?"
            guard try Int.fetchOne(database, sql: isSame, arguments: [person.id, person.password]) == 1 else {
                return false
            }
            try database.execute(
                sql: "DELETE FROM sessions WHERE token_hash = ? OR begun_at < ? OR seen_at < ?",
                arguments: [replacing ?? "", now - limits.absoluteMilliseconds, now - limits.idleMilliseconds])
            try database.execute(
                sql: "INSERT INTO sessions (token_hash, person, begun_at, seen_at) VALUES (?, ?, ?, ?)",
                arguments: [tokenHash, person.id, now, now])
            let beyond = """
                DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions WHERE person = ?
                    ORDER BY begun_at DESC, token_hash = ? DESC LIMIT -1 OFFSET ?)
                """
            try database.execute(sql: beyond, arguments: [person.id, tokenHash, limits.sessionsMax])
            try database.execute(sql: "UPDATE people SET last_seen_at = ? WHERE id = ?", arguments: [now, person.id])
            if let subject {
                try database.execute(sql: "DELETE FROM login_attempts WHERE subject_hash = ?", arguments: [subject])
            }
            try AuditTable.insert(database, entry)
            return true
        }
    }

    package func touch(_ tokenHash: String, person: Int64, at moment: Moment) throws(StateError) {
        try database.write { database in
            try database.execute(
                sql: "UPDATE sessions SET seen_at = max(seen_at, ?) WHERE token_hash = ?",
                arguments: [moment.milliseconds, tokenHash])
            try database.execute(
                sql: "UPDATE people SET last_seen_at = ? WHERE id = ?", arguments: [moment.milliseconds, person])
        }
    }

    /// Ends one session; false where there is none.
    package func end(_ tokenHash: String, noting entry: AuditRecord?) throws(StateError) -> Bool {
        try database.write { database in
            try database.execute(sql: "DELETE FROM sessions WHERE token_hash = ?", arguments: [tokenHash])
            guard database.changesCount == 1 else { return false }
            if let entry { try AuditTable.insert(database, entry) }
            return true
        }
    }

    // MARK: Attempts

    /// Counts one attempt for each subject as failed, before anybody knows whether it is, so that attempts side by side
    /// cannot slip through. `isAllowed` sees what was there; where it refuses one subject, nothing is counted.
    /// Attempts from before `oldest` are forgotten.
    package func countAttempt(
        of subjects: [String], at moment: Moment, forgettingBefore oldest: Moment,
        isAllowed: (Int, Attempts?) -> Bool
    ) throws(StateError) -> Bool {
        try database.write { database in
            try database.execute(
                sql: "DELETE FROM login_attempts WHERE last_at < ?", arguments: [oldest.milliseconds])
            for (index, subject) in subjects.enumerated() {
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM login_attempts WHERE subject_hash = ?", arguments: [subject])
                let known = row.map {
                    Attempts(failures: $0["failures"], lastAt: Moment(milliseconds: $0["last_at"]))
                }
                guard isAllowed(index, known) else { return false }
            }
            let count = """
                INSERT INTO login_attempts (subject_hash, failures, last_at) VALUES (?, 1, ?)
                ON CONFLICT (subject_hash) DO UPDATE SET failures = failures + 1, last_at = excluded.last_at
                """
            for subject in subjects { try database.execute(sql: count, arguments: [subject, moment.milliseconds]) }
            return true
        }
    }

    /// Takes one attempt of the subject back: it did not fail.
    package func takeBackAttempt(of subject: String) throws(StateError) {
        try database.write {
            try $0.execute(
                sql: "UPDATE login_attempts SET failures = max(0, failures - 1) WHERE subject_hash = ?",
                arguments: [subject])
        }
    }
}

/// How long a session may last, and how many a person may have.
package struct SessionLimits: Sendable, Hashable {
    /// Since it was last used.
    package var idleMilliseconds: Int64 = 12 * 3_600_000
    /// Since it began.
    package var absoluteMilliseconds: Int64 = 30 * Moment.millisecondsPerDay
    package var sessionsMax = 20

    package init() {}
}
