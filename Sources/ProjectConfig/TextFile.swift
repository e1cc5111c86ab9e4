internal import Foundation

/// Reads small text files: the project's, `.env`, and secrets.
struct TextFile {
    /// Why a file could not be read, before anybody knows which words suit its reader.
    struct Failure: Error {
        var code: String
        var message: String
        var hint: String
    }

    static let bytesMax = 1 << 20

    /// The text of a regular file of at most `bytesMax` bytes, UTF-8, without a byte-order mark.
    /// `shown` is the path that messages name.
    static func read(_ path: String, shown: String, bytesMax: Int = bytesMax) throws(Failure) -> String {
        let data = try bytes(path, shown: shown, bytesMax: bytesMax)
        guard var text = String(validating: data, as: UTF8.self) else {
            throw Failure(
                code: "file_not_text", message: "`\(shown)` is not UTF-8 text (line \(invalidLine(data)))",
                hint: "save it as UTF-8")
        }
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        return text
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func isDirectory(_ path: String) -> Bool {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: real)
            return attributes[.type] as? FileAttributeType == .typeDirectory
        } catch {
            return false
        }
    }

    private static func bytes(_ path: String, shown: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: real)
        } catch {
            throw missing(shown, error)
        }
        let type = attributes[.type] as? FileAttributeType
        guard type != .typeDirectory else {
            throw Failure(code: "file_is_directory", message: "`\(shown)` is a directory, not a file", hint: "")
        }
        guard type == .typeRegular else {
            throw Failure(
                code: "file_unreadable", message: "`\(shown)` is not a regular file",
                hint: "name a file with text in it")
        }
        let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
        guard size <= bytesMax else {
            throw Failure(
                code: "file_too_large",
                message: "`\(shown)` has \(size) bytes; at most \(bytesMax) are read", hint: "is it the right file?")
        }
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: real)))
        } catch {
            throw Failure(
                code: "file_unreadable", message: "`\(shown)` cannot be read",
                hint: "check its permissions: the user who runs sluice must be able to read it")
        }
    }

    private static func missing(_ shown: String, _ error: any Error) -> Failure {
        let cocoa = error as? CocoaError
        if cocoa?.code == .fileReadNoPermission {
            return Failure(
                code: "file_unreadable", message: "`\(shown)` cannot be read",
                hint: "check the permissions of the file and of the directories above it")
        }
        return Failure(code: "file_not_found", message: "there is no file `\(shown)`", hint: "")
    }

    private static func invalidLine(_ bytes: [UInt8]) -> Int {
        var line = 1
        for part in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { return line }
            line += 1
        }
        return line
    }
}

/// Paths without symbolic links resolved: what people wrote, made absolute and tidy.
struct FilePath {
    /// `path` from `directory`, without `.` and `..`.
    static func absolute(_ path: String, in directory: String) -> String {
        let joined = path.hasPrefix("/") ? path : directory + "/" + path
        var parts: [Substring] = []
        for part in joined.split(separator: "/") where part != "." {
            if part == ".." {
                if !parts.isEmpty { parts.removeLast() }
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    static func name(of path: String) -> String {
        String(path.split(separator: "/").last ?? "")
    }

    /// Relative to `directory` where it lies below it, else as it is.
    static func shown(_ path: String, from directory: String) -> String {
        let prefix = directory == "/" ? "/" : directory + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }
}
