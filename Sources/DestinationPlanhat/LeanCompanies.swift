internal import ConnectorKit
internal import Synchronization

/// Planhat's list of all companies in one answer, each with its name and keys: one request where the paged list takes one for
/// each 5,000. How many companies there are is told nowhere, so the answer is given up where it is larger than a few pages.
extension PlanhatDestination {
    /// Some 30,000 companies, by the bytes of a name and three ids.
    static let leanBytesMax = 4 << 20
    private static let leanFields: Set<String> = ["_id", "name", "externalId", "sourceId"]

    /// The texts of `fields` of every company, or nil where they have to be read in pages: fields that the list does not
    /// have or that no company in it has (an answer without them looks like companies without them), no companies at all, a
    /// list that Planhat does not give, or too large an answer. It is not asked for again then.
    func leanCompanies(
        _ object: DestinationObject, _ fields: [String]
    ) async throws(DestinationError) -> [[String]]? {
        guard object.name == PlanhatObjects.company.name, Self.leanFields.isSuperset(of: fields), lean.isWorthAsking
        else { return nil }
        let rows: [[String]]?
        do throws(DestinationError) {
            rows = try await client.exchange(
                PlanhatRequest(method: .get, path: "/leancompanies"), answerBytesMax: Self.leanBytesMax
            ) { (answer) throws(DestinationError) in
                switch answer.status {
                case 200...299: try Self.leanRows(answer, fields)
                // What would befall the pages too. Of a gateway that gives up on so large an answer they know nothing.
                case 401, 425, 429: throw PlanhatErrors.status(answer, address: client.address)
                default: nil
                }
            }
        } catch {
            let isOfItsSize = [
                "answer_too_large", "request_timeout", "unreadable_answer", "connection_lost",
            ].contains(error.code)
            guard isOfItsSize else { throw error }
            rows = nil
        }
        if rows == nil { lean.refuse() }
        return rows
    }

    private static func leanRows(
        _ answer: PlanhatAnswer, _ fields: [String]
    ) throws(DestinationError) -> [[String]]? {
        var unseen = Set(fields).subtracting(["_id"])
        var rows: [[String]] = []
        var reader = JSONReader(answer.body)
        do {
            try reader.eachElement { (reader) throws(JSONFault) in
                let record = try reader.value()
                for field in unseen where record[field]?.scalarText?.isEmpty == false { unseen.remove(field) }
                rows.append(fields.map { record[$0]?.scalarText ?? "" })
            }
            try reader.expectEnd()
        } catch {
            throw PlanhatErrors.unreadable(answer, "it is not a list")
        }
        return rows.isEmpty || !unseen.isEmpty ? nil : rows
    }
}

/// Whether the lean list is still worth asking for, in the life of a connection.
final class LeanList: Sendable {
    private let isRefused = Mutex(false)

    var isWorthAsking: Bool { isRefused.withLock { !$0 } }

    func refuse() { isRefused.withLock { $0 = true } }
}
