import ConnectorKit
import DestinationPlanhat
import Records
import TestKit

let testKey = "k3y-of-the-tests/with-a-slash-0123456789"

/// A batch of companies with the given external ids, or of whatever `payloads` says.
func batch(_ keys: [String], keyField: String = "externalId") -> OperationBatch {
    var batch = OperationBatch(kind: .upsert, keyField: keyField)
    for key in keys { batch.append(key: key, payload: #"{"\#(keyField)":"\#(key)","name":"Company \#(key)"}"#) }
    return batch
}

func batch(payloads: [(key: String, payload: String)], keyField: String) -> OperationBatch {
    var batch = OperationBatch(kind: .upsert, keyField: keyField)
    for (key, payload) in payloads { batch.append(key: key, payload: payload) }
    return batch
}

func settings(_ address: String, timeout: Duration = .seconds(20)) throws -> PlanhatSettings {
    var settings = try PlanhatSettings(
        ConnectorSettings(
            name: "planhat", texts: ["base_url": address], secrets: ["api_key": Secret(testKey)]))
    settings.timeout = timeout
    return settings
}

func destination(
    _ address: String, _ watch: ContextWatch = ContextWatch(), timeout: Duration = .seconds(20)
) throws -> PlanhatDestination {
    PlanhatDestination(try settings(address, timeout: timeout), context: watch.context)
}

/// The error that one write against a server of one reply comes to.
func writeError(
    _ reply: Reply, timeout: Duration = .seconds(20), watch: ContextWatch = ContextWatch()
) async throws -> DestinationError? {
    try await Script { _ in reply }.serve { server in
        do {
            _ = try await destination(server.address, watch, timeout: timeout)
                .write(batch(["1", "2"]), to: PlanhatObjects.company)
            return nil
        } catch let error as DestinationError {
            return error
        }
    }
}

func outcome(
    _ batch: OperationBatch, _ status: Int, _ body: String, object: DestinationObject = PlanhatObjects.company
) throws(DestinationError) -> BatchOutcome {
    try PlanhatResponse.outcome(
        of: batch, object: object, answer: PlanhatAnswer(status: status, body: Array(body.utf8)),
        address: "https://api.planhat.com")
}

func envelope(
    created: Int = 0, updated: Int = 0, nonupdates: Int = 0, createdErrors: String = "[]",
    updatedErrors: String = "[]", permissionErrors: String = "[]",
    keys: (inserts: String, updates: String) = ("[]", "[]")
) -> String {
    """
    {"created":\(created),"createdErrors":\(createdErrors),"insertsKeys":\(keys.inserts),"updated":\(updated),\
    "updatedErrors":\(updatedErrors),"updatesKeys":\(keys.updates),"nonupdates":\(nonupdates),"modified":[],\
    "upsertedIds":[],"permissionErrors":\(permissionErrors)}
    """
}

/// The codes of the rejected operations by their place; nil if not attributed.
func rejected(_ outcome: BatchOutcome) -> [Int: String]? {
    guard case .attributed(let outcomes, _) = outcome else { return nil }
    var found: [Int: String] = [:]
    for (index, outcome) in outcomes.enumerated() {
        if case .rejected(let reason) = outcome { found[index] = reason.code }
    }
    return found
}
