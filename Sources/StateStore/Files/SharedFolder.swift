internal import Glibc

/// A folder of one user on one machine, for what processes share whatever their state directories: small files that nobody
/// misses. Nobody else may enter it, and nothing in it is trusted.
package struct SharedFolder: Sendable {
    package let path: String

    /// Makes the folder, mode 0700, where it is not there. Throws `limits_not_shared` where it cannot be made, and where
    /// what is there is a link, belongs to somebody else or is open to others.
    /// - Parameter home: the user's folder in which it lies; nothing is made in one that belongs to somebody else.
    package init(path: String, home: String? = nil) throws(StateError) {
        guard path.hasPrefix("/") else { throw Self.refusal("\(path) is no absolute path") }
        var owner = stat()
        if let home, unsafe stat(home, &owner) == 0, owner.st_uid != geteuid() {
            throw Self.refusal("\(home) belongs to another user")
        }
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        self.path = path
        do {
            try StateFolder.create(path)
        } catch let error as StateError {
            throw Self.refusal(error.message)
        } catch {
            throw Self.refusal("\(path) cannot be made")
        }
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw Self.refusal("\(path) cannot be looked at") }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw Self.refusal("\(path) is a link") }
        guard status.st_uid == geteuid() else { throw Self.refusal("\(path) belongs to another user") }
        guard status.st_mode & 0o077 == 0 else {
            throw Self.refusal("\(path) is open to other users (mode 0\(String(status.st_mode & 0o777, radix: 8)))")
        }
    }

    /// Removes the files whose names begin so, that nobody has written to for so many seconds and nobody has locked.
    package func sweep(prefix: String, idleSeconds: Int) {
        let names: [String]
        do {
            names = try StateFolder.names(path)
        } catch {
            // What is left there takes a few bytes and disturbs nobody.
            return
        }
        for name in names where name.hasPrefix(prefix) { remove(path + "/" + name, idleSeconds: idleSeconds) }
    }

    private func remove(_ file: String, idleSeconds: Int) {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            time(nil) - status.st_mtim.tv_sec > idleSeconds, flock(descriptor, LOCK_EX | LOCK_NB) == 0
        else { return }
        unsafe unlink(file)
    }

    /// - Parameter why: a clause without a full stop.
    package static func refusal(_ why: String) -> StateError {
        var why = why
        while why.hasSuffix(".") { why.removeLast() }
        return StateError(
            code: "limits_not_shared",
            message: "The rate limit is not shared with other state directories on this machine: \(why).",
            hint: "Let SLUICE_LIMITS name a folder that only this user may enter, or set it to `off`.")
    }
}
