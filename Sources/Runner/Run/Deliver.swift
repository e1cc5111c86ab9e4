internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// Steps 7 to 9 of the walk: cuts batches from a sealed plan and sends them one after the other. Each batch is
/// written into the journal before it is sent and again, with every outcome, before the next one is.
struct Deliver {
    let prepared: PreparedSync
    let environment: RunEnvironment
    let policy: RetryPolicy
    /// Where the keys' texts go, for syncs that may have to remove records later.
    var keyLog: KeyLog?
    /// For syncs whose key the destination may not match.
    var keyWatch: KeyWatch?
    /// What was accepted before the run, if it was learned under the key that the sync has now.
    var known: Snapshot?

    /// Why the delivery ended before the plan did.
    enum Ending {
        case complete
        case cancelled
        case failed(RunFailure)
    }

    /// What has been done before, in an earlier process.
    struct Start {
        var figures: DeliveryFigures
        /// The first operation that has no outcome.
        var sequence = 0
        var batch = 0
    }

    func deliver(
        _ sealed: PlanReader, run: inout RunRecord, journal: AcceptanceJournal, from start: Start,
        planReasons: [String: Int]
    ) async throws -> (DeliveryFigures, Ending) {
        var course = Course(run: run, figures: start.figures, planReasons: planReasons)
        defer { run = course.run }
        do {
            let ending = try await deliver(sealed, journal: journal, from: start, &course)
            try tell()
            return (course.figures, ending)
        } catch let error where error is CancellationError || error is StateError || error is RunError {
            // Whoever goes on with the run, or closes it, takes from the journal what cannot be told any more.
            do { try tell() } catch is StateError {}
            throw error
        }
    }

    /// How far the delivery has come.
    private struct Course {
        var run: RunRecord
        var figures: DeliveryFigures
        let planReasons: [String: Int]

        var remaining: Int {
            let operations = figures.operations
            return operations.planned + operations.removals - operations.accepted - operations.rejected
                - operations.undelivered - operations.inDoubt
        }
    }

    private func deliver(
        _ sealed: PlanReader, journal: AcceptanceJournal, from start: Start, _ course: inout Course
    ) async throws -> Ending {
        var number = start.batch
        var batcher = Batcher(prepared.shape.object)
        let refused = try RefusedBefore(environment.state.sync(prepared.definition.name))
        var streaks = SendBatch.Streaks(refusals: RefusalStreak(refusedBefore: refused.count))
        streaks.search.accepted(course.figures.operations.accepted)
        if course.figures.operations.accepted > 0 { streaks.refusals.accepted() }
        let retrying = Retrying(policy: policy, environment: environment)
        let swaps = SwappedValues(prepared, retrying: retrying)
        var arrivals = ArrivalWatch(prepared, known: known, retrying: retrying)
        let total = course.figures.operations.planned + course.figures.operations.removals
        let run = course.run.id
        var plan = sealed
        plan.seek(toSequence: start.sequence)
        while var batch = try nextBatch(&plan, batcher, streaks.doubts, isFirst: number == start.batch) {
            let fresh = refused.putLast(in: &batch)
            // Before it is in the journal: a run that is killed meanwhile leaves nothing in doubt that never left.
            if !batch.kind.isLocal { await sender.waitAfterDoubt(streaks.doubts) }
            // Where the history is written late it is asked as seldom; whoever cancels from outside is heard all the same.
            if environment.late.isEmpty || Task.isCancelled, try isCancelled(run) { return .cancelled }
            if batch.wantsIDs { try keyLog?.append(keysOf: batch) }
            _ = try journal.append(open: OpenFrame(batch: number, batch))
            let hasMore = course.remaining > batch.count
            var sent = await send(batch, number: number, fresh: fresh, hasMore: hasMore, &batcher, &streaks)
            if !hasMore { try permission.stop(&sent, of: batch, streaks.refusals) }
            if !sent.isCancelled { await swaps?.name(in: &sent.result, of: batch) }
            await arrivals?.look(at: batch, &sent.result)
            watchKeys(batch, &sent)
            if batch.wantsIDs { try keyLog?.append(ids: sent.result.ids, of: batch) }
            if sent.isCancelled, try isLeft(run), try leave(batch, number, sent.result, journal) {
                throw CancellationError()
            }
            try settle(sent, batch, number: number, journal: journal, &course)
            // What no answer came to was not sent, though it has its outcome.
            let left = course.remaining + course.figures.operations.undelivered
            environment.progress(.delivering(done: total - left, of: total))
            number += 1
            if sent.isCancelled {
                if try isLeft(run) { throw CancellationError() }
                return .cancelled
            }
            if let stop = sent.stop {
                return .failed(RunFailure(code: stop.code, message: stop.message, hint: stop.hint))
            }
        }
        return .complete
    }

    private var sender: SendBatch { SendBatch(prepared: prepared, environment: environment, policy: policy) }

    private var permission: WantOfPermission {
        WantOfPermission(files: environment.state.sync(prepared.definition.name))
    }

    /// What the books alone carry out never leaves.
    private func send(
        _ batch: OperationBatch, number: Int, fresh: Int, hasMore: Bool, _ batcher: inout Batcher,
        _ streaks: inout SendBatch.Streaks
    ) async -> SendBatch.Sent {
        guard batch.kind.isLocal else {
            return await sender.send(
                batch, number: number, fresh: fresh, hasMore: hasMore, batcher: &batcher, streaks: &streaks)
        }
        var sent = SendBatch.Sent(result: BatchResult(count: batch.count))
        for index in 0..<batch.count { sent.result.outcomes[index] = .accepted }
        return sent
    }

    /// What an acceptance does to a fingerprint. Where rows name what is to be removed, they are known once it is.
    private func acceptance(_ kind: OperationKind) -> JournalEffect {
        switch kind {
        case .upsert, .send, .remember: .set
        case .forget: .remove
        case .delete, .archive, .clear: prepared.shape.behavior == .delete ? .set : .remove
        }
    }

    /// Ends the run where the destination does not match the key after all, before it makes more second records.
    private func watchKeys(_ batch: OperationBatch, _ sent: inout SendBatch.Sent) {
        switch keyWatch?.judge(batch, sent.result) {
        case nil: return
        case .doubtful(let warning): environment.warn(warning)
        case .notMatched(let error):
            if sent.stop == nil && !sent.isCancelled {
                sent.stop = error
            } else {
                environment.warn(error.reason)
            }
        }
    }

    private func nextBatch(
        _ plan: inout PlanReader, _ batcher: Batcher, _ doubts: DoubtStreak, isFirst: Bool
    ) throws -> OperationBatch? {
        let field = prepared.shape.key.field ?? ""
        let isTrial = isFirst && keyWatch?.knowsRecords == true
        let itemsMax = doubts.itemsMax(batcher)
        var batch = try plan.next(
            itemsMax: isTrial ? min(itemsMax, KeyWatch.firstBatchMax) : itemsMax, deletesMax: batcher.deletesMax,
            sendsMax: batcher.sendsMax, bytesMax: batcher.bytesMax,
            overheadPerItem: batcher.overheadPerItem, keyField: prepared.shape.object.key(field)?.name ?? field)
        let isNamed = keyLog != nil || isTrial || ArrivalWatch.watches(prepared.shape)
        if isNamed, batch?.kind == .upsert { batch?.wantsIDs = true }
        return batch
    }

    /// Throws where the run is to be left as it is, for the next start to go on with.
    private func isCancelled(_ run: Int64) throws -> Bool {
        if try environment.database.isCancelRequested(run: run) { return true }
        if Task.isCancelled && environment.cancellation == .leaves { throw CancellationError() }
        return Task.isCancelled
    }

    /// Whether a cancelled run is to go on at the next start.
    private func isLeft(_ run: Int64) throws -> Bool {
        guard environment.cancellation == .leaves else { return false }
        return try !environment.database.isCancelRequested(run: run)
    }

    /// Leaves a batch that was not sent to its end to the next start, which sends it whole. False where it must not be
    /// sent once more and something of it may have arrived: then it is settled as it is.
    private func leave(
        _ batch: OperationBatch, _ number: Int, _ result: BatchResult, _ journal: AcceptanceJournal
    ) throws -> Bool {
        guard prepared.shape.object.repeatable == .never else { return true }
        guard result.isUntouched else { return false }
        // Nothing of it is on its way after all.
        _ = try journal.append(open: OpenFrame(batch: number, entries: []))
        return true
    }

    /// Step 9: the journal first, then the history. The frame is synced together with the next batch's open frame,
    /// before another request leaves: one sync for each batch instead of two.
    private func settle(
        _ sent: SendBatch.Sent, _ batch: OperationBatch, number: Int, journal: AcceptanceJournal,
        _ course: inout Course
    ) throws {
        let exchanges = prepared.exchanges.take()
        let reason = sent.isCancelled ? Self.cancelledReason : Self.notSentReason
        var frame = sent.result.frame(batch, number: number, accepted: acceptance(batch.kind), unsettled: reason)
        frame.requests = exchanges.writes
        frame.bytesSent = exchanges.bytesSent
        let position = try journal.append(settled: frame)
        let kept = KeptOutcomes.of(frame, after: course.figures.operations)
        course.figures.add(frame)
        let now = environment.time.now()
        course.figures.write(to: &course.run, planReasons: course.planReasons)
        course.run.effort = environment.meter.effort(of: course.run.id, at: now) ?? course.run.effort
        environment.late.add(
            position: position,
            outcomes: Self.outcomes(kept, of: number, run: course.run.id, at: now) { batch.entries[$0] },
            exchanges: exchanges.records, figures: course.run)
        try environment.late.tellIfDue(environment.database, at: now)
    }

    /// Hands the history what it does not have yet.
    private func tell() throws { try environment.late.tell(environment.database, at: environment.time.now()) }

    /// The history's rows of a settle frame.
    static func outcomes(
        _ others: [SettledOther], of batch: Int, run: Int64, at moment: Moment, entry: (Int) -> OperationEntry
    ) -> [OutcomeRecord] {
        others.map { other in
            let operation = entry(other.entryIndex)
            return OutcomeRecord(
                run: run, sequence: operation.sequence, key: other.key, keyHash: operation.keyHash,
                outcome: other.outcome, reason: other.reason, batch: batch, at: moment)
        }
    }

    static let cancelledReason = Reason(
        code: "cancelled", message: "The run was cancelled before the destination confirmed this record.",
        hint: "Run the sync again; the record is then sent.")
    static let notSentReason = Reason(
        code: "run_failed", message: "The run failed before the destination confirmed this record.",
        hint: "See why the run failed; the next run sends the record.")
}
