internal import Foundation

/// The patterns of `include`: `*` and `?` within a name, `**` for any directories. Hidden files are found only by a
/// pattern that begins with a dot.
struct FilePattern {
    static let filesMax = 1_000
    static let directoriesDeepMax = 16

    static func isPattern(_ path: String) -> Bool { path.contains { $0 == "*" || $0 == "?" } }

    /// The files that match, absolute, sorted, at most `filesMax`.
    static func files(matching pattern: String, in directory: String) -> [String] {
        let absolute = pattern.hasPrefix("/")
        let parts = pattern.split(separator: "/").map(String.init).filter { $0 != "." }
        var found: Set<String> = []
        walk(absolute ? "/" : directory, parts[...], depth: 0, into: &found)
        return found.sorted()
    }

    private static func walk(
        _ directory: String, _ parts: ArraySlice<String>, depth: Int, into found: inout Set<String>
    ) {
        guard let part = parts.first, depth <= directoriesDeepMax, found.count < filesMax else { return }
        let rest = parts.dropFirst()
        if part == "**" {
            walk(directory, rest, depth: depth + 1, into: &found)
            for name in names(in: directory) where !name.hasPrefix(".") {
                let path = FilePath.absolute(name, in: directory)
                if TextFile.isDirectory(path) { walk(path, parts, depth: depth + 1, into: &found) }
            }
        } else if isPattern(part) {
            for name in names(in: directory) where matches(Array(name)[...], Array(part)[...]) {
                if name.hasPrefix("."), !part.hasPrefix(".") { continue }
                step(FilePath.absolute(name, in: directory), rest, depth: depth, into: &found)
            }
        } else {
            step(FilePath.absolute(part, in: directory), rest, depth: depth, into: &found)
        }
    }

    private static func step(_ path: String, _ rest: ArraySlice<String>, depth: Int, into found: inout Set<String>) {
        let isDirectory = TextFile.isDirectory(path)
        if rest.isEmpty {
            if !isDirectory, TextFile.exists(path) { found.insert(path) }
        } else if isDirectory {
            walk(path, rest, depth: depth + 1, into: &found)
        }
    }

    /// A directory that cannot be listed matches nothing, as in a shell; `include` then says that nothing matched.
    private static func names(in directory: String) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            return []
        }
    }

    /// Linear in both lengths but for one step back to the last `*`.
    static func matches(_ name: ArraySlice<Character>, _ pattern: ArraySlice<Character>) -> Bool {
        var name = name
        var pattern = pattern
        var retry: (name: ArraySlice<Character>, pattern: ArraySlice<Character>)?
        while let character = name.first {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                retry = (name, pattern)
            } else if let wanted = pattern.first, wanted == "?" || wanted == character {
                pattern = pattern.dropFirst()
                name = name.dropFirst()
            } else if let last = retry {
                name = last.name.dropFirst()
                pattern = last.pattern
                retry = (name, pattern)
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == "*" }
    }
}
