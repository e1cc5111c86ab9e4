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

    private static let watermarkName = "watermark"
    private static let completeAt = "complete_scan_at"
    private static let scansSince = "scans_since_complete"

    /// The newest value is read before the scan: whatever comes meanwhile is at or after it, and is read next time.
    static func decide(
        _ prepared: PreparedSync, _ opening: Opening, options: RunOptions, environment: RunEnvironment,
        asOf: Moment? = nil
    ) async throws -> ScanScope {
        var scope = ScanScope(isComplete: true, request: prepared.scanRequest, watermark: nil)
        guard let rule = prepared.definition.dataset.incremental else { return scope }
        let retrying = Retrying(policy: .init(), environment: environment)
        scope.watermark = try await retrying.read { try await newest(rule, prepared) }
        let carried = CarriedRecords(
            files: environment.state.sync(prepared.definition.name), environment: environment)
        // A carried row is held against its key alone: where another key could find its record, all rows are read.
        let looksByOthers = prepared.shape.behavior == .createOnly && !prepared.shape.otherKeys.isEmpty
        guard try carried.isWhole(), try !looksByOthers || !carried.isThere(),
            let since = since(rule, prepared, opening, options: options, now: asOf ?? environment.time.now())
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
        case .seconds(let seconds): return kept.lowered(by: kept.kind == .integer ? 0 : Int64(seconds))
        case .number(let number): return kept.lowered(by: Int64(number))
        }
    }

    private static func newest(_ rule: IncrementalDefinition, _ prepared: PreparedSync) async throws -> Watermark? {
        let relation = IncrementalSQL.newest(of: prepared.definition.dataset.relation, rule.column)
        let value = try await prepared.source.withScan(ScanRequest(relation, rowsMax: 1)) { batches -> Value in
            guard let batch = try await batches.next() else { return .null }
            return batch.withRows { rows in Value(rows.cell(0, 0)) }
        }
        if value == .null { return nil }
        guard let watermark = Watermark(value) else {
            throw RunError(
                code: "incremental_column",
                message: "Column \(rule.column) of sync \(prepared.definition.name) has values that do not grow "
                    + "with time (such as \(value.text.prefix(40))).",
                hint: "Name a column of times, dates or whole numbers that grows with every change, or leave out "
                    + "incremental.")
        }
        return watermark
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
}

/// The two questions of incremental reading, in SQL that every database of ours understands.
enum IncrementalSQL {
    static func rows(of relation: Relation, _ column: String, _ since: Watermark) -> Relation {
        .query("select * from \(origin(relation)) where \(quoted(column)) >= \(since.literal)")
    }

    static func newest(of relation: Relation, _ column: String) -> Relation {
        .query("select max(\(quoted(column))) as newest from \(origin(relation))")
    }

    private static func origin(_ relation: Relation) -> String {
        switch relation {
        case .table(let schema, let name): (schema.map { quoted($0) + "." } ?? "") + quoted(name)
        // The newlines keep a comment at the statement's end from swallowing what follows.
        case .query(let sql): "(\n\(withoutSemicolon(sql))\n) as sluice_dataset"
        }
    }

    private static func withoutSemicolon(_ sql: String) -> String {
        var text = Substring(sql)
        while let last = text.last, last == ";" || last.isWhitespace { text.removeLast() }
        return String(text)
    }

    private static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
}
