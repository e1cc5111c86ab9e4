import ConnectorKit
import DestinationPlanhat
import Records
import TestKit
import Testing

struct PlanhatReadsTests {
    /// A list of `count` companies that never gives more than `clamp` at once.
    private static func list(_ count: Int, clamp: Int) -> Script.Decide {
        { request in
            let offset = Int(request.query("offset") ?? "") ?? 0
            let limit = min(Int(request.query("limit") ?? "") ?? 100, clamp)
            let rows = (offset..<max(offset, min(offset + limit, count))).map {
                #"{"_id":"id\#($0)","externalId":\#($0 % 10 == 3 ? "null" : "\"e\($0)\"")}"#
            }
            return .answer(200, "[" + rows.joined(separator: ",") + "]")
        }
    }

    private func keys(
        of object: DestinationObject = PlanhatObjects.company, _ script: @escaping Script.Decide
    ) async throws -> (keys: [String], requests: [ReceivedRequest]) {
        // What is read in pages; the lean list has tests of its own.
        try await Script { $0.path == "/leancompanies" ? .answer(404) : script($0) }.serve { server in
            var found: [String] = []
            try await destination(server.address).readRecords(of: object, fields: ["externalId"]) {
                found += $0.map { $0[0] }
            }
            return (found, server.requests.filter { $0.path != "/leancompanies" })
        }
    }

    @Test(arguments: [0, 1, 9, 10, 11, 25, 30])
    func everyRecordIsReadHoweverSmallThePagesAre(_ count: Int) async throws {
        let read = try await keys(Self.list(count, clamp: 10))
        #expect(read.keys == (0..<count).map { $0 % 10 == 3 ? "" : "e\($0)" })
        #expect(read.requests.allSatisfy { $0.query("limit") == "5000" && $0.query("select") == "externalId" })
    }

    @Test func archivedEndUsersAreReadToo() async throws {
        let read = try await keys(of: PlanhatObjects.endUser) { request in
            guard request.query("offset") == "0" else { return .answer(200, "[]") }
            return .answer(200, request.query("archived") == "true" ? #"[{"externalId":"b"}]"# : #"[{"externalId":7}]"#)
        }
        #expect(read.keys == ["7", "b"])
        #expect(read.requests.first?.query("limit") == "2000")
    }

    /// As documented for each list: the fewest requests that the list can be read in.
    @Test func pagesAreAsLargeAsTheObjectAllows() {
        for (object, most) in [
            (PlanhatObjects.company, 5_000), (PlanhatObjects.ticket, 10_000), (PlanhatObjects.task, 10_000),
            (PlanhatObjects.user, 10_000), (PlanhatObjects.nps, 10_000), (PlanhatObjects.churn, 1_000),
            (PlanhatObjects.endUser, 2_000), (PlanhatObjects.conversation, 2_000),
        ] {
            #expect(PlanhatDestination.pageMax(object.path) == most, "\(object.name)")
        }
    }

    @Test func serverThatIgnoresTheOffsetDoesNotHoldUsForEver() async throws {
        let error = await #expect(throws: DestinationError.self) {
            _ = try await keys { _ in .answer(200, #"[{"_id":"1","externalId":"a"}]"#) }
        }
        #expect(error?.code == "unreadable_answer")
    }

    @Test(arguments: [(401, "", "unauthorized"), (500, "", "server_error"), (200, "{}", "unreadable_answer")])
    func failedPageFailsTheReading(_ status: Int, _ body: String, _ code: String) async throws {
        let error = await #expect(throws: DestinationError.self) { _ = try await keys { _ in .answer(status, body) } }
        #expect(error?.code == code)
    }

    private func read(
        _ key: String, _ field: String, of object: DestinationObject = PlanhatObjects.company,
        _ script: @escaping Script.Decide
    ) async throws -> (record: String?, targets: [String]) {
        try await Script(script).serve { server in
            let record = try await destination(server.address).read(key: key, keyField: field, of: object)
            return (record, server.requests.map(\.target))
        }
    }

    @Test func oneRecordIsReadByEachKey() async throws {
        for (field, target) in [
            ("externalId", "/companies/extid-A%2F1"), ("sourceId", "/companies/srcid-A%2F1"),
            ("_id", "/companies/A%2F1"),
        ] {
            let found = try await read("A/1", field) { _ in .answer(200, #"{"_id":"x","name":"y"}"#) }
            #expect(found.record == #"{"_id":"x","name":"y"}"# && found.targets == [target])
        }
    }

    @Test func recordThatIsNotThereIsNil() async throws {
        #expect(try await read("1", "externalId") { _ in .answer(404, "Not Found") }.record == nil)
        #expect(try await read("1", "_id") { _ in .answer(400, "Cast to ObjectId failed") }.record == nil)
        #expect(try await read("1", "externalId") { _ in .answer(200, "null") }.record == nil)
    }

    @Test func onlyAnExactEmailCounts() async throws {
        let list = #"[{"email":"ann@x.se.com"}, {"email":"Ann@X.se","n":1}]"#
        let found = try await read("ann@x.se", "email", of: PlanhatObjects.endUser) { _ in .answer(200, list) }
        #expect(found.record == #"{"email":"Ann@X.se","n":1}"#)
        #expect(found.targets.first?.contains("email=ann%40x.se") == true)
        let none = try await read("bo@x.se", "email", of: PlanhatObjects.endUser) { request in
            .answer(200, request.query("offset") == "0" ? list : "[]")
        }
        // A look, and because of the others the whole list; the same of who is archived.
        #expect(none.record == nil && none.targets.count == 6)
        let nobody = try await read("bo@x.se", "email", of: PlanhatObjects.endUser) { _ in .answer(200, "[]") }
        #expect(nobody.record == nil && nobody.targets.count == 2)
    }

    @Test func anEmailBehindOthersIsFoundWhereTheListIsNotFiltered() async throws {
        let others = "[" + (0..<100).map { #"{"_id":"o\#($0)","email":"o\#($0)@x.se"}"# }.joined(separator: ",") + "]"
        let found = try await read("bo@x.se", "email", of: PlanhatObjects.endUser) { request in
            if request.path.hasPrefix("/endusers/e9") { return .answer(200, #"{"_id":"e9","email":"Bo@x.se"}"#) }
            return .answer(200, request.query("offset") == "0" ? others : #"[{"_id":"e9","email":"Bo@x.se"}]"#)
        }
        #expect(found.record == #"{"_id":"e9","email":"Bo@x.se"}"# && found.targets.count == 4)
    }

    @Test func customFieldsOfTheObjectBecomeFields() async throws {
        let records = """
            [{"_id":"1","name":"Plan","type":"list","parent":"company","listValues":["A","B"]},
             {"_id":"2","name":"Seats used","type":"number","parent":"Company","isMandatory":true},
             {"_id":"3","name":"Score","type":"number","parent":"company","isFormula":true},
             {"_id":"4","name":"Role","type":"text","parent":"enduser"},
             {"_id":"5","name":"CSM","type":"team member","parent":"company"},
             {"_id":"6","name":"a.b","type":"checkbox","parent":"company"},
             {"_id":"7","name":"New","type":"hologram","parent":"company"},
             {"_id":"8","type":"text","parent":"company"}]
            """
        try await Script { $0.query("offset") == "0" ? .answer(200, records) : .answer(200, "[]") }.serve {
            server in
            let destination = try destination(server.address)
            let fields = try await destination.discoveredFields(of: PlanhatObjects.company)
            #expect(
                fields.map(\.name) == [
                    "custom.CSM", "custom.New", "custom.Plan", "custom.Score", "custom.Seats used", "custom.a.b",
                ])
            #expect(fields.filter { !$0.isWritable }.map(\.name) == ["custom.Score"])
            #expect(fields.first { $0.name == "custom.Plan" }?.type == .choice(["A", "B"]))
            #expect(fields.first { $0.name == "custom.a.b" }?.type == .boolean)
            #expect(fields.first { $0.name == "custom.New" }?.type == .any)
            let people = try await destination.discoveredFields(of: PlanhatObjects.endUser)
            #expect(people.map(\.name) == ["custom.Role"])
        }
    }
}
