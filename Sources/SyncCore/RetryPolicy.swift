package import ConnectorKit
internal import Records

/// What to do after a request that brought no outcomes. Decided from the attempt, what the connector says, and
/// whether repeating is safe; it knows no clock and draws no random numbers.
package struct RetryPolicy: Sendable, Hashable {
    package var attemptsMax = 7
    package var waitFirst: Duration = .seconds(1)
    package var waitMax: Duration = .seconds(60)
    /// Before a request that was refused for its rate, where the answer does not say how long.
    package var waitRateLimited: Duration = .seconds(15)
    /// The longest wait that an answer may ask for; after that the request is simply tried.
    package var waitAskedMax: Duration = .seconds(600)
    /// Before the request that follows one of which nobody knows whether it was carried out.
    package var waitDoubtful: Duration = .seconds(5)

    package init() {}

    package enum Decision: Sendable, Hashable {
        case retry(after: Duration)
        /// The run fails with the error; this batch and the rest are undelivered.
        case stop
        /// This batch is in doubt, and the run goes on with the next one.
        case goOnInDoubt
        /// The run fails with the error; this batch is in doubt, the rest is undelivered.
        case stopInDoubt
    }

    /// - Parameters:
    ///   - attempt: tries of this batch so far, from 1.
    ///   - jitter: a random number in 0..<1.
    package func decide(
        attempt: Int, error: ConnectorError, repeatable: Repeatability, jitter: Double
    ) -> Decision {
        let isSafe = repeatable == .byKey || error.isKnownUnsent
        let stopped: Decision = isSafe ? .stop : .stopInDoubt
        guard case .retry(let asked) = error.disposition else { return stopped }
        guard isSafe else { return .goOnInDoubt }
        guard attempt < attemptsMax else { return stopped }
        return .retry(after: wait(attempt: attempt, asked: asked, code: error.code, jitter: jitter))
    }

    /// How long the next batch waits after so many doubtful answers in a row.
    package func wait(doubts: Int, jitter: Double) -> Duration {
        guard doubts > 0 else { return .zero }
        return min(waitDoubtful * (1 << min(2 * (doubts - 1), 16)), waitMax) * (0.5 + jitter / 2)
    }

    private func wait(attempt: Int, asked: Duration?, code: String, jitter: Double) -> Duration {
        if let asked { return min(max(asked, .zero), waitAskedMax) + .milliseconds(Int(jitter * 500)) }
        let first = code == "rate_limited" ? waitRateLimited : waitFirst
        let grown = min(first * (1 << min(attempt - 1, 16)), waitMax)
        // Half fixed, half random: spreads the runners without ever waiting next to nothing.
        return grown * (0.5 + jitter / 2)
    }
}
