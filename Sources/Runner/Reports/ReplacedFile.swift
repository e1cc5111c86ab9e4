internal import Foundation

/// A file that a person names for something to be written into: it may take the place of one of its own kind, and of no
/// other. `plan --out` and `run --trace` take any name, also that of the project or of its database.
enum ReplacedFile {
    /// Whether a file of another kind is there: one that has content and begins with none of `heads`.
    static func isOther(_ path: String, than heads: [String]) -> Bool {
        let url = URL(filePath: path).resolvingSymlinksInPath()
        guard FileManager.default.fileExists(atPath: url.path) else { return false }
        do {
            // A device such as /dev/null is not replaced.
            guard try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { return false }
            let handle = try FileHandle(forReadingFrom: url)
            defer { handle.closeFile() }
            let head = try handle.read(upToCount: heads.map(\.utf8.count).max() ?? 0) ?? Data()
            return !head.isEmpty && !heads.contains { head.starts(with: Array($0.utf8)) }
        } catch {
            // What cannot be read may be anything.
            return true
        }
    }
}
