/// The files that a project is read from: those that it names, there or not, and the patterns that find more.
package struct ProjectPlaces: Sendable, Hashable {
    /// A pattern of `include` and the directory that it begins at.
    struct Pattern: Sendable, Hashable {
        var text: String
        var directory: String
    }

    /// The project file itself.
    var main: String
    var files: [String]
    var patterns: [Pattern]

    /// The files that there are now, by path.
    package func look() -> FollowedFiles.Look {
        let found = patterns.flatMap { FilePattern.files(matching: $0.text, in: $0.directory) }
        var stamps: [String: FileStamp] = [:]
        for path in [main] + files + found { stamps[path] = FileStamp(path) }
        return FollowedFiles.Look(stamps: stamps, hasMain: stamps[main] != nil)
    }
}

/// Decides from looks at a project's files, one after the other, when to read them again: once they have changed and are
/// still again, for a file is written bit by bit, and an editor may put another in its place.
package struct FollowedFiles: Sendable {
    /// The files at one moment.
    package struct Look: Sendable, Hashable {
        var stamps: [String: FileStamp]
        /// Whether the project file is there.
        var hasMain: Bool
    }

    package enum Finding: Sendable, Hashable {
        case unchanged
        /// Something is being changed; the next look tells.
        case changing
        case changed
        /// The project file is not there any more. That alone is no new project: it may be on its way to another place.
        case gone
    }

    private var read: Look
    private var last: Look

    /// - Parameter read: the files as they were just before they were read.
    package init(read: Look) {
        self.read = read
        last = read
    }

    package mutating func finding(_ now: Look) -> Finding {
        let isStill = now == last
        last = now
        if now == read { return .unchanged }
        if !isStill { return .changing }
        return read.hasMain && !now.hasMain ? .gone : .changed
    }
}
