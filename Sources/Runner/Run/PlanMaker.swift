internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// Steps 2 to 6 of the walk for one scan: takes its batches one by one and writes the plan. Owned by one task.
///
/// A struct that is handed on `inout`, not a class: every use of a class's property is checked for exclusive access
/// while the program runs, which here would be some dozens of times for each row.
struct PlanMaker: ~Copyable {
    let shape: SyncShape
    let dataset: Dataset
    let outcomes: OutcomeSink
    var writer: PlanWriter
    var ledger = RowLedger()
    var plannedNew = 0
    var changedKnown = 0
    var keylessRows = 0
    let seen: SeenTable
    /// Keys known before of which more than one row came after one was planned.
    var struck: Set<Hash128> = []
    var held: [HeldRow] = []
    /// Keys with an entry in the pending file that this run's scan has met and not found unchanged.
    var touchedPending: Set<Hash128> = []
    /// Those of them whose row cannot be sent as it is now.
    var invalidPending: Set<Hash128> = []
    /// Those of the keys that were asked for of which the scan had a row.
    var met: Set<Hash128> = []
    var spill: HashSpill
    /// Rows in doubt with what was sent for them, where the destination can be asked whether it has them.
    var doubts = Doubts()
    /// The records that planned rows need, where rows need any.
    var needs: Needs?
    /// Planned rows that could make no new record, with the place of why among the mapping's reasons.
    var lacking = LackingRows()
    /// By what people know the planned records, where that is looked for at the destination.
    var labels: NotedColumn?
    /// What they have for the other keys by which the destination finds records, where that decides anything.
    var otherKeys: [NotedKey] = []
    /// Which fields have had no value so far.
    private(set) var emptyFields: EmptyFields
    let looks: Bool

    private let mapping: Mapping
    private let differ: Differ
    private let snapshot: Snapshot?
    let filter: RecordFilter
    /// At most so many rows are sent; more are planned at first, for some may be struck out.
    let limit: Int
    /// How many planned rows hold, instead of what is sent, the reason why they cannot be (`SetAsideRow`).
    private(set) var setAside = 0
    var reserve: LimitReserve
    /// What a person should know of how the plan was made.
    var warnings: [Reason] = []
    private let step: (added: BehaviorRules.Step, changed: BehaviorRules.Step)
    private let removal: RemovalPayload
    private let canReadBack: Bool

    private var admitted = AdmittedRows()
    private var keys = AdmittedKeys()
    private var probes: [Probe] = []
    private var findings: [Differ.Finding] = []
    private var key = ByteWriter(capacity: 256)

    struct HeldRow {
        var index: Int32
        var keyHash: Hash128
        var key: String
        var reason: Reason
    }

    struct Inputs {
        var shape: SyncShape
        var scanColumns: [String]
        var lookups: [LookupName: LookupTable]
        var seed: UInt64
        var snapshot: Snapshot?
        /// One mark for each key of the snapshot, all unseen.
        var seen: SeenTable
        var isFull: Bool
        var limit: Int?
        /// Whether every row that may have to be sent is mapped, whatever the limit.
        var mapsAll: Bool
        var filter: RecordFilter
        /// What is made of rows whose key is new, and of known ones that changed.
        var step: (added: BehaviorRules.Step, changed: BehaviorRules.Step)
        /// Whether the destination can tell what has arrived.
        var canReadBack: Bool
        /// Whether it is asked after the scan what of the plan is at the destination already.
        var looks: Bool
    }

    init(_ inputs: Inputs, writer: consuming PlanWriter, spill: consuming HashSpill, outcomes: OutcomeSink) {
        shape = inputs.shape
        dataset = Dataset(inputs.shape, scanColumns: inputs.scanColumns, seed: inputs.seed)
        mapping = Mapping(inputs.shape, scanColumns: inputs.scanColumns, lookups: inputs.lookups)
        // A selective run looks at every record and leaves out those it was not asked for.
        differ = Differ(isFull: inputs.isFull || inputs.filter.isSelective)
        snapshot = inputs.snapshot
        filter = inputs.filter
        limit = inputs.limit ?? .max
        seen = inputs.seen
        step = inputs.step
        removal = RemovalPayload(inputs.shape)
        canReadBack = inputs.canReadBack
        let needs = Needs(inputs.shape, scanColumns: inputs.scanColumns)
        reserve = LimitReserve(limit: Self.mayLeaveOut(inputs, asks: needs != nil) ? inputs.limit : nil)
        self.needs = needs
        emptyFields = EmptyFields(
            inputs.shape, scanColumns: inputs.scanColumns, isFirst: inputs.snapshot?.count ?? 0 == 0)
        looks = inputs.looks
        if inputs.looks, let column = DestinationLook.labelColumn(inputs.shape) {
            labels = NotedColumn(column, scanColumns: inputs.scanColumns, ignoresCase: true)
        }
        if inputs.looks || inputs.step.added == .upsertIfKeyIsNew {
            otherKeys = inputs.shape.otherKeys.compactMap { NotedKey($0, scanColumns: inputs.scanColumns) }
        }
        self.writer = writer
        self.spill = spill
        self.outcomes = outcomes
    }

    /// Whether rows past the limit may stand in the plan unmapped (`LimitReserve`).
    private static func mayLeaveOut(_ inputs: Inputs, asks: Bool) -> Bool {
        !inputs.shape.behavior.rules.asksForKeys && !asks && !inputs.filter.isSelective && !inputs.mapsAll
    }

    var reasonsOfCreation: [Reason] { mapping.reasonsOfCreation }

    /// Whether the record's row, as the scan has met it, cannot be sent; of one that is pending.
    func isInvalid(_ keyHash: Hash128) -> Bool { invalidPending.contains(keyHash) || struck.contains(keyHash) }

    mutating func consume(_ batch: RowBatch) throws {
        let firstRow = ledger.scanned
        try batch.withRows { rows throws(any Error) in
            dataset.admit(rows, into: &admitted, keys: &keys)
            ledger.scanned += rows.rowCount
            for invalid in admitted.invalid { try noteKeyless(invalid, firstRow: firstRow) }
            probe()
            findings.removeAll(keepingCapacity: true)
            ledger.unchanged += differ.diff(admitted, known: probes, seen: seen, findings: &findings)
            for finding in findings { try judge(finding, rows) }
        }
    }

    private mutating func probe() {
        if let snapshot {
            snapshot.probe(admitted.keyHashes, into: &probes)
        } else if probes.count < admitted.keyHashes.count {
            probes = [Probe](repeating: .unknown, count: admitted.keyHashes.count)
        }
    }

    private mutating func noteKeyless(_ invalid: InvalidRow, firstRow: Int) throws {
        keylessRows += 1
        if filter.isSelective {
            // Nobody can have asked for a row without a key.
            ledger.deferred += 1
            return
        }
        ledger.invalid += 1
        var reason = invalid.reason
        reason.message = "Row \(firstRow + invalid.row + 1) of the scan: \(reason.message)"
        try outcomes.add(.invalid, key: "", keyHash: .void, reason)
    }

    private mutating func judge(_ finding: Differ.Finding, _ rows: borrowing RowsView) throws {
        let place = Int(finding.place)
        let row = Int(admitted.rows[place])
        let keyHash = admitted.keyHashes[place]
        if !filter.takesAll && filter.isAskedFor(keyHash) { met.insert(keyHash) }
        let finding = recheck(finding)
        switch finding.change {
        case .unchanged:
            ledger.unchanged += 1
        case .duplicate:
            dataset.writeKey(rows, row, to: &key)
            try noteDuplicate(finding, keyHash: keyHash)
        case .added, .changed:
            if finding.index < 0 { try spill.add(keyHash) }
            let mark = try decide(finding, rows, row, keyHash: keyHash, rowHash: admitted.rowHashes[place])
            if finding.index >= 0 { seen[finding.index] = mark }
        }
    }

    /// The batch was compared before any of it was judged, so a changed row's key may by now be that of another row.
    private mutating func recheck(_ finding: Differ.Finding) -> Differ.Finding {
        guard finding.change == .changed, seen[finding.index] != .unseen else { return finding }
        var duplicate = finding
        duplicate.change = .duplicate
        duplicate.before = seen[finding.index]
        seen[finding.index] = .duplicate
        return duplicate
    }

    private mutating func decide(
        _ finding: Differ.Finding, _ rows: borrowing RowsView, _ row: Int, keyHash: Hash128, rowHash: Hash128
    ) throws -> SeenTable.Mark {
        if !filter.takesAll && filter.isPending(keyHash) { touchedPending.insert(keyHash) }
        switch filter.takesAll ? .take : filter.judge(keyHash: keyHash, rowHash: rowHash) {
        case .leave:
            let isUnchanged = finding.index >= 0 && probes[Int(finding.place)].rowHash == rowHash
            if isUnchanged { ledger.unchanged += 1 } else { ledger.deferred += 1 }
            return isUnchanged ? .unchanged : .deferred
        case .hold(let reason):
            dataset.writeKey(rows, row, to: &key)
            ledger.held += 1
            noteDoubt(rows, row, keyHash: keyHash, rowHash: rowHash)
            held.append(HeldRow(index: finding.index, keyHash: keyHash, key: key.text, reason: reason))
            return .held
        case .take:
            if filter.isSelective { noteDoubt(rows, row, keyHash: keyHash, rowHash: rowHash) }
        }
        return try plan(finding, rows, row, keyHash: keyHash, rowHash: rowHash)
    }

    private mutating func plan(
        _ finding: Differ.Finding, _ rows: borrowing RowsView, _ row: Int, keyHash: Hash128, rowHash: Hash128
    ) throws -> SeenTable.Mark {
        let isNew = finding.change == .added
        // What is not known to be there, or was asked for by name, is taken as if it were new.
        let isUnsure = isNew || filter.isSelective || probes[Int(finding.place)].rowHash == .void
        let kind: OperationKind
        switch isUnsure ? step.added : step.changed {
        case .upsert, .upsertIfKeyExists, .upsertIfKeyIsNew: kind = .upsert
        case .send: kind = .send
        case .remove: return try planRemoval(rows, row, isNew: isNew, keyHash: keyHash, rowHash: rowHash)
        case .remember: return try remember(rows, row, isNew: isNew, keyHash: keyHash, rowHash: rowHash)
        case .nothing:
            ledger.unchanged += 1
            return .unchanged
        }
        let text = unsafe keys[Int(finding.place)]
        unsafe writer.begin(kind: kind, isNew: isNew, keyHash: keyHash, rowHash: rowHash, key: text)
        if reserve.isUsedUp {
            _ = try writer.commit()
            reserve.noteLeftOut()
            return notePlanned(isNew: isNew)
        }
        let lacks: Int?
        switch mapping.outcome(rows, row, into: &writer.payload) {
        case .invalid(let reason):
            writer.abandon()
            if ledger.planned >= limit {
                dataset.writeKey(rows, row, to: &key)
                return try planSetAside(reason, kind, isNew: isNew, keyHash: keyHash, rowHash: rowHash)
            }
            ledger.invalid += 1
            if !filter.takesAll && filter.isPending(keyHash) { invalidPending.insert(keyHash) }
            dataset.writeKey(rows, row, to: &key)
            try outcomes.add(.invalid, key: key.text, keyHash: keyHash, reason)
            return .invalid
        case .mapped(let lacking): lacks = lacking
        }
        let sequence = try writer.commit()
        // A record that was accepted is there: an update needs nothing but what changes.
        if let lacks, isNew || probes[Int(finding.place)].rowHash == .void {
            lacking.append(sequence, reason: lacks)
        } else {
            reserve.noteMapped()
        }
        emptyFields.note(rows, row, isNew: isNew)
        needs?.note(rows, row, sequence: sequence)
        labels?.note(rows, row, sequence: sequence)
        for index in otherKeys.indices { otherKeys[index].note(rows, row, sequence: sequence) }
        return notePlanned(isNew: isNew)
    }

    private mutating func notePlanned(isNew: Bool) -> SeenTable.Mark {
        ledger.planned += 1
        if isNew { plannedNew += 1 } else { changedKnown += 1 }
        return .planned
    }

    /// Plans a row that cannot be sent, so that it is invalid only where a row in its place would be sent: whether it stands
    /// before the last row that is sent is known once rows have been struck out.
    private mutating func planSetAside(
        _ reason: Reason, _ kind: OperationKind, isNew: Bool, keyHash: Hash128, rowHash: Hash128
    ) throws -> SeenTable.Mark {
        let (text, words) = (key.text, try SetAsideRow.payload(reason, number: setAside))
        try append(kind, isNew: isNew, keyHash: keyHash, rowHash: rowHash, key: text) { $0.append(words) }
        setAside += 1
        return notePlanned(isNew: isNew)
    }

    private mutating func planRemoval(
        _ rows: borrowing RowsView, _ row: Int, isNew: Bool, keyHash: Hash128, rowHash: Hash128
    ) throws -> SeenTable.Mark {
        dataset.writeKey(rows, row, to: &key)
        let (text, removal) = (key.text, removal)
        try append(removal.kind, isNew: isNew, keyHash: keyHash, rowHash: rowHash, key: text) {
            removal.write(key: text, id: "", to: &$0)
        }
        return notePlanned(isNew: isNew)
    }

    /// A row that counts as sent from now on, without being sent: skipped where it is new, unchanged where it is not.
    private mutating func remember(
        _ rows: borrowing RowsView, _ row: Int, isNew: Bool, keyHash: Hash128, rowHash: Hash128
    ) throws -> SeenTable.Mark {
        dataset.writeKey(rows, row, to: &key)
        try append(.remember, isNew: isNew, keyHash: keyHash, rowHash: rowHash, key: key.text) { _ in }
        if isNew { ledger.skipped += 1 } else { ledger.unchanged += 1 }
        return .planned
    }

    /// Keeps what was sent for a row in doubt, if the destination can be asked about it.
    private mutating func noteDoubt(_ rows: borrowing RowsView, _ row: Int, keyHash: Hash128, rowHash: Hash128) {
        guard canReadBack, doubts.hasRoom, filter.isInDoubt(keyHash) else { return }
        var payload = ByteWriter(capacity: 256)
        guard mapping.map(rows, row, into: &payload) == nil else { return }
        dataset.writeKey(rows, row, to: &key)
        doubts.batch.append(key: key.text, payload: payload.text, keyHash: keyHash, rowHash: rowHash)
    }

    /// Appends an operation that does not come from mapping a row.
    mutating func append(
        _ kind: OperationKind, isNew: Bool, keyHash: Hash128, rowHash: Hash128, key: String,
        payload: (inout ByteWriter) -> Void
    ) throws {
        var bytes = ByteWriter(capacity: 64)
        bytes.append(key)
        unsafe writer.begin(kind: kind, isNew: isNew, keyHash: keyHash, rowHash: rowHash, key: bytes.bytes)
        payload(&writer.payload)
        _ = try writer.commit()
    }

    /// Counts a row whose key an earlier row had, and takes back what the first such row was counted as.
    private mutating func noteDuplicate(_ finding: Differ.Finding, keyHash: Hash128) throws {
        if filter.leaves(keyHash) {
            ledger.deferred += 1
            return
        }
        ledger.invalid += 1
        try outcomes.add(.invalid, key: key.text, keyHash: keyHash, Self.duplicateKey)
        switch finding.before {
        case .unchanged: ledger.unchanged -= 1
        case .deferred: ledger.deferred -= 1
        case .held: ledger.held -= 1
        case .planned:
            // The planned operation is struck out, and counted, once the scan has ended.
            struck.insert(keyHash)
            return
        case .unseen, .skipped, .invalid, .duplicate: return
        }
        ledger.invalid += 1
        // A held row is named when the scan has ended.
        if finding.before != .held {
            try outcomes.add(.invalid, key: key.text, keyHash: keyHash, Self.duplicateKey)
        }
    }

    static let duplicateKey = Reason(
        code: "duplicate_key", message: "Several rows of the dataset have this key; none of them was sent.",
        hint: "Make the key unique in the source, or choose one row for each key in the dataset's SQL.")
}
