import ConnectorKit
import DestinationPlanhat
import Records
import TestKit
import Testing

struct AnalyticsResponseTests {
    private static let metric = analyticsObject("metric")
    private let days = metrics([
        ("A", "seats", "2024-01-30"), ("A", "seats", "2024-01-31"), ("B", "seats", "2024-01-31"),
    ])
    private let events = activities(["ann@x.se", "bo@x.se", "cy@x.se"])

    private func outcome(
        _ batch: OperationBatch, _ status: Int, _ body: String, of name: String = "metric"
    ) throws(DestinationError) -> BatchOutcome {
        try AnalyticsResponse.outcome(
            of: batch, object: analyticsObject(name), answer: PlanhatAnswer(status: status, body: Array(body.utf8)),
            address: "https://analytics.planhat.com")
    }

    private func failure(_ status: Int, _ body: String, wait: Duration? = nil) -> DestinationError? {
        do {
            _ = try AnalyticsResponse.outcome(
                of: days, object: Self.metric,
                answer: PlanhatAnswer(status: status, body: Array(body.utf8), wait: wait),
                address: "https://analytics.planhat.com")
            return nil
        } catch {
            return error
        }
    }

    private func reason(_ outcome: BatchOutcome, _ row: Int) -> Reason? {
        guard case .attributed(let outcomes, _) = outcome, case .rejected(let reason) = outcomes[row] else {
            return nil
        }
        return reason
    }

    private func unattributed(_ outcome: BatchOutcome) -> (failed: Int, reason: Reason)? {
        guard case .unattributed(let failed, let reason, _) = outcome else { return nil }
        return (failed, reason)
    }

    @Test(arguments: [
        "", "  \r\n", "OK", "\"ok\"", "{}", #"{"errors":[]}"#, #"{"processed":3,"errors":[]}"#, #"{"errors":null}"#,
        #"{"processed":3}"#, "[]", "null", "true", #"{"processed":4,"errors":[]}"#, #"{"processed":"many"}"#,
        "Error: something", #"{"message":"queued"}"#, #"{"errors":0}"#, #"{"errors":[null]}"#,
    ])
    func successInAnyFormAcceptsEveryRow(_ body: String) throws {
        for status in [200, 201, 202] {
            #expect(
                try outcome(days, status, body) == .attributed([.accepted, .accepted, .accepted], WriteTally()))
        }
    }

    @Test(arguments: ["{", #"{"processed":3,"err"#, "[{", "<html>Sign in</html>", "\n<!doctype html>"])
    func answerThatIsCutOffOrAPageSaysNothing(_ body: String) {
        let error = failure(200, body)
        #expect(error?.code == "unreadable_answer" && error?.isKnownUnsent == false)
    }

    @Test func errorThatNamesItsRowRejectsThatRowAlone() throws {
        let body = #"{"processed":2,"errors":[{"message":"no such record","externalId":"B"}]}"#
        let result = try outcome(days, 200, body)
        #expect(rejected(result) == [2: "refused_by_destination"])
        #expect(reason(result, 2)?.message == "no such record")
    }

    @Test(arguments: [
        #"{"externalId":"A","dimensionId":"seats","date":"2024-01-31","message":"x"}"#,
        #"{"item":{"externalId":"A","date":"2024-01-31"},"error":"x"}"#, #"{"index":1,"message":"x"}"#,
        #"{"index":1,"externalId":"A","model":"Company"}"#,
    ])
    func dayOfARecordIsToldFromItsOtherDays(_ entry: String) throws {
        #expect(rejected(try outcome(days, 200, #"{"processed":3,"errors":[\#(entry)]}"#))?.keys.first == 1)
    }

    @Test(arguments: [
        #""dimensionId is required""#, #"{"message":"x"}"#, #"{"externalId":"A"}"#, #"{"dimensionId":"seats"}"#,
        #"{"externalId":"Z"}"#, #"{"externalId":"A","dimensionId":"other"}"#, #"{"index":3}"#, #"{"index":"1"}"#,
        #"{"index":1,"externalId":"B"}"#, #"{"externalId":["A","B"]}"#, #"{"date":"2024-01-30"}"#,
        #"{"company":{"externalId":"B"}}"#, #""A""#, #"{"message":"B failed"}"#, "7",
        #"{"externalId":"A","date":"2024-02-01"}"#,
    ])
    func errorThatNamesNoSingleRowIsNotAttributed(_ entry: String) throws {
        let found = unattributed(try outcome(days, 200, #"{"processed":2,"errors":[\#(entry)]}"#))
        #expect(found?.failed == 1 && found?.reason.code == "refused_by_destination")
    }

    @Test func oneNamelessErrorLeavesTheNamedOnesInDoubtToo() throws {
        let body = #"{"errors":[{"externalId":"B","message":"b"},"something else"]}"#
        let found = unattributed(try outcome(days, 200, body))
        #expect(found?.failed == 2 && found?.reason.message == "something else")
    }

    @Test func activitiesAreFoundByTheirPerson() throws {
        let byEmail = #"{"errors":[{"message":"unknown","email":"BO@x.se"}]}"#
        #expect(rejected(try outcome(events, 200, byEmail, of: "activity")) == [1: "refused_by_destination"])
        #expect(rejected(try outcome(events, 200, #"{"errors":["cy@x.se"]}"#, of: "activity"))?.keys.first == 2)
        let twice = activities(["ann@x.se", "ann@x.se"])
        #expect(rejected(try outcome(twice, 200, #"{"errors":[{"email":"ann@x.se"}]}"#, of: "activity")) == nil)
    }

    @Test func rowsThatAreNotProcessedAreNotTakenForAccepted() throws {
        let some = unattributed(try outcome(days, 200, #"{"processed":1,"errors":[]}"#))
        #expect(some?.failed == 2 && some?.reason.code == "dropped_by_destination")
        let alsoNamed = unattributed(try outcome(days, 200, #"{"processed":1,"errors":[{"externalId":"B"}]}"#))
        #expect(alsoNamed?.failed == 2)
        let none = try outcome(days, 200, #"{"processed":0,"errors":[]}"#)
        #expect(rejected(none)?.count == 3 && reason(none, 0)?.code == "dropped_by_destination")
        #expect(reason(none, 0)?.hint.contains("externalId") == true)
        let events = try outcome(events, 200, #"{"processed":0}"#, of: "activity")
        #expect(reason(events, 0)?.hint.contains("end users") == true)
    }

    @Test func noneProcessedRejectsEveryRowWithWhatIsSaid() throws {
        let result = try outcome(
            days, 200, #"{"processed":0,"errors":["tenant is paused",{"externalId":"B","message":"b"}]}"#)
        #expect(reason(result, 0)?.message == "tenant is paused" && reason(result, 2)?.message == "b")
        #expect(rejected(result)?.count == 3)
    }

    @Test func errorsInOtherShapesAreErrorsToo() throws {
        for errors in [#""bad""#, #"{"value":"must be a number"}"#, #"[["bad"]]"#, "2"] {
            #expect(unattributed(try outcome(days, 200, #"{"errors":\#(errors)}"#)) != nil)
        }
    }

    @Test func singleRowNeedsNoName() throws {
        let one = metrics([("A", "seats", "2024-01-30")])
        for body in [
            #"{"processed":1,"errors":["bad"]}"#, #"{"errors":["bad"]}"#, #"{"processed":0,"errors":["bad"]}"#,
        ] {
            let result = try outcome(one, 200, body)
            #expect(rejected(result) == [0: "refused_by_destination"] && reason(result, 0)?.message == "bad")
        }
    }

    @Test(arguments: [400, 422])
    func badRequestRejectsOneRowAndLeavesSeveralOpen(_ status: Int) throws {
        let one = metrics([("A", "seats", "2024-01-30")])
        for (body, words) in [("value must be a number", "value must be"), ("", "\(status)"), ("{", "{")] {
            #expect(reason(try outcome(one, status, body), 0)?.message.contains(words) == true)
            let several = unattributed(try outcome(days, status, body))
            #expect(several?.failed == 3 && several?.reason.message.contains(words) == true)
        }
        let named = #"{"errors":[{"externalId":"B","message":"b"}]}"#
        #expect(unattributed(try outcome(days, status, named))?.failed == 3)
        let all = #"{"errors":[{"index":0,"message":"a"},{"index":1,"message":"b"},{"index":2,"message":"c"}]}"#
        #expect(reason(try outcome(days, status, all), 1)?.message == "b")
        #expect(rejected(try outcome(days, status, #"{"processed":0,"errors":["all bad"]}"#))?.count == 3)
    }

    static let statuses: [(Int, String, Disposition, Bool)] = [
        (401, "tenant_uuid_refused", .fixConfiguration, true), (403, "tenant_uuid_refused", .fixConfiguration, true),
        (404, "tenant_uuid_refused", .fixConfiguration, true), (408, "request_timeout", .retry(after: nil), false),
        (413, "body_too_large", .stop, true), (429, "rate_limited", .retry(after: .seconds(15)), true),
        (500, "server_error", .retry(after: nil), false), (503, "server_error", .retry(after: nil), false),
        (302, "redirected", .fixConfiguration, false), (405, "unexpected_status", .fixConfiguration, false),
    ]

    @Test(arguments: statuses)
    func statusDecidesWhatNow(_ status: Int, _ code: String, _ disposition: Disposition, _ unsent: Bool) {
        let error = failure(status, "No")
        #expect(error?.code == code && error?.disposition == disposition && error?.isKnownUnsent == unsent)
        #expect(error?.hint.isEmpty == false && error?.hint.contains("base_url") == false)
        #expect(error?.hint.contains("requests_per_minute") == false)
    }

    @Test func refusedTenantNamesTheSetting() {
        let error = failure(404, #"{"message":"no such tenant"}"#)
        #expect(error?.hint.contains("`tenant_uuid`") == true && error?.message.contains("no such tenant") == true)
        #expect(failure(429, "", wait: .seconds(7))?.disposition == .retry(after: .seconds(7)))
    }

    /// Whichever rows fail and however an entry names them: only rows that failed are called refused.
    @Test(arguments: 0..<200)
    func attributionNeverAccusesTheWrongRow(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let count = Int.random(in: 2...30, using: &random)
        var seen: Set<String> = []
        let rows = (0..<count).map { _ in
            (
                "r\(Int.random(in: 0..<count, using: &random))", "d\(Int.random(in: 0..<3, using: &random))",
                "2024-01-\(Int.random(in: 10..<14, using: &random))"
            )
        }.filter { seen.insert("\($0)").inserted }
        let failing = Set(rows.indices.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
        let errors = failing.sorted().map { row -> String in
            let (record, dimension, date) = rows[row]
            switch Int.random(in: 0..<6, using: &random) {
            case 0: return #"{"externalId":"\#(record)","dimensionId":"\#(dimension)","date":"\#(date)"}"#
            case 1: return #"{"externalId":"\#(record)","message":"no"}"#
            case 2: return #"{"item":{"externalId":"\#(record)","dimensionId":"\#(dimension)"}}"#
            case 3: return #"{"index":\#(row),"message":"\#(record)"}"#
            case 4: return #""\#(record)""#
            default: return #""no such record""#
            }
        }
        let processed = Bool.random(using: &random) ? rows.count : rows.count - failing.count
        let body = #"{"processed":\#(processed),"errors":[\#(errors.joined(separator: ","))]}"#
        switch try outcome(metrics(rows), 200, body) {
        case .attributed(let outcomes, _):
            #expect(Set(outcomes.indices.filter { outcomes[$0] != .accepted }) == failing)
        case .unattributed(let failed, _, _):
            #expect(failed == failing.count)
        }
    }
}
