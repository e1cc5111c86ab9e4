import ConnectorKit
import DestinationPlanhat
import Records
import TestKit
import Testing

/// Planhat has habits by which a program loses rows, or makes them twice, without an error anywhere. Each stands here
/// with the test that shows that Sluice does not fall for it; those without a file are in this one. *Traps of the whole
/// program* (end to end, against the sandbox) are in EndToEndTests/SilentTrapsTests.swift.
///
///  1. A partial failure is 206, which is a 2xx.
///     PlanhatResponseTests.partialSuccessRejectsTheNamedRow, silentlyDroppedRowsAreNotTakenForAccepted; whole program:
///     rowsOfA206AreToldApart
///  2. Unchanged rows are only a number and stand in no list.
///     PlanhatResponseTests.rowThatIsNotListedMayBeEqualAlready; whole program: unchangedRowsAreAlreadyEqual
///  3. `upsertedIds` means inserted ids, and names no row.
///     listsOfIdsNameARowOnlyWhereThereIsOne
///  4. End users of no company and tickets without an email are dropped without a word.
///     rowsThatPlanhatDropsAreNotSent, PlanhatResponseTests.singleRowThatChangesNoCountWasDropped;
///     whole program: endUsersOfNoCompanyAreRejected, ticketsWithoutEmailAreTold
///  5. An external id is unique within a company only.
///     PlanhatObjectsTests.externalIDsAreUniqueWithinACompany,
///     PlanhatRemovalsTests.externalIDWithinACompanyDeletesThatCompanysPersonAlone; whole program:
///     oneExternalIDInTwoCompaniesIsTwoPeople
///  6. Emails are not unique.
///     PlanhatRemovalsTests.emailThatTwoPeopleHaveDeletesNeither
///  7. Parallel upserts of one record race.
///     whole program: writesToOneObjectFollowOneAnother
///  8. `POST` makes a second record of a known external id.
///     recordsAreNeverPosted; what no key finds is, each row once: CreationTests, SimulationTests: MadeOnceTests
///  9. Names differ from model to model (`cId`, `extId`, `companyIds`, `_currency`).
///     PlanhatObjectsTests.invoicesAreSpelledAsPlanhatDoes; the golden files of SimulationTests
/// 10. `/churn` is singular, notes are conversations, tickets have no single POST.
///     pathsAreThoseThatPlanhatHas, and the golden files of SimulationTests
/// 11. Planhat changes the letter case of people's names.
///     whole program: namesInAnotherCaseAreNotSentAgain
/// 12. `updatedAt` moves although nothing changed.
///     PlanhatObjectsTests.whatPlanhatComputesCannotBeMapped
/// 13. One record and a list of records differ in shape.
///     ownersAreReadInBothShapes
/// 14. A phase may be any text.
///     anyPhaseIsTaken
/// 15. Every list has another default limit.
///     everyListSaysItsLimit
/// 16. The analytics host answers 200 with errors inside, a bare text, or nothing.
///     AnalyticsResponseTests
/// 17. Metrics are added and never replaced.
///     PlanhatObjectsTests.whatIsSentIsNeverReadOrSentTwice
/// 18. Long lists of companies overflow the address.
///     addressesStayShort
/// 19. What an empty array is answered is not known.
///     nothingIsSentForNoRows
/// 20. An unknown type of conversation becomes a note: said on the connector's page, and in the field's help. Those that are
///     Planhat's own are refused, in a constant and in a row.
///     reservedTypesAreTold, ValidationTests.constantThatTheDestinationReservesIsRefused; SimulationTests:
///     OpenQuestionTests.talkOfATypeOfPlanhatsOwnIsNotSent
/// 21. A license's value must be positive.
///     PlanhatObjectsTests.numbersHaveTheirBounds
/// 22. Planhat computes a deal's dates.
///     datesOfADealCannotBeMapped
/// 23. Names of long ago.
///     oldNamesAreNotSent
/// 24. An error may not be JSON.
///     PlanhatResponseTests.badRequestThatNamesNobodyIsHalved, PlanhatClientTests
/// 25. Addresses that only bad references know (`/companies/bulk`, `/churns`, `/activities`).
///     pathsAreThoseThatPlanhatHas, and the golden files of SimulationTests
struct SilentTrapsTests {
    private func ids(_ keys: [String], _ body: String) throws -> [String?]? {
        var rows = batch(keys)
        rows.wantsIDs = true
        guard case .attributed(_, let tally) = try outcome(rows, 200, body) else { return nil }
        return tally.ids
    }

    private static func lists(created: Int, updated: Int, upserted: String, modified: String) -> String {
        #"{"created":\#(created),"updated":\#(updated),"nonupdates":0,"upsertedIds":\#(upserted),"modified":\#(modified)}"#
    }

    @Test func listsOfIdsNameARowOnlyWhereThereIsOne() throws {
        #expect(try ids(["1"], Self.lists(created: 1, updated: 0, upserted: #"["a"]"#, modified: "[]")) == ["a"])
        #expect(try ids(["1"], Self.lists(created: 0, updated: 1, upserted: "[]", modified: #"["b"]"#)) == ["b"])
        #expect(try ids(["1"], Self.lists(created: 0, updated: 1, upserted: #"["a"]"#, modified: #"["b"]"#)) == [nil])
        let two = Self.lists(created: 1, updated: 1, upserted: #"["a"]"#, modified: #"["b"]"#)
        #expect(try ids(["1", "2"], two) == [nil, nil])
        #expect(try ids(["1"], envelope(nonupdates: 1)) == [nil])
    }

    @Test(arguments: [
        (PlanhatObjects.ticket, #"{"sourceId":"1","email":"a@x.se"}"#, #"{"sourceId":"2","email":" "}"#),
        (PlanhatObjects.ticket, #"{"sourceId":"1","email":"a@x.se"}"#, #"{"sourceId":"2","email":null}"#),
        (PlanhatObjects.activity, #"{"externalId":"7"}"#, #"{"action":"Login","info":{"email":"a@x.se"}}"#),
        (PlanhatObjects.activity, #"{"email":"a@x.se"}"#, #"{"email":"","externalId":null}"#),
        (
            PlanhatObjects.metric, #"{"dimensionId":"d","value":0,"externalId":"1"}"#,
            #"{"dimensionId":"d","value":null,"externalId":"1"}"#
        ),
    ])
    func rowsThatPlanhatDropsAreNotSent(
        _ object: DestinationObject, _ good: String, _ bad: String
    ) async throws {
        var rows = batch(payloads: [("1", bad), ("2", good), ("3", bad)], keyField: "sourceId")
        rows.wantsIDs = true
        if AnalyticsEndpoint(object) != nil { rows.kind = .send }
        let sent = rows
        let answer = object.name == "ticket" ? envelope(created: 1, keys: (#"[{"_id":"x"}]"#, "[]")) : ""
        try await Script { _ in .answer(200, answer) }.serve { server in
            let planhat = try analyticsDestination(server.address)
            let result = try await planhat.write(sent, to: object)
            #expect(rejected(result) == [0: "dropped_by_destination", 2: "dropped_by_destination"])
            #expect(server.requests.map(\.body) == ["[\(good)]"])
            if object.name == "ticket", case .attributed(_, let tally) = result {
                #expect(tally.ids == [nil, "x", nil])
            }
            var none = sent
            none.entries = [sent.entries[0]]
            let nothing = try await planhat.write(none, to: object)
            #expect(rejected(nothing) == [0: "dropped_by_destination"])
            #expect(server.requests.count == 1)
        }
    }

    /// An update by Planhat's own id carries what changes and nothing else.
    @Test func updateOfATicketNeedsNoEmail() async throws {
        let rows = batch(payloads: [("a", #"{"_id":"a","title":"x"}"#)], keyField: "_id")
        try await Script { _ in .answer(200, envelope(updated: 1)) }.serve { server in
            let result = try await destination(server.address).write(rows, to: PlanhatObjects.ticket)
            #expect(rejected(result) == [:])
        }
    }

    private func analyticsDestination(_ address: String) throws -> PlanhatDestination {
        let settings = ConnectorSettings(
            name: "planhat", texts: ["base_url": address, "analytics_url": address],
            secrets: ["api_key": Secret(testKey), "tenant_uuid": Secret("5a6b8c0d-0e00-4000-8000-000000000001")])
        return PlanhatDestination(try PlanhatSettings(settings), context: ContextWatch().context)
    }

    @Test(arguments: PlanhatObjects.all) func recordsAreNeverPosted(_ object: DestinationObject) {
        guard AnalyticsEndpoint(object) == nil else { return }
        #expect(PlanhatRequest.bulkUpsert(batch(["1"]), object: object).method == .put)
    }

    @Test func pathsAreThoseThatPlanhatHas() {
        let paths = PlanhatObjects.all.filter { AnalyticsEndpoint($0) == nil }.map {
            PlanhatRequest.bulkUpsert(batch(["1"]), object: $0).path
        }
        #expect(
            Set(paths) == [
                "/companies", "/endusers", "/licenses", "/churn", "/nps", "/assets", "/campaigns", "/conversations",
                "/deals", "/invoices", "/issues", "/objectives", "/opportunities", "/projects", "/sales", "/tasks",
                "/tickets", "/users", "/workspaces", "/timeentries",
            ])
        #expect(paths.count { $0 == "/conversations" } == 2)
    }

    /// A company's owner is an id in one record, and an object with a name in a list.
    @Test func ownersAreReadInBothShapes() async throws {
        let rows =
            #"[{"_id":"1","externalId":"a","owner":{"_id":"u","nickName":"U"}},{"_id":"2","externalId":"b","owner":"u"}]"#
        try await Script { $0.query("offset") == "0" ? .answer(200, rows) : .answer(200, "[]") }.serve { server in
            var keys: [[String]] = []
            try await destination(server.address).readRecords(
                of: PlanhatObjects.company, fields: ["externalId", "_id"]
            ) { keys += $0 }
            #expect(keys == [["a", "1"], ["b", "2"]])
        }
    }

    @Test func anyPhaseIsTaken() {
        #expect(PlanhatObjects.company.field("phase")?.type == .text)
    }

    @Test(arguments: PlanhatObjects.all.filter(\.isReadable))
    func everyListSaysItsLimit(_ object: DestinationObject) async throws {
        try await Script { _ in .answer(200, "[]") }.serve { server in
            try await destination(server.address).readRecords(of: object, fields: ["_id"]) { _ in }
            #expect(!server.requests.isEmpty)
            // The lean list of companies has none.
            for request in server.requests where request.path != "/leancompanies" {
                #expect(Int(request.query("limit") ?? "") ?? 0 > 0 && request.query("sort") == "_id")
            }
        }
    }

    /// A key may be as long as a key can be, and however many there are, no request names more than one.
    @Test func addressesStayShort() async throws {
        let rows = (0..<500).map { (key: "\($0)", payload: #"{"externalId":"\#($0)","web":null}"#) }
        var removal = OperationBatch(kind: .clear, keyField: "externalId")
        for (key, payload) in rows { removal.append(key: key, payload: payload) }
        let sent = removal
        try await Script { _ in .answer(200, "[]") }.serve { server in
            _ = try await destination(server.address).write(sent, to: PlanhatObjects.company)
            #expect(server.requests.allSatisfy { $0.target.utf8.count < 200 })
        }
    }

    @Test(arguments: [OperationKind.upsert, .delete, .archive, .clear])
    func nothingIsSentForNoRows(_ kind: OperationKind) async throws {
        try await Script { _ in .hang }.serve { server in
            let outcome = try await destination(server.address).write(
                OperationBatch(kind: kind, keyField: "sourceId"), to: PlanhatObjects.endUser)
            #expect(outcome == .attributed([], WriteTally()) && server.requests.isEmpty)
        }
    }

    @Test func reservedTypesAreTold() {
        #expect(PlanhatObjects.conversation.help.contains("email, chat, ticket and call are Planhat's"))
        #expect(PlanhatObjects.conversation.field("type")?.help.contains("becomes note") == true)
        #expect(PlanhatObjects.conversation.field("type")?.reservedValues == ["email", "chat", "ticket", "call"])
    }

    @Test(arguments: ["fromDate", "toDate", "renewalDate", "arr"]) func datesOfADealCannotBeMapped(_ name: String) {
        #expect(PlanhatObjects.deal.field(name)?.isWritable == false)
    }

    @Test(arguments: [PlanhatObjects.activity, PlanhatObjects.metric])
    func oldNamesAreNotSent(_ object: DestinationObject) {
        for old in ["id", "cId", "assetExtId", "count"] { #expect(object.field(old) == nil) }
        #expect(PlanhatObjects.metric.field("companyExternalId") == nil)
    }
}
