internal import GRDB

/// What a schedule has to know of a sync's history. Runs that looked at chosen records only, or at the first few, do not
/// count.
package struct SyncPast: Sendable, Hashable {
    /// When its newest run began, one that was skipped included.
    package var handledAt: Moment?
    /// When its newest run began that was not skipped.
    package var begunAt: Moment?
    /// When the newest run ended that was complete: rows may have been refused, but the run did not fail.
    package var completedAt: Moment?
    package var isPaused: Bool

    package init(handledAt: Moment? = nil, begunAt: Moment? = nil, completedAt: Moment? = nil, isPaused: Bool = false) {
        self.handledAt = handledAt
        self.begunAt = begunAt
        self.completedAt = completedAt
        self.isPaused = isPaused
    }
}

extension RunHistory {
    /// By the sync's name; of every sync that has a run or was paused. A few steps in an index for each sync.
    package func pasts() throws(StateError) -> [String: SyncPast] {
        let newest = "SELECT max(id) FROM runs WHERE sync = syncs.id AND NOT is_limited"
        let sql = """
            SELECT name, is_paused,
                (SELECT started_at FROM runs WHERE id = (\(newest))) AS handled_at,
                (SELECT started_at FROM runs WHERE id = (\(newest) AND state <> 'skipped')) AS begun_at,
                (SELECT ended_at FROM runs WHERE id = syncs.last_complete_run) AS completed_at
            FROM syncs
            """
        return try database.read { database in
            var pasts: [String: SyncPast] = [:]
            for row in try Row.fetchAll(database, sql: sql) {
                pasts[row["name"]] = SyncPast(
                    handledAt: moment(row["handled_at"]), begunAt: moment(row["begun_at"]),
                    completedAt: moment(row["completed_at"]), isPaused: row["is_paused"])
            }
            return pasts
        }
    }

    private func moment(_ milliseconds: Int64?) -> Moment? { milliseconds.map { Moment(milliseconds: $0) } }
}
