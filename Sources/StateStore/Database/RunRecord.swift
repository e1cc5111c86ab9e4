package import Records

/// How often one reason occurs in a run.
package struct ReasonCount: Sendable, Hashable, Codable {
    package var code: String
    package var count: Int

    package init(code: String, count: Int) {
        self.code = code
        self.count = count
    }
}

/// The guard that stopped a run, in words.
package struct GuardRecord: Sendable, Hashable, Codable {
    /// As `--accept-guard` takes it.
    package var name: String
    package var message: String
    package var hint: String
    /// The other guards that stopped the run with it; absent where there are none.
    package var also: [GuardRecord]?

    package init(name: String, message: String, hint: String, also: [GuardRecord] = []) {
        self.name = name
        self.message = message
        self.hint = hint
        self.also = also.isEmpty ? nil : also
    }

    /// It and the others.
    package var all: [GuardRecord] { [self] + (also ?? []) }

    /// What all of them say.
    package var messages: String { all.map(\.message).joined(separator: " ") }
}

/// Why a run failed.
package struct RunFailure: Sendable, Hashable, Codable {
    package var code: String
    package var message: String
    package var hint: String

    package init(code: String, message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

/// One run as the history keeps it, and as `show --json` prints it: every key is always there, absent values as null.
package struct RunRecord: Sendable, Hashable {
    /// From 1, one count for each state directory; never used again.
    package var id: Int64
    /// The sync's present name: a renamed sync takes its runs along.
    package var sync: String
    package var state: RunState
    package var full: Bool
    package var fullReason: String?
    package var limited: Bool
    /// Who started it: `cli`, `schedule`, `web`, `api` …
    package var trigger: String
    package var startedAt: Moment
    package var endedAt: Moment?
    package var rows = RowLedger()
    package var operations = OperationLedger()
    /// Requests that wrote.
    package var requests = 0
    package var bytesSent: Int64 = 0
    package var reasons: [ReasonCount] = []
    package var `guard`: GuardRecord?
    package var error: RunFailure?
    /// Nil for a run that had not begun, and for those of before it was measured.
    package var effort: RunEffort?

    /// What a person should look at although the run went on.
    package var warnings: [Reason] { effort?.warnings ?? [] }

    package init(
        id: Int64, sync: String, state: RunState, full: Bool, limited: Bool, trigger: String, startedAt: Moment
    ) {
        self.id = id
        self.sync = sync
        self.state = state
        self.full = full
        self.limited = limited
        self.trigger = trigger
        self.startedAt = startedAt
    }
}

extension RunRecord: Codable {
    package enum CodingKeys: String, CodingKey {
        case id, sync, state, full
        case fullReason = "full_reason"
        case limited, trigger
        case startedAt = "started_at"
        case endedAt = "ended_at"
        case rows, operations, requests
        case bytesSent = "bytes_sent"
        case reasons, `guard`, error, effort
    }

    private enum ToldKeys: String, CodingKey { case warnings }

    // Written out because the made one leaves absent values out.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(sync, forKey: .sync)
        try container.encode(state, forKey: .state)
        try container.encode(full, forKey: .full)
        try container.encode(fullReason, forKey: .fullReason)
        try container.encode(limited, forKey: .limited)
        try container.encode(trigger, forKey: .trigger)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(endedAt, forKey: .endedAt)
        try container.encode(rows, forKey: .rows)
        try container.encode(operations, forKey: .operations)
        try container.encode(requests, forKey: .requests)
        try container.encode(bytesSent, forKey: .bytesSent)
        try container.encode(reasons, forKey: .reasons)
        try container.encode(`guard`, forKey: .guard)
        try container.encode(error, forKey: .error)
        var effort = effort
        effort?.warnings = nil
        try container.encode(effort, forKey: .effort)
        var told = encoder.container(keyedBy: ToldKeys.self)
        try told.encode(warnings, forKey: .warnings)
    }
}
