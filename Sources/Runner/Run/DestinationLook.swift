internal import ConnectorKit
package import Records
internal import StateStore
internal import SyncCore

/// What a dry run, and the first run after a change of the key, sees at the destination: how many of the planned records
/// are there, and which would be made a second time because the one that is there does not carry its key yet.
package struct DestinationLook {
    package struct Sight: Sendable, Hashable {
        package var created = 0
        package var updated = 0
        /// Records to be created of which one with the same name is there, without a key or with that of before.
        package var doubles = 0
        /// Some of their keys.
        package var examples: [String] = []

        package var warning: Reason? {
            guard doubles > 0 else { return nil }
            let keys = examples.joined(separator: ", ")
            return Reason(
                code: "possible_duplicates",
                message:
                    "\(Wording.counted(doubles, "record")) would be created although one with the same name is there, "
                    + "without this key or with the one it had before (\(keys)\(doubles > examples.count ? ", …" : "")).",
                hint: "Write the key to the records that are there first: a sync with behavior: update_only and "
                    + "another key does it.")
        }
    }

    static let examplesMax = 5

    let prepared: PreparedSync
    let retrying: Retrying
    /// Whether the plan is only looked at: then it is made also where the destination cannot be read.
    let isDryRun: Bool

    /// The column that a record's name comes from; nil where the name is a key itself, by which records are found, or
    /// where many records rightly have the same.
    static func labelColumn(_ shape: SyncShape) -> String? {
        guard let label = shape.object.labelField, !shape.object.labelRepeats, shape.object.key(label) == nil,
            case .column(let column)? = shape.rules.first(where: { $0.field == label })?.source
        else { return nil }
        return column
    }

    /// Nil where nobody asked, nothing is planned, or the destination cannot be read.
    /// - Parameters:
    ///   - isAsked: whether the behavior has left only records that are there, or only such that are not.
    ///   - former: what was known under another key.
    func look(_ maker: inout PlanMaker, isAsked: Bool, former: Snapshot?) async throws -> Sight? {
        let behavior = prepared.shape.behavior
        let planned = maker.ledger.planned
        if isAsked {
            return behavior == .createOnly ? Sight(created: planned, updated: 0) : Sight(created: 0, updated: planned)
        }
        guard maker.looks, planned > 0, [.updateOrCreate, .mirror].contains(behavior),
            prepared.shape.object.isReadable, PresentKeys.canTell(prepared.shape)
        else { return nil }
        do {
            let there = try await PresentSets.read(
                prepared, maker.dataset, retrying, labels: maker.labels, former: former)
            return try judge(&maker, there)
        } catch let error as ConnectorError where isDryRun || error.code == "forbidden" {
            if isDryRun { maker.warnings.append(Self.unread(error)) }
            return nil
        }
    }

    private static func unread(_ error: ConnectorError) -> Reason {
        Reason(
            code: "destination_not_read",
            message: "What is at the destination could not be read, so what would be created and what updated is not "
                + "known: \(error.message)",
            hint: error.hint)
    }

    /// A row updates the record that any of its keys finds.
    private func judge(_ maker: inout PlanMaker, _ there: PresentSets) throws -> Sight {
        var sight = Sight()
        var labels = maker.labels?.rows[...] ?? []
        var found = SequenceSet()
        for (place, key) in maker.otherKeys.enumerated() {
            for row in key.rows where there.others[place].contains(row.hash) { found.insert(row.sequence) }
        }
        let rowKeys = RowKeys(prepared.shape, maker.dataset)
        let left = try leftBehind(&maker, there, rowKeys)
        _ = try maker.writer.strike { operation in
            guard operation.kind == .upsert else { return false }
            while let first = labels.first, first.sequence < operation.sequence { labels.removeFirst() }
            if there.keys.contains(rowKeys.hash(operation)) || found.contains(operation.sequence) {
                sight.updated += 1
                return false
            }
            sight.created += 1
            if let label = labels.first, label.sequence == operation.sequence,
                there.keyless.contains(label.hash) || left.contains(label.hash)
            {
                sight.doubles += 1
                if sight.examples.count < Self.examplesMax { sight.examples.append(operation.keyText) }
            }
            return false
        }
        return sight
    }

    /// The labels of records that the sync has written under another key and that no planned row has.
    private func leftBehind(
        _ maker: inout PlanMaker, _ there: PresentSets, _ rowKeys: RowKeys
    ) throws -> SortedHashes {
        guard !there.former.isEmpty else { return SortedHashes([]) }
        var planned: [Hash128] = []
        _ = try maker.writer.strike { operation in
            if operation.kind == .upsert { planned.append(rowKeys.hash(operation)) }
            return false
        }
        let keys = SortedHashes(planned)
        return SortedHashes(there.former.filter { !keys.contains($0.key) }.map(\.label))
    }
}
