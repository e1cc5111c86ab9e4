import ConnectorKit
import DestinationPlanhat
import Records
import TestKit
import Testing

struct PlanhatAttributionTests {
    private func row(_ entry: String, _ batch: OperationBatch, written: Set<Int> = []) -> Int? {
        guard let value = JSONReader.valueIfAny(Array(entry.utf8)) else { return nil }
        return PlanhatAttribution(batch).rows(of: [value], written: written)[0]
    }

    private let people = batch(
        payloads: [
            (
                "s1",
                #"{"sourceId":"s1","externalId":"7","email":"Ann@x.se","companyId":"extid-A","custom":{"_id":"9"}}"#
            ),
            ("s2", #"{"sourceId":"s2","externalId":"7","email":"bo@x.se","companyId":"extid-B"}"#),
            ("s3", #"{"sourceId":"s3","externalId":9,"email":null}"#),
        ], keyField: "sourceId")

    @Test(arguments: [
        #"{"message":"x","sourceId":"s2"}"#, #"{"doc":{"a":[{"sourceId":"s2"}]}}"#,
        #"{"keyValue":{"email":"BO@x.se"}}"#,
        #"{"key":"s2"}"#, #""s2""#, #"["s2","duplicated"]"#, #"{"index":1}"#, #"{"sourceId":"s2","index":0}"#,
        #"{"sourceId":"s2","externalId":"unknown"}"#, #"{"email":"bo@x.se","company":{"externalId":"9"}}"#,
    ])
    func rowIsFoundByItsIdentity(_ entry: String) { #expect(row(entry, people) == 1) }

    @Test func numbersAndTextsAreOneIdentity() {
        #expect(row(#"{"externalId":"9"}"#, people) == 2)
        #expect(row(#"{"externalId":9}"#, people) == 2)
    }

    @Test(arguments: [
        #"{"externalId":"7"}"#, #"{"sourceId":"s1","email":"bo@x.se"}"#, #""sourceId,email duplicated""#, #"{}"#,
        "null",
        #"{"sourceId":"s"}"#, #"{"sourceId":"S2"}"#, #"{"message":"s2"}"#, #"{"value":"s2"}"#, #"{"index":3}"#,
        #"{"index":-1}"#, #"{"index":1.5}"#, #"{"index":"1"}"#, #"{"company":{"externalId":"9"}}"#,
        #"{"externalId":"7","index":1}"#, #"{"message":"failed for s2"}"#, #"{"_id":"9"}"#,
    ])
    func rowThatIsNotCertainIsNotNamed(_ entry: String) { #expect(row(entry, people) == nil) }

    @Test func rowThatTheAnswerListsAsWrittenIsNotRefused() {
        #expect(row(#"{"index":1}"#, people, written: [1]) == nil)
        #expect(row(#"{"sourceId":"s2"}"#, people, written: [0]) == 1)
    }

    /// However the entries are shaped and whichever rows fail: what is attributed is exactly what failed, or nothing.
    @Test(arguments: 0..<300)
    func attributionNeverAccusesTheWrongRow(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let count = Int.random(in: 2...40, using: &random)
        // Few distinct emails and external ids, so that many are shared.
        let rows = (0..<count).map { index in
            (
                source: "s\(index)", external: "\(Int.random(in: 0..<count, using: &random))",
                email: "p\(Int.random(in: 0..<count, using: &random))@x.se"
            )
        }
        let people = batch(
            payloads: rows.map { row in
                let fields = #""externalId":"\#(row.external)","email":"\#(row.email)""#
                return (row.source, #"{"sourceId":"\#(row.source)",\#(fields)}"#)
            }, keyField: "sourceId")
        let failing = Set((0..<count).filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
        let errors = failing.sorted().map { index -> String in
            let row = rows[index]
            switch Int.random(in: 0..<7, using: &random) {
            case 0: return #"{"message":"x","sourceId":"\#(row.source)"}"#
            case 1: return #"{"error":{"externalId":"\#(row.external)"}}"#
            case 2: return #"{"email":"\#(row.email)","message":"7"}"#
            case 3: return #"{"index":\#(index),"message":"y"}"#
            case 4: return #""\#(row.source)""#
            case 5: return #""externalId,email duplicated""#
            default: return #"{"item":{"sourceId":"\#(row.source)","email":"\#(row.email)"}}"#
            }
        }
        let good = count - failing.count
        let created = good == 0 ? 0 : Int.random(in: 0...good, using: &random)
        let answer = envelope(
            created: created, nonupdates: good - created, createdErrors: "[" + errors.joined(separator: ",") + "]")
        switch try outcome(people, failing.isEmpty ? 200 : 206, answer, object: PlanhatObjects.endUser) {
        case .attributed(let outcomes, _):
            let told = outcomes.indices.filter { outcomes[$0] != .accepted }
            #expect(Set(told) == failing)
            #expect(outcomes.count == count)
        case .unattributed(let failed, _, _):
            #expect(failed == failing.count)
        }
    }
}
