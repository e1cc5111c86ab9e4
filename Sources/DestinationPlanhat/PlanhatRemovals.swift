internal import ConnectorKit
internal import Records
internal import Synchronization

/// Takes records away. What is not there any more counts as taken away, so that a removal may be repeated; what cannot
/// be told for certain is left alone and refused.
extension PlanhatDestination {
    /// `DELETE /{path}/{_id}`, one record a request: Planhat documents nothing else.
    func delete(_ batch: OperationBatch, of object: DestinationObject) async throws(DestinationError) -> BatchOutcome {
        guard batch.count <= object.removalItemsMax, batch.count == 1 else {
            throw PlanhatErrors.batchTooLarge(batch.count, object.removalItemsMax)
        }
        let own = batch.payloadText(0)
        let search = PlanhatSearch(destination: self, object: object, keyField: batch.keyField)
        let found = own.isEmpty ? try await search.find([batch.keyText(0)])[0] : .one(own)
        switch found {
        case .absent: return .attributed([.accepted], WriteTally())
        case .several: return .attributed([.rejected(RefusalText.ambiguous)], WriteTally())
        case .one(let id): return .attributed([try await delete(id: id, of: object)], WriteTally())
        }
    }

    private func delete(id: String, of object: DestinationObject) async throws(DestinationError) -> Outcome {
        let address = client.address
        let request = PlanhatRequest.delete(object.path, id: id)
        let outcome = try await client.exchange(request) { (answer) throws(DestinationError) in
            try DeleteResponse.outcome(answer, object: object, address: address)
        }
        guard let outcome else {
            try await confirmAddress(of: object)
            return .accepted
        }
        return outcome
    }

    /// `archive` and `clear`: bulk upserts of records that are there. A row is only sent under the id of a record that
    /// was found, since a key that finds nothing would make a new record.
    func change(_ batch: OperationBatch, of object: DestinationObject) async throws(DestinationError) -> BatchOutcome {
        let rows = try batch.entries.map { (entry) throws(DestinationError) in
            try RemovalRow(Array(batch.bytes[entry.payload]), kind: batch.kind, object: object, key: batch.keyField)
        }
        var outcomes: [Outcome?] = Array(repeating: nil, count: batch.count)
        var ids = rows.map(\.id)
        let unknown = ids.indices.filter { ids[$0] == nil }
        let search = PlanhatSearch(destination: self, object: object, keyField: batch.keyField)
        let found = unknown.isEmpty ? [] : try await search.find(unknown.map(batch.keyText))
        for (index, found) in zip(unknown, found) {
            switch found {
            case .absent: outcomes[index] = .accepted
            case .several: outcomes[index] = .rejected(RefusalText.ambiguous)
            case .one(let id): ids[index] = id
            }
        }
        var part = OperationBatch(kind: batch.kind, keyField: "_id")
        var places: [Int] = []
        for index in rows.indices where outcomes[index] == nil {
            guard let id = ids[index], !rows[index].isEmpty else {
                outcomes[index] = .accepted
                continue
            }
            part.append(key: id, payload: rows[index].payload(id: id))
            places.append(index)
        }
        guard part.count > 0 else { return .attributed(outcomes.map { $0 ?? .accepted }, WriteTally()) }
        switch try await upsert(part, to: object) {
        case .unattributed(let failed, let reason, let tally):
            return .unattributed(failed: failed, reason: reason, tally)
        case .attributed(let results, let tally):
            for (place, result) in zip(places, try await withoutAbsent(results, part, search)) {
                outcomes[place] = result
            }
            return .attributed(outcomes.map { $0 ?? .accepted }, tally)
        }
    }

    /// A row is also refused where its record is gone, which is all that was asked for.
    private func withoutAbsent(
        _ outcomes: [Outcome], _ batch: OperationBatch, _ search: PlanhatSearch
    ) async throws(DestinationError) -> [Outcome] {
        let refused = outcomes.indices.filter { outcomes[$0] != .accepted }
        guard !refused.isEmpty else { return outcomes }
        let absent = try await search.absent(refused.map(batch.keyText))
        var outcomes = outcomes
        for index in refused {
            if case .rejected(let reason) = outcomes[index] { outcomes[index] = .rejected(RefusalText.removal(reason)) }
        }
        for index in refused where absent.contains(batch.keyText(index)) { outcomes[index] = .accepted }
        return outcomes
    }

    /// A 404 says that a record is gone only where the address is Planhat's: asked once for each object.
    func confirmAddress(of object: DestinationObject) async throws(DestinationError) {
        guard !confirmed.contains(object.path) else { return }
        let address = client.address
        try await client.exchange(.list(object.path, limit: 1)) { (answer) throws(DestinationError) in
            // Without permission to read the object, the address is known all the same.
            guard answer.status != 403 else { return }
            _ = try RecordPages.texts(answer, address: address)
        }
        confirmed.insert(object.path)
    }
}

/// The paths that were answered as Planhat answers them.
final class ConfirmedPaths: Sendable {
    private let paths = Mutex<Set<String>>([])

    func contains(_ path: String) -> Bool { paths.withLock { $0.contains(path) } }
    func insert(_ path: String) { paths.withLock { _ = $0.insert(path) } }
}

/// The answer to one DELETE.
enum DeleteResponse {
    /// Nil for a 404. Throws where the answer says nothing about the record.
    static func outcome(
        _ answer: PlanhatAnswer, object: DestinationObject, address: String
    ) throws(DestinationError) -> Outcome? {
        switch answer.status {
        case 204: return .accepted
        case 200...299: return try success(answer)
        case 404: return nil
        case 403: throw PlanhatErrors.forbidden(answer, doing: "delete \(object.name)")
        case 400, 409, 422:
            let said = answer.saidText
            let text = said.isEmpty ? "Planhat answered \(answer.status) without a reason." : said
            let reason = RefusalText.reason(.init(list: "", value: .string(text)), object: object.name)
            return .rejected(RefusalText.removal(reason))
        default: throw PlanhatErrors.status(answer, address: address)
        }
    }

    /// `{n, ok, deletedCount}`, of which none need be one: what was gone before is gone too. Conversations answer the
    /// record that was deleted.
    private static func success(_ answer: PlanhatAnswer) throws(DestinationError) -> Outcome {
        guard let value = JSONReader.valueIfAny(answer.body), case .object = value else {
            throw PlanhatErrors.unreadable(answer, "it is not the answer to a deletion")
        }
        if value["ok"] == .number("0") || value["ok"] == .boolean(false) {
            throw PlanhatErrors.unreadable(answer, "it says that the deletion was not carried out")
        }
        guard ["deletedCount", "n", "ok", "_id"].contains(where: { value[$0] != nil }) else {
            throw PlanhatErrors.unreadable(answer, "it is not the answer to a deletion")
        }
        return .accepted
    }
}

/// One row of an archive or a clear: what is written, and Planhat's own id where it is known.
struct RemovalRow: Sendable {
    private(set) var id: String?
    /// The members but `_id`, as they stood.
    private var members = ""

    /// Whether there is nothing to write.
    var isEmpty: Bool { members.isEmpty }

    /// What Planhat needs in each record, and what finds it, is never cleared: it would refuse the whole row.
    init(
        _ payload: [UInt8], kind: OperationKind, object: DestinationObject, key: String
    ) throws(DestinationError) {
        var reader = JSONReader(payload)
        var parts: [String] = []
        var id: String?
        do throws(JSONFault) {
            try reader.eachMember { (name, reader) throws(JSONFault) in
                _ = reader.peek()
                let start = reader.position
                try reader.skipValue()
                let value = String(decoding: payload[start..<reader.position], as: UTF8.self)
                if name == "_id" {
                    id = JSONReader.valueIfAny(Array(value.utf8))?.scalarText
                } else if !Self.isKept(name, value, kind, object), name != key {
                    parts.append(JSONText.quoted(name) + ":" + value)
                }
            }
        } catch {
            throw PlanhatErrors.operationNotSupported("\(kind) without fields")
        }
        self.id = id
        members = parts.joined(separator: ",")
    }

    func payload(id: String) -> String { "{\"_id\":\(JSONText.quoted(id)),\(members)}" }

    private static func isKept(_ name: String, _ value: String, _ kind: OperationKind, _ object: DestinationObject)
        -> Bool
    {
        guard kind == .clear, value == "null" else { return false }
        return object.key(name) != nil || object.field(name)?.staysWhenCleared == true
    }
}

/// Texts as JSON.
enum JSONText {
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": out += "\\\(scalar)"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
