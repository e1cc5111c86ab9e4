internal import ConnectorKit
internal import Foundation
internal import ProjectConfig
internal import Records
internal import StateStore
internal import SyncCore

/// How much of its dataset a run reads: everything, or what is new since the last run.
struct ScanScope {
    var isComplete: Bool
    var request: ScanRequest
    /// How far the column had come before the scan; what the next run starts from once this one has come to its end.
    var watermark: Watermark?
    /// What a person should know of the column.
    var warning: Reason?

    /// What a run says of it; nil where there is nothing to say.
    func told(_ prepared: PreparedSync) -> RunEffort.Scan? {
        prepared.definition.dataset.incremental == nil ? nil : isComplete ? .complete : .recent
    }

    private static let watermarkName = "watermark"
    private static let completeAt = "complete_scan_at"
    private static let scansSince = "scans_since_complete"

    /// The newest value is read before the scan: whatever comes meanwhile is at or after it, and is read next time. Where
    /// what was kept lies in the future, by a clock that was set back, everything is read. So it is where the newest value
    /// lies before what would be read: the next run starts from it, and nobody would have looked at what is between.
    static func decide(
        _ prepared: PreparedSync, _ opening: Opening, options: RunOptions, environment: RunEnvironment,
        asOf: Moment? = nil
    ) async throws -> ScanScope {
        var scope = ScanScope(isComplete: true, request: prepared.scanRequest, watermark: nil)
        guard let rule = prepared.definition.dataset.incremental else { return scope }
        let now = asOf ?? environment.time.now()
        let newest = NewestValue(
            rule: rule, prepared: prepared, retrying: Retrying(policy: .init(), environment: environment))
        (scope.watermark, scope.warning) = try await newest.read(now, clock: environment.time.now())
        let carried = CarriedRecords(
            files: environment.state.sync(prepared.definition.name), environment: environment)
        // A carried row is held against its key alone: where another key could find its record, all rows are read.
        let looksByOthers = prepared.shape.behavior == .createOnly && !prepared.shape.otherKeys.isEmpty
        guard try carried.isWhole(), try !looksByOthers || !carried.isThere(),
            let since = since(rule, prepared, opening, options: options, now: now),
            scope.watermark?.isBefore(since) != true
        else { return scope }
        scope.isComplete = false
        scope.request.relation = IncrementalSQL.rows(of: prepared.definition.dataset.relation, rule.column, since)
        return scope
    }

    /// From where an incremental scan reads; nil where a complete one is due.
    private static func since(
        _ rule: IncrementalDefinition, _ prepared: PreparedSync, _ opening: Opening, options: RunOptions, now: Moment
    ) -> Watermark? {
        let memory = opening.memory
        guard !opening.full.isFull, !options.isSelective, options.limit == nil, opening.usable != nil,
            memory.definition == prepared.definitionText,
            let kept = memory.extra[watermarkName].flatMap({ Watermark(kept: $0) }),
            kept.moment(ifAfter: now.milliseconds * 1_000) == nil,
            let last = memory.extra[completeAt].flatMap({ Int64($0) })
        else { return nil }
        switch rule.completeScan {
        case .every(let seconds):
            // A last scan of tomorrow was noted by a clock that was set back since.
            if now.milliseconds < last || now.milliseconds - last >= Int64(seconds) * 1_000 { return nil }
        case .runs(let runs):
            let since = memory.extra[scansSince].flatMap { Int($0) } ?? 0
            if since + 1 >= runs { return nil }
        }
        switch rule.overlap {
        case .seconds(let seconds): return kept.lowered(by: Int64(seconds))
        case .number(let number): return kept.lowered(by: Int64(number))
        }
    }

    /// Notes in the sync's memory how far a run has read. Only of a run that came to its end with everything settled or
    /// carried: one that did not is read again.
    static func note(_ summary: PlanSummary, at moment: Moment, in memory: inout SyncMemory) {
        if let watermark = summary.watermark { memory.extra[watermarkName] = watermark }
        if summary.isScanComplete {
            memory.extra[completeAt] = String(moment.milliseconds)
            memory.extra[scansSince] = "0"
        } else {
            let since = memory.extra[scansSince].flatMap { Int($0) } ?? 0
            memory.extra[scansSince] = String(since + 1)
        }
    }

    /// How far was read for what is believed no more: the next run has to read everything.
    static func forget(in memory: inout SyncMemory) {
        for name in [watermarkName, completeAt, scansSince] { memory.extra[name] = nil }
    }

    /// The same of what is on the disk.
    static func forget(_ sync: String, _ database: ControlDatabase) throws {
        guard var memory = try database.memory(sync) else { return }
        forget(in: &memory)
        try database.save(memory)
    }
}
