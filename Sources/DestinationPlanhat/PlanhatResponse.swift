package import ConnectorKit
package import Records

/// Turns the answer to a bulk write into what became of each operation.
package enum PlanhatResponse {
    /// Throws where the answer says nothing about any single operation.
    package static func outcome(
        of batch: OperationBatch, object: DestinationObject, answer: PlanhatAnswer, address: String
    ) throws(DestinationError) -> BatchOutcome {
        switch answer.status {
        case 200...299:
            let envelope = try readEnvelope(answer)
            if envelope.isRecord, !envelope.isEnvelope, batch.count == 1 {
                var tally = WriteTally(updated: 1)
                if batch.wantsIDs { tally.ids = [JSONReader.valueIfAny(answer.body)?["_id"]?.scalarText] }
                return .attributed([.accepted], tally)
            }
            guard envelope.hasCounts else { throw PlanhatErrors.unreadable(answer, "it has no counts") }
            return try settle(envelope, batch, object, answer)
        case 400, 403, 409, 422:
            if let envelope = envelopeIfAny(answer), envelope.isEnvelope, !envelope.errors.isEmpty {
                return try settle(envelope, batch, object, answer)
            }
            if answer.status == 403 { throw PlanhatErrors.forbidden(answer, doing: "write \(object.name)") }
            return refusedWhole(batch, object, answer)
        default:
            throw PlanhatErrors.status(answer, address: address)
        }
    }

    private static func readEnvelope(_ answer: PlanhatAnswer) throws(DestinationError) -> PlanhatEnvelope {
        do {
            return try PlanhatEnvelope(answer.body)
        } catch {
            throw PlanhatErrors.unreadable(answer, error.why)
        }
    }

    private static func envelopeIfAny(_ answer: PlanhatAnswer) -> PlanhatEnvelope? {
        do { return try PlanhatEnvelope(answer.body) } catch { return nil }
    }

    /// A 400 that names nobody: one row is at fault, and the halves will tell which.
    private static func refusedWhole(
        _ batch: OperationBatch, _ object: DestinationObject, _ answer: PlanhatAnswer
    ) -> BatchOutcome {
        let said = answer.saidText
        let entry = PlanhatEnvelope.Entry(
            list: "", value: .string(said.isEmpty ? "Planhat answered \(answer.status) without a reason." : said))
        let reason = RefusalText.reason(entry, object: object.name)
        return batch.count == 1
            ? .attributed([.rejected(reason)], WriteTally())
            : .unattributed(failed: batch.count, reason: reason, WriteTally())
    }

    private static func settle(
        _ envelope: PlanhatEnvelope, _ batch: OperationBatch, _ object: DestinationObject, _ answer: PlanhatAnswer
    ) throws(DestinationError) -> BatchOutcome {
        let count = batch.count
        try checkCounts(envelope, count)
        var tally = WriteTally(created: envelope.created, updated: envelope.updated)
        if batch.wantsIDs { tally.ids = ids(envelope, batch, answer.body) }
        if envelope.errors.isEmpty {
            if envelope.succeeded == count {
                return .attributed(Array(repeating: .accepted, count: count), tally)
            }
            if envelope.succeeded == 0 {
                let dropped = Outcome.rejected(RefusalText.dropped(object: object.name))
                return .attributed(Array(repeating: dropped, count: count), tally)
            }
        }
        if count == 1 {
            // A record that is counted as written and refused at once is not known to be as it should.
            return .attributed([.rejected(joined(envelope.errors, object))], WriteTally())
        }
        return Settlement(envelope, batch, object, answer).outcome(tally)
    }

    private static func ids(_ envelope: PlanhatEnvelope, _ batch: OperationBatch, _ body: [UInt8]) -> [String?] {
        let ids = PlanhatAttribution(batch).ids(in: envelope.writtenKeys(in: body))
        guard ids == [nil], envelope.created + envelope.updated == 1 else { return ids }
        // The lists of ids name no row; of one row alone they can only name that.
        let written = envelope.writtenIDs(in: body)
        return written.count == 1 ? [written.first] : ids
    }

    private static func joined(_ errors: [PlanhatEnvelope.Entry], _ object: DestinationObject) -> Reason {
        guard errors.count > 1 else { return RefusalText.reason(errors[0], object: object.name) }
        return RefusalText.reason(
            PlanhatEnvelope.Entry(list: errors[0].list, value: .array(errors.map(\.value))), object: object.name)
    }

    private static func checkCounts(_ envelope: PlanhatEnvelope, _ count: Int) throws(DestinationError) {
        let counts = [envelope.created, envelope.updated, envelope.nonupdates]
        if counts.contains(where: { $0 < 0 }) { throw PlanhatErrors.contradictory("a count is negative") }
        if counts.contains(where: { $0 > count }) {
            throw PlanhatErrors.contradictory("a count is larger than the \(count) records sent")
        }
        // With errors the sum may pass the number of rows, if a refused row is also counted as not updated.
        if envelope.errors.isEmpty, envelope.succeeded > count {
            throw PlanhatErrors.contradictory("\(envelope.succeeded) records are accounted for, \(count) were sent")
        }
    }
}

/// Tells the refused rows of one answer from the rest, if the answer allows it.
private struct Settlement {
    private let envelope: PlanhatEnvelope
    private let object: DestinationObject
    private let count: Int
    /// Whether the answer's status refuses the request.
    private let isRefusal: Bool
    /// What is certain of single rows.
    private var refused: [Int: Reason] = [:]
    /// Entries that name no row.
    private var nameless: [PlanhatEnvelope.Entry] = []
    /// The rows named as written, if the answer names every one of them.
    private var allWritten: Set<Int>?

    init(
        _ envelope: PlanhatEnvelope, _ batch: OperationBatch, _ object: DestinationObject, _ answer: PlanhatAnswer
    ) {
        self.envelope = envelope
        isRefusal = answer.status == 400
        self.object = object
        count = batch.count
        let attribution = PlanhatAttribution(batch)
        let written = attribution.writtenRows(envelope.writtenKeys(in: answer.body))
        let found = attribution.rows(of: envelope.errors.map(\.value), written: written.rows)
        for (entry, row) in zip(envelope.errors, found) {
            guard let row else {
                nameless.append(entry)
                continue
            }
            refused[row] = refused[row] ?? RefusalText.reason(entry, object: object.name)
        }
        // Rows that are equal already stand in no list: only without any is "not listed" the same as "not written".
        if envelope.nonupdates == 0, written.isComplete, written.rows.count == envelope.succeeded {
            allWritten = written.rows
        }
    }

    func outcome(_ tally: WriteTally) -> BatchOutcome {
        if nameless.isEmpty, envelope.succeeded + refused.count == count {
            return .attributed(outcomes { _ in nil }, tally)
        }
        // Rows that nothing is said of may have been refused for the others' sake alone: their halves will tell.
        let areOthersInnocent = isRefusal && envelope.succeeded == 0 && nameless.isEmpty && !refused.isEmpty
        if !areOthersInnocent, let allWritten = envelope.succeeded == 0 ? [] : allWritten,
            let reasons = reasons(forRows: (0..<count).filter { !allWritten.contains($0) && refused[$0] == nil })
        {
            return .attributed(outcomes { reasons[$0] }, tally)
        }
        let failed = min(max(count - envelope.succeeded, refused.count, 1), count)
        let reason =
            (nameless.first ?? envelope.errors.first).map { RefusalText.reason($0, object: object.name) }
            ?? RefusalText.unaccounted(failed)
        return .unattributed(failed: failed, reason: reason, tally)
    }

    private func outcomes(_ other: (Int) -> Reason?) -> [Outcome] {
        (0..<count).map { row in
            if let reason = refused[row] ?? other(row) { return .rejected(reason) }
            return .accepted
        }
    }

    /// Why each of `rows`, known not to have been written, was not: one entry for each in their order, or no entry at
    /// all and so dropped. Nil where some were refused and some dropped, and nobody can say which.
    private func reasons(forRows rows: [Int]) -> [Int: Reason]? {
        if nameless.isEmpty {
            return Dictionary(uniqueKeysWithValues: rows.map { ($0, RefusalText.dropped(object: object.name)) })
        }
        guard nameless.count >= rows.count else { return nil }
        return Dictionary(
            uniqueKeysWithValues: zip(rows, nameless).map { ($0, RefusalText.reason($1, object: object.name)) })
    }
}
