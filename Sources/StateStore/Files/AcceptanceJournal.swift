internal import Records
internal import Synchronization

/// What a run was answered, frame by frame, each on the disk before the next thing happens: *open* before a batch is
/// sent, *settled* once its outcomes are known. Kept from the run's first batch until its fingerprints are in a
/// snapshot.
///
/// The caller holds the sync's lock. Any number of batches may be open at once.
package final class AcceptanceJournal: Sendable {
    private struct State: ~Copyable {
        var file: StateFile?
        var offset: Int
        var frames: Int
        /// How many entries each open batch has.
        var open: [Int: Int]
        var frame = ByteWriter(capacity: 64 * 1_024)

        init(file: StateFile, offset: Int, frames: Int, open: [Int: Int]) {
            self.file = file
            self.offset = offset
            self.frames = frames
            self.open = open
        }
    }

    package let run: Int64
    /// What was cut off when the journal was opened: the bytes of a last frame that was not written whole.
    package let tornBytesCut: Int
    private let files: SyncFiles
    private let state: Mutex<State>

    private init(files: SyncFiles, run: Int64, tornBytesCut: Int, state: consuming sending State) {
        self.files = files
        self.run = run
        self.tornBytesCut = tornBytesCut
        self.state = Mutex(state)
    }

    /// Begins the journal of `run`, or goes on with it. Throws `journal_of_other_run` where an earlier run was not
    /// closed.
    ///
    /// - Parameter mayRepeat: whether what was on its way when the process ended may be sent once more; kept for those
    ///   who find the journal, since the sync may be defined otherwise by then.
    package static func open(_ files: SyncFiles, run: Int64, mayRepeat: Bool = true) throws -> AcceptanceJournal {
        try files.prepare()
        guard var reader = try JournalReader.open(files.journalPath, mode: .update) else {
            return try create(files, run: run, mayRepeat: mayRepeat)
        }
        guard reader.run == run else { throw otherRun(files, reader.run) }
        var open: [Int: Int] = [:]
        var last: OpenFrame?
        while let frame = try reader.next() {
            switch frame {
            case .open(let frame):
                open[frame.batch] = frame.entries.count
                last = frame
            case .settled(let frame): open[frame.batch] = nil
            }
        }
        if let lost = reader.lost, let last { return try mended(reader, lost, last, open, files) }
        let torn = reader.tornBytes
        if torn > 0 {
            try reader.file.truncate(to: reader.offset)
            try reader.file.synchronize()
        }
        let state = State(file: reader.file, offset: reader.offset, frames: reader.frames, open: open)
        return AcceptanceJournal(files: files, run: run, tornBytesCut: torn, state: state)
    }

    /// Puts the last open frame in the place of the one that was lost before it: in a file aside, since a kill in between
    /// must not take the frame that is saved here.
    private static func mended(
        _ reader: JournalReader, _ lost: (offset: Int, frames: Int), _ last: OpenFrame, _ open: [Int: Int],
        _ files: SyncFiles
    ) throws -> AcceptanceJournal {
        let torn = try reader.file.size() - lost.offset
        var frame = ByteWriter(capacity: 64 * 1_024)
        JournalCoding.encode(last, into: &frame)
        JournalCoding.seal(&frame, kind: JournalCoding.openKind, number: lost.frames)
        let bytes = unsafe Array(frame.bytes)
        try FileCopy.write(at: files.journalPath) { aside in
            try FileCopy.copy(reader.file, upTo: lost.offset, to: aside)
            try unsafe bytes.withUnsafeBytes {
                try unsafe files.steps.write($0, to: aside, at: lost.offset, as: .journalOpen)
            }
        }
        let file = try StateFile.open(files.journalPath, .update)
        let state = State(file: file, offset: lost.offset + bytes.count, frames: lost.frames + 1, open: open)
        return AcceptanceJournal(files: files, run: reader.run, tornBytesCut: torn, state: state)
    }

    private static func create(_ files: SyncFiles, run: Int64, mayRepeat: Bool) throws -> AcceptanceJournal {
        let file = try StateFile.open(files.journalPath, .create)
        let numbers = [UInt64(bitPattern: run), mayRepeat ? JournalReader.repeats : JournalReader.repeatsNothing]
        let header = FileHeader(kind: .journal, numbers: numbers).encoded()
        do {
            try unsafe header.withUnsafeBytes { try unsafe files.steps.write($0, to: file, at: 0, as: .journalCreated) }
            try file.synchronize()
            try files.synchronizeFolder()
        } catch let error as StateError {
            try StateFolder.remove(files.journalPath)
            throw error
        }
        let state = State(file: file, offset: FileHeader.size, frames: 0, open: [:])
        return AcceptanceJournal(files: files, run: run, tornBytesCut: 0, state: state)
    }

    static func otherRun(_ files: SyncFiles, _ run: Int64) -> StateError {
        StateError(
            code: "journal_of_other_run", message: "Run \(run) of \(files.name) was not closed.",
            hint: "Run the sync again: it first closes that run.")
    }

    /// The run whose journal is on the disk: it was begun and is not closed. nil where there is none.
    package static func pendingRun(_ files: SyncFiles) throws -> Int64? {
        try JournalReader.open(files.journalPath)?.run
    }

    /// Whether what was on its way may be sent once more, as the journal on the disk says; nil where it does not.
    package static func mayRepeat(_ files: SyncFiles) throws -> Bool? {
        try JournalReader.open(files.journalPath)?.mayRepeat
    }

    /// Returns once the frame is on the disk; then the batch may be sent.
    @discardableResult
    package func append(open frame: OpenFrame) throws -> Int {
        try state.withLock { state in
            JournalCoding.encode(frame, into: &state.frame)
            let position = try append(&state, kind: JournalCoding.openKind, step: .journalOpen)
            state.open[frame.batch] = frame.entries.count
            return position
        }
    }

    /// Returns the frame's position. A kill cannot take the frame back any more; a power cut can until the next open
    /// frame or `synchronize` has returned, so no request leaves before one of them.
    @discardableResult
    package func append(settled frame: SettleFrame) throws -> Int {
        try state.withLock { state in
            guard state.open[frame.batch] == frame.effects.count,
                frame.others.allSatisfy({ frame.effects.indices.contains($0.entryIndex) })
            else { throw Self.outOfOrder(files, frame.batch) }
            JournalCoding.encode(frame, into: &state.frame)
            let position = try append(
                &state, kind: JournalCoding.settledKind, step: .journalSettled, synchronizes: false)
            state.open[frame.batch] = nil
            return position
        }
    }

    /// Returns once every frame so far is on the disk.
    package func synchronize() throws {
        try state.withLock { state in
            if let file = state.file { try Self.synchronize(file, &state) }
        }
    }

    /// Returns once every frame of the open run is on the disk, whoever wrote it.
    package static func synchronize(_ files: SyncFiles) throws {
        try StateFile.openIfPresent(files.journalPath, .update)?.synchronize()
    }

    private static func synchronize(_ file: StateFile, _ state: inout State) throws {
        do {
            try file.synchronize()
        } catch {
            // After a failed sync nobody knows what is on the disk: the file has to be read anew.
            state.file = nil
            throw error
        }
    }

    private func append(
        _ state: inout State, kind: UInt32, step: StepName, synchronizes: Bool = true
    ) throws -> Int {
        guard let file = state.file else {
            throw StateError(
                code: "journal_closed", message: "The journal of \(files.name) cannot be written any more.",
                hint: "Run the sync again: it goes on from what is on the disk.")
        }
        JournalCoding.seal(&state.frame, kind: kind, number: state.frames)
        do {
            try unsafe files.steps.write(state.frame.bytes, to: file, at: state.offset, as: step)
        } catch let error as StateError {
            // Nothing of the frame may stay, or the next one would stand behind a damaged one.
            try file.truncate(to: state.offset)
            throw error
        } catch {
            state.file = nil
            throw error
        }
        if synchronizes { try Self.synchronize(file, &state) }
        state.offset += state.frame.count
        state.frames += 1
        return state.frames - 1
    }

    private static func outOfOrder(_ files: SyncFiles, _ batch: Int) -> StateError {
        StateError(
            code: "journal_out_of_order",
            message: "Batch \(batch) of \(files.name) was settled but not open, or not with as many operations.",
            hint: "This is a fault of sluice: please report it. The next run takes the batch as unknown.")
    }

    /// Closes the file; the journal stays.
    package func close() { state.withLock { $0.file = nil } }

    /// Ends the journal, once its fingerprints are in a snapshot: see `AcceptanceJournal.drop(_:run:)`.
    package func drop() throws {
        close()
        try Self.drop(files, run: run)
    }

    /// Ends the journal of a closed run. Where it made the newest snapshot it is put by, so that this one can be made
    /// again from the generation before. Nothing happens where it is gone already.
    package static func drop(_ files: SyncFiles, run: Int64) throws {
        guard let reader = try JournalReader.open(files.journalPath) else {
            return try StateFolder.remove(files.journalPath)
        }
        guard reader.run == run else { throw otherRun(files, reader.run) }
        try files.steps.reach(.journalDropped)
        if let newest = try Snapshot.newestHeader(files), newest.run == run {
            try StateFolder.rename(files.journalPath, to: files.keptJournalPath(newest.generation))
        } else {
            try StateFolder.remove(files.journalPath)
        }
        try files.synchronizeFolder()
    }

    /// Gives `body` every frame in order; nil where there is no journal. Changes nothing, so it needs no lock: a torn
    /// end is passed over and told. Throws `state_corrupt` where a frame in the middle is damaged.
    package static func replay(
        _ files: SyncFiles, _ body: (JournalFrame) throws -> Void
    ) throws -> JournalReport? {
        guard var reader = try JournalReader.open(files.journalPath) else { return nil }
        var open: [Int: OpenFrame] = [:]
        while let frame = try reader.next() {
            switch frame {
            case .open(let frame):
                open[frame.batch] = frame
                try body(.open(frame))
            case .settled(let frame):
                guard let opened = open.removeValue(forKey: frame.batch),
                    opened.entries.count == frame.effects.count
                else { throw StateError.corrupt(files.journalPath, "batch \(frame.batch) was settled but not open") }
                try body(.settled(frame, of: opened))
            }
        }
        return JournalReport(run: reader.run, frames: reader.frames, tornBytesCut: reader.tornBytes)
    }
}
