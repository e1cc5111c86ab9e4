import Records
import StateStore
import TestKit
import Testing

@Suite struct HashSpillTests {
    private static func duplicates(_ hashes: [Hash128], inMemory: Int, _ folder: String) throws -> [Hash128: Int] {
        var spill = HashSpill(directory: folder, hashesInMemoryMax: inMemory)
        for hash in hashes { try spill.add(hash) }
        var found: [Hash128: Int] = [:]
        var last: Hash128?
        try spill.finish { hash, count in
            if let last { #expect(last < hash) }
            last = hash
            found[hash] = count
        }
        return found
    }

    @Test func nothingAddedHasNoDuplicates() throws {
        let scratch = try ScratchFolder()
        #expect(try Self.duplicates([], inMemory: 4, scratch.path).isEmpty)
    }

    @Test(arguments: [1, 2, 3, 7, 64, 100_000], [0, 1, 3])
    func duplicatesEqualTheModel(inMemory: Int, shape: Int) throws {
        let scratch = try ScratchFolder()
        var random = SeededRandom(seed: UInt64(inMemory * 10 + shape))
        let hashes = (0..<3_000).map { number -> Hash128 in
            let value = UInt64.random(in: 0..<2_000, using: &random)
            switch shape {
            case 0: return key(Int(value))
            case 1: return Hash128(high: 0, low: value)
            default: return Hash128(high: value << 20, low: value % 3)
            }
        }
        var model: [Hash128: Int] = [:]
        for hash in hashes { model[hash, default: 0] += 1 }
        #expect(try Self.duplicates(hashes, inMemory: inMemory, scratch.path) == model.filter { $0.value > 1 })
        #expect(ScratchFolder.names(scratch.path).isEmpty)
    }

    @Test func onlyOneHashManyTimes() throws {
        let scratch = try ScratchFolder()
        let hashes = Array(repeating: key(1), count: 1_000)
        #expect(try Self.duplicates(hashes, inMemory: 10, scratch.path) == [key(1): 1_000])
        #expect(try Self.duplicates([.void, .void], inMemory: 10, scratch.path) == [.void: 2])
        #expect(try Self.duplicates([.void], inMemory: 10, scratch.path).isEmpty)
    }

    @Test func spillWithoutAFolderIsToldNotLost() throws {
        let missing = try ScratchFolder().path + "/missing"
        #expect(code { _ = try Self.duplicates((0..<9).map(key), inMemory: 2, missing) } == "state_io")
    }
}
