internal import Records
internal import StateStore
internal import SyncCore

extension PlanMaker {
    /// Takes planned operations out of the plan again, as skipped or invalid rows.
    mutating func strike(
        as outcome: OutcomeKind, _ reason: Reason, where isStruck: (PlannedOperation) -> Bool
    ) throws {
        let outcomes = outcomes
        var failure: (any Error)?
        var (new, remembered) = (0, (new: 0, known: 0))
        let count = try writer.strike { operation in
            guard failure == nil, isStruck(operation) else { return false }
            switch (operation.kind, operation.isNew) {
            case (.remember, true): remembered.new += 1
            case (.remember, false): remembered.known += 1
            default: if operation.isNew { new += 1 }
            }
            do {
                try outcomes.add(outcome, key: operation.keyText, keyHash: operation.keyHash, reason)
            } catch {
                failure = error
            }
            return true
        }
        if let failure { throw failure }
        let planned = count - remembered.new - remembered.known
        ledger.planned -= planned
        ledger.skipped -= remembered.new
        ledger.unchanged -= remembered.known
        plannedNew -= new
        changedKnown -= planned - new
        if outcome == .invalid { ledger.invalid += count } else { ledger.skipped += count }
    }

    private struct Moved {
        var keyHash: Hash128
        var rowHash: Hash128
        var key: String
        var isNew: Bool
        var payload: String
    }

    /// Puts the destination's own id before what is written of each record, block by block.
    mutating func address(_ id: (PlannedOperation) -> String?) throws {
        for block in 0..<(try writer.finishBlock()) {
            var moved: [Moved] = []
            _ = try writer.strike(blocks: block..<(block + 1)) { operation in
                guard operation.kind == .upsert, let id = id(operation) else { return false }
                moved.append(
                    Moved(
                        keyHash: operation.keyHash, rowHash: operation.rowHash, key: operation.keyText,
                        isNew: operation.isNew, payload: AddressedPayload.json(operation.payloadText, id: id)))
                return true
            }
            for row in moved {
                try append(.upsert, isNew: row.isNew, keyHash: row.keyHash, rowHash: row.rowHash, key: row.key) {
                    $0.append(row.payload)
                }
            }
        }
    }
}
