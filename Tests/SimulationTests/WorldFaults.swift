import ConnectorKit
import Records
import Runner
import Synchronization
import TestKit

/// What goes wrong in a world.
extension World {
    func disturb(_ random: inout SeededRandom, _ crash: CrashPlan) {
        // What was arranged for an earlier start, and did not come about, knows how the sync was called then.
        meetings.withLock { $0 = [:] }
        let rate = [0, 0, 10, 30][random.number(0...3)]
        let stopsAt = random.chance(percent: 16) ? random.number(0...10) : Int.max
        let breakdown = [.unauthorized, .failedBefore, SimulatedFault.lostAfter(records: .max)][random.number(0...2)]
        let state = Mutex((random: SeededRandom(seed: random.next()), first: account.requests.count))
        let itemsMax = random.chance(percent: 10) ? random.number(1...10) : Int.max
        account.fault { [self] number, keys in
            let fault = state.withLock { state in
                if number - state.first >= stopsAt { return breakdown }
                if keys.count > itemsMax { return .tooLarge(items: itemsMax) }
                guard state.random.chance(percent: rate) else { return .none }
                switch state.random.number(0...3) {
                case 0: return .rateLimited(after: state.random.chance(percent: 50) ? .seconds(7) : nil)
                case 1: return .failedBefore
                default: return .lostAfter(records: state.random.number(0...keys.count))
                }
            }
            if fault != .none { broken.withLock { $0 += 1 } }
            return fault
        }
        account.onWrite { [self] number in
            crash.request()
            await meet(number)
        }
        let breaksAt = random.chance(percent: 5) ? random.number(0...5) : Int.max
        let pause = random.chance(percent: 10) ? random.number(1...Self.pauseSecondsMax) : 0
        let comesAt = random.chance(percent: 15) ? random.number(0...2) : Int.max
        let coming = Mutex(SeededRandom(seed: random.next()))
        source.beforeBatch { [self] batch in
            tally.add(.sourceWasSlow, if: pause > 0)
            if pause > 0 { try await time.sleep(.seconds(pause)) }
            if batch == comesAt {
                tally.add(.rowsCameMeanwhile)
                coming.withLock { fill(rows: $0.number(1...5), &$0) }
            }
            guard batch == breaksAt else { return }
            tally.add(.sourceBroke)
            throw ConnectorError(
                code: "connection_lost", message: "Gone.", hint: "Try again.", disposition: .retry(after: nil))
        }
    }

    static let pauseSecondsMax = 300

    /// The clock is set forward by a day, or back to where it was.
    func jump() {
        let seconds = ahead.withLock { ahead in
            ahead = ahead > 0 ? 0 : 86_400
            return ahead > 0 ? Int64(86_400) : -86_400
        }
        jumps.withLock { $0 += 1 }
        tally.add(.clockJumped)
        time.advance(by: .seconds(seconds))
    }

    var hasJumped: Bool { jumps.withLock { $0 > 0 } }

    /// Something other than the network kept a run from its end.
    func noteBroken() { broken.withLock { $0 += 1 } }

    func calm() {
        source.columns = Self.columns
        for account in accounts {
            account.fault { _, _ in .none }
            account.onWrite { _ in }
        }
        source.beforeBatch { _ in }
    }

    /// The accounts take from now on what they refused.
    func pardon() {
        for account in accounts { account.refuse { _, _ in nil } }
        isPardoned.withLock { $0 = true }
        tally.add(.pardoned)
    }

    /// Arranges that something happens while a request is on its way, counted from now.
    func meanwhile(atRequest number: Int, _ body: @escaping @Sendable () async -> Void) {
        let at = account.requests.count + number
        meetings.withLock { $0[at] = body }
    }

    private func meet(_ number: Int) async {
        guard let body = meetings.withLock({ $0.removeValue(forKey: number) }) else { return }
        await body()
    }

    /// Cancels a run while a request is on its way, counted from now.
    func cancel<Result: Sendable>(_ task: Task<Result, any Error>, atRequest number: Int, _ crash: CrashPlan) {
        let first = account.requests.count
        broken.withLock { $0 += 1 }
        account.onWrite {
            if $0 - first >= number { task.cancel() }
            crash.request()
            await self.meet($0)
        }
    }
}
