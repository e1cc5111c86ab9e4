import ConnectorKit
import DestinationPlanhat
import Records
import TestKit
import Testing

/// Whether metrics in doubt have arrived is told only where Planhat shows them.
struct PlanhatReadBackTests {
    private static func metric(
        _ key: String, _ value: String = "5", _ date: String? = "2026-01-02T00:00:00.000Z", dimension: String = "seats",
        model: String? = nil
    ) -> String {
        #"{"externalId":"\#(key)","dimensionId":"\#(dimension)","value":\#(value)"#
            + (date.map { #","date":"\#($0)""# } ?? "") + (model.map { #","model":"\#($0)""# } ?? "") + "}"
    }

    private static func stored(
        _ company: String, _ value: String = "5", _ time: String = "2026-01-02T00:00:00.000Z",
        dimension: String = "seats", parent: String? = nil, model: String = "Company"
    ) -> String {
        #"{"_id":"m","dimensionId":"\#(dimension)","companyId":"\#(company)","model":"\#(model)","#
            + #""parentId":\#(parent.map { "\"\($0)\"" } ?? "null"),"value":\#(value),"time":"\#(time)"}"#
    }

    private func arrived(
        _ payloads: [String], of object: DestinationObject = PlanhatObjects.metric, stored rows: [String] = [],
        people: String = "[]"
    ) async throws -> (told: [Bool?], requests: [String]) {
        var batch = OperationBatch(kind: .send, keyField: "")
        for payload in payloads { batch.append(key: "k", payload: payload) }
        let body = "[" + rows.joined(separator: ",") + "]"
        return try await Script { request in
            switch request.path {
            case "/companies/extid-a1": .answer(200, #"{"_id":"c1","externalId":"a1"}"#)
            case "/companies/extid-a2": .answer(200, #"{"_id":"c2","externalId":"a2"}"#)
            case "/dimensiondata": .answer(200, request.query("offset") == "0" ? body : "[]")
            case "/endusers":
                .answer(200, request.query("offset") == "0" && request.query("archived") == nil ? people : "[]")
            default: request.query("limit") == nil ? .answer(404) : .answer(200, "[]")
            }
        }.serve { server in
            let told = try await destination(server.address).haveArrived(batch, object: object)
            return (told, server.requests.map(\.target))
        }
    }

    @Test func metricThatIsThereHasArrived() async throws {
        let result = try await arrived([Self.metric("a1"), Self.metric("a2")], stored: [Self.stored("c1")])
        #expect(result.told == [true, nil])
        #expect(
            result.requests.contains("/dimensiondata?limit=10000&offset=0&cId=c1&dimid=seats&from=20455&to=20455"))
    }

    @Test(arguments: [
        stored("c1", "6"), stored("c2"), stored("c1", dimension: "mails"),
        stored("c1", "5", "2026-01-03T00:00:00.000Z"),
        stored("c1", "5", "2026-01-02T10:00:00.000Z"), stored("c1", "\"5\""), stored("c1", "5", "yesterday"),
        stored("c1", parent: "e1", model: "EndUser"), "{}", "7",
    ])
    func anythingElseProvesNothing(_ row: String) async throws {
        #expect(try await arrived([Self.metric("a1")], stored: [row]).told == [nil])
    }

    @Test(arguments: ["2026-01-02", "2026-01-02T00:00:00Z", "2026-01-02T02:00:00+02:00"])
    func pointsOfTimeAreComparedNotTheirSpelling(_ date: String) async throws {
        #expect(try await arrived([Self.metric("a1", "5.0", date)], stored: [Self.stored("c1")]).told == [true])
    }

    /// Planhat answers with milliseconds and `Z`; other spellings of the same moment are as good.
    @Test(arguments: [
        "2026-01-02T00:00:00.000Z", "2026-01-02", "2026-01-02T00:00:00Z", "2026-01-02T01:00:00.000+01:00",
    ])
    func storedMomentsAreReadInEachForm(_ time: String) async throws {
        let stored = Self.stored("c1", "5", time)
        #expect(try await arrived([Self.metric("a1")], stored: [stored]).told == [true])
        #expect(try await arrived([Self.metric("a1", "5", "2026-01-02")], stored: [stored]).told == [true])
    }

    @Test func oneRowProvesOneOfTwoEqualMetrics() async throws {
        let two = [Self.metric("a1"), Self.metric("a1")]
        #expect(try await arrived(two, stored: [Self.stored("c1")]).told == [true, nil])
        #expect(try await arrived(two, stored: [Self.stored("c1"), Self.stored("c1")]).told == [true, true])
    }

    @Test func whatHasNoDateOrNoRecordCannotBeTold() async throws {
        let payloads = [Self.metric("a1", "5", nil), Self.metric("zz"), "{}", "no JSON", Self.metric("")]
        let result = try await arrived(payloads, stored: [Self.stored("c1")])
        #expect(result.told == [nil, nil, nil, nil, nil])
    }

    @Test func peopleAreToldApartByTheirCompany() async throws {
        let sent = [Self.metric("p1", model: "EndUser"), Self.metric("p2", model: "EndUser")]
        let people = """
            [{"_id":"e1","externalId":"p1","companyId":"c1"},{"_id":"e2","externalId":"p2","companyId":"c1"},\
            {"_id":"e3","externalId":"p2","companyId":"c2"}]
            """
        let rows = ["e1", "e2", "e3"].map { Self.stored("c1", parent: $0, model: "EndUser") }
        #expect(try await arrived(sent, stored: rows, people: people).told == [true, nil])
    }

    @Test func manyCompaniesAreAskedForAtOnce() async throws {
        let sent = (0..<21).map { Self.metric("a1", dimension: "d\($0)") }
        let rows = [Self.stored("c1", dimension: "d3")]
        let result = try await arrived(sent, stored: rows)
        #expect(result.told.enumerated().filter { $0.element == true }.map(\.offset) == [3])
        let lists = result.requests.filter { $0.hasPrefix("/dimensiondata") }
        #expect(lists.count >= 21 && lists.allSatisfy { !$0.contains("cId=") })
    }

    @Test func activitiesCannotBeReadBack() async throws {
        let result = try await arrived([#"{"email":"a@x.se"}"#], of: PlanhatObjects.activity)
        #expect(result.told == [nil] && result.requests.isEmpty)
    }

    @Test func refusedReadingIsAnError() async throws {
        var batch = OperationBatch(kind: .send, keyField: "")
        batch.append(key: "k", payload: Self.metric("a1"))
        let sent = batch
        let error = await #expect(throws: DestinationError.self) {
            try await Script { _ in .answer(401) }.serve { server in
                _ = try await destination(server.address).haveArrived(sent, object: PlanhatObjects.metric)
            }
        }
        #expect(error?.code == "unauthorized")
    }
}
