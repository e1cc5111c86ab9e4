internal import ConnectorKit
internal import Records

/// Stops rows that Planhat would drop without a word: a ticket without an email address, an activity of nobody.
struct RequiredValues: Sendable {
    let groups: [[String]]

    init(_ object: DestinationObject) { groups = object.requiredInEachRow }

    /// Why each row that must not be sent is not, by its place.
    func refusals(in batch: OperationBatch) -> [Int: Reason] {
        guard !groups.isEmpty, batch.kind == .upsert || batch.kind == .send else { return [:] }
        var refusals: [Int: Reason] = [:]
        for (index, entry) in batch.entries.enumerated() {
            let filled = Self.filled(Array(batch.bytes[entry.payload]))
            // What goes by Planhat's own id is an update, which needs nothing but what changes.
            if filled.contains("_id") { continue }
            if let group = groups.first(where: { $0.allSatisfy { !filled.contains($0) } }) {
                refusals[index] = Self.reason(group)
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

    /// The names of the members that hold something.
    private static func filled(_ payload: [UInt8]) -> Set<String> {
        var names: Set<String> = []
        var reader = JSONReader(payload)
        do {
            try reader.eachMember { (name, reader) throws(JSONFault) in
                switch reader.peek() {
                case UInt8(ascii: "\""):
                    if try !reader.string().trimmed().isEmpty { names.insert(name) }
                case UInt8(ascii: "n"): try reader.skipValue()
                default:
                    try reader.skipValue()
                    names.insert(name)
                }
            }
        } catch {
            // A payload that cannot be read is sent as it is: Planhat's answer says what is wrong with it.
            return ["_id"]
        }
        return names
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
