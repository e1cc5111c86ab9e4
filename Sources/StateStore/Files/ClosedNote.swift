internal import Records

/// Names the last run that closed without changing a fingerprint, so that such a run need not write the snapshot anew.
struct ClosedNote {
    var run: Int64
    /// The newest generation when it was written; a later snapshot's header counts for more.
    var generation: Int

    /// nil where there is none, or it is damaged: a run is then closed once more, which changes nothing.
    static func read(_ files: SyncFiles) throws -> ClosedNote? {
        guard let file = try StateFile.openIfPresent(files.closedPath, .read) else { return nil }
        guard let header = try FileHeader.read(file, at: 0, as: .closed) else { return nil }
        guard let generation = Int(exactly: header.numbers[1]) else { return nil }
        return ClosedNote(run: Int64(bitPattern: header.numbers[0]), generation: generation)
    }

    func write(_ files: SyncFiles) throws {
        let bytes = FileHeader(kind: .closed, numbers: [UInt64(bitPattern: run), UInt64(generation)]).encoded()
        try unsafe bytes.withUnsafeBytes {
            try unsafe files.replace(files.closedPath, with: $0, written: .closedNoted, renamed: .closedNoted)
        }
    }
}
