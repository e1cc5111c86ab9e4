internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// Sends one batch until each of its operations has an outcome or the run must stop: retries whole requests, and
/// halves what could not be attributed.
struct SendBatch {
    let prepared: PreparedSync
    let environment: RunEnvironment
    let policy: RetryPolicy

    struct Sent {
        var result: BatchResult
        /// Why the run cannot go on; nil if it can.
        var stop: ConnectorError?
        var isCancelled = false
    }

    func send(
        _ batch: OperationBatch, number: Int, batcher: inout Batcher, streak: inout RefusalStreak
    ) async -> Sent {
        var sent = Sent(result: BatchResult(count: batch.count))
        var parts = Bisection(count: batch.count)
        while let part = parts.next() {
            let slice = part.count == batch.count ? batch : batch.slice(part)
            let answer = await deliver(slice, number: number)
            switch answer {
            case .answered(.attributed(let outcomes, let tally)):
                take(outcomes, tally, at: part, into: &sent.result, streak: &streak)
            case .answered(.unattributed(_, let reason, let tally)):
                sent.result.created += tally.created
                sent.result.updated += tally.updated
                if !halve(part, reason: reason, parts: &parts, sent: &sent, streak: &streak) { continue }
            case .tooLarge(let error):
                if !batcher.shrink(from: part.count) {
                    sent.result.outcomes[part.lowerBound] = .rejected(error.reason)
                } else {
                    parts.split(part)
                }
            case .failed(let error, let isInDoubt, let maybeDone):
                mark(part, error: error, isInDoubt: isInDoubt, maybeDone: maybeDone, in: &sent.result)
                sent.stop = error
                return sent
            case .cancelled(let maybeDone):
                for index in part { sent.result.maybeDone[index] = maybeDone }
                sent.isCancelled = true
                return sent
            }
            if streak.isHopeless {
                sent.stop = Self.refusesAll
                return sent
            }
        }
        return sent
    }

    private func take(
        _ outcomes: [Outcome], _ tally: WriteTally, at part: Range<Int>, into result: inout BatchResult,
        streak: inout RefusalStreak
    ) {
        result.created += tally.created
        result.updated += tally.updated
        for (offset, outcome) in outcomes.enumerated() {
            result.outcomes[part.lowerBound + offset] = outcome
            switch outcome {
            case .accepted: streak.accepted()
            case .rejected(let reason): streak.rejected(code: reason.code)
            default: break
            }
        }
    }

    /// Puts the halves of a part in line. False if it cannot be halved; then it is decided.
    private func halve(
        _ part: Range<Int>, reason: Reason, parts: inout Bisection, sent: inout Sent, streak: inout RefusalStreak
    ) -> Bool {
        if part.count > 1 && prepared.shape.object.repeatable == .byKey {
            parts.split(part)
            return true
        }
        for index in part {
            if part.count == 1 {
                sent.result.outcomes[index] = .rejected(reason)
                streak.rejected(code: reason.code)
            } else {
                sent.result.outcomes[index] = .inDoubt(reason)
            }
        }
        return false
    }

    private func mark(
        _ part: Range<Int>, error: ConnectorError, isInDoubt: Bool, maybeDone: Bool, in result: inout BatchResult
    ) {
        for index in part {
            result.maybeDone[index] = maybeDone
            result.outcomes[index] = isInDoubt ? .inDoubt(error.reason) : .undelivered(error.reason)
        }
    }

    private enum Answer {
        case answered(BatchOutcome)
        case tooLarge(ConnectorError)
        case failed(ConnectorError, isInDoubt: Bool, maybeDone: Bool)
        case cancelled(maybeDone: Bool)
    }

    /// One part, with retries.
    private func deliver(_ slice: OperationBatch, number: Int) async -> Answer {
        var attempt = 1
        var maybeDone = false
        while true {
            note(slice, number: number, attempt: attempt)
            do {
                let outcome = try await Shielded.run(environment.time) {
                    try await prepared.destination.write(slice, to: prepared.shape.object)
                }
                return .answered(outcome)
            } catch let error as ConnectorError {
                if error.code == "body_too_large" && error.isKnownUnsent { return .tooLarge(error) }
                if !error.isKnownUnsent { maybeDone = true }
                let decision = policy.decide(
                    attempt: attempt, error: error, repeatable: prepared.shape.object.repeatable,
                    jitter: environment.time.chance())
                switch decision {
                case .stop: return .failed(error, isInDoubt: false, maybeDone: maybeDone)
                case .stopInDoubt: return .failed(error, isInDoubt: true, maybeDone: maybeDone)
                case .retry(let wait):
                    guard await pause(wait, because: error) else { return .cancelled(maybeDone: maybeDone) }
                }
                attempt += 1
            } catch is CancellationError {
                return .cancelled(maybeDone: true)
            } catch {
                let failure = RunError(error)
                return .failed(
                    ConnectorError(
                        code: failure.code, message: failure.message, hint: failure.hint, disposition: .stop),
                    isInDoubt: prepared.shape.object.repeatable == .never, maybeDone: true)
            }
        }
    }

    private func note(_ slice: OperationBatch, number: Int, attempt: Int) {
        let first = slice.entries.first?.sequence ?? 0
        let last = slice.entries.last?.sequence ?? first
        prepared.exchanges.carry(
            batch: number, attempt: attempt, sequences: first...max(first, last), at: environment.time.now())
    }

    /// False if the run was cancelled meanwhile.
    private func pause(_ wait: Duration, because error: ConnectorError) async -> Bool {
        environment.progress(.waiting(reason: error.message, duration: wait))
        do {
            try await environment.time.sleep(wait)
            return true
        } catch {
            return false
        }
    }

    static let refusesAll = ConnectorError(
        code: "destination_refuses_all",
        message: "The destination refused \(RefusalStreak.limit) records in a row for one reason and accepted none.",
        hint: "See the refused records' reason: a field or a permission is probably wrong for all of them.",
        disposition: .fixConfiguration)
}
