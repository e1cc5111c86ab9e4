import ConnectorKit
import DestinationPlanhat
import Records
import Synchronization
import TestKit
import Testing

struct PlanhatConformanceTests {
    /// Enough of Planhat to accept, to find equal, and to refuse what has no name.
    private final class Store: Sendable {
        let rows = Mutex<[String: String]>([:])
        let received = Mutex(0)

        func reply(_ request: ReceivedRequest) -> Reply {
            received.withLock { $0 += 1 }
            guard request.method == "PUT" else { return .answer(200, "[]") }
            guard case .array(let sent)? = JSONReader.valueIfAny(Array(request.body.utf8)) else { return .answer(400) }
            var counts = (created: 0, updated: 0, equal: 0)
            var errors: [String] = []
            rows.withLock { rows in
                for record in sent {
                    let key = record["externalId"]?.scalarText ?? ""
                    guard record["name"]?.scalarText != nil else {
                        errors.append(#"{"message":"name is required","externalId":"\#(key)"}"#)
                        continue
                    }
                    switch rows.updateValue("\(record)", forKey: key) {
                    case nil: counts.created += 1
                    case "\(record)": counts.equal += 1
                    default: counts.updated += 1
                    }
                }
            }
            return .answer(
                errors.isEmpty ? 200 : 206,
                envelope(
                    created: counts.created, updated: counts.updated, nonupdates: counts.equal,
                    createdErrors: "[" + errors.joined(separator: ",") + "]"))
        }
    }

    @Test func planhatKeepsTheRulesOfADestination() async throws {
        let store = Store()
        let found = try await Script { store.reply($0) }.serve { server in
            let address = server.address
            var mixed = batch(["m1", "m2"])
            mixed.append(key: "m3", payload: #"{"externalId":"m3"}"#)
            return await DestinationConformance(
                connect: { try destination(address, $0) }, connectToNothing: { try destination(closedAddress, $0) },
                object: PlanhatObjects.company, good: batch(["1", "2", "3"]), mixed: (mixed, [2]),
                watch: DestinationWatch(
                    secrets: [testKey], stateOfData: { store.rows.withLock { "\($0.sorted { $0.key < $1.key })" } },
                    requestsReceived: { store.received.withLock { $0 } })
            ).violations()
        }
        #expect(found == [])
    }

    private func destination(_ address: String, _ context: DestinationContext) throws -> any Destination {
        PlanhatDestination(try settings(address), context: context)
    }
}
