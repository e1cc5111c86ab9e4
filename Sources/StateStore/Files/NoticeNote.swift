/// What was told of a sync, so that it is told once, by whichever process: a small text that only its writer reads.
package enum NoticeNote {
    /// A note is some lines; a longer one is not ours.
    private static let bytesMax = 64 << 10

    /// nil where nothing was noted.
    package static func read(sync: String, _ state: StateDirectory) throws -> [UInt8]? {
        guard let file = try StateFile.openIfPresent(state.noticePath(sync: sync), .read) else { return nil }
        return try file.bytes(at: 0, count: bytesMax)
    }

    /// A reader sees the old or the new note.
    package static func write(_ bytes: [UInt8], sync: String, _ state: StateDirectory) throws {
        let files = SyncFiles(name: sync, folder: state.noticeFolder, steps: state.steps)
        try unsafe bytes.withUnsafeBytes {
            try unsafe files.replace(
                state.noticePath(sync: sync), with: $0, written: .noticeNoted, renamed: .noticeNoted)
        }
    }
}
