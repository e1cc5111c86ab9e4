import Records
import StateStore
import Testing

@Suite struct PendingFileTests {
    private static func entry(_ number: Int, tries: UInt32 = 1) -> PendingEntry {
        let kinds: [PendingEntry.Kind] = [.rejected, .inDoubt, .undelivered]
        return PendingEntry(
            keyHash: key(number), rowHash: row(number), kind: kinds[number % 3], tries: tries,
            dueAt: Int64(number) * 1_000, heldSince: -5, run: Int64(number))
    }

    @Test func noFileIsNoEntry() throws {
        let files = try ScratchFolder.kept()
        let pending = try PendingFile.open(files.sync)
        #expect(pending.count == 0 && pending.find(key(1)) == nil)
    }

    @Test func entriesAreFoundByKeyWhateverTheirOrder() throws {
        let files = try ScratchFolder.kept()
        let entries = (0..<500).map { Self.entry($0) }
        try PendingFile.write(files.sync, entries.shuffled())
        let pending = try PendingFile.open(files.sync)
        #expect(pending.count == 500)
        for entry in entries { #expect(pending.find(entry.keyHash) == entry) }
        #expect(pending.find(key(500)) == nil)
        #expect(Array(pending.entries) == entries.sorted { $0.keyHash < $1.keyHash })
        #expect(try RawFile.mode(files.sync.folder + "/pending") == 0o600)
    }

    @Test func lastEntryOfAKeyCountsAndWritingReplacesAll() throws {
        let files = try ScratchFolder.kept()
        try PendingFile.write(files.sync, [Self.entry(1), Self.entry(2), Self.entry(1, tries: 9)])
        #expect(try PendingFile.open(files.sync).find(key(1))?.tries == 9)
        let reader = try PendingFile.open(files.sync)
        try PendingFile.write(files.sync, [])
        #expect(try PendingFile.open(files.sync).count == 0)
        #expect(reader.count == 2)
    }

    @Test(arguments: [StepName.pendingWritten, .pendingRenamed])
    func killedWriteLeavesTheOldEntries(step: StepName) throws {
        let files = try ScratchFolder.kept()
        try PendingFile.write(files.sync, [Self.entry(1)])
        for steps in [StepCounter.kill(at: step), StepCounter.diskFull(at: step), StepCounter.tear(step, bytes: 90)] {
            let failing = SyncFiles(name: "companies", folder: files.sync.folder, steps: steps)
            #expect(throws: (any Error).self) { try PendingFile.write(failing, [Self.entry(2)]) }
            let pending = try PendingFile.open(files.sync)
            #expect(pending.count == 1 && pending.find(key(1)) == Self.entry(1))
        }
        try PendingFile.write(files.sync, [Self.entry(3)])
        #expect(try PendingFile.open(files.sync).find(key(3)) == Self.entry(3))
    }

    @Test func damageIsRefused() throws {
        let files = try ScratchFolder.kept()
        try PendingFile.write(files.sync, (0..<3).map { Self.entry($0) })
        let path = files.sync.folder + "/pending"
        let good = try RawFile.read(path)
        for offset in good.indices {
            var bad = good
            bad[offset] ^= 2
            try RawFile.write(path, bad)
            #expect(code { _ = try PendingFile.open(files.sync) } == "state_corrupt", "byte \(offset)")
        }
        for size in stride(from: 0, to: good.count, by: 16) {
            try RawFile.write(path, Array(good[..<size]))
            #expect(code { _ = try PendingFile.open(files.sync) } == "state_corrupt", "\(size) bytes")
        }
        try RawFile.write(path, Newer.version(of: good))
        #expect(code { _ = try PendingFile.open(files.sync) } == "state_newer")
    }
}
