import ConnectorKit
import DestinationPlanhat
import TestKit
import Testing

/// Companies are read with one request where Planhat's lean list tells what is asked for, and in pages where not.
struct LeanCompaniesTests {
    private static let lean = #"""
        [{"_id":"c1","name":"One","externalId":"a1","sourceId":"s1"},{"_id":"c2","name":"Two","externalId":""},
         {"_id":"c3","externalId":3}]
        """#
    private static let listed = #"[{"_id":"p1","name":"P","externalId":"x1","sourceId":"y1","domains":["p.example"]}]"#

    private func rows(
        _ fields: [String], of object: DestinationObject = PlanhatObjects.company, times: Int = 1, lean: Reply
    ) async throws -> (rows: [[String]], paths: [String]) {
        try await Script { request in
            if request.path == "/leancompanies" { return lean }
            return .answer(200, request.query("offset") == "0" ? Self.listed : "[]")
        }.serve { server in
            var found: [[String]] = []
            let destination = try destination(server.address)
            for _ in 1...times {
                found = []
                try await destination.readRecords(of: object, fields: fields) { found += $0 }
            }
            return (found, server.requests.map(\.path))
        }
    }

    private static let pages = ["/companies", "/companies"]

    @Test func oneRequestTellsNamesAndKeys() async throws {
        let read = try await rows(["externalId", "_id"], lean: .answer(200, Self.lean))
        #expect(read.rows == [["a1", "c1"], ["", "c2"], ["3", "c3"]] && read.paths == ["/leancompanies"])
        let names = try await rows(["name", "sourceId"], lean: .answer(200, Self.lean))
        #expect(names.rows == [["One", "s1"], ["Two", ""], ["", ""]])
    }

    @Test func otherFieldsAndObjectsAreReadInPages() async throws {
        let domains = try await rows(["domains", "_id"], lean: .answer(200, Self.lean))
        #expect(domains.rows == [["p.example", "p1"]] && domains.paths == Self.pages)
        let people = try await rows(["externalId"], of: PlanhatObjects.asset, lean: .answer(200, Self.lean))
        #expect(people.rows == [["x1"]] && people.paths == ["/assets", "/assets"])
    }

    /// An answer without a key looks like companies that have none: nothing may be made because of it.
    @Test(arguments: [
        Reply.answer(200, #"[{"_id":"c1","name":"One","externalId":""},{"_id":"c2","externalId":null}]"#),
        .answer(200, "[]"), .answer(200, "{}"), .answer(200, "<html>"),
        .answer(200, #"[{"_id":"c1","externalId":"a"}"#),
        .answer(404), .answer(403), .answer(400, "no"), .answer(503), .answer(504, "<html>"),
        .answer(200, #"[{"externalId":"a1","name":""# + String(repeating: "x", count: 5 << 20) + #""}]"#),
    ])
    func pagesAreReadWhereItDoesNotTell(_ lean: Reply) async throws {
        let read = try await rows(["externalId", "_id"], times: 2, lean: lean)
        #expect(read.rows == [["x1", "p1"]])
        // It is not asked for a second time.
        #expect(read.paths == ["/leancompanies"] + Self.pages + Self.pages)
    }

    @Test(arguments: [(401, "unauthorized"), (429, "rate_limited")])
    func whatWouldBefallThePagesTooIsAnError(_ status: Int, _ code: String) async throws {
        let error = await #expect(throws: DestinationError.self) {
            _ = try await rows(["externalId"], lean: .answer(status))
        }
        #expect(error?.code == code)
    }
}
