import ConnectorKit
import DestinationPlanhat
import Records
import TestKit
import Testing

/// Notes and time entries are made by requests of their own, none of which is ever sent twice.
struct CreationTests {
    private static let made = #"{"_id":"n1","subject":"S","type":"note","__v":0}"#

    private static func note(_ payload: String = #"{"type":"note","companyId":"extid-p1"}"#) -> OperationBatch {
        var batch = OperationBatch(kind: .send, keyField: "")
        batch.append(key: "k1", payload: payload)
        return batch
    }

    private func outcome(_ status: Int, _ body: String) throws(DestinationError) -> BatchOutcome {
        try CreationResponse.outcome(
            of: PlanhatObjects.note, answer: PlanhatAnswer(status: status, body: Array(body.utf8)),
            address: "https://api.planhat.com")
    }

    // MARK: The request

    @Test(arguments: [(PlanhatObjects.note, "/conversations"), (PlanhatObjects.timeEntry, "/timeentries")])
    func oneRecordIsPosted(_ object: DestinationObject, _ path: String) async throws {
        try await Script { _ in .answer(200, Self.made) }.serve { server in
            let watch = ContextWatch()
            let outcome = try await destination(server.address, watch).write(Self.note(#"{"a":1}"#), to: object)
            var tally = WriteTally(created: 1)
            tally.ids = ["n1"]
            #expect(outcome == .attributed([.accepted], tally))
            #expect(server.requests.map(\.method) == ["POST"] && server.requests.map(\.target) == [path])
            #expect(server.requests.first?.body == #"{"a":1}"#)
        }
    }

    @Test func twoAtOnceAreTooMany() async throws {
        var batch = Self.note()
        batch.append(key: "k2", payload: "{}")
        try await Script { _ in .answer(500) }.serve { server in
            await #expect(throws: DestinationError.self) {
                try await destination(server.address).write(batch, to: PlanhatObjects.note)
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func whatIsFoundByAKeyIsNotSent() async throws {
        let destination = try destination("http://127.0.0.1:1")
        await #expect(throws: DestinationError.self) {
            try await destination.write(Self.note(), to: PlanhatObjects.company)
        }
    }

    // MARK: The answer

    @Test(
        arguments: [(200, made, "n1"), (201, made, "n1"), (201, "", nil), (200, " \n", nil)] as [(Int, String, String?)]
    )
    func recordThatComesBackWasMade(_ status: Int, _ body: String, _ id: String?) throws {
        guard case .attributed(let outcomes, let tally) = try outcome(status, body) else {
            Issue.record("\(status) \(body)")
            return
        }
        #expect(outcomes == [.accepted])
        #expect(tally.created == 1 && tally.ids == [id])
    }

    /// Why the one row was refused.
    private func refusal(_ status: Int, _ body: String) throws -> Reason? {
        guard case .attributed(let outcomes, _) = try outcome(status, body), outcomes.count == 1,
            case .rejected(let reason)? = outcomes.first
        else { return nil }
        return reason
    }

    @Test(arguments: [400, 409, 422]) func refusalIsOfTheOneRow(_ status: Int) throws {
        let reason = try refusal(status, #"{"message":"hours must be a number"}"#)
        #expect(reason?.code == "refused_by_destination" && reason?.message == "hours must be a number")
        #expect(try refusal(status, "")?.message.contains("\(status) without a reason") == true)
    }

    @Test func wantOfAPermissionIsNamed() throws {
        let reason = try refusal(403, #"{"message":"note.create"}"#)
        #expect(reason?.code == "forbidden" && reason?.message.contains("may not create note") == true)
        #expect(reason?.message.contains("note.create") == true)
    }

    /// A record, or nothing at all, and never something else.
    @Test(arguments: ["{}", "[]", "null", #"{"_id":""}"#, "<html>", "OK", #"{"_id":"n1""#])
    func anyOtherSuccessSaysNothing(_ body: String) throws {
        #expect { try outcome(200, body) } throws: { error in
            let error = error as? DestinationError
            return error?.code == "unreadable_answer" && error?.isKnownUnsent == false
        }
    }

    @Test(arguments: [
        (Reply.answer(500), "server_error", false), (.answer(503), "server_error", false),
        (.closeAfterReading, "connection_lost", false), (.answer(429), "rate_limited", true),
        (.answer(401), "unauthorized", true), (.answer(404), "endpoint_not_found", true),
        (.answer(413), "body_too_large", true),
    ])
    func whatMayHaveBeenMadeIsTold(_ reply: Reply, _ code: String, _ isUnsent: Bool) async throws {
        try await Script { _ in reply }.serve { server in
            do {
                _ = try await destination(server.address).write(Self.note(), to: PlanhatObjects.timeEntry)
                Issue.record("nothing is thrown")
            } catch {
                let error = error as? DestinationError
                #expect(error?.code == code && error?.isKnownUnsent == isUnsent)
                if !isUnsent { #expect(error?.hint.contains("--in-doubt") == true) }
            }
            #expect(server.requests.count == 1)
        }
    }
}

/// Whether notes in doubt have arrived is told only where one note can be meant.
struct NoteReadBackTests {
    private static let company = #"{"_id":"c1","externalId":"p1","sourceId":"s1"}"#

    private static func stored(
        _ id: String = "n1", company: String = "c1", subject: String = "Call", type: String = "note"
    ) -> String {
        #"{"_id":"x","externalId":"\#(id)","companyId":"\#(company)","subject":"\#(subject)","type":"\#(type)"}"#
    }

    private static func sent(_ id: String = "n1", _ more: String = #","companyId":"extid-p1""#) -> String {
        #"{"type":"note","externalId":"\#(id)","subject":"Call"\#(more)}"#
    }

    private func arrived(
        _ payloads: [String], stored: [String], of object: DestinationObject = PlanhatObjects.note
    ) async throws -> (told: [Bool?], requests: [String]) {
        var batch = OperationBatch(kind: .send, keyField: "")
        for payload in payloads { batch.append(key: "k", payload: payload) }
        let list = "[" + stored.joined(separator: ",") + "]"
        return try await Script { request in
            switch request.path {
            case "/companies/extid-p1", "/companies/srcid-s1": .answer(200, Self.company)
            case "/conversations/extid-n1": stored.first.map { .answer(200, $0) } ?? .answer(404)
            case "/conversations": .answer(200, request.query("offset") == "0" ? list : "[]")
            default: request.query("limit") == nil ? .answer(404) : .answer(200, "[]")
            }
        }.serve { server in
            let told = try await destination(server.address).haveArrived(batch, object: object)
            return (told, server.requests.map(\.target))
        }
    }

    @Test(arguments: [
        #","companyId":"extid-p1""#, #","companyId":"srcid-s1""#, #","companyId":"c1""#, #","companyExternalId":"p1""#,
    ])
    func noteOfTheCompanyWithIdAndSubjectHasArrived(_ company: String) async throws {
        #expect(try await arrived([Self.sent("n1", company)], stored: [Self.stored()]).told == [true])
        #expect(try await arrived([Self.sent("n1", company)], stored: []).told == [nil])
    }

    @Test(arguments: [
        stored(company: "c2"), stored(subject: "Another"), stored(type: "visit"), stored("n2"), "{}",
    ])
    func anythingElseProvesNothing(_ record: String) async throws {
        #expect(try await arrived([Self.sent()], stored: [record]).told == [nil])
    }

    @Test(arguments: [
        #"{"type":"note","subject":"Call","companyId":"extid-p1"}"#, sent("n1", ""), sent("", #","companyId":"c1""#),
        "7",
        sent("n1", #","companyId":"extid-p9""#),
    ])
    func noteThatCannotBeToldFromOthersIsNotLookedFor(_ payload: String) async throws {
        #expect(try await arrived([payload], stored: [Self.stored()]).told == [nil])
    }

    @Test func manyAreLookedForInTheList() async throws {
        let payloads = (1...21).map { Self.sent("n\($0)", #","companyId":"c1""#) }
        let result = try await arrived(payloads, stored: (1...20).map { Self.stored("n\($0)") })
        #expect(result.told == Array(repeating: true, count: 20) + [nil])
        #expect(result.requests.allSatisfy { $0.hasPrefix("/conversations?limit=2000&offset=") })
        #expect(result.requests.count == 2)
    }

    @Test func timeEntriesAreNotLookedFor() async throws {
        let payload = #"{"date":"2026-01-01","hours":2}"#
        let result = try await arrived([payload], stored: [], of: PlanhatObjects.timeEntry)
        #expect(result.told == [nil] && result.requests.isEmpty)
    }
}
