import Foundation
import Hummingbird
import HummingbirdTesting
import NIOCore
import PlanhatSandbox
import Synchronization
import Testing

@Suite struct ServerTests {
    /// Serves on a free port while `body` runs.
    private func serve(
        rules: [String] = [],
        switches: [String] = [],
        perMinute: Int? = nil,
        latency: Duration = .zero,
        _ body: @escaping @Sendable (Sandbox, Int) async throws -> Void
    ) async throws {
        var configuration = SandboxConfiguration()
        configuration.failRules = try SandboxConfiguration.failRules(rules)
        configuration.switches = try SandboxSwitches(switches)
        configuration.requestsPerMinute = perMinute
        configuration.latency = latency
        let sandbox = try Sandbox(configuration)
        let (ports, ready) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandbox.run { ready.yield($0) } }
            for await port in ports {
                try await body(sandbox, port)
                break
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private static let token = SandboxConfiguration.defaultToken

    private func send(
        _ port: Int,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        authorization: String? = "Bearer \(ServerTests.token)",
        timeout: Duration = .seconds(5)
    ) async throws -> (Answer, HTTPFields) {
        var headers = HTTPFields()
        if let authorization { headers[.authorization] = authorization }
        let fields = headers
        return try await TestClient.withClient(
            host: "127.0.0.1", port: port, configuration: .init(timeout: timeout)
        ) { client in
            let response = try await client.execute(
                .init(
                    path, method: method, authority: "localhost:\(port)", headers: fields,
                    body: ByteBuffer(string: body)))
            let text = response.body.map { String(buffer: $0) } ?? ""
            return (Answer(status: response.status.code, body: text), response.headers)
        }
    }

    private func value(_ fields: HTTPFields, _ name: String) -> String? {
        fields.first { $0.name.canonicalName == name.lowercased() }?.value
    }

    @Test func tokenIsAskedForOnEveryPath() async throws {
        try await serve { (_, port) async throws -> Void in
            for path in ["/companies", "/nothing", "/.well-known/x", "/companies/extid-a"] {
                #expect(try await send(port, .get, path, authorization: nil).0.status == 401)
                #expect(try await send(port, .get, path, authorization: "Bearer wrong").0.status == 401)
            }
            let basic = Data("\(Self.token):".utf8).base64EncodedString()
            let noColon = Data(Self.token.utf8).base64EncodedString()
            #expect(try await send(port, .get, "/companies", authorization: "Basic \(basic)").0.status == 200)
            #expect(try await send(port, .get, "/companies", authorization: "Basic \(noColon)").0.status == 401)
            #expect(try await send(port, .get, "/companies", authorization: "Basic ???").0.status == 401)
            #expect(try await send(port, .get, "/companies", authorization: "bearer  \(Self.token)").0.status == 200)
            #expect(try await send(port, .get, "/nothing").0.status == 404)
        }
    }

    @Test func rowsArriveOverHTTP() async throws {
        try await serve { sandbox, port in
            let rows = (0..<5_000).map { #"{"externalId":"\#($0)","name":"N"}"# }.joined(separator: ",")
            let (answer, _) = try await send(port, .put, "/companies", "[\(rows)]")
            #expect(answer.status == 200)
            #expect(answer.number("created") == 5_000)
            #expect(sandbox.log.counts == ["PUT /companies 200": 1])
            #expect(sandbox.log.newest.first?.rows.created == 5_000)
            let (state, _) = try await send(port, .get, "/_sandbox/state", authorization: nil)
            #expect((state.object["counts"] as? [String: Int])?["companies"] == 5_000)
            #expect(state.number("requests") == 1)
            let (records, _) = try await send(port, .get, "/_sandbox/records/companies", authorization: nil)
            let lines = records.body.split(separator: "\n")
            #expect(lines.count == 5_000)
            #expect(try lines.allSatisfy { try JSONSerialization.jsonObject(with: Data($0.utf8)) is [String: Any] })
            #expect(try await send(port, .post, "/_sandbox/reset", authorization: nil).0.status == 200)
            #expect(sandbox.store.count(of: "companies") == 0)
        }
    }

    @Test func lookingInsideNeedsALoopbackName() async throws {
        try await serve { _, port in
            try await TestClient.withClient(host: "127.0.0.1", port: port) { client in
                let response = try await client.execute(
                    .init("/_sandbox/state", method: .get, authority: "evil.example", headers: [:], body: nil))
                #expect(response.status.code == 403)
            }
            #expect(try await send(port, .get, "/_sandbox/nothing", authorization: nil).0.status == 404)
            #expect(try await send(port, .get, "/_sandbox/records/nothing", authorization: nil).0.status == 404)
        }
    }

    @Test func tooManyRequestsAre429WithHeaders() async throws {
        try await serve(perMinute: 2) { _, port in
            let (_, first) = try await send(port, .get, "/companies")
            #expect(value(first, "X-RateLimit-Limit") == "2")
            #expect(value(first, "X-RateLimit-Remaining") == "1")
            #expect(value(first, "X-Rate-Limit-Remaining") == "1")
            #expect(try await send(port, .get, "/nothing").0.status == 404)
            let (answer, headers) = try await send(port, .get, "/companies")
            #expect(answer.status == 429)
            #expect(value(headers, "X-RateLimit-Remaining") == "0")
            #expect((value(headers, "Retry-After").flatMap { Int($0) } ?? 0) > 0)
            #expect(value(headers, "X-RateLimit-Reset") != nil)
        }
    }

    @Test func everyAnswerNamesTheQuotaAlsoWhereNothingIsCounted() async throws {
        try await serve { _, port in
            for path in ["/companies", "/nothing", "/companies"] {
                let (_, headers) = try await send(port, .get, path)
                #expect(value(headers, "X-RateLimit-Limit") == "200" && value(headers, "X-Rate-Limit-Limit") == "200")
                #expect(value(headers, "X-RateLimit-Remaining") == "199" && value(headers, "X-RateLimit-Reset") == "60")
                #expect(value(headers, "Retry-After") == nil)
            }
            let unknown = try await send(port, .get, "/companies", authorization: nil)
            #expect(unknown.0.status == 401 && value(unknown.1, "X-RateLimit-Limit") == "200")
        }
    }

    /// Analytics is not under the quota, and names it as every answer does.
    @Test func analyticsNamesTheQuotaAndUsesNothingOfIt() async throws {
        try await serve(rules: ["status=503 path=/dimensiondata"], perMinute: 2) { _, port in
            for path in [
                "/analytics/bulk/\(SandboxConfiguration.defaultTenantUUID)", "/analytics/nobody", "/dimensiondata/x",
            ] {
                let (_, headers) = try await send(port, .post, path, "[]", authorization: nil)
                #expect(value(headers, "X-RateLimit-Limit") == "2" && value(headers, "X-Rate-Limit-Remaining") == "1")
            }
            let (answer, headers) = try await send(port, .get, "/companies")
            #expect(answer.status == 200 && value(headers, "X-RateLimit-Remaining") == "1")
        }
    }

    @Test func retryAfterCanBeLeftOut() async throws {
        try await serve(switches: ["retry-after=omit"], perMinute: 1) { _, port in
            _ = try await send(port, .get, "/companies")
            let (answer, headers) = try await send(port, .get, "/companies")
            #expect(answer.status == 429)
            #expect(value(headers, "Retry-After") == nil)
        }
    }

    @Test func statusRuleStrikesAsOftenAsItSays() async throws {
        try await serve(rules: ["status=503 every=2 method=GET", "status=429 times=1 method=PUT retry-after=7"]) {
            sandbox, port in
            var statuses: [Int] = []
            for _ in 0..<4 { statuses.append(try await send(port, .get, "/companies").0.status) }
            #expect(statuses == [200, 503, 200, 503])
            let (answer, headers) = try await send(port, .put, "/companies", #"[{"name":"A"}]"#)
            #expect(answer.status == 429)
            #expect(value(headers, "Retry-After") == "7")
            #expect(sandbox.store.count(of: "companies") == 0)
            #expect(try await send(port, .put, "/companies", #"[{"name":"A"}]"#).0.status == 200)
        }
    }

    @Test func processedStatusWritesAndThenFails() async throws {
        try await serve(rules: ["status=504 processed times=1"]) { sandbox, port in
            #expect(try await send(port, .put, "/companies", #"[{"externalId":"a","name":"A"}]"#).0.status == 504)
            #expect(sandbox.store.count(of: "companies") == 1)
            let (again, _) = try await send(port, .put, "/companies", #"[{"externalId":"a","name":"A"}]"#)
            #expect(again.number("nonupdates") == 1)
        }
    }

    @Test(arguments: [("drop-before", 0), ("drop-after", 1)])
    func droppedConnectionGivesNoAnswer(_ action: String, _ written: Int) async throws {
        try await serve(rules: ["\(action) times=1"]) { (sandbox, port) async throws -> Void in
            await #expect(throws: (any Error).self) {
                _ = try await send(port, .put, "/companies", #"[{"name":"A"}]"#)
            }
            #expect(sandbox.store.count(of: "companies") == written)
            #expect(sandbox.log.counts == ["PUT /companies dropped": 1])
            #expect(try await send(port, .put, "/companies", #"[{"name":"A"}]"#).0.status == 200)
        }
    }

    @Test func cutAnswerEndsInTheMiddle() async throws {
        try await serve(rules: ["cut-answer times=1"]) { sandbox, port in
            await #expect(throws: (any Error).self) {
                _ = try await send(port, .put, "/companies", #"[{"name":"A"}]"#)
            }
            #expect(sandbox.store.count(of: "companies") == 1)
        }
    }

    @Test func analyticsNeedNoTokenAndHaveNoRateLimit() async throws {
        try await serve(rules: ["status=503 times=1 path=/dimensiondata"], perMinute: 1) { sandbox, port in
            let tenant = SandboxConfiguration.defaultTenantUUID
            _ = try await send(port, .put, "/companies", #"[{"externalId":"a","name":"A"}]"#)
            let row = #"[{"dimensionId":"d","value":1,"externalId":"a"}]"#
            var statuses: [Int] = []
            for authorization in [nil, "Bearer wrong", "Basic \(Data("\(tenant):".utf8).base64EncodedString())"] {
                statuses.append(
                    try await send(port, .post, "/dimensiondata/\(tenant)", row, authorization: authorization).0.status)
            }
            #expect(statuses == [503, 200, 200])
            #expect(try await send(port, .post, "/dock/segment", "[]", authorization: nil).0.status == 404)
            let basic = "Basic \(Data("\(tenant):".utf8).base64EncodedString())"
            #expect(try await send(port, .post, "/dock/segment", "[]", authorization: basic).0.status == 200)
            #expect(sandbox.log.counts["POST /dimensiondata/{tenant} 200"] == 2)
            let (state, _) = try await send(port, .get, "/_sandbox/state", authorization: nil)
            #expect((state.object["counts"] as? [String: Int])?["metrics"] == 2)
            let rows = state.object["rows"] as? [String: [String: Int]]
            #expect(rows?["metrics"]?["received"] == 2 && rows?["metrics"]?["sent_again"] == 1)
            #expect((state.object["sent_again"] as? [String: Int])?.values.first == 2)
            let (lines, _) = try await send(port, .get, "/_sandbox/records/metrics", authorization: nil)
            #expect(lines.body.split(separator: "\n").count == 2)
            let (page, _) = try await send(port, .get, "/", authorization: nil)
            #expect(page.body.contains("/metrics-page"))
            let (metrics, _) = try await send(port, .get, "/metrics-page", authorization: nil)
            #expect(metrics.status == 200 && metrics.body.contains("Sent more than once"))
        }
    }

    @Test(arguments: [
        ("message", #"{"message":"Unauthorized"}"#), ("error", #"{"error":"Unauthorized"}"#), ("text", "Unauthorized"),
        ("empty", ""),
    ])
    func refusalsSayWhatTheSwitchSays(_ form: String, _ body: String) async throws {
        try await serve(switches: ["bodies=\(form)"]) { (_, port) async throws -> Void in
            #expect(try await send(port, .get, "/companies", authorization: nil).0.body == body)
        }
    }

    @Test(arguments: [("both", true, true), ("new", true, false), ("old", false, true), ("none", false, false)])
    func limitHeadersAreSpelledAsTheSwitchSays(_ form: String, _ new: Bool, _ old: Bool) async throws {
        try await serve(switches: ["limit-headers=\(form)"], perMinute: 5) { _, port in
            for authorization in ["Bearer \(SandboxConfiguration.defaultToken)", nil] {
                let (_, headers) = try await send(port, .get, "/companies", authorization: authorization)
                #expect((value(headers, "X-RateLimit-Limit") != nil) == new)
                #expect((value(headers, "X-Rate-Limit-Limit") != nil) == old)
            }
        }
    }

    @Test func drippingAnswerComesWholeInTheEnd() async throws {
        try await serve(rules: ["drip seconds=0.1"]) { _, port in
            let taken = try await ContinuousClock().measure {
                let (answer, _) = try await send(port, .put, "/companies", #"[{"externalId":"a","name":"A"}]"#)
                #expect(answer.number("created") == 1)
            }
            #expect(taken >= .milliseconds(100))
        }
    }

    @Test func htmlIsNotJSON() async throws {
        try await serve(rules: ["html status=502"]) { _, port in
            let (answer, headers) = try await send(port, .get, "/companies")
            #expect(answer.status == 502)
            #expect(answer.body.hasPrefix("<!DOCTYPE html>"))
            #expect(headers[.contentType]?.hasPrefix("text/html") == true)
        }
    }

    @Test func hangAnswersLate() async throws {
        try await serve(
            rules: ["hang seconds=0.05 times=1", "hang-before seconds=0.05 after=1 times=1"], latency: .milliseconds(1)
        ) { _, port in
            let clock = ContinuousClock()
            for _ in 0..<2 {
                let taken = try await clock.measure { _ = try await send(port, .get, "/companies") }
                #expect(taken >= .milliseconds(50))
            }
        }
    }

    @Test func endIsQuickWhileARequestHangsAndAConnectionIsIdle() async throws {
        let clock = ContinuousClock()
        let taken = try await clock.measure {
            let idle = Mutex<TestClient?>(nil)
            try await serve(rules: ["hang seconds=60 method=PUT"]) { sandbox, port in
                let client = TestClient(host: "127.0.0.1", port: port)
                client.connect()
                _ = try await client.execute(.init("/companies", method: .get, authority: "localhost"))
                let hanging = TestClient(host: "127.0.0.1", port: port)
                hanging.connect()
                let headers: HTTPFields = [.authorization: "Bearer \(Self.token)"]
                try await hanging.executeAndDontWaitForResponse(
                    .init(
                        "/companies",
                        method: .put,
                        authority: "localhost",
                        headers: headers,
                        body: ByteBuffer(string: #"[{"name":"A"}]"#)
                    )
                )
                while sandbox.store.count(of: "companies") == 0 { try await Task.sleep(for: .milliseconds(1)) }
                idle.withLock { $0 = client }
            }
        }
        #expect(taken < .seconds(20))
    }

    @Test func addressInUseIsTold() async throws {
        try await serve { _, port in
            var configuration = SandboxConfiguration()
            configuration.port = port
            let second = try Sandbox(configuration)
            let error = await #expect(throws: SandboxError.self) { try await second.run() }
            #expect(error?.code == "sandbox_address_in_use")
        }
    }

    @Test func pagesShowWhatArrivedEscaped() async throws {
        try await serve { _, port in
            _ = try await send(
                port, .put, "/companies",
                #"[{"externalId":"a","name":"<script>alert(1)</script>","custom":{"A&B":"\"q\""}}]"#)
            let (page, headers) = try await send(port, .get, "/", authorization: nil)
            #expect(page.status == 200)
            #expect(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
            #expect(!page.body.contains("<script"))
            #expect(page.body.contains("A&amp;B: &quot;q&quot;"))
            #expect(headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
            #expect(page.body.contains("PUT /companies"))
            let (style, styleHeaders) = try await send(port, .get, "/style.css", authorization: nil)
            #expect(style.status == 200)
            #expect(styleHeaders[.contentType]?.hasPrefix("text/css") == true)
        }
    }

    @Test func recordPagesAreNumbered() async throws {
        try await serve { _, port in
            let rows = (0..<120).map { #"{"externalId":"e\#($0)","name":"N"}"# }.joined(separator: ",")
            _ = try await send(port, .put, "/companies", "[\(rows)]")
            let (second, _) = try await send(port, .get, "/companies-page?page=2", authorization: nil)
            #expect(second.body.contains(">e50<") && second.body.contains(">e99<") && !second.body.contains(">e100<"))
            #expect(second.body.contains("page=1") && second.body.contains("page=3"))
            let (beyond, _) = try await send(port, .get, "/companies-page?page=99", authorization: nil)
            #expect(beyond.body.contains("page 3 of 3"))
            #expect(try await send(port, .get, "/endusers-page", authorization: nil).0.body.contains("Nothing yet"))
        }
    }
}
