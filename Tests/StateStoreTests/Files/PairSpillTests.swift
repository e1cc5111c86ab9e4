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

    @Test(arguments: [0, 1, 15, 16, 31, 32, 63, 64, 65, 128, 3_000])
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
        for key in found.map(\.key) + (0..<100).map({ _ in Hash128(high: random.next(), low: 3) }) {
            #expect(sorted.start(of: key) == found.firstIndex { $0.key >= key } ?? count)
        }
        for key in [Hash128.void, Hash128(high: .max, low: .max)] {
            #expect(sorted.start(of: key) == found.firstIndex { $0.key >= key } ?? count)
        }
        #expect(ScratchFolder.names(scratch.path).isEmpty)
    }

    /// A key column that is one country in most rows.
    @Test func manyOfOneHashKeepTheOrderTheyCameIn() throws {
        let scratch = try ScratchFolder()
        var spill = PairSpill(directory: scratch.path, pairsInMemoryMax: 64)
        let heavy = Hash128(high: 0x0102_0304_0506_0708, low: 9)
        for number in 0..<3_000 {
            let key = number % 4 == 0 ? Hash128(high: heavy.high, low: UInt64(number)) : heavy
            try spill.add(key, Hash128(high: 0, low: UInt64(number)))
        }
        let sorted = try spill.finish()
        var found: [UInt64] = []
        for index in 0..<sorted.count where sorted.pair(at: index).key == heavy {
            found.append(sorted.pair(at: index).value.low)
        }
        let wanted: [UInt64] = (0..<3_000).filter { $0 % 4 != 0 }
        #expect(found == wanted)
        #expect(ScratchFolder.names(scratch.path).isEmpty)
    }
}
