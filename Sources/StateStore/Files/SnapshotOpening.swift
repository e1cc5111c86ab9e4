/// What is known of a sync's fingerprints when its run begins.
package enum SnapshotOpening: Sendable {
    /// Nothing was ever accepted.
    case none
    case current(Snapshot)
    /// The newest file is damaged. The snapshot was made again from an older one and the journals kept since: it holds
    /// exactly what the damaged one held, and the next close writes it out. The reason is to be told.
    case fellBack(Snapshot, StateError)
    /// What was accepted is not known any more. A sync that may send a row twice runs full with that reason; the others
    /// refuse until they are reset.
    case lost(StateError)

    package var snapshot: Snapshot? {
        switch self {
        case .current(let snapshot), .fellBack(let snapshot, _): snapshot
        case .none, .lost: nil
        }
    }
}

extension Snapshot {
    /// Opens the newest fingerprints; changes nothing on the disk, so it needs no lock. Throws `state_newer` where a
    /// newer program wrote them.
    package static func open(_ files: SyncFiles) throws -> SnapshotOpening {
        let newest = try newestGeneration(files)
        guard newest > 0 else { return .none }
        var reason: StateError?
        for generation in [newest] + (try files.generations("snapshot").filter { $0 < newest }) {
            do {
                let snapshot = try open(files, generation)
                guard let reason else { return .current(snapshot) }
                return try rebuilt(files, from: snapshot, to: newest, reason: reason)
            } catch let error as StateError where isDamage(error) {
                reason = reason ?? error
            }
        }
        // Runs that were closed between the listing and the opening have taken the files away.
        if try newestGeneration(files) != newest { return try open(files) }
        return try rebuilt(files, from: nil, to: newest, reason: reason ?? missing(files, newest))
    }

    private static func open(_ files: SyncFiles, _ generation: Int) throws -> Snapshot {
        let path = files.snapshotPath(generation)
        guard let file = try StateFile.openIfPresent(path, .read) else { throw missing(files, generation) }
        let snapshot = try Snapshot(file)
        guard snapshot.header.generation == generation else {
            throw StateError.corrupt(path, "it is generation \(snapshot.header.generation)")
        }
        return snapshot
    }

    private static func rebuilt(
        _ files: SyncFiles, from base: Snapshot?, to newest: Int, reason: StateError
    ) throws -> SnapshotOpening {
        do {
            return .fellBack(try SnapshotMerge.rebuild(files, from: base, to: newest), reason)
        } catch let error as StateError where isDamage(error) {
            return .lost(reason)
        }
    }

    private static func isDamage(_ error: StateError) -> Bool { error.code == "state_corrupt" }

    private static func missing(_ files: SyncFiles, _ generation: Int) -> StateError {
        StateError.corrupt(files.snapshotPath(generation), "it is not there")
    }

    /// The highest generation that any file speaks of; 0 where there is none.
    static func newestGeneration(_ files: SyncFiles) throws -> Int {
        let noted = try ClosedNote.read(files)?.generation ?? 0
        return max(
            noted, try files.generations("snapshot").first ?? 0, try files.generations("journal").first ?? 0)
    }

    /// The header of the newest snapshot file, its body unread; nil where there is none or it is damaged.
    static func newestHeader(_ files: SyncFiles) throws -> SnapshotHeader? {
        guard let generation = try files.generations("snapshot").first,
            let file = try StateFile.openIfPresent(files.snapshotPath(generation), .read),
            let header = try FileHeader.read(file, at: 0, as: .snapshot)
        else { return nil }
        return SnapshotHeader(header)
    }
}
