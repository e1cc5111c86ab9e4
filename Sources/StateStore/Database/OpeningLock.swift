internal import Glibc

/// Lets one process at a time create, migrate or open a control database: setting the journal mode and creating the
/// schema are not safe beside each other. Held for milliseconds, by `flock`, so a killed process lets go of it.
///
/// It is a file of its own: closing any other descriptor of the database file would drop SQLite's own locks.
enum OpeningLock {
    private static let pauseMicroseconds: UInt32 = 2_000

    static func with<Result>(
        path: String, timeoutMilliseconds: Int, _ body: () throws(StateError) -> Result
    ) throws(StateError) -> Result {
        let file = unsafe open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DatabaseFailure.unwritable(path, PrivateFile.systemText) }
        defer { close(file) }
        var triesLeft = max(1, timeoutMilliseconds * 1_000 / Int(pauseMicroseconds))
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            triesLeft -= 1
            guard triesLeft > 0 else { throw DatabaseFailure.busy(path) }
            usleep(pauseMicroseconds)
        }
        return try body()
    }
}
