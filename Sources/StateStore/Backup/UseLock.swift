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

    /// nil where somebody uses the state.
    static func aloneIfFree(_ database: String) throws(StateError) -> UseLock? { try take(database, LOCK_EX) }

    static func busy(_ database: String) -> StateError {
        StateError(
            code: "state_in_use", message: "Another process uses the state of \(database).",
            hint: "Wait for the runs that were begun beside the server, then restore.")
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
