package import ConnectorKit
package import Records

/// The two places of Planhat's analytics host that take what is sent, not kept by key.
package enum AnalyticsEndpoint: Sendable, Hashable {
    case activities
    case metrics

    /// Nil for every object that the main API takes.
    package init?(_ object: DestinationObject) {
        switch object.name {
        case "activity": self = .activities
        case "metric": self = .metrics
        default: return nil
        }
    }

    /// The path as people may see it: the tenant UUID is a secret and is put in on the wire alone.
    var path: String {
        switch self {
        case .activities: "/analytics/bulk/" + PlanhatRequest.tenantMark
        case .metrics: "/dimensiondata/" + PlanhatRequest.tenantMark
        }
    }
}

extension PlanhatRequest {
    /// Stands in a path for the tenant UUID.
    static let tenantMark = "{tenant}"

    /// `POST /analytics/bulk/{tenant}` or `POST /dimensiondata/{tenant}` with a JSON array of the payloads.
    package static func send(_ batch: OperationBatch, to endpoint: AnalyticsEndpoint) -> PlanhatRequest {
        PlanhatRequest(method: .post, path: endpoint.path, body: array(of: batch), host: .analytics)
    }
}
