import Records
import StateStore
import TestKit
import Testing

@Suite struct SnapshotDamageTests {
    /// Three closed runs; the newest snapshot is generation 3.
    private static func threeRuns() throws -> KeptSync {
        let files = try ScratchFolder.kept()
        for run in 1...3 {
            let batch = (run * 10..<run * 10 + 20).map { (key($0), row($0 + run), JournalEffect.set) }
            try files.sync.run(Int64(run), [batch + [(key(1), row(run), .set)]])
            _ = try files.sync.closeRun(Int64(run))
        }
        return files
    }

    private static func path(_ files: KeptSync, _ name: String) -> String { files.sync.folder + "/" + name }

    @Test func twoGenerationsAndTheJournalBetweenThemAreKept() throws {
        let files = try Self.threeRuns()
        #expect(ScratchFolder.names(files.sync.folder) == ["journal.3", "snapshot.2", "snapshot.3"])
    }

    @Test func everyFlippedBitOfTheNewestFallsBackToTheSameContents() throws {
        let files = try Self.threeRuns()
        let expected = try files.sync.contents()
        let path = Self.path(files, "snapshot.3")
        let good = try RawFile.read(path)
        var random = SeededRandom(seed: 3)
        for offset in Array(0..<64) + (0..<60).map({ _ in Int.random(in: 64..<good.count, using: &random) }) {
            var bad = good
            bad[offset] ^= 1 << UInt8.random(in: 0...7, using: &random)
            try RawFile.write(path, bad)
            guard case .fellBack(let snapshot, let reason) = try Snapshot.open(files.sync) else {
                Issue.record("byte \(offset) went unnoticed")
                continue
            }
            #expect(snapshot.contents() == expected)
            #expect(snapshot.header.generation == 3)
            #expect(reason.code == "state_corrupt" && reason.message.contains("snapshot.3"))
        }
    }

    @Test func everyShortenedSnapshotFallsBack() throws {
        let files = try Self.threeRuns()
        let expected = try files.sync.contents()
        let path = Self.path(files, "snapshot.3")
        let good = try RawFile.read(path)
        for size in Array(stride(from: 0, to: good.count, by: 512)) + [good.count - 1, 63, 64, 65] {
            try RawFile.write(path, Array(good[..<size]))
            guard case .fellBack(let snapshot, _) = try Snapshot.open(files.sync) else {
                Issue.record("\(size) bytes went unnoticed")
                continue
            }
            #expect(snapshot.contents() == expected)
        }
        try RawFile.write(path, good + [0])
        guard case .fellBack = try Snapshot.open(files.sync) else {
            Issue.record("a byte too many went unnoticed")
            return
        }
    }

    @Test func missingNewestSnapshotFallsBack() throws {
        let files = try Self.threeRuns()
        let expected = try files.sync.contents()
        unlinkFile(Self.path(files, "snapshot.3"))
        guard case .fellBack(let snapshot, _) = try Snapshot.open(files.sync) else {
            Issue.record("no fall-back")
            return
        }
        #expect(snapshot.contents() == expected)
    }

    @Test func closeAfterAFallBackWritesAGoodSnapshotAgain() throws {
        let files = try Self.threeRuns()
        let expected = try files.sync.contents()
        try RawFile.write(Self.path(files, "snapshot.3"), [1, 2, 3])
        let header = try files.sync.closeRun(4)
        #expect(header.generation == 4 && header.run == 4)
        guard case .current(let snapshot) = try Snapshot.open(files.sync) else {
            Issue.record("still not good")
            return
        }
        #expect(snapshot.contents() == expected)
    }

    @Test func secondDamageAfterAFallBackIsBridgedByTheJournalsKept() throws {
        let files = try Self.threeRuns()
        try RawFile.write(Self.path(files, "snapshot.3"), [1, 2, 3])
        try files.sync.run(4, [[(key(99), row(99), .set)]])
        _ = try files.sync.closeRun(4)
        let expected = try files.sync.contents()
        #expect(expected[key(99)] == row(99) && expected[key(1)] == row(3))
        try RawFile.write(Self.path(files, "snapshot.4"), [])
        guard case .fellBack(let snapshot, _) = try Snapshot.open(files.sync) else {
            Issue.record("no fall-back")
            return
        }
        #expect(snapshot.contents() == expected)
    }

    @Test func firstSnapshotIsMadeAgainFromItsJournalAlone() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set)]])
        _ = try files.sync.closeRun(1)
        try RawFile.write(Self.path(files, "snapshot.1"), [])
        guard case .fellBack(let snapshot, _) = try Snapshot.open(files.sync) else {
            Issue.record("no fall-back")
            return
        }
        #expect(snapshot.contents() == [key(1): row(1)])
    }

    @Test func withoutTheJournalBetweenTheOlderSnapshotIsNotTaken() throws {
        let files = try Self.threeRuns()
        try RawFile.write(Self.path(files, "snapshot.3"), [])
        unlinkFile(Self.path(files, "journal.3"))
        guard case .lost(let reason) = try Snapshot.open(files.sync) else {
            Issue.record("stale fingerprints were taken for good")
            return
        }
        #expect(reason.code == "state_corrupt" && !reason.hint.isEmpty)
    }

    @Test func bothGenerationsDamagedIsLostAndAFullRunMakesANewOne() throws {
        let files = try Self.threeRuns()
        try RawFile.write(Self.path(files, "snapshot.3"), [])
        try RawFile.write(Self.path(files, "snapshot.2"), [])
        guard case .lost = try Snapshot.open(files.sync) else {
            Issue.record("not lost")
            return
        }
        try files.sync.run(4, [[(key(1), row(1), .set)]])
        // One run's records would look like all that is known.
        #expect(code { _ = try SnapshotMerge.close(files.sync, run: 4) } == "state_corrupt")
        #expect(try SnapshotMerge.close(files.sync, run: 4, startsOver: true).generation == 4)
        try AcceptanceJournal.drop(files.sync, run: 4)
        #expect(try files.sync.contents() == [key(1): row(1)])
        try RawFile.write(Self.path(files, "snapshot.4"), [])
        guard case .lost = try Snapshot.open(files.sync) else {
            Issue.record("a part was taken for the whole")
            return
        }
    }

    @Test func newerSnapshotIsRefused() throws {
        let files = try Self.threeRuns()
        let path = Self.path(files, "snapshot.3")
        try RawFile.write(path, Newer.version(of: try RawFile.read(path)))
        #expect(code { _ = try Snapshot.open(files.sync) } == "state_newer")
    }

    @Test func snapshotUnderAnotherNameIsNotTaken() throws {
        let files = try Self.threeRuns()
        try RawFile.write(Self.path(files, "snapshot.3"), try RawFile.read(Self.path(files, "snapshot.2")))
        guard case .fellBack(let snapshot, _) = try Snapshot.open(files.sync) else {
            Issue.record("the wrong generation was taken")
            return
        }
        #expect(snapshot.contents()[key(1)] == row(3))
    }
}
