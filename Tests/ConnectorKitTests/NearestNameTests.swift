import ConnectorKit
import TestKit
import Testing

struct NearestNameTests {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("ab", "ba", 1),
        ("ca", "abc", 2), ("shedule", "schedule", 1), ("nmae", "name", 1), ("é", "e", 1),
    ])
    func distanceCountsEdits(_ left: String, _ right: String, _ edits: Int) {
        #expect(NearestName.distance(left, right) == edits)
    }

    @Test(arguments: [
        ("external_id", "externalId"), ("externalID", "externalId"), ("nmae", "name"), ("shedule", "schedule"),
        ("Name", "name"), ("first-name", "firstName"),
    ])
    func typosFindTheirName(_ typo: String, _ name: String) {
        #expect(NearestName.among(["externalId", "name", "schedule", "firstName", "phone"], to: typo) == name)
    }

    @Test(arguments: ["", "x", "zzzzzzzz", String(repeating: "name", count: 40)])
    func nothingNearFindsNothing(_ name: String) {
        #expect(NearestName.among(["externalId", "name", "", "schedule"], to: name) == nil)
    }

    @Test func shortListsAreSpelledOut() {
        #expect(NearestName.hint(for: "zzz", among: ["alpha", "beta"]) == "it is one of: alpha, beta")
        #expect(NearestName.hint(for: "zzz", among: ["alpha"]) == "there is only `alpha`")
        #expect(NearestName.hint(for: "zzz", among: []) == "")
        #expect(NearestName.hint(for: "zzz", among: (0..<20).map { "name\($0)" }) == "")
        #expect(NearestName.hint(for: "bta", among: ["alpha", "beta"]) == "did you mean `beta`?")
    }

    private static func word(_ random: inout SeededRandom) -> String {
        String(
            (0..<Int.random(in: 0...7, using: &random)).map { _ in
                ["a", "b", "c"][Int.random(in: 0..<3, using: &random)]
            }.joined())
    }

    @Test func distanceIsAMetric() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<2_000 {
            let (one, two, three) = (Self.word(&random), Self.word(&random), Self.word(&random))
            let direct = NearestName.distance(one, two)
            #expect(direct == NearestName.distance(two, one))
            #expect((direct == 0) == (one == two))
            #expect(direct <= max(one.count, two.count))
            #expect(direct >= abs(one.count - two.count))
            #expect(direct <= NearestName.distance(one, three) + NearestName.distance(three, two))
        }
    }

    @Test func oneEditIsAtMostOneAway() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<1_000 {
            let word = Array("abc" + Self.word(&random))
            let place = Int.random(in: 0..<word.count, using: &random)
            var dropped = word
            dropped.remove(at: place)
            var inserted = word
            inserted.insert("x", at: place)
            var replaced = word
            replaced[place] = "x"
            var swapped = word
            if place > 0 { swapped.swapAt(place, place - 1) }
            for edited in [dropped, inserted, replaced, swapped] {
                #expect(NearestName.distance(String(word), String(edited)) <= 1)
            }
        }
    }

    @Test func whatIsFoundIsAlwaysACandidate() {
        var random = SeededRandom(seed: 9)
        for _ in 0..<500 {
            let candidates = (0..<5).map { _ in Self.word(&random) }
            let name = Self.word(&random)
            guard let found = NearestName.among(candidates, to: name) else { continue }
            #expect(candidates.contains(found) && found != name)
        }
    }
}
