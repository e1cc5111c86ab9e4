internal import ConnectorKit
internal import Records

/// Stops rows that Planhat would drop without a word: a ticket without an email address, an activity of nobody.
struct RequiredValues: Sendable {
    private let groups: [[String]]
    /// The members that are looked for, Planhat's own id first, and which of them each group has, a bit for each.
    private let names: [String]
    private let masks: [UInt64]

    init(_ object: DestinationObject) {
        groups = object.requiredInEachRow
        let names = ["_id"] + groups.flatMap { $0 }
        self.names = names
        masks = groups.map { group in
            names.indices.reduce(0) { group.contains(names[$1]) ? $0 | 1 << UInt64($1) : $0 }
        }
    }

    /// Why each row that must not be sent is not, by its place.
    func refusals(in batch: OperationBatch) -> [Int: Reason] {
        guard !groups.isEmpty, batch.kind == .upsert || batch.kind == .send else { return [:] }
        var refusals: [Int: Reason] = [:]
        for (index, entry) in batch.entries.enumerated() {
            let filled = filled(Array(batch.bytes[entry.payload]))
            // What goes by Planhat's own id is an update, which needs nothing but what changes.
            if filled & 1 != 0 { continue }
            if let group = masks.firstIndex(where: { $0 & filled == 0 }) {
                refusals[index] = Self.reason(groups[group])
            }
        }
        return refusals
    }

    private static func reason(_ group: [String]) -> Reason {
        Reason(
            code: "dropped_by_destination",
            message:
                "The row has no \(group.joined(separator: " and no ")): Planhat would drop it without a word, so it "
                + "was not sent.",
            hint: "Give the row a value for \(group.joined(separator: " or ")), or leave it out of the dataset.")
    }

    /// A bit for each of the names whose member holds something.
    private func filled(_ payload: [UInt8]) -> UInt64 {
        var found: UInt64 = 0
        var reader = JSONReader(payload)
        do {
            try reader.eachMember { (name, reader) throws(JSONFault) in
                guard names.contains(name) else { return try reader.skipValue() }
                let first = reader.peek()
                if first == UInt8(ascii: "\"") {
                    guard try !reader.string().trimmed().isEmpty else { return }
                } else {
                    try reader.skipValue()
                    guard first != UInt8(ascii: "n") else { return }
                }
                for index in names.indices where names[index] == name { found |= 1 << UInt64(index) }
            }
        } catch {
            // A payload that cannot be read is sent as it is: Planhat's answer says what is wrong with it.
            return 1
        }
        return found
    }
}

extension BatchOutcome {
    /// The outcome of a batch of `count` of which the rows of `refusals` were left out.
    func with(_ refusals: [Int: Reason], count: Int) -> BatchOutcome {
        switch self {
        case .unattributed(let failed, let reason, let tally):
            return .unattributed(failed: failed + refusals.count, reason: reason, tally)
        case .attributed(let sent, var tally):
            var outcomes = sent.makeIterator()
            var ids = tally.ids.makeIterator()
            let hasIDs = !tally.ids.isEmpty
            tally.ids = []
            let all = (0..<count).map { index -> Outcome in
                let reason = refusals[index]
                if hasIDs { tally.ids.append(reason == nil ? ids.next() ?? nil : nil) }
                return reason.map { .rejected($0) } ?? outcomes.next() ?? .accepted
            }
            return .attributed(all, tally)
        }
    }
}
