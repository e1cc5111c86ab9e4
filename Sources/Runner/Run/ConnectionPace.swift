package import ConnectorKit
package import StateStore
package import SyncCore

/// The rate limit of one connection, shared through a file by every sync and every process of this state directory.
package struct ConnectionPace: Sendable {
    private let pacing: RequestPacing
    private let shared: SharedNumber
    private let turn: WriteTurn?

    /// - Parameter turn: nil where nobody else writes to the object.
    package init(pacing: RequestPacing, shared: SharedNumber, turn: WriteTurn? = nil) {
        self.pacing = pacing
        self.shared = shared
        self.turn = turn
    }

    /// Waits until one more request may leave.
    package func permit(time: RunTime, progress: @Sendable (RunProgress) -> Void) async throws {
        let now = time.now().milliseconds * 1_000
        let wait = try shared.update { pacing.take(&$0, now: now) }
        guard wait > 0 else { return try Task.checkCancellation() }
        let duration = Duration.microseconds(wait)
        if wait >= 1_000_000 { progress(.waiting(reason: "the connection's rate limit", duration: duration)) }
        try await time.sleep(duration)
    }

    /// Waits until nobody else writes to the object (design.md §4.4). Whoever gets a turn
    /// gives it back with `release`.
    func takeTurn(time: RunTime, progress: @Sendable (RunProgress) -> Void) async throws -> WriteTurn.Held? {
        try Task.checkCancellation()
        guard let turn else { return nil }
        var tries = 0
        while true {
            if let held = try turn.take() { return held }
            tries += 1
            if tries == 50 { progress(.waiting(reason: "another write to this object", duration: .seconds(1))) }
            try await time.sleep(.milliseconds(20))
        }
    }

    /// Takes in what an answer said about the limit. A refusal that does not say how long to wait holds everybody as long
    /// as the request itself would wait: the quota is that of the connection.
    package func observe(_ notice: RateLimitNotice, time: RunTime) {
        guard notice.isRefusal || notice.remaining == 0,
            let wait = notice.wait ?? (notice.isRefusal ? RetryPolicy().waitRateLimited : nil)
        else { return }
        let micros = wait.components.seconds * 1_000_000 + wait.components.attoseconds / 1_000_000_000_000
        let now = time.now().milliseconds * 1_000
        do {
            _ = try shared.update { state in
                pacing.pause(&state, now: now, pauseMicros: micros)
                return Int64(0)
            }
        } catch {
            // The refused request itself carries the wait to the retry policy, so no wait is lost with this note.
            return
        }
    }
}
