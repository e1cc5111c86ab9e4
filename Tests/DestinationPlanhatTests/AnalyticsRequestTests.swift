import ConnectorKit
import DestinationPlanhat
import NIOCore
import Records
import TestKit
import Testing

let testTenant = "0F1E2D3C-4b5a-4678-9abc-def012345678"

/// An object as the destination needs it to send.
func analyticsObject(_ name: String) -> DestinationObject {
    DestinationObject(
        name: name, displayName: name, path: name, keys: [], behaviors: [.send], fields: [], batchItemsMax: 5_000,
        batchBytesMax: 8 << 20, repeatable: .never)
}

func metrics(_ rows: [(record: String, dimension: String, date: String)]) -> OperationBatch {
    var batch = OperationBatch(kind: .send, keyField: "")
    for row in rows {
        batch.append(
            key: #"["\#(row.record)","\#(row.dimension)","\#(row.date)"]"#,
            payload:
                #"{"externalId":"\#(row.record)","dimensionId":"\#(row.dimension)","date":"\#(row.date)","value":1}"#)
    }
    return batch
}

func activities(_ emails: [String]) -> OperationBatch {
    var batch = OperationBatch(kind: .send, keyField: "")
    for (index, email) in emails.enumerated() {
        batch.append(key: "event-\(index)", payload: #"{"email":"\#(email)","action":"login"}"#)
    }
    return batch
}

func analyticsDestination(
    main: String = closedAddress, _ analytics: String, tenant: String? = testTenant,
    _ watch: ContextWatch = ContextWatch(), timeout: Duration = .seconds(20)
) throws(ConnectorError) -> PlanhatDestination {
    var secrets = ["api_key": Secret(testKey)]
    secrets["tenant_uuid"] = tenant.map { Secret($0) }
    var settings = try PlanhatSettings(
        ConnectorSettings(
            name: "planhat", texts: ["base_url": main, "analytics_url": analytics], secrets: secrets))
    settings.timeout = timeout
    return PlanhatDestination(settings, context: watch.context)
}

struct AnalyticsRequestTests {
    private let rows = metrics([("A", "seats", "2024-01-30"), ("B", "seats", "2024-01-30")])

    /// The error of one send of two metrics to a server of one reply, and what was seen of it.
    private func sendError(
        _ reply: Reply, timeout: Duration = .seconds(20), watch: ContextWatch = ContextWatch()
    ) async throws -> DestinationError? {
        try await Script { _ in reply }.serve { server in
            do throws(DestinationError) {
                _ = try await analyticsDestination(server.address, watch, timeout: timeout)
                    .write(rows, to: analyticsObject("metric"))
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func pathIsShownWithoutTheTenant() {
        let metric = AnalyticsEndpoint(analyticsObject("metric"))
        let activity = AnalyticsEndpoint(analyticsObject("activity"))
        #expect(metric.map { PlanhatRequest.send(rows, to: $0).path } == "/dimensiondata/{tenant}")
        #expect(activity.map { PlanhatRequest.send(rows, to: $0).path } == "/analytics/bulk/{tenant}")
        #expect(AnalyticsEndpoint(PlanhatObjects.company) == nil)
    }

    @Test func exactlyTheObjectsThatCanOnlyBeSentGoToTheAnalyticsHost() {
        for object in PlanhatObjects.all {
            #expect((AnalyticsEndpoint(object) != nil) == (object.behaviors == [.send]), "\(object.name)")
        }
    }

    @Test func rowsGoToTheAnalyticsHostWithoutTheKeyAndWithoutAPermit() async throws {
        let watch = ContextWatch()
        let reply = Reply.answer(200, #"{"processed":2,"errors":[]}"#, headers: ["X-RateLimit-Remaining": "1"])
        try await Script { _ in reply }.serve { server in
            let destination = try analyticsDestination(server.address, watch)
            let metrics = try await destination.write(rows, to: analyticsObject("metric"))
            let events = try await destination.write(activities(["a@x.se", "b@x.se"]), to: analyticsObject("activity"))
            #expect(rejected(metrics) == [:] && rejected(events) == [:])
            #expect(
                server.requests.map(\.target) == ["/dimensiondata/\(testTenant)", "/analytics/bulk/\(testTenant)"])
            for request in server.requests {
                #expect(request.method == "POST" && request.headers["content-type"] == "application/json")
                #expect(request.headers["authorization"] == nil)
                #expect(!"\(request)".contains(testKey))
            }
            #expect(
                server.requests.last?.body
                    == #"[{"email":"a@x.se","action":"login"},{"email":"b@x.se","action":"login"}]"#)
        }
        #expect(watch.permits == 0 && watch.notices.isEmpty)
        #expect(watch.exchanges.map(\.path) == ["/dimensiondata/{tenant}", "/analytics/bulk/{tenant}"])
        #expect(watch.exchanges.allSatisfy { $0.isWrite && $0.method == "POST" && $0.error == nil })
    }

    @Test func missingTenantIsSaidBeforeAnythingLeaves() async throws {
        let watch = ContextWatch()
        for tenant in [nil, "", "  "] {
            do throws(DestinationError) {
                _ = try await analyticsDestination(closedAddress, tenant: tenant, watch)
                    .write(rows, to: analyticsObject("metric"))
                Issue.record("written")
            } catch {
                #expect(error.code == "tenant_uuid_missing" && error.isKnownUnsent)
                #expect(error.disposition == .fixConfiguration)
                #expect(error.hint.contains("`tenant_uuid`") && error.hint.contains("Developer"))
            }
        }
        #expect(watch.exchanges.isEmpty && watch.permits == 0)
    }

    @Test func eachObjectTakesItsOwnKindOnly() async throws {
        let destination = try analyticsDestination(closedAddress)
        var upsert = rows
        upsert.kind = .upsert
        for (batch, object) in [(upsert, analyticsObject("metric")), (rows, PlanhatObjects.company)] {
            do throws(DestinationError) {
                _ = try await destination.write(batch, to: object)
                Issue.record("written")
            } catch {
                #expect(error.code == "operation_not_supported" && error.isKnownUnsent)
            }
        }
        var none = rows
        none.entries = []
        #expect(
            try await destination.write(none, to: analyticsObject("metric")) == .attributed([], WriteTally()))
    }

    static let lost: [(Reply, String)] = [
        (.hang, "request_timeout"), (.closeAfterReading, "connection_lost"), (.answer(500), "server_error"),
        (.cut("{", saying: 900), "connection_lost"), (.answer(200, "{"), "unreadable_answer"),
    ]

    @Test(arguments: lost)
    func lostAnswerLeavesItOpenAndSaysThatItIsNotRepeated(_ reply: Reply, _ code: String) async throws {
        let watch = ContextWatch()
        let error = try await sendError(
            reply, timeout: code == "request_timeout" ? .milliseconds(200) : .seconds(20), watch: watch)
        #expect(error?.code == code && error?.isKnownUnsent == false)
        #expect(error?.hint.contains("--in-doubt") == true)
        #expect(watch.exchanges.map(\.error) == [code])
    }

    @Test func hostThatCannotBeReachedIsKnownUnsentAndNamesItsSetting() async throws {
        do throws(DestinationError) {
            _ = try await analyticsDestination("http://nowhere.invalid").write(rows, to: analyticsObject("metric"))
            Issue.record("written")
        } catch {
            #expect(error.code == "address_not_found" && error.isKnownUnsent)
            #expect(error.hint.contains("`analytics_url`") && error.message.contains("nowhere.invalid"))
        }
    }

    @Test func cancelledRunSendsNothing() async throws {
        let watch = ContextWatch()
        let destination = try analyticsDestination(closedAddress, watch)
        let error = await withTaskGroup(of: DestinationError?.self) { group in
            group.cancelAll()
            group.addTask {
                do throws(DestinationError) {
                    _ = try await destination.write(rows, to: analyticsObject("metric"))
                    return nil
                } catch {
                    return error
                }
            }
            return await group.next() ?? nil
        }
        #expect(error?.code == "cancelled" && error?.isKnownUnsent == true && watch.exchanges.isEmpty)
    }

    /// Whatever the server repeats: in its own spelling, in an error, in a refusal.
    @Test(arguments: [200, 400, 404, 500])
    func tenantStandsInNothingThatIsKept(_ status: Int) async throws {
        let watch = ContextWatch()
        let usual = testTenant.lowercased()
        let body = #"{"message":"tenant \#(testTenant)","errors":["no tenant \#(usual)"]}"#
        var texts = ""
        try await Script { _ in .answer(status, body) }.serve { server in
            do throws(DestinationError) {
                let outcome = try await analyticsDestination(server.address, watch)
                    .write(rows, to: analyticsObject("metric"))
                texts = "\(outcome)"
            } catch {
                texts = "\(error)"
            }
        }
        let seen = "\(texts) \(watch.exchanges)".lowercased()
        #expect(!texts.isEmpty && watch.exchanges.count == 1)
        #expect(!seen.contains(usual) && !seen.contains(testKey) && seen.contains("[secret]"))
    }

    @Test func destinationItselfDoesNotShowTheTenant() throws {
        var dumped = ""
        let destination = try analyticsDestination(closedAddress)
        dump(destination, to: &dumped)
        #expect(!"\(destination) \(dumped)".lowercased().contains(testTenant.lowercased()))
        #expect(dumped.contains(closedAddress))
    }

    @Test func checkLooksAtTheTenantWithoutShowingOrSendingIt() async throws {
        for (tenant, words, warned) in [
            (testTenant, "set", false), (nil, "cannot be sent", false),
            ("0f1e2d3c4b5a46789abcdef012345678", "UUID", true),
            (testTenant.replacing("F", with: "g"), "UUID", true),
        ] {
            let watch = ContextWatch()
            let report = try await Script { _ in .answer(200, "[]") }.serve { server in
                let report = try await analyticsDestination(main: server.address, server.address, tenant: tenant, watch)
                    .check()
                #expect(server.requests.allSatisfy { $0.method == "GET" })
                return report
            }
            #expect(report.isOK && report.steps.last?.step == "tenant UUID")
            #expect(report.steps.last?.message.contains(words) == true)
            #expect(report.warnings.contains { $0.code == "tenant_uuid_malformed" } == warned)
            if let tenant { #expect(!"\(report) \(watch.exchanges)".contains(tenant)) }
        }
    }
}
