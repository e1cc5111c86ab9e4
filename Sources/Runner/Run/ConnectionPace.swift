package import ConnectorKit
package import Records
package import StateStore
package import SyncCore

/// The rate limit of one connection: of every sync and every process of this state directory, and then of all processes on
/// this machine that use the account.
package struct ConnectionPace: Sendable {
    private let pacing: RequestPacing
    private let shared: SharedNumber
    private let account: AccountPace?
    private let turn: WriteTurn?

    /// What is shared on this machine by all who use the account.
    package struct AccountPace: Sendable {
        let limits: MachineLimits
        let type: String
        let key: Secret
        /// So many requests may be on their way at once; nil where nothing is said of it.
        let requestsAtOnceMax: Int?
    }

    /// - Parameters:
    ///   - account: nil where only the state directory counts.
    ///   - turn: nil where nobody else writes to the object.
    package init(
        pacing: RequestPacing, shared: SharedNumber, account: AccountPace? = nil, turn: WriteTurn? = nil
    ) {
        self.pacing = pacing
        self.shared = shared
        self.account = account
        self.turn = turn
    }

    /// Waits until one more request may leave. The machine's permit is the last, so that it is taken when the request leaves.
    package func permit(time: RunTime, progress: @Sendable (RunProgress) -> Void) async throws {
        let now = time.now().milliseconds * 1_000
        try await wait(try shared.update { pacing.take(&$0, now: now) }, time: time, progress: progress)
        let later = time.now().milliseconds * 1_000
        guard let more = onMachine({ pacing.take(&$0, now: later) }) else { return }
        try await wait(more, time: time, progress: progress)
    }

    /// Waits until fewer requests of the account are on their way than it may have at once, whichever processes send them.
    /// What it returns is called when the request has ended; a process that ends gives its place back by that.
    package func place(time: RunTime) async throws -> @Sendable () -> Void {
        guard let account, let most = account.requestsAtOnceMax else { return {} }
        while let path = account.limits.path(type: account.type, key: account.key) {
            do throws(StateError) {
                for number in 1...most {
                    if let held = try WriteTurn(path: path + ".\(number)").take() { return { held.release() } }
                }
            } catch {
                account.limits.giveUp(error)
            }
            try await time.sleep(.milliseconds(20))
        }
        return {}
    }

    /// Why the account's limit is not shared on this machine; told once in a process.
    package func warning() -> Reason? { account?.limits.warning() }

    /// Changes the account's number; nil where there is none that can be changed: the state directory's own holds anyway.
    private func onMachine(_ body: (inout Int64) -> Int64) -> Int64? {
        guard let account, let path = account.limits.path(type: account.type, key: account.key) else { return nil }
        do {
            // Whoever holds the lock has it for two system calls, unless the process was stopped meanwhile.
            return try SharedNumber(path: path, patience: .seconds(2)).update(body)
        } catch {
            account.limits.giveUp(error)
            return nil
        }
    }

    private func wait(
        _ wait: Int64, time: RunTime, progress: @Sendable (RunProgress) -> Void
    ) async throws {
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
        _ = onMachine { state in
            pacing.pause(&state, now: now, pauseMicros: micros)
            return 0
        }
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
