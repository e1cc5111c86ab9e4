import ConnectorKit
import DestinationPlanhat
import Records
import TestKit
import Testing

/// What is asked of Planhat when a record is to go, and what its answers come to.
struct PlanhatRemovalsTests {
    static let id = "65a000000000000000000009"
    private static let deleted = #"{"n":1,"ok":1,"deletedCount":1}"#

    struct Result {
        var outcome: BatchOutcome
        /// Method and target of each request, in order.
        var requests: [String]
        var bodies: [String]
        var watch: ContextWatch

        var codes: [Int: String]? { rejected(outcome) }
    }

    private static func removal(
        _ kind: OperationKind, _ rows: [(key: String, payload: String)], keyField: String = "externalId"
    ) -> OperationBatch {
        var batch = OperationBatch(kind: kind, keyField: keyField)
        for (key, payload) in rows { batch.append(key: key, payload: payload) }
        return batch
    }

    private func write(
        _ batch: OperationBatch, to object: DestinationObject = PlanhatObjects.company,
        _ script: @escaping Script.Decide
    ) async throws -> Result {
        let watch = ContextWatch()
        return try await Script(script).serve { server in
            let outcome = try await destination(server.address, watch).write(batch, to: object)
            return Result(
                outcome: outcome, requests: server.requests.map { "\($0.method) \($0.target)" },
                bodies: server.requests.map(\.body), watch: watch)
        }
    }

    private func failure(
        _ batch: OperationBatch, to object: DestinationObject = PlanhatObjects.company,
        _ script: @escaping Script.Decide
    ) async throws -> DestinationError? {
        do {
            _ = try await write(batch, to: object, script)
            return nil
        } catch let error as DestinationError {
            return error
        }
    }

    // MARK: Deleting

    @Test func recordGoesByPlanhatsOwnID() async throws {
        let result = try await write(Self.removal(.delete, [("7", Self.id)])) { _ in .answer(200, Self.deleted) }
        #expect(result.outcome == .attributed([.accepted], WriteTally()))
        #expect(result.requests == ["DELETE /companies/\(Self.id)"] && result.bodies == [""])
        #expect(result.watch.permits == 1 && result.watch.exchanges.map(\.isWrite) == [true])
    }

    @Test(arguments: [
        ("externalId", "extid-7", PlanhatObjects.company), ("sourceId", "srcid-7", PlanhatObjects.company),
        ("sourceId", "srcid-7", PlanhatObjects.nps), ("extId", "extid-7", PlanhatObjects.invoice),
    ])
    func unknownIDIsFoundByTheKeyFirst(_ field: String, _ path: String, _ object: DestinationObject) async throws {
        let result = try await write(Self.removal(.delete, [("7", "")], keyField: field), to: object) { request in
            request.method == "GET"
                ? .answer(200, #"{"_id":"\#(Self.id)","\#(field)":"7"}"#) : .answer(200, Self.deleted)
        }
        #expect(result.codes == [:])
        #expect(
            result.requests == ["GET /\(object.path)/\(path)", "DELETE /\(object.path)/\(Self.id)"])
        #expect(result.watch.permits == 2)
    }

    @Test func keyThatIsTheOwnIDNeedsNoLook() async throws {
        let result = try await write(
            Self.removal(.delete, [(Self.id, "")], keyField: "_id"), to: PlanhatObjects.timeEntry
        ) { _ in .answer(200, Self.deleted) }
        #expect(result.codes == [:] && result.requests == ["DELETE /timeentries/\(Self.id)"])
    }

    @Test(arguments: [#"{"n":0,"ok":1,"deletedCount":0}"#, #"{"_id":"65a0","type":"note","subject":"x"}"#, #"{"n":1}"#])
    func whatWasGoneBeforeAndADeletedRecordAreAccepted(_ body: String) async throws {
        let result = try await write(
            Self.removal(.delete, [("7", Self.id)]), to: PlanhatObjects.conversation
        ) { _ in .answer(200, body) }
        #expect(result.codes == [:])
    }

    @Test func absentRecordIsGoneAlreadyWhereTheAddressIsPlanhats() async throws {
        let result = try await write(Self.removal(.delete, [("7", Self.id)])) { request in
            request.method == "DELETE" ? .answer(404, #"{"message":"Not found"}"#) : .answer(200, "[]")
        }
        #expect(result.codes == [:])
        #expect(result.requests.last == "GET /companies?limit=1&offset=0")
        let byKey = try await write(Self.removal(.delete, [("7", "")])) { request in
            request.query("limit") == nil ? .answer(404) : .answer(403)
        }
        #expect(byKey.codes == [:] && !byKey.requests.contains { $0.hasPrefix("DELETE") })
    }

    @Test func addressThatIsNotPlanhatsDeletesNothing() async throws {
        for payload in [Self.id, ""] {
            let error = try await failure(Self.removal(.delete, [("7", payload)])) { _ in .answer(404, "nothing here") }
            #expect(error?.code == "endpoint_not_found")
        }
    }

    @Test func addressIsConfirmedOnceForEachObject() async throws {
        try await Script { $0.query("limit") == nil ? .answer(404) : .answer(200, "[]") }.serve { server in
            let planhat = try destination(server.address)
            for key in ["1", "2", "3"] {
                _ = try await planhat.write(Self.removal(.delete, [(key, Self.id)]), to: PlanhatObjects.company)
            }
            #expect(server.requests.count == 4)
        }
    }

    @Test(arguments: [
        (401, "", "unauthorized", true), (403, #"{"message":"no"}"#, "forbidden", false),
        (429, "", "rate_limited", true), (500, "oops", "server_error", false), (200, "", "unreadable_answer", false),
        (200, "<html>", "unreadable_answer", false), (200, #"{"ok":0}"#, "unreadable_answer", false),
        (200, "[]", "unreadable_answer", false), (200, #"{"message":"queued"}"#, "unreadable_answer", false),
    ])
    func refusedDeletionIsAnErrorAsElsewhere(
        _ status: Int, _ body: String, _ code: String, _ isKnownUnsent: Bool
    ) async throws {
        let error = try await failure(Self.removal(.delete, [("7", Self.id)])) { _ in .answer(status, body) }
        #expect(error?.code == code && error?.isKnownUnsent == isKnownUnsent)
    }

    @Test func recordThatMayNotGoIsRejectedWithPlanhatsWords() async throws {
        let result = try await write(Self.removal(.delete, [("7", Self.id)])) { _ in
            .answer(400, #"{"message":"has licenses"}"#)
        }
        guard case .attributed(let outcomes, _) = result.outcome, case .rejected(let reason)? = outcomes.first else {
            Issue.record("\(result.outcome)")
            return
        }
        #expect(reason.code == "refused_by_destination" && reason.message == "has licenses")
        // There is no row that could be corrected.
        #expect(reason.hint.contains("The next run that reads the whole dataset tries it again"))
    }

    @Test func moreThanOneDeletionInARequestIsNotTaken() async throws {
        let error = try await failure(Self.removal(.delete, [("1", ""), ("2", "")])) { _ in .answer(200, "{}") }
        #expect(error?.code == "body_too_large" && error?.isKnownUnsent == true)
    }

    @Test(arguments: [OperationKind.delete, .archive, .clear])
    func whatIsSentCannotBeTakenBack(_ kind: OperationKind) async throws {
        let error = try await failure(Self.removal(kind, [("1", "{}")]), to: PlanhatObjects.metric) { _ in .hang }
        #expect(error?.code == "operation_not_supported")
        let archive = try await failure(Self.removal(.archive, [("1", "{}")])) { _ in .hang }
        #expect(archive?.code == "operation_not_supported")
    }

    // MARK: Keys that could mean several records

    @Test func emailThatTwoPeopleHaveDeletesNeither() async throws {
        let rows = #"[{"_id":"a","email":"X@x.se"},{"_id":"b","email":"y@x.se"}]"#
        for (archived, codes) in [(#"[{"_id":"c","email":"x@x.se"}]"#, [0: "ambiguous_key"]), ("[]", [:])] {
            let result = try await write(
                Self.removal(.delete, [("x@x.se", "")], keyField: "email"), to: PlanhatObjects.endUser
            ) { request in
                guard request.method == "GET" else { return .answer(200, Self.deleted) }
                guard request.query("offset") == "0" else { return .answer(200, "[]") }
                return .answer(200, request.query("archived") == "true" ? archived : rows)
            }
            #expect(result.codes == codes)
            #expect(result.requests.contains("DELETE /endusers/a") == codes.isEmpty)
        }
    }

    /// The sync says `within`, so that the key comes together with what names the company.
    private static let scoped = removal(.delete, [(#"["p1","a1"]"#, "")])

    @Test func externalIDWithinACompanyDeletesThatCompanysPersonAlone() async throws {
        let result = try await write(Self.scoped, to: PlanhatObjects.endUser) { request in
            if request.method == "DELETE" { return .answer(200, Self.deleted) }
            if request.path == "/companies/extid-a1" { return .answer(200, #"{"_id":"c1","externalId":"a1"}"#) }
            if request.path.hasPrefix("/companies/") { return .answer(404) }
            guard request.query("offset") == "0", request.query("archived") == nil else { return .answer(200, "[]") }
            // As if the filter were not known.
            return .answer(
                200,
                #"[{"_id":"e2","externalId":"p1","companyId":"c2"},{"_id":"e1","externalId":"p1","companyId":"c1"}]"#)
        }
        #expect(result.codes == [:] && result.requests.last == "DELETE /endusers/e1")
        #expect(result.requests.contains { $0.contains("companyId=c1") })
    }

    @Test func companyThatCannotBeToldLeavesThePersonAlone() async throws {
        let byName = try await write(Self.scoped, to: PlanhatObjects.endUser) { request in
            if request.path == "/endusers/extid-p1" { return .answer(200, #"{"_id":"e1","externalId":"p1"}"#) }
            return request.query("limit") == nil ? .answer(404) : .answer(200, "[]")
        }
        #expect(byName.codes == [0: "ambiguous_key"])
        let bothIDs = try await write(Self.scoped, to: PlanhatObjects.endUser) { request in
            if request.path == "/companies/extid-a1" { return .answer(200, #"{"_id":"c1"}"#) }
            if request.path == "/companies/srcid-a1" { return .answer(200, #"{"_id":"c2"}"#) }
            guard request.query("offset") == "0", request.query("companyId") == "c2" else { return .answer(200, "[]") }
            return .answer(200, #"[{"_id":"e2","externalId":"p1","companyId":"c2"}]"#)
        }
        #expect(bothIDs.codes == [0: "ambiguous_key"])
        let nowhere = try await write(Self.scoped, to: PlanhatObjects.endUser) { request in
            request.query("limit") == nil ? .answer(404) : .answer(200, "[]")
        }
        #expect(nowhere.codes == [:] && !nowhere.requests.contains { $0.hasPrefix("DELETE") })
    }

    @Test func anotherRecordThanTheOneAskedForIsLeftAlone() async throws {
        let result = try await write(Self.removal(.delete, [("7", "")])) { _ in
            .answer(200, #"{"_id":"x","externalId":"8"}"#)
        }
        #expect(result.codes == [0: "ambiguous_key"] && result.requests.count == 1)
    }

    /// A ticket's source id is stored as its external id, so that a look by `srcid-` might miss it.
    @Test func ticketIsFoundUnderItsOtherName() async throws {
        let result = try await write(
            Self.removal(.delete, [("T-1", "")], keyField: "sourceId"), to: PlanhatObjects.ticket
        ) { request in
            if request.method == "DELETE" { return .answer(200, #"{"n":1,"ok":1,"deletedCount":1}"#) }
            return .answer(200, request.query("offset") == "0" ? #"[{"_id":"t1","externalId":"T-1"}]"# : "[]")
        }
        #expect(result.codes == [:] && result.requests.last == "DELETE /tickets/t1")
        #expect(result.requests.first?.contains("select=sourceId%2CexternalId%2C_id") == true)
    }

    // MARK: Archiving and clearing

    @Test func knownIDsAreArchivedInOneRequest() async throws {
        let rows = (1...3).map { (key: "\($0)", payload: #"{"_id":"id\#($0)","archived":true}"#) }
        let result = try await write(
            Self.removal(.archive, rows, keyField: "sourceId"), to: PlanhatObjects.endUser
        ) { _ in .answer(200, envelope(updated: 3)) }
        #expect(result.outcome == .attributed(Array(repeating: .accepted, count: 3), WriteTally(updated: 3)))
        #expect(result.requests == ["PUT /endusers"])
        #expect(
            result.bodies == [
                #"[{"_id":"id1","archived":true},{"_id":"id2","archived":true},{"_id":"id3","archived":true}]"#
            ])
    }

    @Test func keysAreLookedUpSoThatNothingIsCreated() async throws {
        let rows = ["1", "2"].map { (key: $0, payload: #"{"sourceId":"\#($0)","archived":true}"#) }
        let result = try await write(
            Self.removal(.archive, rows, keyField: "sourceId"), to: PlanhatObjects.issue
        ) { request in
            switch request.target {
            case "/issues/srcid-2": .answer(200, #"{"_id":"i2","sourceId":"2"}"#)
            case "/issues": .answer(200, envelope(updated: 1))
            default: request.query("limit") == nil ? .answer(404) : .answer(200, "[]")
            }
        }
        #expect(result.codes == [:])
        #expect(result.bodies.last == #"[{"_id":"i2","archived":true}]"#)
    }

    @Test func noRequestWritesWhereNothingIsThere() async throws {
        let result = try await write(
            Self.removal(.clear, [("1", #"{"externalId":"1","web":null}"#)])
        ) { $0.query("limit") == nil ? .answer(404) : .answer(200, "[]") }
        #expect(result.codes == [:] && result.requests.allSatisfy { $0.hasPrefix("GET") })
    }

    @Test func manyKeysAreLookedForInTheList() async throws {
        let rows = (0..<30).map { (key: "\($0)", payload: #"{"externalId":"\#($0)","web":null}"#) }
        let result = try await write(Self.removal(.clear, rows)) { request in
            guard request.method == "GET" else { return .answer(200, envelope(updated: 2)) }
            return .answer(
                200,
                request.query("offset") == "0"
                    ? #"[{"_id":"a","externalId":"4"},{"_id":"b","externalId":"9"},{"_id":"c","externalId":"77"}]"#
                    : "[]")
        }
        #expect(result.codes == [:])
        #expect(result.bodies.last == #"[{"_id":"a","web":null},{"_id":"b","web":null}]"#)
        // The lean list, which has nothing, two pages, and the write.
        #expect(result.requests.count == 4)
    }

    @Test func whatPlanhatNeedsAndTheKeysAreNotCleared() async throws {
        let payload = #"{"_id":"a","externalId":null,"name":null,"web": null,"custom":{"A\"b":null}}"#
        let result = try await write(Self.removal(.clear, [("1", payload)])) { _ in .answer(200, envelope(updated: 1)) }
        #expect(result.bodies == [#"[{"_id":"a","web":null,"custom":{"A\"b":null}}]"#])
        let nothing = try await write(Self.removal(.clear, [("1", #"{"_id":"a","name":null}"#)])) { _ in .hang }
        #expect(nothing.codes == [:] && nothing.requests.isEmpty)
    }

    @Test func aClearedLicenseKeepsItsAmounts() async throws {
        let payload = #"{"_id":"a","value":null,"mrr":null,"fixedPeriod":null,"fromDate":null,"product":null}"#
        let result = try await write(Self.removal(.clear, [("1", payload)]), to: PlanhatObjects.license) { _ in
            .answer(200, envelope(updated: 1))
        }
        #expect(result.bodies == [#"[{"_id":"a","product":null}]"#])
    }

    @Test func refusedRowOfARecordThatIsGoneIsAccepted() async throws {
        let rows = ["a", "b"].map { (key: $0, payload: #"{"_id":"\#($0)","web":null}"#) }
        let errors = #"[{"message":"name is required","item":{"_id":"a"}},{"message":"no","item":{"_id":"b"}}]"#
        let result = try await write(Self.removal(.clear, rows)) { request in
            switch request.target {
            case "/companies": .answer(400, envelope(createdErrors: errors))
            case "/companies/b": .answer(200, #"{"_id":"b"}"#)
            default: request.query("limit") == nil ? .answer(404) : .answer(200, "[]")
            }
        }
        #expect(result.codes == [1: "refused_by_destination"])
    }

    @Test func refusalsThatNameNobodyAreHalvedAsElsewhere() async throws {
        let rows = ["a", "b"].map { (key: $0, payload: #"{"_id":"\#($0)","web":null}"#) }
        let result = try await write(Self.removal(.clear, rows)) { _ in
            .answer(206, envelope(updated: 1, updatedErrors: #"["no"]"#))
        }
        guard case .unattributed(let failed, _, _) = result.outcome else {
            Issue.record("\(result.outcome)")
            return
        }
        #expect(failed == 1)
    }

    @Test func ambiguousKeyIsLeftAloneAndTheRestIsCleared() async throws {
        let rows = (0..<21).map { (key: "\($0)", payload: #"{"externalId":"\#($0)","position":null}"#) }
        let result = try await write(Self.removal(.clear, rows), to: PlanhatObjects.endUser) { request in
            guard request.method == "GET" else { return .answer(200, envelope(updated: 1)) }
            guard request.query("offset") == "0", request.query("archived") == nil else { return .answer(200, "[]") }
            return .answer(
                200,
                #"[{"_id":"a","externalId":"1"},{"_id":"b","externalId":"1"},{"_id":"c","externalId":"2"}]"#)
        }
        #expect(result.codes == [1: "ambiguous_key"] && result.bodies.last == #"[{"_id":"c","position":null}]"#)
    }

    @Test func payloadThatIsNoObjectIsRefusedBeforeAnythingLeaves() async throws {
        let error = try await failure(Self.removal(.clear, [("1", "")])) { _ in .hang }
        #expect(error?.code == "operation_not_supported" && error?.isKnownUnsent == true)
    }
}
