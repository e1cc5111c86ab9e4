import ConnectorKit
import DestinationPlanhat
import NIOCore
import NIOPosix
import Records
import TestKit
import Testing

struct PlanhatClientTests {
    struct Expected: Sendable {
        var reply: Reply
        var code: String
        var disposition: Disposition
        var isKnownUnsent: Bool
    }

    static let statuses: [(Int, String, Disposition, Bool)] = [
        (401, "unauthorized", .fixConfiguration, true), (403, "forbidden", .fixConfiguration, false),
        (404, "endpoint_not_found", .fixConfiguration, true), (408, "request_timeout", .retry(after: nil), false),
        (413, "body_too_large", .stop, true), (429, "rate_limited", .retry(after: .seconds(15)), true),
        (500, "server_error", .retry(after: nil), false), (502, "server_error", .retry(after: nil), false),
        (503, "server_error", .retry(after: nil), false), (504, "server_error", .retry(after: nil), false),
        (301, "redirected", .fixConfiguration, false), (405, "unexpected_status", .fixConfiguration, false),
    ]

    @Test(arguments: statuses)
    func statusDecidesWhatNow(_ status: Int, _ code: String, _ disposition: Disposition, _ unsent: Bool) async throws {
        let watch = ContextWatch()
        let error = try await writeError(.answer(status, "Something went wrong"), watch: watch)
        #expect(error?.code == code && error?.disposition == disposition && error?.isKnownUnsent == unsent)
        #expect(error?.hint.isEmpty == false)
        #expect(watch.exchanges.map(\.status) == [status] && watch.permits == 1)
        #expect(watch.exchanges.first?.error == code)
    }

    @Test func wrongTokenNamesBothCauses() async throws {
        let error = try await writeError(.answer(401, #"{"message":"Unauthorized"}"#))
        #expect(error?.hint.contains("key") == true && error?.hint.contains("region") == true)
        #expect(error?.message.contains("Unauthorized") == true)
    }

    static let faults: [(Reply, String)] = [
        (.closeAfterReading, "connection_lost"), (.raw("hello, this is not HTTP\r\n\r\n"), "unreadable_answer"),
        (.raw("HTTP/1.1 200 OK\r\nContent-Le"), "connection_lost"),
        (.cut(#"{"created":"#, saying: 900), "connection_lost"),
        (.answer(200, #"{"created":1,"upd"#), "unreadable_answer"), (.answer(200, ""), "unreadable_answer"),
        (.answer(204, ""), "unreadable_answer"), (.answer(200, "<html>Hello</html>"), "unreadable_answer"),
        (.answer(200, "\u{0}\u{1}"), "unreadable_answer"),
    ]

    @Test(arguments: faults)
    func faultAfterSendingLeavesItOpenWhetherItHappened(_ reply: Reply, _ code: String) async throws {
        let watch = ContextWatch()
        let error = try await writeError(reply, watch: watch)
        #expect(error?.code == code)
        #expect(error?.disposition == .retry(after: nil) && error?.isKnownUnsent == false)
        #expect(watch.permits == 1 && watch.exchanges.count == 1 && watch.exchanges.first?.error == code)
    }

    @Test func serverThatClosesBeforeReadingLeavesItOpen() async throws {
        try await Script(closesAtOnce: true) { _ in .hang }.serve { server in
            do {
                _ = try await destination(server.address).write(batch(["1"]), to: PlanhatObjects.company)
                Issue.record("written")
            } catch let error as DestinationError {
                #expect(error.code == "connection_lost" && error.disposition == .retry(after: nil))
            }
        }
    }

    @Test func answerBeyondTheLimitIsNotRead() async throws {
        let error = try await writeError(.cut("{}", saying: (64 << 20) + 1))
        #expect(error?.code == "answer_too_large" && error?.disposition == .stop)
        let atLimit = try await writeError(.cut("{}", saying: 64 << 20))
        #expect(atLimit?.code == "connection_lost")
    }

    @Test func serverThatHangsTimesOut() async throws {
        let error = try await writeError(.hang, timeout: .milliseconds(60))
        #expect(error?.code == "request_timeout" && error?.isKnownUnsent == false)
    }

    @Test func serverThatDripsTimesOutToo() async throws {
        let error = try await writeError(.drip(String(repeating: " ", count: 5_000)), timeout: .milliseconds(100))
        #expect(error?.code == "request_timeout" && error?.isKnownUnsent == false)
    }

    @Test func refusedConnectionIsKnownUnsent() async throws {
        do {
            _ = try await destination(closedAddress).write(batch(["1"]), to: PlanhatObjects.company)
            Issue.record("written")
        } catch let error as DestinationError {
            #expect(error.code == "cannot_connect" && error.isKnownUnsent && error.disposition == .retry(after: nil))
        }
    }

    @Test func hostWithoutAddressIsKnownUnsent() async throws {
        do {
            _ = try await destination("https://nowhere.invalid").write(batch(["1"]), to: PlanhatObjects.company)
            Issue.record("written")
        } catch let error as DestinationError {
            #expect(error.code == "address_not_found" && error.isKnownUnsent)
        }
    }

    @Test func serverThatDoesNotSpeakTLSIsSaidSo() async throws {
        try await Script { _ in .hang }.serve { server in
            let address = server.address.replacing("http://", with: "https://")
            do {
                _ = try await destination(address).write(batch(["1"]), to: PlanhatObjects.company)
                Issue.record("written")
            } catch let error as DestinationError {
                #expect(error.code == "tls_failed" && error.isKnownUnsent && error.disposition == .fixConfiguration)
            }
        }
    }

    @Test func cancelledWriteEndsAtOnceAndMayHaveHappened() async throws {
        try await Script { _ in .hang }.serve { server in
            let destination = try destination(server.address)
            let error = await withTaskGroup(of: DestinationError?.self) { group in
                group.addTask {
                    do throws(DestinationError) {
                        _ = try await destination.write(batch(["1"]), to: PlanhatObjects.company)
                        return nil
                    } catch {
                        return error
                    }
                }
                while server.requests.isEmpty { await Task.yield() }
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(error?.code == "cancelled" && error?.isKnownUnsent == false && error?.disposition == .stop)
        }
    }

    @Test(.timeLimit(.minutes(2))) func fewerRequestsAreOnTheirWayThanPlanhatTakesAtOnce() async throws {
        let most = PlanhatClient.requestsAtOnceMax
        #expect(most < 50)
        try await Script { _ in .hang }.serve { server in
            let destination = try destination(server.address, timeout: .seconds(100))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<most + 5 {
                    group.addTask { _ = try? await destination.write(batch(["1"]), to: PlanhatObjects.company) }
                }
                while server.requests.count < most, !Task.isCancelled { await Task.yield() }
                for _ in 0..<1_000 { await Task.yield() }
                #expect(server.requests.count == most)
                group.cancelAll()
            }
        }
    }

    @Test func requestOnTheWireIsAsDocumented() async throws {
        let watch = ContextWatch()
        try await Script { _ in .answer(200, envelope(created: 2)) }.serve { server in
            let outcome = try await destination(server.address, watch).write(
                batch(["1", "2"]), to: PlanhatObjects.company)
            #expect(rejected(outcome) == [:])
            let request = try #require(server.requests.first)
            #expect(request.method == "PUT" && request.target == "/companies")
            #expect(request.headers["authorization"] == "Bearer \(testKey)")
            #expect(request.headers["content-type"] == "application/json")
            #expect(
                request.body
                    == #"[{"externalId":"1","name":"Company 1"},{"externalId":"2","name":"Company 2"}]"#)
        }
        let exchange = try #require(watch.exchanges.first)
        #expect(exchange.isWrite && exchange.path == "/companies" && exchange.status == 200 && exchange.error == nil)
        #expect(exchange.requestBytes == exchange.requestBody.utf8.count)
        #expect(exchange.responseBody == envelope(created: 2))
    }

    /// The key goes to the main API alone, and a body says what it is; that is all.
    @Test func headersAreTheseAndNoOthers() async throws {
        let tenant = "5a6b8c0d-0e00-4000-8000-000000000001"
        let read = PlanhatRequest.list("companies", limit: 1)
        let write = PlanhatRequest.bulkUpsert(batch(["1"]), object: PlanhatObjects.company)
        let removal = PlanhatRequest.delete("companies", id: "1")
        let endpoint = try #require(AnalyticsEndpoint(PlanhatObjects.activity))
        let event = PlanhatRequest.send(batch(["1"]), to: endpoint)
        try await Script { _ in .answer(200, "[]") }.serve { server in
            let settings = try PlanhatSettings(
                ConnectorSettings(
                    name: "planhat", texts: ["base_url": server.address, "analytics_url": server.address],
                    secrets: ["api_key": Secret(testKey), "tenant_uuid": Secret(tenant)]))
            let client = PlanhatClient(settings, context: ContextWatch().context)
            for request in [read, write, removal, event] { _ = try await client.exchange(request) { _ in true } }
            let found = server.requests.map { request in
                request.headers.filter { !["host", "content-length", "connection"].contains($0.key) }
            }
            let any = ["accept": "application/json", "user-agent": "sluice"]
            let key = any.merging(["authorization": "Bearer \(testKey)"]) { $1 }
            let type = ["content-type": "application/json"]
            #expect(found == [key, key.merging(type) { $1 }, key, any.merging(type) { $1 }])
        }
    }

    @Test func redirectIsNotFollowed() async throws {
        try await Script { _ in .answer(200, envelope(created: 2)) }.serve { other in
            let reply = Reply.answer(307, "", headers: ["Location": other.address + "/companies"])
            let error = try await writeError(reply)
            #expect(error?.code == "redirected")
            #expect(other.requests.isEmpty)
        }
    }

    @Test func secretsAreTakenOutOfWhateverComesBack() async throws {
        let watch = ContextWatch()
        let escaped = testKey.replacing("/", with: "\\/")
        let body = #"{"message":"invalid token \#(testKey) or \#(escaped)"}"#
        let error = try await writeError(.answer(401, body), watch: watch)
        let texts = "\(String(describing: error)) \(watch.exchanges)"
        #expect(!texts.contains(testKey) && !texts.contains(escaped) && texts.contains("[secret]"))
    }

    @Test func secretInARefusalIsTakenOutToo() async throws {
        let watch = ContextWatch()
        let body = envelope(createdErrors: #"["token \#(testKey) is bad", "b"]"#)
        try await Script { _ in .answer(400, body) }.serve { server in
            let outcome = try await destination(server.address, watch).write(
                batch(["1", "2"]), to: PlanhatObjects.company)
            #expect(!"\(outcome)".contains(testKey) && "\(outcome)".contains("[secret]"))
        }
        #expect(!"\(watch.exchanges)".contains(testKey))
    }

    @Test func bodiesOfExchangesAreCutBetweenCharacters() async throws {
        let watch = ContextWatch()
        let name = String(repeating: "å😀", count: 10_000)
        let large = batch(payloads: [("1", #"{"externalId":"1","name":"\#(name)"}"#)], keyField: "externalId")
        let body = #"{"created":1,"note":"\#(name)"}"#
        try await Script { _ in .answer(200, body) }.serve { server in
            _ = try await destination(server.address, watch).write(large, to: PlanhatObjects.company)
        }
        let exchange = try #require(watch.exchanges.first)
        for text in [exchange.requestBody, exchange.responseBody] {
            #expect(text.utf8.count <= Exchange.bodyBytesMax && text.utf8.count > Exchange.bodyBytesMax - 4)
            #expect(!text.contains("\u{FFFD}"))
        }
        #expect(exchange.requestBytes > 60_000 && exchange.responseBytes == body.utf8.count)
    }

    @Test func largeBatchArrivesWhole() async throws {
        let keys = (0..<5_000).map { "key-\($0)" }
        let large = batch(keys)
        try await Script { _ in .answer(200, envelope(updated: 5_000)) }.serve { server in
            let outcome = try await destination(server.address).write(large, to: PlanhatObjects.company)
            #expect(rejected(outcome) == [:])
            #expect(
                server.requests.first?.body == "[" + keys.indices.map(large.payloadText).joined(separator: ",") + "]")
        }
    }

    @Test func whatCannotBeSentIsSaidBeforeAnythingLeaves() async throws {
        let watch = ContextWatch()
        let destination = try destination("http://127.0.0.1:9", watch)
        var removal = batch(["1"])
        removal.kind = .archive
        let tooMany = batch((0..<5_001).map { "\($0)" })
        for (refused, code) in [(removal, "operation_not_supported"), (tooMany, "body_too_large")] {
            do {
                _ = try await destination.write(refused, to: PlanhatObjects.company)
                Issue.record("written")
            } catch {
                #expect(error.code == code && error.isKnownUnsent)
            }
        }
        #expect(watch.permits == 0 && watch.exchanges.isEmpty)
    }
}
