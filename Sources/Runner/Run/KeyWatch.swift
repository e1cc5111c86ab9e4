internal import ConnectorKit
internal import Records
internal import StateStore
internal import SyncCore

/// Watches whether the destination finds its records by a key of which that is only assumed. If it does not, each change
/// makes a second record, and the answers' counts are the one sign of it: a record that is known to be there is called
/// created.
struct KeyWatch {
    /// As many records as the first batch may double before anybody can know.
    static let firstBatchMax = 20
    private static let namedMax = 20

    private let field: String
    private let object: String
    /// What was accepted before the run under this key.
    private let known: Snapshot?
    /// Whether the records were read before, so that each that is sent is there.
    private let isEachThere: Bool

    enum Verdict {
        /// One record, or some among others that were found: they may have been deleted by hand.
        case doubtful(Reason)
        case notMatched(ConnectorError)
    }

    /// Nil where there is nothing to doubt.
    /// - Parameter known: the fingerprints, if they were learned under the key that the sync has now.
    init?(_ prepared: PreparedSync, known: Snapshot?) {
        guard let key = prepared.shape.keyField, key.isMatchAssumed else { return nil }
        field = key.name
        object = prepared.shape.object.displayName
        self.known = known
        isEachThere = prepared.shape.behavior == .updateOnly
    }

    /// Whether a run can send changes of what is there.
    var knowsRecords: Bool { isEachThere || (known?.count ?? 0) > 0 }

    /// What the answers to one batch tell of the key; nil where they tell nothing against it.
    func judge(_ batch: OperationBatch, _ result: BatchResult) -> Verdict? {
        guard batch.kind == .upsert, result.createdInAll > 0 else { return nil }
        let isThere = confirmed(batch)
        var (unknown, accepted): (Int, [Int]) = (0, [])
        for index in 0..<batch.count {
            switch result.outcomes[index] {
            case .rejected: continue
            case .accepted where isThere[index]: accepted.append(index)
            default: if !isThere[index] { unknown += 1 }
            }
        }
        // A record that nobody knew is created once at the most.
        let second = result.createdInAll - unknown
        guard second > 0 else { return nil }
        guard second > 1, second >= accepted.count else { return .doubtful(Self.doubt(second, field)) }
        let names = accepted.prefix(Self.namedMax).map { name(batch, $0, result) }
        return .notMatched(error(second, names, more: accepted.count - names.count))
    }

    /// Which records of a batch are there for certain. Of a record without a fingerprint (an earlier answer was lost) that
    /// is not known.
    private func confirmed(_ batch: OperationBatch) -> [Bool] {
        if isEachThere { return Array(repeating: true, count: batch.count) }
        guard let known else { return Array(repeating: false, count: batch.count) }
        var probes: [Probe] = []
        known.probe(batch.entries.map(\.keyHash), into: &probes)
        return probes.prefix(batch.count).map { $0.index >= 0 && $0.rowHash != .void }
    }

    private func name(_ batch: OperationBatch, _ index: Int, _ result: BatchResult) -> String {
        let key = batch.keyText(index)
        guard result.ids.indices.contains(index), let id = result.ids[index] else { return key }
        return "\(key) (\(id))"
    }

    private func error(_ second: Int, _ names: [String], more: Int) -> ConnectorError {
        let rest = more > 0 ? " and \(more) more" : ""
        let list = names.isEmpty ? "" : " Their keys: \(names.joined(separator: ", "))\(rest)."
        return ConnectorError(
            code: "key_not_matched",
            message: "The destination created \(Wording.counted(second, "record")) that should be there already, and "
                + "found none: it seems not to match \(object) records by \(field), so they are there twice now and "
                + "sending stopped.\(list)",
            hint: "Pause the sync, look the keys up at the destination and remove the second records; then use _id or "
                + "another key. If the records had been deleted there by hand, nothing is doubled: use sluice reset.",
            disposition: .fixConfiguration)
    }

    private static func doubt(_ second: Int, _ field: String) -> Reason {
        Reason(
            code: "known_record_created",
            message: "The destination created \(Wording.counted(second, "record")) that should be there already.",
            hint: "Either somebody deleted them there, or it does not match by \(field) and they are there twice: look."
        )
    }
}
