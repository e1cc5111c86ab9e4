internal import ConnectorKit
internal import Records
internal import StateStore

/// The figures of the second half of a run. Everything here can be made again from the plan and the journal.
struct DeliveryFigures: Hashable {
    var operations = OperationLedger()
    var reasons: [String: Int] = [:]
    var requests = 0
    var bytesSent: Int64 = 0

    init(planned: Int, removals: Int = 0) {
        operations.planned = planned
        operations.removals = removals
    }

    init(_ summary: PlanSummary) { self.init(planned: summary.rows.planned, removals: summary.removals) }

    /// Adds one settled batch. What the books alone carried out counts nowhere.
    mutating func add(_ frame: SettleFrame) {
        operations.created += frame.created
        operations.updated += frame.updated
        operations.alreadyEqual += frame.alreadyEqual
        operations.sent += frame.sent
        operations.removed += frame.removed
        operations.accepted += frame.created + frame.updated + frame.alreadyEqual + frame.sent + frame.removed
        for other in frame.others {
            reasons[other.reason.code, default: 0] += 1
            switch other.outcome {
            case .rejected: operations.rejected += 1
            case .inDoubt: operations.inDoubt += 1
            default: operations.undelivered += 1
            }
        }
        requests += frame.requests
        bytesSent += frame.bytesSent
    }

    /// Everything without an outcome is undelivered, for one reason.
    mutating func close(code: String) {
        let settled = operations.accepted + operations.rejected + operations.undelivered + operations.inDoubt
        let rest = operations.planned + operations.removals - settled
        guard rest > 0 else { return }
        operations.undelivered += rest
        reasons[code, default: 0] += rest
    }

    func write(to record: inout RunRecord, planReasons: [String: Int]) {
        record.operations = operations
        record.requests = requests
        record.bytesSent = bytesSent
        let all = planReasons.merging(reasons, uniquingKeysWith: +)
        record.reasons = all.map { ReasonCount(code: $0.key, count: $0.value) }
            .sorted { $0.count == $1.count ? $0.code < $1.code : $0.count > $1.count }
    }
}

/// What became of each operation of a batch; nil where that is not known. Nearly all are accepted, which is a bit and
/// not a value.
struct OutcomeList: RandomAccessCollection, MutableCollection {
    private var isAccepted: [Bool]
    private var others: [Int: Outcome] = [:]

    init(count: Int) { isAccepted = Array(repeating: false, count: count) }

    var startIndex: Int { 0 }
    var endIndex: Int { isAccepted.count }

    subscript(index: Int) -> Outcome? {
        get { isAccepted[index] ? .accepted : others[index] }
        set {
            if case .accepted = newValue {
                isAccepted[index] = true
                if !others.isEmpty { others[index] = nil }
            } else {
                isAccepted[index] = false
                others[index] = newValue
            }
        }
    }

    /// Takes in what an answer says of the operations from `start` on.
    mutating func take(_ outcomes: [Outcome], at start: Int) {
        for offset in outcomes.indices {
            if case .accepted = outcomes[offset], others.isEmpty {
                isAccepted[start + offset] = true
            } else {
                self[start + offset] = outcomes[offset]
            }
        }
    }

    /// Why those were refused that were.
    var rejections: [Int: Reason] {
        others.compactMapValues { if case .rejected(let reason) = $0 { reason } else { nil } }
    }

    var areAllAccepted: Bool { others.isEmpty && !isAccepted.contains(false) }
    var areAllUnknown: Bool { others.isEmpty && !isAccepted.contains(true) }
}

/// What became of the operations of one batch while it is being sent.
struct BatchResult {
    var outcomes: OutcomeList
    /// Whether a request that did not say so of this operation may have carried it out.
    var maybeDone: [Bool]
    /// Whether the answer to a request with this operation was lost: what a later answer says of it is then not all.
    var isAnswerLost: [Bool]
    var created = 0
    var updated = 0
    /// What all answers together called created, also of operations that were sent more than once.
    var createdInAll = 0
    /// What the destination calls the records; empty where it was not asked.
    var ids: [String?] = []
    private var isCounted: [Bool]

    init(count: Int) {
        outcomes = OutcomeList(count: count)
        maybeDone = Array(repeating: false, count: count)
        isAnswerLost = maybeDone
        isCounted = maybeDone
    }

    /// Whether nothing is known of any operation, and nothing of the batch can have been carried out.
    var isUntouched: Bool {
        outcomes.areAllUnknown && !maybeDone.contains(true) && !isAnswerLost.contains(true)
    }

    /// Takes in what an answer counted, unless the same operations were counted by an earlier one.
    /// - Parameter isRepeated: whether some of the part were accepted and all of it is sent once more.
    mutating func count(_ tally: WriteTally, of part: Range<Int>, isRepeated: Bool) {
        createdInAll += tally.created
        if isCounted[part.lowerBound] { return }
        created += tally.created
        updated += tally.updated
        for index in part where isRepeated { isCounted[index] = true }
    }

    /// Takes in what the records of a part are called, as far as an answer says.
    mutating func note(_ ids: [String?], of part: Range<Int>) {
        guard ids.count == part.count else { return }
        if self.ids.isEmpty { self.ids = Array(repeating: nil, count: outcomes.count) }
        for (index, id) in zip(part, ids) where id != nil { self.ids[index] = id }
    }

    /// Lets those of the first `end` operations that were refused with this code count as not sent.
    mutating func takeBack(_ code: String, before end: Int = .max) {
        for (index, reason) in outcomes.rejections where index < end && reason.code == code {
            // Refused in the end, so whatever part of the batch it was in first: not done.
            maybeDone[index] = false
            outcomes[index] = .undelivered(reason)
        }
    }

    /// The settle frame: what the fingerprints become, and every outcome that is not plain success.
    /// - Parameter accepted: what an acceptance does to a fingerprint.
    func frame(
        _ batch: OperationBatch, number: Int, accepted: JournalEffect, unsettled reason: Reason
    ) -> SettleFrame {
        var frame = SettleFrame(batch: number, effects: [])
        if outcomes.areAllAccepted {
            frame.effects = Array(repeating: accepted, count: batch.count)
            count(&frame, batch.kind)
            return frame
        }
        frame.effects.reserveCapacity(batch.count)
        for index in 0..<batch.count {
            let outcome = outcomes[index] ?? .undelivered(reason)
            frame.effects.append(effect(of: outcome, index, accepted: accepted))
            guard let (kind, reason) = Self.notAccepted(outcome) else { continue }
            frame.others.append(
                SettledOther(entryIndex: index, outcome: kind, reason: reason, key: batch.keyText(index)))
        }
        count(&frame, batch.kind)
        return frame
    }

    private func count(_ frame: inout SettleFrame, _ kind: OperationKind) {
        let accepted = frame.accepted
        switch kind {
        case .upsert:
            // What was created by one answer may be called updated by a later one of the same batch.
            frame.created = min(created, accepted)
            frame.updated = min(updated, accepted - frame.created)
            frame.alreadyEqual = accepted - frame.created - frame.updated
        case .send: frame.sent = accepted
        case .delete, .archive, .clear: frame.removed = accepted
        case .remember, .forget: break
        }
    }

    private func effect(of outcome: Outcome, _ index: Int, accepted: JournalEffect) -> JournalEffect {
        switch outcome {
        case .accepted: accepted
        case .rejected: isAnswerLost[index] ? .void : .keep
        case .undelivered: maybeDone[index] || isAnswerLost[index] ? .void : .keep
        case .inDoubt: .void
        }
    }

    private static func notAccepted(_ outcome: Outcome) -> (OutcomeKind, Reason)? {
        switch outcome {
        case .accepted: nil
        case .rejected(let reason): (.rejected, reason)
        case .undelivered(let reason): (.undelivered, reason)
        case .inDoubt(let reason): (.inDoubt, reason)
        }
    }
}
