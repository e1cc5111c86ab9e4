package import Records

/// One row or operation of a run that did not simply arrive. Known by `run` and `sequence`.
package struct OutcomeRecord: Sendable, Hashable {
    package var run: Int64
    /// An operation's place in the plan, from 0; below 0 for rows that never became operations.
    package var sequence: Int
    /// The key as text; empty where the row has none.
    package var key: String
    package var keyHash: Hash128
    package var outcome: OutcomeKind
    package var reason: Reason
    /// The batch it went with, if it went.
    package var batch: Int?
    package var at: Moment

    package init(
        run: Int64, sequence: Int, key: String, keyHash: Hash128, outcome: OutcomeKind, reason: Reason,
        batch: Int? = nil, at: Moment
    ) {
        self.run = run
        self.sequence = sequence
        self.key = key
        self.keyHash = keyHash
        self.outcome = outcome
        self.reason = reason
        self.batch = batch
        self.at = at
    }

    package var code: String { reason.code }
    package var message: String { reason.message }
    package var hint: String { reason.hint }
}

/// As `records --json` prints it.
extension OutcomeRecord: Encodable {
    package enum CodingKeys: String, CodingKey {
        case key, outcome, code, message, hint, run
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(code, forKey: .code)
        try container.encode(message, forKey: .message)
        try container.encode(hint, forKey: .hint)
        try container.encode(run, forKey: .run)
    }
}

/// The rows of a run that share one reason.
package struct ReasonSummary: Sendable, Hashable {
    package var outcome: OutcomeKind
    /// The code with the text and hint of the first such row.
    package var reason: Reason
    package var count: Int
    /// The keys of at most three of them.
    package var examples: [String]
}
