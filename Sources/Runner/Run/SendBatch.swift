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

    /// What the answers so far say of the destination.
    struct Streaks {
        var refusals = RefusalStreak()
        var doubts = DoubtStreak()
        var search = SearchBudget()
    }

    /// - Parameter fresh: how many operations, from the front, were not refused before as they are (`RefusedBefore`).
    func send(
        _ batch: OperationBatch, number: Int, fresh: Int, hasMore: Bool, batcher: inout Batcher,
        streaks: inout Streaks
    ) async -> Sent {
        var sent = Sent(result: BatchResult(count: batch.count))
        var parts = Bisection(count: batch.count)
        streaks.refusals.nextBatch()
        while let part = parts.next() {
            if part.lowerBound > 0 { await waitAfterDoubt(streaks.doubts) }
            let slice = part.count == batch.count ? batch : batch.slice(part)
            let (answer, isAnswerLost) = await deliver(slice, number: number)
            for index in part where isAnswerLost { sent.result.isAnswerLost[index] = true }
            if answer.isOfADestinationThatAnswers { streaks.doubts.answered() }
            learn(from: answer, slice, batcher: &batcher)
            switch answer {
            case .answered(.attributed(let outcomes, let tally)):
                take(outcomes, tally, at: part, into: &sent.result)
                sent.result.note(tally.ids, of: part)
                let isWhole = part.count == batch.count
                count(outcomes, fresh: fresh - part.lowerBound, isWhole: isWhole, hasMore: hasMore, in: &streaks)
            case .answered(.unattributed(let failed, let reason, let tally)):
                sent.result.count(tally, of: part, isRepeated: failed < part.count)
                if failed < part.count { streaks.refusals.accepted() }
                halve(part, fresh: fresh, reason: reason, parts: &parts, result: &sent.result, streaks: &streaks)
            case .tooLarge(let error):
                if !batcher.shrink(from: part.count) {
                    sent.result.outcomes[part.lowerBound] = .rejected(error.reason)
                    if part.lowerBound < fresh { streaks.refusals.rejected(code: error.code) }
                } else {
                    parts.split(part)
                }
            case .doubtful(let error):
                mark(part, error: error, isInDoubt: true, maybeDone: true, in: &sent.result)
                streaks.doubts.doubted()
                // A batch that got no answer in time may be too much for the destination at once.
                if error.code == "request_timeout" { _ = batcher.shrink(from: part.count) }
                if streaks.doubts.isDown && (hasMore || !parts.isDone) {
                    sent.stop = Self.isDown(error)
                    return sent
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
            if streaks.refusals.isHopeless {
                // What waits for a permission is tried by the next run as by this one, which ends for the same reason.
                if streaks.refusals.isForbidden { sent.result.takeBack(RefusalStreak.forbidden, before: fresh) }
                sent.stop = Self.refusesAll(streaks.refusals)
                return sent
            }
        }
        return sent
    }

    /// Smaller batches follow a slow answer. Removals go by calls of their own.
    private func learn(from answer: Answer, _ slice: OperationBatch, batcher: inout Batcher) {
        guard case .answered = answer, !slice.kind.isRemoval, let duration = prepared.exchanges.lastWrite else {
            return
        }
        batcher.answered(slice.count, after: duration)
    }

    private func take(
        _ outcomes: [Outcome], _ tally: WriteTally, at part: Range<Int>, into result: inout BatchResult
    ) {
        result.count(tally, of: part, isRepeated: false)
        result.outcomes.take(outcomes, at: part.lowerBound)
    }

    /// What an answer says of whether the destination refuses everything: refusals count of records that were sent
    /// alone, and of a large whole batch in which nothing but one reason was given while more is to be sent; those of
    /// `fresh` records, from the front.
    private func count(_ outcomes: [Outcome], fresh: Int, isWhole: Bool, hasMore: Bool, in streaks: inout Streaks) {
        var reasons: [Reason] = []
        var accepted = 0
        for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .accepted: accepted += 1
            case .rejected(let reason): if accepted == 0 && index < fresh { reasons.append(reason) }
            default: if accepted == 0 { return }
            }
        }
        streaks.search.accepted(accepted)
        guard accepted == 0 else { return streaks.refusals.accepted() }
        let isAlone = outcomes.count == 1
        let isOfOneCode = reasons.allSatisfy { $0.code == reasons.first?.code }
        let isForbidden = isOfOneCode && reasons.first?.code == RefusalStreak.forbidden
        let isEnough = isForbidden || hasMore && reasons.count >= RefusalStreak.limit
        guard isAlone || isWhole && isOfOneCode && isEnough else { return }
        for reason in reasons { streaks.refusals.rejected(code: reason.code, reason: reason, isAlone: isAlone) }
    }

    /// Puts the halves of a part in line, or decides it where it cannot be halved or enough was spent on that.
    private func halve(
        _ part: Range<Int>, fresh: Int, reason: Reason, parts: inout Bisection, result: inout BatchResult,
        streaks: inout Streaks
    ) {
        let isAgain = part.lowerBound >= fresh
        if part.count > 1 && prepared.shape.object.repeatable == .byKey {
            // Until its half is answered nobody knows which of them arrived.
            for index in part { result.maybeDone[index] = true }
            if !streaks.refusals.isLong && streaks.search.takeHalves(isAgain: isAgain) {
                return parts.split(part, at: fresh)
            }
            let given = Self.notTakenApart(reason)
            for index in part { result.outcomes[index] = .undelivered(given) }
            return
        }
        for index in part {
            if part.count == 1 {
                result.outcomes[index] = .rejected(reason)
                if !isAgain { streaks.refusals.rejected(code: reason.code, reason: reason) }
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
        /// Nobody knows whether it was carried out, and it must not be repeated; others may still be sent.
        case doubtful(ConnectorError)
        case failed(ConnectorError, isInDoubt: Bool, maybeDone: Bool)
        case cancelled(maybeDone: Bool)

        var isOfADestinationThatAnswers: Bool {
            switch self {
            case .answered, .tooLarge: true
            case .doubtful, .failed, .cancelled: false
            }
        }
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
        case .goOnInDoubt: return .doubtful(error)
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
        let sequences = slice.entries.lazy.map(\.sequence)
        let first = sequences.min() ?? 0
        prepared.exchanges.carry(
            batch: number, attempt: attempt, sequences: first...(sequences.max() ?? first))
    }

    /// Gives a destination that left a batch in doubt some time before the next request.
    func waitAfterDoubt(_ doubts: DoubtStreak) async {
        guard doubts.count > 0 else { return }
        let wait = policy.wait(doubts: doubts.count, jitter: environment.time.chance())
        _ = await pause(wait, because: Self.doubt, isRetry: false)
    }

    /// False if the run was cancelled meanwhile.
    private func pause(_ wait: Duration, because error: ConnectorError, isRetry: Bool = true) async -> Bool {
        do {
            try await environment.pause(wait, because: error, isRetry: isRetry)
            return true
        } catch {
            return false
        }
    }

    private static let doubt = ConnectorError(
        code: "in_doubt", message: "The last request got no answer that says whether its rows arrived.",
        hint: "They are not sent again; the next ones follow.", disposition: .stop)

    private static func isDown(_ last: ConnectorError) -> ConnectorError {
        ConnectorError(
            code: "destination_down",
            message: "\(DoubtStreak.limit) requests in a row got no answer that says whether their rows arrived, so "
                + "sending stopped. The last: \(last.message)",
            hint:
                "Run the sync again once the destination answers: it sends what was not sent. What is in doubt waits: "
                + "look it up at the destination, then use resend --in-doubt or confirm.", disposition: .stop)
    }

    /// Rows of a batch that is not searched any more. They are sent by the next run, which finds further ones.
    private static func notTakenApart(_ said: Reason) -> Reason {
        Reason(
            code: "not_taken_apart",
            message:
                "The destination refused at least one of the rows that were sent together with this one and did not say "
                + "which. The run has sent enough rows again to find such rows, so this one may have arrived or not. "
                + "The destination said: \(said.message)",
            hint: "Correct the rows that this run names as rejected, probably for the same reason, and run the sync "
                + "again: it sends this row and goes on looking.")
    }

    /// A permission that is wanting is named, since nothing else is wrong then.
    static func refusesAll(_ streak: RefusalStreak) -> ConnectorError {
        if streak.isForbidden, let reason = streak.reason { return forbidden(reason) }
        return ConnectorError(
            code: "destination_refuses_all",
            message:
                "The destination refused \(streak.count) records in a row for one reason and accepted none.",
            hint: "See the refused records' reason: a field or a permission is probably wrong for all of them. If only "
                + "these rows are wrong, run the sync again: it goes on with the rows behind them.",
            disposition: .fixConfiguration)
    }

    static func forbidden(_ reason: Reason) -> ConnectorError {
        ConnectorError(
            code: RefusalStreak.forbidden,
            message: "The destination refused every record for want of a permission: \(reason.message)",
            hint: reason.hint, disposition: .fixConfiguration)
    }
}
