import ConnectorKit
import DestinationPlanhat
import Records
import Testing

struct PlanhatResponseTests {
    private func failure(_ status: Int, _ body: String, keys: [String] = ["1", "2"]) -> DestinationError? {
        do {
            _ = try outcome(batch(keys), status, body)
            return nil
        } catch {
            return error
        }
    }

    @Test func plainSuccessAcceptsEveryOperation() throws {
        let answer = envelope(created: 1, updated: 1, nonupdates: 1)
        #expect(
            try outcome(batch(["1", "2", "3"]), 200, answer)
                == .attributed([.accepted, .accepted, .accepted], WriteTally(created: 1, updated: 1)))
    }

    @Test func documentedExampleIsUnderstood() throws {
        let answer = """
            {"created":1,"createdErrors":[],"insertsKeys":[{"_id":"67d0"}],"updated":1,"updatedErrors":[],
             "updatesKeys":[{"_id":"67ac"}],"nonupdates":1,"modified":["67ac"],"upsertedIds":["67d0"],
             "permissionErrors":[],"validationErrors":[]}
            """
        #expect(rejected(try outcome(batch(["1", "2", "3"]), 200, answer)) == [:])
    }

    @Test func partialSuccessRejectsTheNamedRow() throws {
        let answer = envelope(
            created: 1, nonupdates: 1, createdErrors: #"[{"message":"name is required","externalId":"2"}]"#)
        let result = try outcome(batch(["1", "2", "3"]), 206, answer)
        #expect(rejected(result) == [1: "refused_by_destination"])
        guard case .attributed(let outcomes, let tally) = result, case .rejected(let reason) = outcomes[1] else {
            Issue.record("not rejected")
            return
        }
        #expect(reason.message == "name is required" && reason.hint.contains("not mapped"))
        #expect(tally == WriteTally(created: 1))
    }

    @Test func namelessErrorsAreNotAttributed() throws {
        let answer = envelope(updated: 1, nonupdates: 1, updatedErrors: #"["externalId,email duplicated"]"#)
        guard case .unattributed(let failed, let reason, let tally) = try outcome(batch(["1", "2", "3"]), 206, answer)
        else {
            Issue.record("attributed")
            return
        }
        #expect(failed == 1 && tally == WriteTally(updated: 1))
        #expect(reason.code == "refused_by_destination" && reason.message == "externalId,email duplicated")
        #expect(reason.hint.contains("unique"))
    }

    @Test func rowsUnaccountedForAreCountedWithTheErrors() throws {
        let answer = envelope(updated: 1, updatedErrors: #"["bad"]"#)
        guard case .unattributed(let failed, _, _) = try outcome(batch(["1", "2", "3", "4"]), 206, answer) else {
            Issue.record("attributed")
            return
        }
        #expect(failed == 3)
    }

    @Test func attributedErrorDoesNotHideAnUnaccountedRow() throws {
        let answer = envelope(nonupdates: 1, updatedErrors: #"[{"externalId":"1"}]"#)
        #expect(rejected(try outcome(batch(["1", "2", "3"]), 206, answer)) == nil)
    }

    @Test func whenAllFailEachIsRejectedByItsPlace() throws {
        let answer = envelope(createdErrors: #"["first", "second"]"#)
        guard case .attributed(let outcomes, let tally) = try outcome(batch(["1", "2"]), 400, answer) else {
            Issue.record("not attributed")
            return
        }
        let messages = outcomes.map { outcome in
            if case .rejected(let reason) = outcome { reason.message } else { "accepted" }
        }
        #expect(messages == ["first", "second"] && tally == WriteTally())
    }

    @Test func namedErrorsKeepTheirRowsWhenAllFail() throws {
        let answer = envelope(createdErrors: #"["nameless", {"message":"of one","externalId":"1"}]"#)
        guard case .attributed(let outcomes, _) = try outcome(batch(["1", "2"]), 400, answer),
            case .rejected(let first) = outcomes[0], case .rejected(let second) = outcomes[1]
        else {
            Issue.record("not attributed")
            return
        }
        #expect(first.message == "of one" && second.message == "nameless")
    }

    @Test func twoEntriesOfOneRowAreOneRejection() throws {
        let answer = envelope(
            created: 1, createdErrors: #"[{"message":"a","externalId":"2"},{"message":"b","externalId":"2"}]"#)
        #expect(rejected(try outcome(batch(["1", "2"]), 206, answer)) == [1: "refused_by_destination"])
    }

    @Test func singleRowNeedsNoAttribution() throws {
        #expect(rejected(try outcome(batch(["1"]), 400, envelope(createdErrors: #"["bad"]"#)))?.count == 1)
        #expect(rejected(try outcome(batch(["1"]), 206, envelope(updated: 1, updatedErrors: #"["bad"]"#)))?.count == 1)
        #expect(rejected(try outcome(batch(["1"]), 200, envelope(nonupdates: 1))) == [:])
    }

    @Test func singleRowThatChangesNoCountWasDropped() throws {
        let result = try outcome(batch(["1"]), 200, envelope(), object: PlanhatObjects.endUser)
        #expect(rejected(result) == [0: "dropped_by_destination"])
        guard case .attributed(let outcomes, _) = result, case .rejected(let reason) = outcomes[0] else { return }
        #expect(reason.hint.contains("company"))
    }

    @Test func batchThatChangesNoCountWasDroppedWhole() throws {
        #expect(rejected(try outcome(batch(["1", "2"]), 200, envelope()))?.count == 2)
    }

    @Test func silentlyDroppedRowsAreNotTakenForAccepted() throws {
        guard
            case .unattributed(let failed, let reason, _) = try outcome(
                batch(["1", "2", "3"]), 200, envelope(created: 1, nonupdates: 1))
        else {
            Issue.record("attributed")
            return
        }
        #expect(failed == 1 && reason.code == "dropped_by_destination")
    }

    @Test func droppedRowIsFoundWhereEveryWrittenOneIsNamed() throws {
        let answer = envelope(
            created: 1, updated: 1,
            keys: (#"[{"_id":"x","externalId":"3"}]"#, #"[{"_id":"y","externalId":"1"}]"#))
        #expect(rejected(try outcome(batch(["1", "2", "3"]), 200, answer)) == [1: "dropped_by_destination"])
    }

    @Test func rowThatIsNotListedMayBeEqualAlready() throws {
        let answer = envelope(created: 1, nonupdates: 1, keys: (#"[{"externalId":"3"}]"#, "[]"))
        #expect(rejected(try outcome(batch(["1", "2", "3"]), 200, answer)) == nil)
    }

    @Test func permissionErrorsAreRejectedRowsWithTheirHint() throws {
        let answer = envelope(updated: 1, permissionErrors: #"[{"message":"no","externalId":"1"}]"#)
        guard case .attributed(let outcomes, _) = try outcome(batch(["1", "2"]), 403, answer),
            case .rejected(let reason) = outcomes[0]
        else {
            Issue.record("not attributed")
            return
        }
        #expect(outcomes[1] == .accepted && reason.hint.contains("permission"))
    }

    @Test func permissionErrorsNameTheObjectAndThePermission() throws {
        let entries = [
            (#"{"message":"Missing permission: company.create"}"#, "Missing permission: company.create"),
            (#""no company.update""#, "no company.update"),
            (#"{"model":"Company","permission":"update"}"#, #"{model: "Company", permission: "update"}"#),
            (#""""#, "The API key may not write company."),
        ]
        for (entry, words) in entries {
            let answer = envelope(permissionErrors: "[\(entry)]")
            guard case .attributed(let outcomes, _) = try outcome(batch(["1"]), 403, answer),
                case .rejected(let reason) = outcomes[0]
            else {
                Issue.record("not attributed")
                return
            }
            #expect(reason.message == words)
            #expect(reason.hint == "Give the service account permission to create and update company in Planhat.")
        }
        let error = failure(403, #"{"message":"read-only key"}"#)
        #expect(error?.message == "The API key may not write company (403). It said: read-only key")
    }

    @Test func idsAreToldOnlyWhereTheyAreWanted() throws {
        let keys = (#"[{"_id":"x3","externalId":"3"}]"#, #"[{"_id":"y1","externalId":"1","modified":true}]"#)
        let answer = envelope(created: 1, updated: 1, nonupdates: 1, keys: keys)
        #expect(ids(try outcome(batch(["1", "2", "3"]), 200, answer)) == [])
        #expect(ids(try outcome(wanting(["1", "2", "3"]), 200, answer)) == ["y1", nil, "x3"])
    }

    @Test(arguments: [
        #"[{"_id":"x"}]"#, #"[{"_id":"x","externalId":"unknown"}]"#, #"[{"externalId":"1"}]"#,
        #"[{"_id":"x","externalId":["1","2"]}]"#, #"[{"_id":"x","externalId":"1"},{"_id":"y","externalId":"1"}]"#,
        #"[{"_id":"x","company":{"externalId":"1"}}]"#, #""x""#, "null",
    ])
    func idThatCannotBeForOneRowOnlyIsNotTold(_ keys: String) throws {
        let answer = envelope(created: 2, keys: (keys, "[]"))
        #expect(ids(try outcome(wanting(["1", "2"]), 200, answer)) == [nil, nil])
    }

    @Test func keyOfAnotherNameNamesItsRowToo() throws {
        var invoices = batch(["7", "8", "9"], keyField: "extId")
        invoices.wantsIDs = true
        let answer = envelope(
            created: 2, createdErrors: #"[{"message":"no","extId":"9"}]"#,
            keys: (#"[{"_id":"x8","extId":"8"},{"_id":"x7","extId":7}]"#, "[]"))
        let result = try outcome(invoices, 206, answer)
        #expect(rejected(result) == [2: "refused_by_destination"] && ids(result) == ["x7", "x8", nil])
    }

    @Test func singleRowsIdNeedsNoKey() throws {
        let answer = envelope(created: 1, keys: (#"[{"_id":"x"}]"#, "[]"))
        #expect(ids(try outcome(wanting(["1"]), 200, answer)) == ["x"])
        #expect(ids(try outcome(wanting(["1"]), 200, #"{"_id":"z","name":"y"}"#)) == ["z"])
        #expect(ids(try outcome(wanting(["1"]), 200, envelope(nonupdates: 1))) == [nil])
    }

    @Test func idsOfAPartialSuccessAreToldToo() throws {
        let answer = envelope(
            created: 1, createdErrors: #"[{"message":"no","externalId":"2"}]"#,
            keys: (#"[{"_id":"x1","externalId":"1"}]"#, "[]"))
        #expect(ids(try outcome(wanting(["1", "2"]), 206, answer)) == ["x1", nil])
    }

    private func wanting(_ keys: [String]) -> OperationBatch {
        var batch = batch(keys)
        batch.wantsIDs = true
        return batch
    }

    private func ids(_ outcome: BatchOutcome) -> [String?]? {
        switch outcome {
        case .attributed(_, let tally), .unattributed(_, _, let tally): tally.ids
        }
    }

    @Test(arguments: ["", "Forbidden", "{}", #"{"message":"no"}"#, "[]"])
    func forbiddenWithoutEnvelopeConcernsTheWholeRequest(_ body: String) {
        let error = failure(403, body)
        #expect(error?.code == "forbidden" && error?.disposition == .fixConfiguration)
        #expect(error?.isKnownUnsent == false)
    }

    @Test(arguments: ["", "Bad Request", #"{"message":"name is required"}"#, "<html>no</html>", "[]"])
    func badRequestThatNamesNobodyIsHalved(_ body: String) throws {
        guard case .unattributed(let failed, let reason, _) = try outcome(batch(["1", "2"]), 400, body) else {
            Issue.record("attributed")
            return
        }
        #expect(failed == 2 && reason.code == "refused_by_destination")
        #expect(rejected(try outcome(batch(["1"]), 400, body))?.count == 1)
    }

    @Test(arguments: [
        "", "  \n", "OK", "null", "[]", "\"ok\"", "42", "{", #"{"created":1,"updat"#, #"{"ok":true}"#,
        #"{"created":"two"}"#, #"{"created":1.5}"#, #"{"created":[1]}"#, #"{"created":1} trailing"#,
        #"{"created":1e300}"#, #"{"createdErrors":[]}"#, #"{"_id":"x","name":"y"}"#,
    ])
    func answerThatCannotBeUnderstoodMayHaveBeenCarriedOut(_ body: String) {
        let error = failure(200, body)
        #expect(error?.code == "unreadable_answer")
        #expect(error?.disposition == .retry(after: nil) && error?.isKnownUnsent == false)
    }

    @Test(arguments: [
        envelope(created: -1, updated: 3), envelope(created: 3), envelope(created: 1, updated: 2),
        envelope(nonupdates: 2_000_000_000),
    ])
    func absurdCountsAreBelievedInNoPart(_ body: String) {
        #expect(failure(200, body)?.code == "contradictory_answer")
    }

    @Test func recordInsteadOfAnEnvelopeAcceptsASingleOperation() throws {
        #expect(
            try outcome(batch(["1"]), 200, #"{"_id":"x","name":"y"}"#)
                == .attributed([.accepted], WriteTally(updated: 1)))
    }

    @Test func listsOfAnyShapeAreTaken() throws {
        let answer =
            #"{"created":2,"updated":null,"createdErrors":null,"insertsKeys":{"a":1},"updatesKeys":"x","more":[{}]}"#
        #expect(rejected(try outcome(batch(["1", "2"]), 200, answer)) == [:])
        let odd = #"{"created":1,"fooErrors":{"message":"odd","externalId":"2"}}"#
        #expect(rejected(try outcome(batch(["1", "2"]), 200, odd)) == [1: "refused_by_destination"])
    }

    @Test func longTextsAreCutAndObjectsWithoutMessageAreShown() throws {
        let long = String(repeating: "x", count: 2_000)
        guard
            case .attributed(let outcomes, _) = try outcome(batch(["1"]), 400, envelope(createdErrors: "[\"\(long)\"]")),
            case .rejected(let reason) = outcomes[0]
        else {
            Issue.record("not rejected")
            return
        }
        #expect(reason.message.count == 500)
        guard
            case .attributed(let others, _) = try outcome(
                batch(["1"]), 400, envelope(createdErrors: #"[{"kind":"bad","n":1}]"#)),
            case .rejected(let other) = others[0]
        else { return }
        #expect(other.message == #"{kind: "bad", n: 1}"#)
    }

    @Test(arguments: [
        ("externalId,email duplicated", "unique"), ("E11000 duplicate key error", "unique"),
        ("Path `name` is required.", "not mapped"), ("company not found", "Sync companies first"),
        ("Cast to Number failed for value \"abc\"", "type"), ("no permission", "permission"),
        ("something new", "Correct the row"),
    ])
    func hintFollowsFromTheText(_ text: String, _ part: String) throws {
        let body = #"{"createdErrors":[{"error":{"message":"\#(text.replacing("\"", with: "'"))"}}],"created":0}"#
        guard case .attributed(let outcomes, _) = try outcome(batch(["1"]), 400, body),
            case .rejected(let reason) = outcomes[0]
        else {
            Issue.record("not rejected")
            return
        }
        #expect(reason.hint.contains(part))
    }

    @Test func plainSuccessOfFiveThousandRowsIsCheap() throws {
        let keys = (0..<5_000).map { "company-\($0)" }
        let ids = keys.map { #"{"_id":"65f0c0ffee0123456789abcd","externalId":"\#($0)","modified":true}"# }
        let answer = envelope(created: 5_000, keys: ("[" + ids.joined(separator: ",") + "]", "[]"))
        let batch = batch(keys)
        let start = ContinuousClock.now
        #expect(rejected(try outcome(batch, 200, answer)) == [:])
        let elapsed = ContinuousClock.now - start
        // 10 ms in release mode; the bound leaves room for an unoptimised build on a busy machine.
        #expect(elapsed < .milliseconds(2_000), "\(answer.utf8.count) bytes in \(elapsed)")
    }
}
