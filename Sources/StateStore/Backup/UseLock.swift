internal import Glibc

/// Says that a process uses a control database: a shared `flock` on a file beside it for as long as the database is open.
/// Whoever replaces the whole state takes it alone, and gets it only where nobody uses the state.
final class UseLock: Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    static func share(_ database: String) throws(StateError) -> UseLock {
        guard let lock = try take(database, LOCK_SH) else {
            throw StateError(
                code: "state_in_use", message: "The state of \(database) is being replaced at this moment.",
                hint: "Wait until sluice restore has ended, then try again.")
        }
        return lock
    }

    static func alone(_ database: String) throws(StateError) -> UseLock {
        guard let lock = try take(database, LOCK_EX) else {
            throw StateError(
                code: "state_in_use", message: "Another process uses the state of \(database).",
                hint: "Stop sluice serve and wait for the runs that are going on, then restore.")
        }
        return lock
    }

    private static func take(_ database: String, _ kind: Int32) throws(StateError) -> UseLock? {
        let file = unsafe open(database + ".use", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DatabaseFailure.unwritable(database, PrivateFile.systemText) }
        while flock(file, kind | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            close(file)
            return nil
        }
        return UseLock(file)
    }
}

/// The mark of a restore that has begun to replace the state: until it has ended nobody may use it.
struct RestoreMark {
    let path: String

    init(database: String) { path = database + ".restoring" }

    var isThere: Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0
    }

    func set() throws {
        try StateFile.open(path, .create).synchronize()
        try StateFolder.synchronize(StateFolder.parent(path))
    }

    func clear() throws {
        try StateFolder.remove(path)
        try StateFolder.synchronize(StateFolder.parent(path))
    }

    func refuse() throws(StateError) {
        guard isThere else { return }
        throw StateError(
            code: "restore_unfinished", message: "A restore of this state was cut off, so it is not whole.",
            hint: "Run the same sluice restore again: it needs no --force then.")
    }
}
