internal import Records
internal import StateStore
internal import SyncCore

/// What a sync's folder says of its fingerprints, held against what the control database remembers of the sync.
enum Fingerprints {
    /// There never were any.
    case nothing
    case known(Snapshot)
    /// What was accepted is not known any more; with the reason. `isOfOther`: what is there belongs to another control
    /// database.
    case lost(String, isOfOther: Bool)

    var isLost: Bool { if case .lost = self { true } else { false } }

    /// Hashes under another seed would make every record look new and every known one look vanished.
    /// - Parameter known: what the control database remembers; nil where it does not know the sync.
    static func of(_ files: SyncFiles, _ known: SyncMemory?) throws -> Fingerprints {
        guard let known else {
            guard try files.hasState() else { return .nothing }
            return .lost("the control database knows nothing of them; they belong to another one.", isOfOther: true)
        }
        switch try Snapshot.open(files) {
        case .none where known.hasAccepted || known.extra[CloseRun.hasFingerprints] != nil:
            return .lost("their files are not there.", isOfOther: false)
        case .none: return .nothing
        case .current(let snapshot), .fellBack(let snapshot, _):
            guard isOfOther(snapshot, than: known) else { return .known(snapshot) }
            return .lost("they belong to another control database.", isOfOther: true)
        case .lost(let reason): return .lost(reason.message, isOfOther: false)
        }
    }

    /// Whether what a run was answered must not be written into new fingerprints: the next ones would look whole, and
    /// hold nothing but that.
    /// - Parameter opened: spares opening them again.
    static func areLost(_ files: SyncFiles, _ known: SyncMemory, opened: Snapshot?) throws -> Bool {
        if let opened { return isOfOther(opened, than: known) }
        return try of(files, known).isLost
    }

    private static func isOfOther(_ snapshot: Snapshot, than known: SyncMemory) -> Bool {
        snapshot.header.seedMark != 0 && snapshot.header.seedMark != SeedMark.of(known.seed)
    }

    /// The fingerprints, nil where there never were any. Throws `state_lost`.
    static func require(_ files: SyncFiles, _ known: SyncMemory?) throws -> Snapshot? {
        switch try of(files, known) {
        case .nothing: return nil
        case .known(let snapshot): return snapshot
        case .lost(let reason, _): throw unusable(reason)
        }
    }

    /// - Parameter owner: the sync whose fingerprints they are.
    static func unusable(_ reason: String, of owner: String? = nil) -> StateError {
        let wayBack =
            owner.map { "They are those of \($0): with `renamed_from: \($0)` the next run takes all over. Else: " }
            ?? ""
        return StateError(
            code: "state_lost", message: "The fingerprints of this sync cannot be used: \(reason)",
            hint: wayBack + "Restore a backup of the state directory, or use sluice reset to start over.")
    }
}
