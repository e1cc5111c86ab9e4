import ConnectorKit
import DestinationPlanhat
import PlanhatSandbox
import Records
import TestKit
import Testing

/// The rules of a destination, kept against the sandbox, over HTTP.
@Suite struct PlanhatConformanceTests {
    /// Nothing listens there.
    private static let closedAddress = "http://127.0.0.1:1"

    /// Runs `body` beside a sandbox on a free port and ends the sandbox afterwards.
    private func withSandbox<Result: Sendable>(
        _ switches: String..., body: @escaping @Sendable (Sandbox, String) async throws -> Result
    ) async throws -> Result {
        var configuration = SandboxConfiguration()
        configuration.switches = try SandboxSwitches(switches)
        let sandbox = try Sandbox(configuration)
        let (ports, ready) = AsyncStream<Int>.makeStream()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { ready.finish() }
                try await sandbox.run { ready.yield($0) }
            }
            defer { group.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            return try await body(sandbox, "http://127.0.0.1:\(port)")
        }
    }

    @Sendable
    private static func connect(_ address: String, _ context: DestinationContext) throws -> any Destination {
        let settings = ConnectorSettings(
            name: "crm", texts: ["base_url": address],
            secrets: ["api_key": Secret(SandboxConfiguration.defaultToken)])
        return try PlanhatDestination.type.make(settings, context)
    }

    private static func suite(
        _ sandbox: Sandbox, _ address: String, _ object: DestinationObject, good: OperationBatch,
        mixed: (batch: OperationBatch, refused: Set<Int>)
    ) -> DestinationConformance {
        DestinationConformance(
            connect: { try connect(address, $0) }, connectToNothing: { try connect(closedAddress, $0) },
            object: object, good: good, mixed: mixed,
            watch: DestinationWatch(
                secrets: [SandboxConfiguration.defaultToken],
                // Asked without a connection, so that it is no request of the destination's.
                stateOfData: { sandbox.perform("GET", "/\(object.path)").body },
                requestsReceived: { sandbox.log.total }))
    }

    private static func batch(_ keyField: String, _ payloads: [(key: String, payload: String)]) -> OperationBatch {
        var batch = OperationBatch(kind: .upsert, keyField: keyField)
        for (key, payload) in payloads { batch.append(key: key, payload: payload) }
        return batch
    }

    private static func company(_ key: String, name: String?) -> (key: String, payload: String) {
        (key, name.map { #"{"externalId":"\#(key)","name":"\#($0)"}"# } ?? #"{"externalId":"\#(key)"}"#)
    }

    private static func person(_ key: String, company: String) -> (key: String, payload: String) {
        (key, #"{"email":"\#(key)","companyId":"extid-\#(company)"}"#)
    }

    @Test(arguments: ["object", "string", "anonymous", "index"])
    func companiesAreWrittenByTheRulesInEveryFormOfRefusal(form: String) async throws {
        let found = try await withSandbox("errors=\(form)") { sandbox, address in
            await Self.suite(
                sandbox, address, PlanhatObjects.company,
                good: Self.batch("externalId", ["1", "2", "3"].map { Self.company($0, name: "Company \($0)") }),
                mixed: (
                    Self.batch(
                        "externalId",
                        [
                            Self.company("m1", name: "One"), Self.company("m2", name: "Two"),
                            Self.company("m3", name: nil),
                        ]), [2]
                )
            ).violations()
        }
        #expect(found == [])
    }

    @Test func endUsersAreWrittenByTheRules() async throws {
        let found = try await withSandbox { sandbox, address in
            _ = sandbox.perform("PUT", "/companies", #"[{"externalId":"one","name":"One"}]"#)
            return await Self.suite(
                sandbox, address, PlanhatObjects.endUser,
                good: Self.batch("email", ["a@x.example", "b@x.example"].map { Self.person($0, company: "one") }),
                mixed: (
                    Self.batch(
                        "email",
                        [Self.person("c@x.example", company: "none"), Self.person("d@x.example", company: "one")]),
                    [0]
                )
            ).violations()
        }
        #expect(found == [])
    }
}
