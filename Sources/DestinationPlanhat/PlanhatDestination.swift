package import ConnectorKit
package import Records

/// Writes records, activities and metrics to Planhat, and takes records away: request, wire, answer. Opens nothing
/// before it is used and holds nothing open that has to be closed.
package struct PlanhatDestination: ConnectedDestination {
    package static let objects = PlanhatObjects.all

    package static let type = DestinationType(
        PlanhatSettings.declaration, objects: objects,
        account: { (settings, object) throws(ConnectorError) in try PlanhatSettings.account(settings, object) },
        rateLimitKey: { (settings) throws(ConnectorError) in try PlanhatSettings.rateLimitKey(settings) },
        requestsAtOnceMax: PlanhatClient.requestsAtOnceMax,
        make: { (settings, context) throws(ConnectorError) in
            PlanhatDestination(try PlanhatSettings(settings), context: context)
        })

    let settings: PlanhatSettings
    let client: PlanhatClient
    let confirmed = ConfirmedPaths()
    let days = DayForm()
    let lean = LeanList()

    package init(_ settings: PlanhatSettings, context: DestinationContext) {
        self.settings = settings
        client = PlanhatClient(settings, context: context)
    }

    package func write(
        _ batch: OperationBatch, to object: DestinationObject
    ) async throws(DestinationError) -> BatchOutcome {
        let endpoint = AnalyticsEndpoint(object)
        guard Self.isSupported(batch.kind, object, endpoint) else {
            throw PlanhatErrors.operationNotSupported("\(batch.kind)")
        }
        let most = batch.kind == .send ? object.sendItemsMax ?? object.batchItemsMax : object.batchItemsMax
        guard batch.count <= most else { throw PlanhatErrors.batchTooLarge(batch.count, most) }
        guard batch.count > 0 else { return .attributed([], WriteTally()) }
        if batch.kind == .delete { return try await delete(batch, of: object) }
        if batch.kind.isRemoval { return try await change(batch, of: object) }
        let refusals = RequiredValues(object).refusals(in: batch)
        guard !refusals.isEmpty else { return try await deliver(batch, to: object, at: endpoint) }
        var rest = batch
        rest.entries = batch.entries.indices.filter { refusals[$0] == nil }.map { batch.entries[$0] }
        let outcome =
            rest.count == 0
            ? .attributed([], WriteTally()) : try await deliver(rest, to: object, at: endpoint)
        return outcome.with(refusals, count: batch.count)
    }

    private func deliver(
        _ batch: OperationBatch, to object: DestinationObject, at endpoint: AnalyticsEndpoint?
    ) async throws(DestinationError) -> BatchOutcome {
        if let endpoint { return try await send(batch, to: object, at: endpoint) }
        if batch.kind == .send { return try await create(batch, of: object) }
        return try await upsertInDayForm(batch, to: object)
    }

    private static func isSupported(
        _ kind: OperationKind, _ object: DestinationObject, _ endpoint: AnalyticsEndpoint?
    ) -> Bool {
        switch kind {
        case .upsert: endpoint == nil
        case .send: object.behaviors.contains(.send)
        case .delete: object.removals.contains(.delete)
        case .archive: object.removals.contains(.archive)
        case .clear: object.removals.contains(.clear)
        case .remember, .forget: false
        }
    }

    func upsert(_ batch: OperationBatch, to object: DestinationObject) async throws(DestinationError) -> BatchOutcome {
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
