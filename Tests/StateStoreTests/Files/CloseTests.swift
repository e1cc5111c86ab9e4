import Records
import StateStore
import Testing

@Suite struct CloseTests {
    private static let afterTwo = [key(1): row(2), key(2): row(2), key(3): row(3)]

    /// One closed run and one that is settled but not closed.
    private static func twoRuns() throws -> KeptSync {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set), (key(3), row(3), .set)]])
        _ = try files.sync.closeRun(1)
        try files.sync.run(2, [[(key(1), row(2), .set), (key(2), row(2), .set)]])
        return files
    }

    @Test func closingTwiceChangesNothing() throws {
        let files = try Self.twoRuns()
        let first = try SnapshotMerge.close(files.sync, run: 2)
        let second = try SnapshotMerge.close(files.sync, run: 2)
        #expect(first == second && first.generation == 2)
        try AcceptanceJournal.drop(files.sync, run: 2)
        try AcceptanceJournal.drop(files.sync, run: 2)
        #expect(try SnapshotMerge.close(files.sync, run: 2) == first)
        #expect(try SnapshotMerge.lastClosedRun(files.sync) == 2)
        #expect(try files.sync.contents() == Self.afterTwo)
    }

    @Test(arguments: [StepName.snapshotWritten, .snapshotRenamed, .generationsRemoved, .journalDropped])
    func killedAtAnyStepTheCloseGoesOn(step: StepName) throws {
        let files = try Self.twoRuns()
        let killed = SyncFiles(name: "companies", folder: files.sync.folder, steps: StepCounter.kill(at: step))
        #expect(throws: Kill.self) { _ = try killed.closeRun(2) }
        _ = try files.sync.closeRun(2)
        #expect(try files.sync.contents() == Self.afterTwo)
        #expect(try AcceptanceJournal.pendingRun(files.sync) == nil)
        try files.sync.run(3, [[(key(3), row(4), .set)]])
        _ = try files.sync.closeRun(3)
        #expect(try files.sync.contents()[key(3)] == row(4))
        #expect(
            ScratchFolder.names(files.sync.folder).filter { $0.hasPrefix("snapshot") } == ["snapshot.2", "snapshot.3"])
    }

    @Test func snapshotTornWhileItIsWrittenIsNotSeen() throws {
        let files = try Self.twoRuns()
        let torn = SyncFiles(
            name: "companies", folder: files.sync.folder, steps: StepCounter.tear(.snapshotWritten, bytes: 20))
        #expect(throws: StepInterrupted.self) { try SnapshotMerge.close(torn, run: 2) }
        guard case .current(let snapshot) = try Snapshot.open(files.sync) else {
            Issue.record("the old one is not current")
            return
        }
        #expect(snapshot.header.generation == 1)
        _ = try files.sync.closeRun(2)
        #expect(try files.sync.contents() == Self.afterTwo)
    }

    @Test(arguments: [StepName.snapshotWritten, .snapshotRenamed])
    func fullDiskLeavesTheOldSnapshotAndNoRubbish(step: StepName) throws {
        let files = try Self.twoRuns()
        let full = SyncFiles(name: "companies", folder: files.sync.folder, steps: StepCounter.diskFull(at: step))
        #expect(code { try SnapshotMerge.close(full, run: 2) } == "disk_full")
        #expect(ScratchFolder.names(files.sync.folder) == ["journal", "journal.1", "snapshot.1"])
        _ = try files.sync.closeRun(2)
        #expect(try files.sync.contents() == Self.afterTwo)
    }

    @Test func runThatChangedNothingIsOnlyNoted() throws {
        let files = try Self.twoRuns()
        _ = try files.sync.closeRun(2)
        let before = try RawFile.read(files.sync.folder + "/snapshot.2")
        let header = try files.sync.closeRun(3)
        #expect(header.generation == 2 && header.run == 2)
        #expect(try SnapshotMerge.lastClosedRun(files.sync) == 3)
        try files.sync.run(4, [[(key(1), row(9), .keep)]])
        #expect(try files.sync.closeRun(4).generation == 2)
        #expect(try SnapshotMerge.lastClosedRun(files.sync) == 4)
        #expect(try RawFile.read(files.sync.folder + "/snapshot.2") == before)
        #expect(ScratchFolder.names(files.sync.folder).contains("snapshot.3") == false)
        try files.sync.run(5, [[(key(1), row(9), .set)]])
        #expect(try files.sync.closeRun(5).generation == 3)
        #expect(try SnapshotMerge.lastClosedRun(files.sync) == 5)
    }

    @Test func firstRunThatNothingWasAcceptedOfLeavesNoSnapshot() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .keep)]])
        #expect(try files.sync.closeRun(1).generation == 0)
        #expect(try SnapshotMerge.lastClosedRun(files.sync) == 1)
        guard case .none = try Snapshot.open(files.sync) else {
            Issue.record("something is known")
            return
        }
    }

    @Test func openSnapshotGivenToTheCloseIsUsedOnlyWhileItIsTheNewest() throws {
        let files = try Self.twoRuns()
        let old = try #require(try Snapshot.open(files.sync).snapshot)
        try SnapshotMerge.close(files.sync, run: 2, old: old)
        try AcceptanceJournal.drop(files.sync, run: 2)
        try files.sync.run(3, [[(key(9), row(9), .set)]])
        try SnapshotMerge.close(files.sync, run: 3, old: old)
        #expect(try files.sync.contents() == Self.afterTwo.merging([key(9): row(9)]) { $1 })
        #expect(old.contents() == [key(1): row(1), key(3): row(3)])
    }
}
