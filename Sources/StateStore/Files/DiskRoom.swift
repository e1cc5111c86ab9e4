/// Looks from time to time whether a file that grows leaves its disk the room that everything else needs: how large a plan
/// becomes nobody knows before the scan has ended.
package struct DiskRoom: Sendable {
    /// What a run leaves of the disk: the journal, the history and the next fingerprints are still to be written.
    package static let leftMin: Int64 = 64 << 20
    /// So much is written between two looks.
    package static let strideBytes = 32 << 20

    private let path: String
    private let steps: FileSteps
    private var nextLook = strideBytes

    /// - Parameter path: the file that grows.
    init(of path: String, _ steps: FileSteps) {
        self.path = path
        self.steps = steps
    }

    /// Throws `disk_full` where the file, which has `bytes` now, has left too little.
    mutating func grown(to bytes: Int) throws {
        guard bytes >= nextLook else { return }
        nextLook = bytes + Self.strideBytes
        let free = try steps.freeBytes(StateFolder.parent(path))
        guard free < Self.leftMin else { return }
        throw StateError(
            code: "disk_full",
            message: "The plan \(path) has \(bytes >> 20) MiB so far, and only \(max(free, 0) >> 20) MiB are free on "
                + "its disk, of which a run leaves \(Self.leftMin >> 20).",
            hint: "Free some space, shorten the retention, or move the state to a larger disk with --state; a dry "
                + "run's plan lies in TMPDIR.")
    }
}
