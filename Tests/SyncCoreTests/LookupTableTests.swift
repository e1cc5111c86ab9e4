import ConnectorKit
import Records
import SyncCore
import TestKit
import Testing

@Suite struct LookupTableTests {
    private let name = LookupName(object: "person", field: "email", ignoresCase: true)
    private let mongo = "64b7f0a1c2d3e4f5a6b7c8d9"

    private func table(_ records: [(String, String)], _ name: LookupName? = nil) -> LookupTable {
        LookupTable(name ?? self.name, seed: 5, records: records)
    }

    @Test func aRecordIsFoundByItsTextWhateverItsIdLooksLike() {
        let ids = [
            mongo, mongo.uppercased(), "7", String(repeating: "x", count: 255), "åäö", String(mongo.dropLast()) + "g",
        ]
        let table = table(ids.enumerated().map { ("t\($0)@x.y", $1) })
        #expect(table.count == ids.count)
        for (index, id) in ids.enumerated() { #expect(table.find("t\(index)@x.y") == .found(id: id)) }
        #expect(table.find("t9@x.y") == .missing)
    }

    @Test func caseCountsOnlyWhereItIsAskedForAndBlanksAroundNever() {
        let exact = LookupName(object: "person", field: "email", ignoresCase: false)
        #expect(table([("Ann@X.y ", "1")]).find(" ann@x.Y") == .found(id: "1"))
        #expect(table([("Ann@X.y ", "1")], exact).find("ann@x.y") == .missing)
        #expect(table([("Ann@X.y ", "1")], exact).find("Ann@X.y\n") == .found(id: "1"))
    }

    @Test func twoRecordsWithOneTextAreAmbiguousAndOneRecordThatComesTwiceIsNot() {
        let table = table([("a", "1"), ("b", mongo), ("A", "2"), ("b", mongo), ("c", "3")])
        #expect(table.find("a") == .ambiguous)
        #expect(table.find("b") == .found(id: mongo))
        #expect(table.find("c") == .found(id: "3"))
    }

    /// Keys that were hashed before are looked for as they are.
    @Test func whatIsHashedAlreadyIsFoundByItsHash() {
        var table = table([])
        let long = String(repeating: "x", count: 40)
        for (key, id) in [("a", long), ("b", "1"), ("c", "")] {
            guard case .other(let hash, let id)? = table.entry(Hash128.of(key, seed: 9), id: id) else { continue }
            table.add(other: hash, id: id)
        }
        #expect(table.find(Hash128.of("a", seed: 9)) == .found(id: long))
        #expect(table.find(Hash128.of("a", seed: 8)) == .missing && table.find("a") == .missing)
        guard case .pair(let hash, let id)? = table.entry(Hash128.of("b", seed: 9), id: "1") else {
            Issue.record("a short id is no pair")
            return
        }
        #expect(hash == Hash128.of("b", seed: 9) && id.text == "1")
        #expect(table.entry(Hash128.of("c", seed: 9), id: "") == nil)
    }

    @Test func recordsWithoutATextOrAnIdAreLeftOut() {
        let table = table([("", "1"), (" \t", "2"), ("a", ""), ("b", String(repeating: "x", count: 256))])
        #expect(table.count == 0)
        #expect(table.find("") == .missing)
        #expect(table.find("a") == .missing)
    }

    @Test func everyOneOfManyRecordsIsFoundAndNothingElse() {
        var random = SeededRandom(seed: 3)
        let order = (0..<5_000).shuffled(using: &random)
        let table = table(order.map { ("key \($0)", "id \($0)") })
        for number in 0..<5_000 {
            #expect(table.find("key \(number)") == .found(id: "id \(number)"))
            #expect(table.find("key \(number + 5_000)") == .missing)
        }
    }

    @Test func idsThatFitAreWhatTheyWere() {
        let fitting = [mongo, "7", "abcdefghijklmno", "åäö", "64b7f0a1c2d3", " x "]
        for id in fitting { #expect(LookupID(id)?.text == id, "\(id)") }
        for id in ["", "abcdefghijklmnop", mongo.uppercased(), mongo + "0"] { #expect(LookupID(id) == nil, "\(id)") }
        #expect(Set(fitting.compactMap { LookupID($0) }).count == fitting.count)
    }

    @Test func textOfTwoRecordsIsAmbiguousWhateverTheirIds() {
        let long = String(repeating: "x", count: 40)
        let table = table([("a", "1"), ("a", long), ("b", long), ("b", long), ("c", long), ("c", long + "y")])
        #expect(table.find("a") == .ambiguous)
        #expect(table.find("b") == .found(id: long))
        #expect(table.find("c") == .ambiguous)
    }
}
