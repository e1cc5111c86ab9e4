internal import Glibc

/// The file that holds the key of the secrets where the environment does not: `secret.key` in the state directory,
/// mode 0600. While the key is changed a second one lies beside it, `secret.key.new`.
package struct SecretKeyFile: Sendable {
    static let bytesMax = 1_024

    package let path: String
    private var newPath: String { path + ".new" }

    package init(_ state: StateDirectory) { path = state.path + "/secret.key" }

    /// Its text; nil where there is none. A file that others could read is closed to them first.
    package func read() throws -> String? { try read(path) }

    /// The key that a change of keys was about to put in place; nil where none was going on.
    package func readNew() throws -> String? { try read(newPath) }

    /// Makes the file, on the disk when it returns. False where there is one already, which stays as it is.
    package func create(_ text: String) throws -> Bool {
        let aside = "\(path).\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        defer { _ = unsafe unlink(aside) }
        try write(text, to: aside)
        guard unsafe link(aside, path) == 0 else {
            if errno == EEXIST { return false }
            throw StateError.system(errno, "make", path)
        }
        try StateFolder.synchronize(StateFolder.parent(path))
        return true
    }

    /// Puts a new key beside the one in use, on the disk when it returns.
    package func prepareNew(_ text: String) throws {
        try write(text, to: newPath)
        try StateFolder.synchronize(StateFolder.parent(path))
    }

    /// Puts the new key in the place of the old one, unless somebody has done so already.
    package func takeNew() throws {
        if unsafe rename(newPath, path) != 0 && errno != ENOENT { throw StateError.system(errno, "rename", newPath) }
        try StateFolder.synchronize(StateFolder.parent(path))
    }

    /// Runs `body` while no other process changes the key. Throws `state_busy` after ten seconds.
    package func whileAlone<Result>(_ body: () throws -> Result) throws -> Result {
        try Self.whileAlone(path, body)
    }

    static func whileAlone<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        var refused: (any Error)?
        do {
            return try OpeningLock.with(path: path, timeoutMilliseconds: 10_000) { () throws(StateError) in
                do { return try body() } catch {
                    refused = error
                    throw StateError(code: "state_io", message: "", hint: "")
                }
            }
        } catch {
            throw refused ?? error
        }
    }

    private func read(_ path: String) throws -> String? {
        guard let file = try StateFile.openIfPresent(path, .read) else { return nil }
        if fchmod(file.descriptor, 0o600) != 0 { throw StateError.system(errno, "close to others", path) }
        return String(decoding: try file.bytes(at: 0, count: Self.bytesMax), as: UTF8.self)
    }

    private func write(_ text: String, to path: String) throws {
        let file = try StateFile.open(path, .create)
        if fchmod(file.descriptor, 0o600) != 0 { throw StateError.system(errno, "close to others", path) }
        let bytes = Array(text.utf8)
        try unsafe bytes.withUnsafeBytes { try unsafe file.write($0, at: 0) }
        try file.synchronize()
    }
}
