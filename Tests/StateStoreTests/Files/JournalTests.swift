import Records
import StateStore
import Testing

@Suite struct JournalTests {
    private func zeros(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }

    private static func open(_ batch: Int, _ keys: Range<Int>) -> OpenFrame {
        OpenFrame(batch: batch, entries: keys.map { OpenEntry(sequence: $0, keyHash: key($0), rowHash: row($0)) })
    }

    private static func settled(_ batch: Int, _ effects: [JournalEffect]) -> SettleFrame {
        var frame = SettleFrame(
            batch: batch, effects: effects,
            others: [
                SettledOther(
                    entryIndex: 1, outcome: .rejected,
                    reason: Reason(code: "refused_by_destination", message: "name is \"too long\" é", hint: "shorten"),
                    key: "[\"a\",1]")
            ])
        frame.created = 1
        frame.updated = 2
        frame.alreadyEqual = 3
        frame.sent = 4
        frame.removed = 5
        frame.requests = 6
        frame.bytesSent = 7_000_000_000
        return frame
    }

    private static func frames(_ files: SyncFiles) throws -> (frames: [JournalFrame], report: JournalReport?) {
        var frames: [JournalFrame] = []
        let report = try AcceptanceJournal.replay(files) { frames.append($0) }
        return (frames, report)
    }

    @Test func replayGivesWhatWasAppended() throws {
        let files = try ScratchFolder.kept()
        let journal = try AcceptanceJournal.open(files.sync, run: 42)
        #expect(try journal.append(open: Self.open(0, 0..<3)) == 0)
        #expect(try journal.append(open: Self.open(1, 3..<5)) == 1)
        #expect(try journal.append(settled: Self.settled(1, [.set, .void])) == 2)
        #expect(try journal.append(settled: Self.settled(0, [.set, .keep, .remove])) == 3)
        let (frames, report) = try Self.frames(files.sync)
        #expect(report == JournalReport(run: 42, frames: 4, tornBytesCut: 0))
        var (first, second) = (Self.open(0, 0..<3), Self.open(1, 3..<5))
        (first.position, second.position) = (0, 1)
        var (one, zero) = (Self.settled(1, [.set, .void]), Self.settled(0, [.set, .keep, .remove]))
        (one.position, zero.position) = (2, 3)
        #expect(frames == [.open(first), .open(second), .settled(one, of: second), .settled(zero, of: first)])
        #expect(try AcceptanceJournal.pendingRun(files.sync) == 42)
    }

    @Test func everyOutcomeSurvivesTheJournal() throws {
        let files = try ScratchFolder.kept()
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        let count = OutcomeKind.allCases.count
        try journal.append(open: Self.open(0, 0..<count))
        let others = OutcomeKind.allCases.enumerated().map {
            SettledOther(entryIndex: $0, outcome: $1, reason: Reason(code: "c\($0)", message: "", hint: ""), key: "k")
        }
        try journal.append(
            settled: SettleFrame(batch: 0, effects: Array(repeating: .keep, count: count), others: others))
        guard case .settled(let frame, _) = try Self.frames(files.sync).frames.last else {
            Issue.record("no settle frame")
            return
        }
        #expect(frame.others == others && frame.accepted == 0)
    }

    @Test func journalGoesOnWhereItWasLeft() throws {
        let files = try ScratchFolder.kept()
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        try journal.append(open: Self.open(0, 0..<2))
        journal.close()
        #expect(code { try journal.append(open: Self.open(1, 0..<2)) } == "journal_closed")
        let again = try AcceptanceJournal.open(files.sync, run: 1)
        #expect(again.tornBytesCut == 0)
        #expect(try again.append(settled: Self.settled(0, [.set, .keep])) == 1)
        #expect(try Self.frames(files.sync).report?.frames == 2)
    }

    @Test func journalOfAnotherRunIsNotContinued() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set)]])
        #expect(code { _ = try AcceptanceJournal.open(files.sync, run: 2) } == "journal_of_other_run")
        #expect(code { try SnapshotMerge.close(files.sync, run: 2) } == "journal_of_other_run")
    }

    @Test func settlingWhatIsNotOpenIsRefused() throws {
        let files = try ScratchFolder.kept()
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        #expect(code { try journal.append(settled: Self.settled(0, [.set, .set])) } == "journal_out_of_order")
        try journal.append(open: Self.open(0, 0..<2))
        #expect(code { try journal.append(settled: SettleFrame(batch: 0, effects: [.set])) } == "journal_out_of_order")
        let beyond = SettledOther(entryIndex: 2, outcome: .rejected, reason: Reason(code: "", message: ""), key: "")
        let frame = SettleFrame(batch: 0, effects: [.set, .set], others: [beyond])
        #expect(code { try journal.append(settled: frame) } == "journal_out_of_order")
        try journal.append(settled: Self.settled(0, [.set, .set]))
        #expect(code { try journal.append(settled: Self.settled(0, [.set, .set])) } == "journal_out_of_order")
    }

    @Test func lastFrameTornAtAnyByteIsCutOffAndTold() throws {
        let files = try ScratchFolder.kept()
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        try journal.append(open: Self.open(0, 0..<2))
        let before = try RawFile.read(files.sync.folder + "/journal").count
        try journal.append(settled: Self.settled(0, [.set, .keep]))
        journal.close()
        let whole = try RawFile.read(files.sync.folder + "/journal")
        for size in before..<whole.count {
            for rest in [[], Array(repeating: UInt8(0), count: whole.count - size)] {
                let torn = Array(whole[..<size]) + rest
                guard torn != whole else { continue }
                try RawFile.write(files.sync.folder + "/journal", torn)
                let report = try Self.frames(files.sync).report
                #expect(report == JournalReport(run: 1, frames: 1, tornBytesCut: torn.count - before))
                let again = try AcceptanceJournal.open(files.sync, run: 1)
                #expect(again.tornBytesCut == torn.count - before)
                again.close()
                #expect(try RawFile.read(files.sync.folder + "/journal").count == before)
            }
        }
    }

    @Test func tornSettlementLeavesItsKeysVoid() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set)]])
        let path = files.sync.folder + "/journal"
        let whole = try RawFile.read(path)
        // Cut off, or as long as it should be with nothing in it, as a file system may leave it after a power cut.
        let torn = [Array(whole.dropLast()), whole.dropLast() + [0xFF], Array(whole.dropLast(50)) + zeros(50)]
        for torn: [UInt8] in torn {
            let other = try ScratchFolder.kept()
            _ = try SyncLock.acquire(other.sync)
            try RawFile.write(other.sync.folder + "/journal", torn)
            _ = try other.sync.closeRun(1)
            #expect(try other.sync.contents() == [key(1): .void])
        }
    }

    /// Writes a journal of two batches, the first one settled, and tells where that frame lies.
    private static func settledBetweenTwoOpened(_ sync: SyncFiles) throws -> Range<Int> {
        let path = sync.folder + "/journal"
        let journal = try AcceptanceJournal.open(sync, run: 1)
        try journal.append(open: Self.open(0, 0..<2))
        let start = try RawFile.read(path).count
        try journal.append(settled: Self.settled(0, [.set, .keep]))
        let end = try RawFile.read(path).count
        try journal.append(open: Self.open(1, 2..<4))
        journal.close()
        return start..<end
    }

    /// A settle frame is synced with the open frame after it: the second may be on the disk without the first.
    @Test(arguments: [true, false])
    func settlementThatAPowerCutTookLeavesBothBatchesUnsettled(isLastOpenWhole: Bool) throws {
        let files = try ScratchFolder.kept()
        let path = files.sync.folder + "/journal"
        let frame = try Self.settledBetweenTwoOpened(files.sync)
        let good = try RawFile.read(path)
        for first in stride(from: frame.lowerBound, to: frame.upperBound, by: 7) {
            var bad = good
            for place in first..<frame.upperBound { bad[place] = 0 }
            if !isLastOpenWhole { bad[bad.count - 1] ^= 1 }
            try RawFile.write(path, bad)
            var (zero, one) = (Self.open(0, 0..<2), Self.open(1, 2..<4))
            (zero.position, one.position) = (0, 2)
            let found = try Self.frames(files.sync).frames
            #expect(found == (isLastOpenWhole ? [.open(zero), .open(one)] : [.open(zero)]), "from byte \(first)")
            try AcceptanceJournal.open(files.sync, run: 1).close()
            one.position = 1
            let mended = try Self.frames(files.sync)
            #expect(mended.frames == (isLastOpenWhole ? [.open(zero), .open(one)] : [.open(zero)]))
            #expect(mended.report?.tornBytesCut == 0)
            let again = try AcceptanceJournal.open(files.sync, run: 1)
            #expect(try again.append(settled: Self.settled(0, [.set, .keep])) == (isLastOpenWhole ? 2 : 1))
            again.close()
        }
    }

    /// Only one frame can be lost to a power cut: the others were synced before the last was written.
    @Test func damageOfSeveralFramesBeforeAGoodLastOneIsNoPowerCut() throws {
        let files = try ScratchFolder.kept()
        let path = files.sync.folder + "/journal"
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        try journal.append(open: Self.open(0, 0..<2))
        let start = try RawFile.read(path).count
        try journal.append(settled: Self.settled(0, [.set, .keep]))
        try journal.append(open: Self.open(1, 2..<4))
        try journal.append(settled: Self.settled(1, [.set, .set]))
        let end = try RawFile.read(path).count
        try journal.append(open: Self.open(2, 4..<6))
        journal.close()
        var bad = try RawFile.read(path)
        for place in start..<end { bad[place] = 0 }
        try RawFile.write(path, bad)
        #expect(code { _ = try Self.frames(files.sync) } == "state_corrupt")
        #expect(code { _ = try AcceptanceJournal.open(files.sync, run: 1) } == "state_corrupt")
    }

    @Test(arguments: [0, 10, 1_000_000])
    func mendingThatIsKilledTakesNothingAway(bytes: Int) throws {
        let files = try ScratchFolder.kept()
        let path = files.sync.folder + "/journal"
        let frame = try Self.settledBetweenTwoOpened(files.sync)
        var bad = try RawFile.read(path)
        for place in frame { bad[place] = 0 }
        try RawFile.write(path, bad)
        let before = try Self.frames(files.sync).frames
        let dying = SyncFiles(
            name: "companies", folder: files.sync.folder, steps: StepCounter.tear(.journalOpen, bytes: bytes))
        #expect(throws: StepInterrupted.self) { _ = try AcceptanceJournal.open(dying, run: 1) }
        #expect(try RawFile.read(path) == bad)
        #expect(try Self.frames(files.sync).frames == before)
    }

    @Test func damageInTheMiddleIsToldApartFromATornEnd() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [[(key(1), row(1), .set)], [(key(2), row(2), .set)]])
        let path = files.sync.folder + "/journal"
        let good = try RawFile.read(path)
        let lastFrame = good.count - 32 - (8 + 56 + 4 + 1 + 4)
        for offset in 0..<lastFrame {
            var bad = good
            bad[offset] ^= 0x10
            try RawFile.write(path, bad)
            #expect(code { _ = try Self.frames(files.sync) } == "state_corrupt", "byte \(offset)")
        }
        var bad = good
        bad[80] ^= 1
        try RawFile.write(path, bad)
        #expect(code { try SnapshotMerge.close(files.sync, run: 1) } == "state_corrupt")
        #expect(code { _ = try AcceptanceJournal.open(files.sync, run: 1) } == "state_corrupt")
    }

    @Test func journalWhoseHeaderWasNotWrittenIsBegunAnew() throws {
        let files = try ScratchFolder.kept()
        let whole = try ScratchFolder.kept()
        try whole.sync.run(7, [])
        let header = try RawFile.read(whole.sync.folder + "/journal")
        #expect(header.count == 64)
        for size in 0..<64 {
            _ = try SyncLock.acquire(files.sync)
            try RawFile.write(files.sync.folder + "/journal", Array(header[..<size]))
            #expect(try Self.frames(files.sync).report == nil)
            try files.sync.run(8, [])
            #expect(try AcceptanceJournal.pendingRun(files.sync) == 8)
        }
    }

    @Test func newerJournalIsRefused() throws {
        let files = try ScratchFolder.kept()
        try files.sync.run(1, [])
        let path = files.sync.folder + "/journal"
        try RawFile.write(path, Newer.version(of: try RawFile.read(path)))
        #expect(code { _ = try Self.frames(files.sync) } == "state_newer")
        #expect(code { _ = try AcceptanceJournal.open(files.sync, run: 1) } == "state_newer")
    }

    @Test func fullDiskLeavesTheJournalAsItWas() throws {
        let files = try ScratchFolder.kept(StepCounter.diskFull(at: .journalSettled))
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        try journal.append(open: Self.open(0, 0..<2))
        #expect(code { try journal.append(settled: Self.settled(0, [.set, .set])) } == "disk_full")
        #expect(try Self.frames(files.sync).report == JournalReport(run: 1, frames: 1, tornBytesCut: 0))
        #expect(try journal.append(settled: Self.settled(0, [.set, .set])) == 1)
    }

    @Test(arguments: [0, 1, 31, 32, 33, 60])
    func killedWriteLeavesATornFrameAndADeadJournal(bytes: Int) throws {
        let files = try ScratchFolder.kept(StepCounter.tear(.journalSettled, bytes: bytes))
        let journal = try AcceptanceJournal.open(files.sync, run: 1)
        try journal.append(open: Self.open(0, 0..<2))
        #expect(throws: StepInterrupted(step: .journalSettled)) {
            try journal.append(settled: Self.settled(0, [.set, .set]))
        }
        #expect(code { try journal.append(open: Self.open(1, 0..<2)) } == "journal_closed")
        #expect(try Self.frames(files.sync).report == JournalReport(run: 1, frames: 1, tornBytesCut: bytes))
    }

    @Test func nothingThatIsNoJournalHasNoReport() throws {
        let files = try ScratchFolder.kept()
        #expect(try Self.frames(files.sync).report == nil)
        #expect(try AcceptanceJournal.pendingRun(files.sync) == nil)
        try AcceptanceJournal.drop(files.sync, run: 1)
    }
}
