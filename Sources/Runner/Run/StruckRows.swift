internal import Records
internal import StateStore
internal import SyncCore

/// Why a planned row is taken out of the plan again.
struct Strike {
    /// `skipped` or `invalid`.
    var outcome: OutcomeKind
    var reason: Reason
    /// Whether the row counts as known from now on, so that it is not looked at again until it changes.
    var isRemembered = false
}

/// Says why a planned row is not sent; nil where nothing speaks against it.
typealias Judge = (PlannedOperation) -> Strike?

extension PlanMaker {
    /// Takes planned operations out of the plan again, as invalid rows, wherever they stand.
    mutating func strike(_ reason: Reason, where isStruck: (PlannedOperation) -> Bool) throws {
        let outcomes = outcomes
        var struck = StruckRows()
        var remembered = (new: 0, known: 0)
        var mapped = 0
        _ = try writer.strike { operation in
            guard isStruck(operation) else { return false }
            if !operation.kind.isLocal && SetAsideRow.isSendable(operation) { mapped += 1 }
            switch (operation.kind, operation.isNew) {
            case (.remember, true): remembered.new += 1
            case (.remember, false): remembered.known += 1
            default: struck.count(operation, as: .invalid)
            }
            try outcomes.add(.invalid, key: operation.keyText, keyHash: operation.keyHash, reason)
            return true
        }
        book(struck)
        reserve.noteStruck(mapped)
        ledger.skipped -= remembered.new
        ledger.unchanged -= remembered.known
        ledger.invalid += remembered.new + remembered.known
    }

    /// Takes out what `judges` speak against, row by row in the order of the source, until the limit's number of rows is
    /// left: those after them are for a later run, and nobody is asked about them.
    ///
    /// - Parameter end: the sequence up to which the judges know enough.
    /// - Returns: false where more of the plan has to be looked at; nothing is lost by asking again.
    mutating func judge(by judges: [Judge], upTo end: Int = .max) throws -> Bool {
        guard !judges.isEmpty || ledger.planned > limit else { return true }
        let (outcomes, limit, filter) = (outcomes, limit, filter)
        var struck = StruckRows()
        var (kept, unseen) = (0, 0)
        var invalid: [Hash128] = []
        for block in 0..<(try writer.finishBlock()) {
            _ = try writer.strike(blocks: block..<(block + 1)) { operation in
                if operation.kind.isLocal { return false }
                if kept >= limit || SetAsideRow.isLeftOut(operation) {
                    struck.count(operation, as: nil)
                    return true
                }
                guard operation.sequence < end else {
                    unseen += 1
                    return false
                }
                guard let strike = judges.lazy.compactMap({ $0(operation) }).first else {
                    kept += 1
                    return false
                }
                struck.count(operation, as: strike.outcome)
                if strike.isRemembered { struck.remembered.append(StruckRows.Remembered(operation)) }
                if strike.outcome == .invalid && filter.isPending(operation.keyHash) {
                    invalid.append(operation.keyHash)
                }
                try outcomes.add(strike.outcome, key: operation.keyText, keyHash: operation.keyHash, strike.reason)
                return true
            }
            // The end of a limited run's plan is given back: what is remembered comes after that, while it is not too much.
            if limit == .max || struck.remembered.count > StruckRows.rememberedMax { try remember(&struck) }
        }
        invalidPending.formUnion(invalid)
        book(struck)
        if struck.deferred > 0 { try writer.dropStruckEnd() }
        try remember(&struck)
        return unseen == 0
    }

    private mutating func remember(_ struck: inout StruckRows) throws {
        for row in struck.remembered {
            try append(.remember, isNew: row.isNew, keyHash: row.keyHash, rowHash: row.rowHash, key: row.key) { _ in }
        }
        struck.remembered.removeAll(keepingCapacity: true)
    }

    private mutating func book(_ struck: StruckRows) {
        let count = struck.new + struck.changed
        ledger.planned -= count
        plannedNew -= struck.new
        changedKnown -= struck.changed
        ledger.invalid += struck.invalid
        ledger.skipped += struck.skipped
        ledger.deferred += struck.deferred
    }

    /// Writes what is sent of records anew, block by block.
    mutating func rewrite(_ payload: (PlannedOperation) -> String?) throws {
        for block in 0..<(try writer.finishBlock()) {
            var moved: [(kind: OperationKind, row: StruckRows.Remembered, payload: String)] = []
            _ = try writer.strike(blocks: block..<(block + 1)) { operation in
                guard !operation.kind.isLocal, let payload = payload(operation) else { return false }
                moved.append((operation.kind, StruckRows.Remembered(operation), payload))
                return true
            }
            for (kind, row, payload) in moved {
                try append(kind, isNew: row.isNew, keyHash: row.keyHash, rowHash: row.rowHash, key: row.key) {
                    $0.append(payload)
                }
            }
        }
    }
}

/// What one pass over the plan took out of it, counted.
private struct StruckRows {
    struct Remembered {
        var keyHash: Hash128
        var rowHash: Hash128
        var key: String
        var isNew: Bool

        init(_ operation: PlannedOperation) {
            keyHash = operation.keyHash
            rowHash = operation.rowHash
            key = operation.keyText
            isNew = operation.isNew
        }
    }

    /// So many are held in memory.
    static let rememberedMax = 100_000

    var (new, changed) = (0, 0)
    var (invalid, skipped, deferred) = (0, 0, 0)
    var remembered: [Remembered] = []

    /// - Parameter outcome: nil for a row that is left for a later run.
    mutating func count(_ operation: PlannedOperation, as outcome: OutcomeKind?) {
        if operation.isNew { new += 1 } else { changed += 1 }
        switch outcome {
        case .invalid: invalid += 1
        case .skipped: skipped += 1
        default: deferred += 1
        }
    }
}

/// The part of the plan that is looked at: all of it, or its beginning where few rows are to be sent.
struct PlanWindow {
    /// The sequence before which the rows stand.
    var end = Int.max
    /// How many of them can be sent as far as is known, and the keys of the first.
    var count = 0
    var keys: [String] = []
}

extension PlanMaker {
    /// - Parameter rowsMax: so many rows at the beginning; nil for the whole plan.
    mutating func window(of rowsMax: Int?) throws -> PlanWindow {
        var window = PlanWindow(end: rowsMax == nil ? .max : 0)
        for block in 0..<(try writer.finishBlock()) {
            _ = try writer.strike(blocks: block..<(block + 1)) { operation in
                guard window.count < rowsMax ?? .max, !operation.kind.isLocal else { return false }
                if rowsMax != nil { window.end = operation.sequence + 1 }
                guard SetAsideRow.isSendable(operation) else { return false }
                window.count += 1
                if window.keys.count <= Resolver.singleReadsMax { window.keys.append(operation.keyText) }
                return false
            }
            if window.count >= rowsMax ?? .max { break }
        }
        return window
    }
}
