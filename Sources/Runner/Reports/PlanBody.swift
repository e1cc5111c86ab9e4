internal import Records
internal import StateStore

/// A dry run for programs: `plan --json` and the page's JSON.
package struct PlanBody: Sendable, Encodable {
    var sync: String
    var full: Bool
    var fullReason: String?
    var rows: RowLedger
    var operations: OperationLedger
    var added: Int
    var reasons: [ReasonCount]
    var `guard`: GuardRecord?
    var examples: [PlanSync.Example]
    var isDestinationRead: Bool
    var warnings: [Reason]
    /// Left out where the dataset is not incremental.
    var scan: RunEffort.Scan?
    /// Left out where the plan was not saved.
    var savedIn: String?

    private enum CodingKeys: String, CodingKey {
        case sync, full, rows, operations, added, reasons, `guard`, examples, warnings, scan
        case fullReason = "full_reason"
        case isDestinationRead = "destination_read"
        case savedIn = "saved_in"
    }

    package init(_ report: PlanSync.Report) {
        sync = report.sync
        full = report.full
        fullReason = report.fullReason
        rows = report.rows
        operations = report.operations
        added = report.added
        reasons = report.reasons
        `guard` = report.guardRecord
        examples = report.examples
        isDestinationRead = report.isDestinationRead
        warnings = report.warnings
        scan = report.scan
        savedIn = report.savedIn
    }

    // Written out because the made one leaves absent values out.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sync, forKey: .sync)
        try container.encode(full, forKey: .full)
        try container.encode(fullReason, forKey: .fullReason)
        try container.encode(rows, forKey: .rows)
        try container.encode(operations, forKey: .operations)
        try container.encode(added, forKey: .added)
        try container.encode(reasons, forKey: .reasons)
        try container.encode(`guard`, forKey: .guard)
        try container.encode(examples, forKey: .examples)
        try container.encode(isDestinationRead, forKey: .isDestinationRead)
        try container.encode(warnings, forKey: .warnings)
        try container.encodeIfPresent(scan, forKey: .scan)
        try container.encodeIfPresent(savedIn, forKey: .savedIn)
    }
}
