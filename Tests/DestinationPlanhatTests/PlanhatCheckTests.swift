import ConnectorKit
import DestinationPlanhat
import Records
import Synchronization
import TestKit
import Testing

struct PlanhatCheckTests {
    private func check(_ script: @escaping Script.Decide) async throws -> (ConnectionReport, [ReceivedRequest]) {
        try await Script(script).serve { server in
            (try await destination(server.address).check(), server.requests)
        }
    }

    @Test func workingConnectionPassesEveryStepAndChangesNothing() async throws {
        let (report, requests) = try await check { _ in .answer(200, "[]") }
        #expect(report.isOK)
        #expect(
            report.steps.map(\.step) == [
                "address understood", "address resolves", "connection", "TLS", "token accepted", "may read companies",
                "may read end users", "may read users", "may read custom fields",
                "tenant UUID",
            ])
        #expect(requests.allSatisfy { $0.method == "GET" && $0.query("limit") == "1" && $0.query("select") == "_id" })
        // The key of these tests is short; that it is accepted says that it is whole.
        #expect(report.warnings.isEmpty)
    }

    @Test func eachStepIsToldAsItBeginsWithWhatWasFoundBefore() async throws {
        let told = Mutex<[ConnectionReport]>([])
        let report = try await Script { _ in .answer(200, "[]") }.serve { server in
            try await destination(server.address).check { new in told.withLock { $0.append(new) } }
        }
        let all = told.withLock { $0 }
        #expect(
            all.map(\.running) == [
                "connection", "may read end users", "may read users", "may read custom fields",
            ])
        #expect(all.map(\.steps.count) == [1, 6, 7, 8] && report.running == nil)
    }

    @Test func whatOnlyLooksRightHasNotPassed() async throws {
        let (report, _) = try await check { _ in .answer(200, "[]") }
        #expect(report.steps.filter { !$0.isTried }.map(\.step) == ["tenant UUID"])
        // It says where the setting is found.
        let tenant = report.steps.last?.message ?? ""
        #expect(tenant.contains("`tenant_uuid` is not set") && tenant.contains("App Center, Developer"), "\(tenant)")
        #expect(report.steps.allSatisfy { $0.warnings.isEmpty })
        // To this machine itself nothing need be encrypted.
        #expect(report.steps.first { $0.step == "TLS" }?.message.hasPrefix("not needed") == true)
    }

    @Test func unknownTokenFailsAtItsStep() async throws {
        let (report, requests) = try await check { _ in .answer(401) }
        #expect(!report.isOK && report.steps.last?.step == "token accepted" && requests.count == 1)
        #expect(report.steps.last?.hint.contains("region") == true)
        #expect(report.steps.last?.warnings.map(\.code) == ["api_key_short"])
    }

    @Test func missingPermissionIsAWarning() async throws {
        let (report, _) = try await check {
            $0.path == "/users" || $0.path == "/companies" ? .answer(403) : .answer(200, "[]")
        }
        #expect(report.isOK)
        #expect(report.warnings.filter { $0.code == "forbidden" }.count == 2)
        let step = report.steps.first { $0.step == "may read users" }
        #expect(step?.message == "no" && step?.warnings.map(\.code) == ["forbidden"])
    }

    @Test func missingPermissionIsNamedByObjectAndByTheAnswersWords() async throws {
        let body = #"{"permissionErrors":[{"message":"Missing permission: enduser.view"}]}"#
        let (report, _) = try await check { $0.path == "/endusers" ? .answer(403, body) : .answer(200, "[]") }
        let warning = report.warnings.first { $0.code == "forbidden" }
        #expect(report.isOK)
        #expect(
            warning?.message == "The API key may not read end users (403). It said: Missing permission: enduser.view")
    }

    @Test func brokenServerFailsTheCheck() async throws {
        for (reply, step) in [(Reply.answer(500), "token accepted"), (.answer(200, "hello"), "token accepted")] {
            let (report, _) = try await check { _ in reply }
            #expect(!report.isOK && report.steps.last?.step == step)
        }
        let (report, _) = try await check { $0.path == "/endusers" ? .answer(500) : .answer(200, "[]") }
        #expect(!report.isOK && report.steps.last?.step == "may read end users")
    }

    @Test func closedPortAndUnknownHostFailAtTheirSteps() async throws {
        #expect(try await destination(closedAddress).check().steps.last?.step == "connection")
        let report = try await destination("http://nowhere.invalid").check()
        #expect(report.steps.last?.step == "address resolves" && !report.isOK)
    }
}
