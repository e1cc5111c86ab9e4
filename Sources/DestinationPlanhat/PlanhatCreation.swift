package import ConnectorKit
internal import NIOCore
package import Records

extension PlanhatRequest {
    /// `POST /conversations` with the payload of the batch's one operation.
    package static func create(_ batch: OperationBatch, object: DestinationObject) -> PlanhatRequest {
        let payload = batch.entries.first.map { Array(batch.bytes[$0.payload]) } ?? []
        return PlanhatRequest(method: .post, path: "/\(object.path)", body: ByteBuffer(bytes: payload))
    }
}

/// Turns the answer to the creation of one record into what became of it.
///
/// What is made here Planhat finds by its own id alone, so that a record that was made twice is there twice: what the answer
/// does not tell for certain is neither made nor refused.
package enum CreationResponse {
    /// Throws where the answer does not say what became of the record.
    package static func outcome(
        of object: DestinationObject, answer: PlanhatAnswer, address: String
    ) throws(DestinationError) -> BatchOutcome {
        switch answer.status {
        case 200...299:
            // Some answers of 201 are seen to have no body.
            let isEmpty = answer.body.allSatisfy { $0 <= 0x20 }
            let id = JSONReader.valueIfAny(answer.body)?["_id"]?.scalarText ?? ""
            guard isEmpty || !id.isEmpty else {
                throw PlanhatErrors.unreadable(answer, "it is not the record that was to be made")
            }
            var tally = WriteTally(created: 1)
            tally.ids = [isEmpty ? nil : id]
            return .attributed([.accepted], tally)
        case 400, 409, 422:
            let said = answer.saidText
            let entry = PlanhatEnvelope.Entry(
                list: "", value: .string(said.isEmpty ? "Planhat answered \(answer.status) without a reason." : said))
            return .attributed([.rejected(RefusalText.reason(entry, object: object.name))], WriteTally())
        case 403:
            // It need not be so for the next one.
            let error = PlanhatErrors.forbidden(answer, doing: "create \(object.name)")
            return .attributed([.rejected(error.reason)], WriteTally())
        default:
            throw PlanhatErrors.status(answer, address: address)
        }
    }
}

extension PlanhatDestination {
    /// Makes the one record of the batch.
    func create(_ batch: OperationBatch, of object: DestinationObject) async throws(DestinationError) -> BatchOutcome {
        do throws(DestinationError) {
            return try await client.exchange(.create(batch, object: object)) { (answer) throws(DestinationError) in
                try CreationResponse.outcome(of: object, answer: answer, address: client.address)
            }
        } catch {
            throw AnalyticsErrors.unrepeatable(error)
        }
    }
}
