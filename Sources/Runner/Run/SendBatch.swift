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
        _ batch: OperationBatch, number: Int, hasMore: Bool, batcher: inout Batcher, streak: inout RefusalStreak
    ) async -> Sent {
        var sent = Sent(result: BatchResult(count: batch.count))
        var parts = Bisection(count: batch.count)
        while let part = parts.next() {
            let slice = part.count == batch.count ? batch : batch.slice(part)
            let (answer, isAnswerLost) = await deliver(slice, number: number)
            for index in part where isAnswerLost { sent.result.isAnswerLost[index] = true }
            switch answer {
            case .answered(.attributed(let outcomes, let tally)):
                take(outcomes, tally, at: part, into: &sent.result)
                sent.result.note(tally.ids, of: part)
                let isWhole = part.count == batch.count && hasMore
                count(outcomes, isWhole: isWhole, in: &streak)
            case .answered(.unattributed(let failed, let reason, let tally)):
                sent.result.count(tally, of: part, isRepeated: failed < part.count)
                if failed < part.count { streak.accepted() }
                halve(part, reason: reason, parts: &parts, result: &sent.result, streak: &streak)
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
                markCancelled(part, maybeDone: maybeDone, in: &sent.result)
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
        _ outcomes: [Outcome], _ tally: WriteTally, at part: Range<Int>, into result: inout BatchResult
    ) {
        result.count(tally, of: part, isRepeated: false)
        for (offset, outcome) in outcomes.enumerated() {
            result.outcomes[part.lowerBound + offset] = outcome
        }
    }

    /// What an answer says of whether the destination refuses everything: refusals count of records that were sent
    /// alone, and of a large whole batch in which nothing but one reason was given while more is to be sent.
    private func count(_ outcomes: [Outcome], isWhole: Bool, in streak: inout RefusalStreak) {
        var codes: [String] = []
        for outcome in outcomes {
            switch outcome {
            case .accepted: return streak.accepted()
            case .rejected(let reason): codes.append(reason.code)
            default: return
            }
        }
        let isOfOneCode = codes.allSatisfy { $0 == codes.first }
        guard codes.count == 1 || isWhole && codes.count >= RefusalStreak.limit && isOfOneCode else { return }
        for code in codes { streak.rejected(code: code) }
    }

    /// Puts the halves of a part in line, or decides it where it cannot be halved.
    private func halve(
        _ part: Range<Int>, reason: Reason, parts: inout Bisection, result: inout BatchResult,
        streak: inout RefusalStreak
    ) {
        if part.count > 1 && prepared.shape.object.repeatable == .byKey {
            // Until its half is answered nobody knows which of them arrived.
            for index in part { result.maybeDone[index] = true }
            parts.split(part)
            return
        }
        for index in part {
            if part.count == 1 {
                result.outcomes[index] = .rejected(reason)
                streak.rejected(code: reason.code)
            } else {
                result.outcomes[index] = .inDoubt(reason)
            }
        }
    }

    private func markCancelled(_ part: Range<Int>, maybeDone: Bool, in result: inout BatchResult) {
        for index in part where maybeDone {
            result.maybeDone[index] = true
            if prepared.shape.object.repeatable == .never { result.outcomes[index] = .inDoubt(Deliver.cancelledReason) }
        }
    }

    private func mark(
        _ part: Range<Int>, error: ConnectorError, isInDoubt: Bool, maybeDone: Bool, in result: inout BatchResult
    ) {
        for index in part {
            if maybeDone { result.maybeDone[index] = true }
            result.outcomes[index] = isInDoubt ? .inDoubt(error.reason) : .undelivered(error.reason)
        }
    }

    private enum Answer {
        case answered(BatchOutcome)
        case tooLarge(ConnectorError)
        case failed(ConnectorError, isInDoubt: Bool, maybeDone: Bool)
        case cancelled(maybeDone: Bool)
    }

    /// One part, with retries. Also says whether an answer was lost on the way: then an earlier try may have been
    /// carried out, whatever the last one was told.
    private func deliver(_ slice: OperationBatch, number: Int) async -> (Answer, isAnswerLost: Bool) {
        var attempt = 1
        var isLost = false
        while true {
            if Task.isCancelled { return (.cancelled(maybeDone: isLost), isLost) }
            note(slice, number: number, attempt: attempt)
            do {
                return (.answered(try await write(slice)), isLost)
            } catch let error as NotSent {
                if error.cause is CancellationError { return (.cancelled(maybeDone: isLost), isLost) }
                return (unexpected(error.cause, maybeDone: isLost), isLost)
            } catch let error as ConnectorError {
                if error.code == "body_too_large" && error.isKnownUnsent { return (.tooLarge(error), isLost) }
                if !error.isKnownUnsent { isLost = true }
                if Task.isCancelled { return (.cancelled(maybeDone: isLost), isLost) }
                if isTooSlow(slice, error, attempt) { return (.tooLarge(error), isLost) }
                if let answer = await decide(error, attempt: attempt, isLost: isLost) { return (answer, isLost) }
                attempt += 1
            } catch is CancellationError {
                return (.cancelled(maybeDone: true), true)
            } catch {
                return (unexpected(error, maybeDone: true), true)
            }
        }
    }

    /// A batch that got no answer in time twice is too much for the destination at once: smaller ones follow.
    private func isTooSlow(_ slice: OperationBatch, _ error: ConnectorError, _ attempt: Int) -> Bool {
        error.code == "request_timeout" && attempt >= 2 && slice.count > 1
            && prepared.shape.object.repeatable == .byKey
    }

    /// Why a request never left.
    private struct NotSent: Error {
        var cause: any Error
    }

    /// Writes when it is this sync's turn. Throws `NotSent` where the request did not leave.
    private func write(_ slice: OperationBatch) async throws -> BatchOutcome {
        let turn: WriteTurn.Held?
        do {
            turn = try await prepared.pace.takeTurn(time: environment.time, progress: environment.progress)
        } catch {
            throw NotSent(cause: error)
        }
        defer { turn?.release() }
        return try await Shielded.run(environment.time) {
            try await prepared.destination.write(slice, to: prepared.shape.object)
        }
    }

    /// Waits for the next try; or says why there is none.
    private func decide(_ error: ConnectorError, attempt: Int, isLost: Bool) async -> Answer? {
        let decision = policy.decide(
            attempt: attempt, error: error, repeatable: prepared.shape.object.repeatable,
            jitter: environment.time.chance())
        switch decision {
        case .stop: return .failed(error, isInDoubt: false, maybeDone: isLost)
        case .stopInDoubt: return .failed(error, isInDoubt: true, maybeDone: isLost)
        case .retry(let wait): return await pause(wait, because: error) ? nil : .cancelled(maybeDone: isLost)
        }
    }

    private func unexpected(_ error: any Error, maybeDone: Bool) -> Answer {
        let failure = RunError(error)
        return .failed(
            ConnectorError(code: failure.code, message: failure.message, hint: failure.hint, disposition: .stop),
            isInDoubt: maybeDone && prepared.shape.object.repeatable == .never, maybeDone: maybeDone)
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
