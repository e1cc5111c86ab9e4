package import ConnectorKit
package import Records

/// Writes records, activities and metrics to Planhat: request, wire, answer. Opens nothing before it is used and holds
/// nothing open that has to be closed.
package struct PlanhatDestination: ConnectedDestination {
    package static let objects = PlanhatObjects.all

    package static let type = DestinationType(
        PlanhatSettings.declaration, objects: objects,
        make: { (settings, context) throws(ConnectorError) in
            PlanhatDestination(try PlanhatSettings(settings), context: context)
        })

    let settings: PlanhatSettings
    let client: PlanhatClient

    package init(_ settings: PlanhatSettings, context: DestinationContext) {
        self.settings = settings
        client = PlanhatClient(settings, context: context)
    }

    package func write(
        _ batch: OperationBatch, to object: DestinationObject
    ) async throws(DestinationError) -> BatchOutcome {
        let endpoint = AnalyticsEndpoint(object)
        guard batch.kind == (endpoint == nil ? .upsert : .send) else {
            throw PlanhatErrors.operationNotSupported("\(batch.kind)")
        }
        guard batch.count <= object.batchItemsMax else {
            throw PlanhatErrors.batchTooLarge(batch.count, object.batchItemsMax)
        }
        guard batch.count > 0 else { return .attributed([], WriteTally()) }
        if let endpoint { return try await send(batch, to: object, at: endpoint) }
        let request = PlanhatRequest.bulkUpsert(batch, object: object)
        return try await client.exchange(request) { (answer) throws(DestinationError) in
            try PlanhatResponse.outcome(of: batch, object: object, answer: answer, address: client.address)
        }
    }

    /// Rows that count each time they are sent.
    private func send(
        _ batch: OperationBatch, to object: DestinationObject, at endpoint: AnalyticsEndpoint
    ) async throws(DestinationError) -> BatchOutcome {
        let address = settings.analyticsAddress
        do throws(DestinationError) {
            return try await client.exchange(.send(batch, to: endpoint)) { (answer) throws(DestinationError) in
                try AnalyticsResponse.outcome(of: batch, object: object, answer: answer, address: address)
            }
        } catch {
            throw AnalyticsErrors.unrepeatable(error)
        }
    }
}
