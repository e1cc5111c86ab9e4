import Records
import StateStore
import TestKit
import Testing

@Suite struct SnapshotTests {
    @Test func nothingIsKnownBeforeTheFirstRun() throws {
        let scratch = try ScratchFolder()
        guard case .none = try Snapshot.open(scratch.sync()) else {
            Issue.record("something was found")
            return
        }
        var results: [Probe] = []
        EmptyFingerprints().probe([key(1), key(2)], into: &results)
        #expect(results == [.unknown, .unknown])
    }

    @Test func acceptedRowsAreKnownAfterTheClose() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set), (key(2), row(2), .set)], [(key(3), row(3), .set)]])
        let header = try files.sync.closeRun(1)
        #expect(header.generation == 1 && header.run == 1 && header.count == 3)
        #expect(try files.sync.contents() == [key(1): row(1), key(2): row(2), key(3): row(3)])
    }

    @Test func probeAnswersEachKeyAtItsPlace() throws {
        let files = try ScratchFolder.kept()
        let batch = (0..<5_000).map { (key($0), row($0), JournalEffect.set) }
        try files.sync.run(1, [batch])
        _ = try files.sync.closeRun(1)
        let snapshot = try #require(try Snapshot.open(files.sync).snapshot)
        let keys = (0..<10_000).map(key)
        var results: [Probe] = []
        snapshot.probe(keys, into: &results)
        #expect(results.count == 10_000)
        for number in 0..<5_000 {
            #expect(results[number].rowHash == row(number))
            #expect(snapshot.record(at: Int(results[number].index)).key == key(number))
        }
        #expect(results[5_000...].allSatisfy { $0 == .unknown })
        #expect(Set(results[..<5_000].map(\.index)).count == 5_000)
    }

    @Test func probeLeavesResultsBeyondTheKeysAlone() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set)]])
        _ = try files.sync.closeRun(1)
        let snapshot = try #require(try Snapshot.open(files.sync).snapshot)
        var results = [Probe](repeating: Probe(index: 9, rowHash: row(9)), count: 3)
        snapshot.probe([key(1)], into: &results)
        #expect(results[0] == Probe(index: 0, rowHash: row(1)))
        #expect(results[1...].allSatisfy { $0.index == 9 })
    }

    @Test func keysThatAreNoHashesAreFoundToo() throws {
        let files = try ScratchFolder.kept()
        var batch: [(Hash128, Hash128, JournalEffect)] = []
        for number in 0..<3_000 {
            batch.append((Hash128(high: 0, low: UInt64(number + 1)), row(number), .set))
            batch.append((Hash128(high: .max, low: UInt64(number)), row(number), .set))
            batch.append((Hash128(high: UInt64(number), low: .max), row(number), .set))
        }
        batch.shuffle()
        try files.sync.run(1, [batch])
        _ = try files.sync.closeRun(1)
        let snapshot = try #require(try Snapshot.open(files.sync).snapshot)
        #expect(snapshot.count == batch.count)
        for index in 1..<snapshot.count { #expect(snapshot.record(at: index - 1).key < snapshot.record(at: index).key) }
        var results: [Probe] = []
        snapshot.probe(batch.map(\.0), into: &results)
        #expect(zip(results, batch).allSatisfy { $0.index >= 0 && $0.rowHash == $1.1 })
    }

    @Test func voidAndRemovedKeysAreToldApart() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set), (key(2), row(2), .set), (key(3), row(3), .set)]])
        _ = try files.sync.closeRun(1)
        try files.sync.run(
            2,
            [
                [(key(1), row(9), .void), (key(2), row(9), .remove), (key(3), row(9), .keep), (key(4), row(9), .void)],
                [(key(5), row(9), .keep), (key(6), row(9), .remove)],
            ])
        _ = try files.sync.closeRun(2)
        #expect(try files.sync.contents() == [key(1): .void, key(3): row(3), key(4): .void])
    }

    @Test func openBatchWithoutItsSettlementMakesItsKeysVoid() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set)]])
        _ = try files.sync.closeRun(1)
        try files.sync.run(2, [[(key(1), row(2), .set), (key(2), row(2), .set)]], settled: false)
        _ = try files.sync.closeRun(2)
        #expect(try files.sync.contents() == [key(1): .void, key(2): .void])
    }

    @Test func repeatedBatchCountsByItsLastAnswer() throws {
        let files = try ScratchFolder.kept()
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        let first = [1, 2, 3].map { OpenEntry(sequence: $0, keyHash: key($0), rowHash: row($0)) }
        try journal.append(open: OpenFrame(batch: 0, entries: first))
        try journal.append(open: OpenFrame(batch: 0, entries: first))
        try journal.append(settled: SettleFrame(batch: 0, effects: [.set, .keep, .remove]))
        // A batch cut differently when the run was resumed: the earlier, open one does not void what came later.
        let later = OpenEntry(sequence: 4, keyHash: key(4), rowHash: row(4))
        try journal.append(open: OpenFrame(batch: 1, entries: [later]))
        try journal.append(open: OpenFrame(batch: 2, entries: [later]))
        try journal.append(settled: SettleFrame(batch: 2, effects: [.set]))
        journal.close()
        _ = try files.sync.closeRun(1)
        #expect(try files.sync.contents() == [key(1): row(1), key(2): .void, key(4): row(4)])
    }

    @Test(arguments: 1...12)
    func mergedGenerationsEqualTheModel(seed: UInt64) throws {
        let files = try ScratchFolder.kept()
        var random = SeededRandom(seed: seed)
        var model: [Hash128: Hash128] = [:]
        let keys = (0..<Int.random(in: 1...2_000, using: &random)).map { _ in random.hash() }
        for run in 1...Int64(8) {
            var batches: [[(Hash128, Hash128, JournalEffect)]] = []
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let chosen = Set(
                    (0..<Int.random(in: 1...400, using: &random)).map { _ in
                        keys[Int.random(in: keys.indices, using: &random)]
                    })
                batches.append(
                    chosen.map { key in
                        (key, random.hash(), JournalEffect(rawValue: UInt8.random(in: 0...3, using: &random)) ?? .keep)
                    })
            }
            for (key, row, effect) in batches.joined() {
                switch effect {
                case .set: model[key] = row
                case .keep: break
                case .void: model[key] = .void
                case .remove: model[key] = nil
                }
            }
            try files.sync.run(run, batches)
            let header = try files.sync.closeRun(run)
            #expect(header.count == model.count || batches.isEmpty)
            #expect(try files.sync.contents() == model)
        }
    }

    @Test func millionRecordsMergeRight() throws {
        let files = try ScratchFolder.kept()
        let count = 1_000_000
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        for batch in 0..<count / 5_000 {
            let entries = (batch * 5_000..<(batch + 1) * 5_000).map {
                OpenEntry(sequence: $0, keyHash: Self.spread($0), rowHash: Hash128(high: 1, low: UInt64($0)))
            }
            try journal.append(open: OpenFrame(batch: batch, entries: entries))
            try journal.append(
                settled: SettleFrame(batch: batch, effects: Array(repeating: .set, count: entries.count)))
        }
        journal.close()
        #expect(try files.sync.closeRun(1).count == count)
        let snapshot = try #require(try Snapshot.open(files.sync).snapshot)
        var results: [Probe] = []
        var wrong = 0
        for start in stride(from: 0, to: count, by: 4_000) {
            snapshot.probe((start..<start + 4_000).map(Self.spread), into: &results)
            for (number, result) in results.enumerated()
            where result.index < 0 || result.rowHash != Hash128(high: 1, low: UInt64(start + number)) {
                wrong += 1
            }
        }
        #expect(wrong == 0)
        var unordered = 0
        for index in 1..<count where !(snapshot.record(at: index - 1).key < snapshot.record(at: index).key) {
            unordered += 1
        }
        #expect(unordered == 0)
    }

    private static func spread(_ number: Int) -> Hash128 {
        var random = SeededRandom(seed: UInt64(number))
        return random.hash()
    }
}

/// A sync's files with the folder that they live in.
struct KeptSync {
    let scratch: ScratchFolder
    let sync: SyncFiles
}

extension ScratchFolder {
    static func kept(_ steps: FileSteps = .none) throws -> KeptSync {
        let scratch = try ScratchFolder()
        return KeptSync(scratch: scratch, sync: try scratch.sync("companies", steps))
    }
}
