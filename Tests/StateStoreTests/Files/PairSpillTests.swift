import Records
import StateStore
import TestKit
import Testing

/// Pairs of a hash and sixteen bytes, put in order in bounded memory.
@Suite struct PairSpillTests {
    private func pairs(_ count: Int, _ random: inout SeededRandom) -> [(key: Hash128, value: Hash128)] {
        (0..<count).map { number in
            // Some keys come several times, and some tops are equal.
            let key = Hash128(high: random.next() >> (number % 5 == 0 ? 60 : 0), low: UInt64(number % 7))
            return (key, Hash128(high: random.next(), low: random.next()))
        }
    }

    private func words(_ pairs: [(key: Hash128, value: Hash128)]) -> [[UInt64]] {
        pairs.map { [$0.key.high, $0.key.low, $0.value.high, $0.value.low] }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test(arguments: [0, 1, 63, 64, 65, 128, 5_000])
    func pairsComeBackInTheOrderOfTheirHashes(count: Int) throws {
        var random = SeededRandom(seed: UInt64(count) + 1)
        let given = pairs(count, &random)
        let scratch = try ScratchFolder()
        var spill = PairSpill(directory: scratch.path, pairsInMemoryMax: 64)
        for pair in given { try spill.add(pair.key, pair.value) }
        #expect(spill.count == count)
        let sorted = try spill.finish()
        #expect(sorted.count == count && sorted.isInFile == (count > 64))
        let found = (0..<sorted.count).map { sorted.pair(at: $0) }
        #expect(zip(found, found.dropFirst()).allSatisfy { $0.key <= $1.key })
        #expect(words(found) == words(given))
        #expect(ScratchFolder.names(scratch.path).isEmpty)
    }
}
