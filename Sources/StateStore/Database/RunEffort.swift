internal import GRDB
package import Records

/// What a run cost: how long its stages took, how its requests were answered, how long it waited. In JSON every key is
/// always there but `scan` and `warnings`. A run that was resumed has the sum over its processes.
package struct RunEffort: Sendable, Hashable {
    /// How much of an incremental dataset was read.
    package enum Scan: String, Sendable, Hashable, Codable {
        case complete, recent
    }

    /// Nil where the dataset is not incremental.
    package var scan: Scan?
    /// Settings, the account's fields and the look-ups, before the first row was read.
    package var prepareMilliseconds: Int64 = 0
    package var scanMilliseconds: Int64 = 0
    /// What lies between the last row and the sealed plan: duplicates, look-ups at the destination, removals, guards.
    package var planMilliseconds: Int64 = 0
    package var deliverMilliseconds: Int64 = 0
    package var closeMilliseconds: Int64 = 0
    /// Waiting because of the rate limit: for the turn of a request, and where the destination asked for it.
    package var rateLimitWaitMilliseconds: Int64 = 0
    /// Waiting before a request was repeated for another reason.
    package var retryWaitMilliseconds: Int64 = 0
    package var retries = 0
    /// How many requests, reads and writes, were answered with each status; `noAnswer` for those that were not.
    package var answers: [String: Int] = [:]
    /// What the run warned of, the first `warningsMax`; nil where there was nothing. Kept here because it is known as the rest
    /// is, and told beside it (`RunRecord.warnings`).
    package var warnings: [Reason]?

    package static let noAnswer = "no_answer"

    package static let warningsMax = 20

    package init() {}

    /// Notes a warning, unless it was noted before or there are many.
    package mutating func warn(_ warning: Reason) {
        let known = warnings ?? []
        guard known.count < Self.warningsMax, !known.contains(warning) else { return }
        warnings = known + [warning]
    }

    package var milliseconds: Int64 {
        prepareMilliseconds + scanMilliseconds + planMilliseconds + deliverMilliseconds + closeMilliseconds
    }
}

extension RunEffort: Codable {
    package enum CodingKeys: String, CodingKey {
        case prepareMilliseconds = "prepare_ms"
        case scanMilliseconds = "scan_ms"
        case planMilliseconds = "plan_ms"
        case deliverMilliseconds = "deliver_ms"
        case closeMilliseconds = "close_ms"
        case rateLimitWaitMilliseconds = "rate_limit_wait_ms"
        case retryWaitMilliseconds = "retry_wait_ms"
        case retries, answers, scan, warnings
    }
}

/// The rows of `efforts`.
enum EffortTable {
    static func save(_ database: Database, _ effort: RunEffort, run: Int64) throws {
        let sql =
            "INSERT INTO efforts (run, effort) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET effort = excluded.effort"
        try database.cachedStatement(sql: sql).execute(arguments: [run, try StoredText.encode(effort)])
    }
}
