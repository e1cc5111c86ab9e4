internal import Glibc
internal import Synchronization

/// Who holds a sync's lock, for the message to the one who has to wait.
package struct LockOwner: Sendable, Hashable {
    package var process: Int32
    /// When it took the lock, in seconds since 1970.
    package var since: Int64
}

/// One sync, one run: an flock on a file of the sync's folder. It excludes other processes and other holders in this
/// one, and goes with its owner, however that ends; it is never taken from a living one.
package final class SyncLock: Sendable {
    private let held: Mutex<StateFile?>

    private init(_ file: StateFile) { held = Mutex(file) }

    deinit { release() }

    /// nil where somebody else holds the lock.
    package static func acquire(_ files: SyncFiles) throws -> SyncLock? {
        while true {
            try files.prepare()
            guard let file = try StateFile.openIfPresent(files.lockPath, .updateOrCreate) else { continue }
            guard try take(file, LOCK_EX) else { return nil }
            // Between opening and locking the file may have been removed or moved with its sync: then it locks nothing.
            guard isStill(file, at: files.lockPath) else { continue }
            let lock = SyncLock(file)
            try sign(file)
            return lock
        }
    }

    /// Whether somebody holds the lock at this moment, here or in another process. Leaves no trace.
    package static func isHeld(_ files: SyncFiles) throws -> Bool {
        guard let file = try StateFile.openIfPresent(files.lockPath, .read) else { return false }
        // Shared, and let go of with the file: who looks at the same time sees nobody. For who wants the lock it is
        // in the way for some microseconds, which `take` waits for.
        return try !take(file, LOCK_SH, triesMax: 1)
    }

    /// False where somebody else has the file locked.
    private static func take(_ file: StateFile, _ kind: Int32, triesMax: Int = 4) throws -> Bool {
        var tries = 1
        while flock(file.descriptor, kind | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw StateError.system(errno, "lock", file.path) }
            if tries == triesMax { return false }
            tries += 1
            usleep(1_000)
        }
        return true
    }

    /// Who holds or last held the lock; nil where that is not known.
    package static func owner(_ files: SyncFiles) throws -> LockOwner? {
        guard let file = try StateFile.openIfPresent(files.lockPath, .read) else { return nil }
        let text = String(decoding: try file.bytes(at: 0, count: 100), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 4, let process = Int32(words[1]), let since = Int64(words[3]) else { return nil }
        return LockOwner(process: process, since: since)
    }

    /// Lets go of the lock; more than once is fine.
    package func release() {
        held.withLock { file in
            if let file { flock(file.descriptor, LOCK_UN) }
            file = nil
        }
    }

    private static func sign(_ file: StateFile) throws {
        let text = "pid \(getpid())\nsince \(time(nil))\n"
        try file.truncate(to: 0)
        try unsafe Array(text.utf8).withUnsafeBytes { try unsafe file.write($0, at: 0) }
    }

    private static func isStill(_ file: StateFile, at path: String) -> Bool {
        var (opened, named) = (stat(), stat())
        guard unsafe fstat(file.descriptor, &opened) == 0, unsafe stat(path, &named) == 0 else { return false }
        return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }
}
