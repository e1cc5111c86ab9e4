internal import Records

/// Closes a run's fingerprints: the old snapshot and the run's journal become the next snapshot.
package enum SnapshotMerge {
    /// Takes the journal of `run` into a new snapshot, whose header names the run; the caller then drops the journal.
    ///
    /// Closing a run twice changes nothing. A run that changed no fingerprint writes a note of 64 bytes instead.
    /// Memory: about 20 MB and 1.3 bytes a record. The caller holds the sync's lock. `old` spares opening the snapshot
    /// again; a run that `startsOver` leaves what was known before it out: it spoke of another account or of other
    /// keys. `seedMark` tells which seed the run's hashes were made with (`SeedMark`).
    @discardableResult
    package static func close(
        _ files: SyncFiles, run: Int64, old: Snapshot? = nil, startsOver: Bool = false, seedMark: UInt64 = 0
    ) throws -> SnapshotHeader {
        if try lastClosedRun(files) == run { return try Snapshot.newestHeader(files) ?? .none }
        let newest = try Snapshot.newestGeneration(files)
        let base = try startsOver ? nil : (old?.header.generation == newest ? old : known(files))
        try files.prepare()
        var sorter = SortedRuns<SnapshotRecord>(
            folder: files.folder, recordsMax: JournalEffects.recordsInMemoryMax)
        if let journalRun = try JournalEffects.gather(files.journalPath, into: &sorter), journalRun != run {
            throw AcceptanceJournal.otherRun(files, journalRun)
        }
        if sorter.isEmpty && base?.isRebuilt != true && !startsOver {
            try ClosedNote(run: run, generation: newest).write(files)
            return base?.header ?? .none
        }
        let mark = seedMark != 0 ? seedMark : base?.header.seedMark ?? 0
        let header = try write(files, base, &sorter, generation: newest + 1, (run, mark))
        try removeGenerations(files, newest: newest + 1, base: base?.baseGeneration)
        return header
    }

    /// Throws `state_corrupt` where there were fingerprints and they cannot be read: without them the next snapshot would hold
    /// one run's records and look whole.
    private static func known(_ files: SyncFiles) throws -> Snapshot? {
        let opening = try Snapshot.open(files)
        if case .lost(let reason) = opening { throw reason }
        return opening.snapshot
    }

    /// The last run that was closed; nil where none was, or that cannot be told any more.
    package static func lastClosedRun(_ files: SyncFiles) throws -> Int64? {
        let header = try Snapshot.newestHeader(files)
        guard let note = try ClosedNote.read(files), note.generation >= header?.generation ?? 0 else {
            return header?.run
        }
        return note.run
    }

    private static func write(
        _ files: SyncFiles, _ base: Snapshot?, _ sorter: inout SortedRuns<SnapshotRecord>, generation: Int,
        _ made: (run: Int64, seedMark: UInt64)
    ) throws -> SnapshotHeader {
        let aside = files.newSnapshotPath
        do {
            let file = try StateFile.open(aside, .create)
            var writer = SnapshotWriter(
                file, expected: (base?.count ?? 0) + sorter.total, folder: files.folder)
            try merge(base, &sorter, into: &writer)
            let header = try writer.finish(
                generation: generation, run: made.run, seedMark: made.seedMark, steps: files.steps)
            try files.steps.reach(.snapshotRenamed)
            try StateFolder.rename(aside, to: files.snapshotPath(generation))
            try files.synchronizeFolder()
            return header
        } catch let error as StateError {
            try StateFolder.remove(aside)
            throw error
        }
    }

    /// Keeps the newest snapshot, the one it was made from, and the journals between them.
    private static func removeGenerations(_ files: SyncFiles, newest: Int, base: Int?) throws {
        try files.steps.reach(.generationsRemoved)
        for generation in try files.generations("snapshot") where generation != newest && generation != base {
            try StateFolder.remove(files.snapshotPath(generation))
        }
        for generation in try files.generations("journal") where generation <= base ?? newest {
            try StateFolder.remove(files.keptJournalPath(generation))
        }
    }

    /// Makes generation `newest` again, in a file without a name, from an older snapshot (or from nothing) and the
    /// journals kept since. Throws `state_corrupt` where one of them is missing or damaged.
    static func rebuild(_ files: SyncFiles, from base: Snapshot?, to newest: Int) throws -> Snapshot {
        var sorter = SortedRuns<SnapshotRecord>(
            folder: files.folder, recordsMax: JournalEffects.recordsInMemoryMax)
        let start = base?.header.generation ?? 0
        var run: Int64 = 0
        for generation in stride(from: start + 1, through: newest, by: 1) {
            let path = files.keptJournalPath(generation)
            guard let journalRun = try JournalEffects.gather(path, into: &sorter) else {
                throw StateError.corrupt(path, "it is not there")
            }
            run = journalRun
        }
        let file = try StateFile.temporary(in: files.folder)
        var writer = SnapshotWriter(
            file, expected: (base?.count ?? 0) + sorter.total, folder: files.folder)
        try merge(base, &sorter, into: &writer)
        _ = try writer.finish(generation: newest, run: run, seedMark: base?.header.seedMark ?? 0)
        return try Snapshot(file, rebuiltFrom: start)
    }

    /// One pass over both, sorted by key; of several effects on one key the last counts.
    private static func merge(
        _ base: Snapshot?, _ sorter: inout SortedRuns<SnapshotRecord>, into writer: inout SnapshotWriter
    ) throws {
        var merging = Merging(base: base)
        var last: SnapshotRecord?
        try unsafe sorter.mergeTogether { effects in
            for index in 0..<effects.count {
                let effect = unsafe effects[index]
                if let last, last.key != effect.key { try merging.apply(last, into: &writer) }
                last = effect
            }
        }
        if let last { try merging.apply(last, into: &writer) }
        try merging.finish(into: &writer)
    }

    private struct Merging {
        let base: Snapshot?
        let count: Int
        var place = 0

        init(base: Snapshot?) {
            self.base = base
            count = base?.count ?? 0
        }

        mutating func apply(_ effect: SnapshotRecord, into writer: inout SnapshotWriter) throws {
            while let known = next() {
                if known.key < effect.key {
                    try writer.append(known)
                    place += 1
                } else {
                    if known.key == effect.key { place += 1 }
                    break
                }
            }
            if effect.row != JournalEffects.removed { try writer.append(effect) }
        }

        mutating func finish(into writer: inout SnapshotWriter) throws {
            while let known = next() {
                try writer.append(known)
                place += 1
            }
        }

        private func next() -> SnapshotRecord? {
            guard let base, place < count else { return nil }
            let (key, row) = base.record(at: place)
            return SnapshotRecord(key: key, row: row)
        }
    }
}
