internal import Glibc

/// Whole files, also outside the state directory: a reader sees the old or the new one, mode 0600.
package enum FileCopy {
    private static let pieceBytes = 1 << 20

    /// Puts a copy of the file `source` in the place of `path`. Throws `disk_full`, `state_unwritable`, `state_io`; what
    /// was at `path` then stays.
    package static func put(_ source: String, at path: String) throws {
        let file = try StateFile.open(source, .read)
        let size = try file.size()
        try write(at: path) { try copy(file, upTo: size, to: $0) }
    }

    /// Copies the first `size` bytes, or as many as there are.
    static func copy(_ file: StateFile, upTo size: Int, to aside: StateFile) throws {
        var offset = 0
        while offset < size {
            let piece = try file.bytes(at: offset, count: min(pieceBytes, size - offset))
            if piece.isEmpty { break }
            try unsafe piece.withUnsafeBytes { try unsafe aside.write($0, at: offset) }
            offset += piece.count
        }
    }

    static func write(_ bytes: [UInt8], at path: String) throws {
        try write(at: path) { aside in try unsafe bytes.withUnsafeBytes { try unsafe aside.write($0, at: 0) } }
    }

    /// The file that is written aside has a name of its own: `path` may lie in somebody's folder, beside files of theirs.
    /// Errors name `path`, which is what was asked for.
    static func write(at path: String, _ body: (StateFile) throws -> Void) throws {
        let name = "\(path).\(getpid()).new"
        let aside = try StateFile.open(name, .create, named: path)
        do {
            try body(aside)
            try aside.synchronize()
            try StateFolder.rename(name, to: path)
        } catch {
            try StateFolder.remove(name)
            throw error
        }
        try StateFolder.synchronize(StateFolder.parent(path))
    }
}
