internal import ConnectorKit
internal import SyncCore

/// Repeats reads of the destination as the retry policy says. Reads are always safe to repeat.
struct Retrying {
    let policy: RetryPolicy
    let environment: RunEnvironment

    /// Throws `CancellationError` if the task is cancelled, whatever the destination made of it.
    func read<Result>(_ body: () async throws -> Result) async throws -> Result {
        var attempt = 1
        while true {
            do {
                return try await body()
            } catch let error as ConnectorError {
                try Task.checkCancellation()
                let decision = policy.decide(
                    attempt: attempt, error: error, repeatable: .byKey, jitter: environment.time.chance())
                guard case .retry(let wait) = decision else { throw error }
                try await environment.pause(wait, because: error)
                attempt += 1
            }
        }
    }
}
