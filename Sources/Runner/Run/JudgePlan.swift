internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// What is decided of the planned rows once the scan has ended: which of them must not be sent because of what the
/// destination has, and which are left for a later run because of the limit.
///
/// A limit counts rows that are sent. So the plan holds every candidate until here: one that is struck out makes room for
/// the next. Where few are to be sent, the first few are asked about one by one, and the rest only if those do not do.
struct JudgePlan {
    let prepared: PreparedSync
    let retrying: Retrying
    let full: FullRun
    /// Where large tables go.
    let directory: String
    let seed: UInt64

    /// Returns whether it was read which of the planned records are at the destination.
    func run(_ maker: inout PlanMaker) async throws -> Bool {
        let rules = prepared.shape.behavior.rules
        let isAsking =
            rules.asksForKeys || rules.added == .remove || maker.needs != nil || maker.lacking.count > 0
        // A run that asks nothing reads its plan once, when it sends it; what could not be mapped must be struck out.
        guard maker.ledger.planned > 0,
            isAsking || maker.setAside > 0 || maker.ledger.planned > maker.limit
        else { return false }
        let existing = ExistingRecords(
            prepared: prepared, retrying: retrying, directory: directory, seed: seed)
        var rowsMax: Int?
        if maker.limit <= Resolver.singleReadsMax, maker.ledger.planned > Resolver.singleReadsMax,
            isAsking, existing.readsOneByOne
        {
            rowsMax = Resolver.singleReadsMax
        }
        while true {
            let window =
                rowsMax != nil || rules.asksForKeys
                ? try maker.window(of: rowsMax) : PlanWindow(count: maker.ledger.planned)
            var judges: [Judge] = maker.setAside > 0 ? [SetAsideRow.judge] : []
            judges += try await NeedsResolver(prepared: prepared, retrying: retrying).judges(&maker, window)
            let finding = try await existing.find(&maker, window)
            if let finding { judges.append(finding.judge) }
            let incomplete = IncompleteRows(prepared: prepared, retrying: retrying, isFull: full.isFull)
            judges += try await incomplete.judges(&maker, window)
            let removals = try await DeleteResolver(prepared: prepared, retrying: retrying).find(&maker, window)
            if let removals { judges.append(removals.judge) }
            if try maker.judge(by: judges, upTo: window.end) {
                if let address = finding?.address ?? removals?.address { try maker.rewrite(address) }
                return finding != nil
            }
            rowsMax = nil
        }
    }
}

/// What the destination says of planned rows: which are not sent, and what is written anew of those that are.
struct Finding {
    var judge: Judge
    var address: ((PlannedOperation) -> String?)?
}

/// Tells the rows that would have to make a new record and lack what one needs. Rows of a record that is there stay: an
/// update needs nothing but what changes.
struct IncompleteRows {
    let prepared: PreparedSync
    let retrying: Retrying
    let isFull: Bool

    func judges(_ maker: inout PlanMaker, _ window: PlanWindow) async throws -> [Judge] {
        let lacking = maker.lacking
        // What is sent of a sync that only updates is there.
        guard lacking.count > 0, prepared.shape.behavior != .updateOnly else { return [] }
        let reasons = maker.reasonsOfCreation
        var existing = SortedHashes([])
        // Where rows only create, what is there has been struck out.
        if prepared.shape.behavior != .createOnly {
            guard let found = try await existingRecords(&maker, lacking, window) else { return [] }
            existing = found
        }
        return [
            { operation in
                guard let place = lacking.reason(of: operation.sequence), !existing.contains(operation.keyHash) else {
                    return nil
                }
                return Strike(outcome: .invalid, reason: reasons[place])
            }
        ]
    }

    /// Which of those rows' records are there; nil where that cannot be asked, or would cost more than the destination's
    /// own refusals do: a few are read one by one, many by one paged read in a run that looks at every record anyway.
    private func existingRecords(
        _ maker: inout PlanMaker, _ lacking: LackingRows, _ window: PlanWindow
    ) async throws -> SortedHashes? {
        let shape = prepared.shape
        guard shape.object.isReadable, shape.key.within == nil,
            isFull || window.end != .max || lacking.count <= Resolver.singleReadsMax
        else { return nil }
        var candidates: [String] = []
        var total = 0
        _ = try maker.writer.strike { operation in
            guard operation.sequence < window.end, lacking.reason(of: operation.sequence) != nil else { return false }
            total += 1
            if candidates.count <= Resolver.singleReadsMax { candidates.append(operation.keyText) }
            return false
        }
        guard total <= Resolver.singleReadsMax || isFull else { return nil }
        do {
            return try await Resolver(prepared: prepared, dataset: maker.dataset, retrying: retrying)
                .existing(candidates, total: total)
        } catch let error as ConnectorError where error.code == "forbidden" {
            return nil
        }
    }
}
