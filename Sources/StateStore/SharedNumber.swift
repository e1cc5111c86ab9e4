internal import Foundation
internal import Glibc

/// One number in a small file that processes change under a lock.
package struct SharedNumber: Sendable {
    private let path: String
    /// How long to wait for whoever has the lock: a process may be stopped while it has it. Nil: as long as it takes.
    private let patience: Duration?

    package init(path: String, patience: Duration? = nil) {
        self.path = path
        self.patience = patience
    }

    /// Reads the number (0 where there is none yet), lets `body` change it and writes it back, all under an
    /// exclusive lock. Returns what `body` returns. A link is not followed.
    package func update<Result>(_ body: (inout Int64) -> Result) throws(StateError) -> Result {
        let descriptor = try locked()
        defer { close(descriptor) }
        var number: Int64 = 0
        let read = unsafe withUnsafeMutableBytes(of: &number) { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        if read != MemoryLayout<Int64>.size { number = 0 }
        let result = body(&number)
        let written = unsafe withUnsafeBytes(of: &number) { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard written == MemoryLayout<Int64>.size else { throw failure() }
        return result
    }

    /// A file system may say of every file that it has no name.
    private static let opensMax = 100

    /// The open file, locked: the one that has the name now, for another may have been removed meanwhile.
    private func locked() throws(StateError) -> Int32 {
        for _ in 0..<Self.opensMax {
            let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
            let descriptor = unsafe open(path, flags, 0o600)
            guard descriptor >= 0 else { throw failure() }
            var status = stat()
            guard lock(descriptor), unsafe fstat(descriptor, &status) == 0 else {
                defer { close(descriptor) }
                throw failure()
            }
            if status.st_nlink > 0 { return descriptor }
            close(descriptor)
        }
        errno = ESTALE
        throw failure()
    }

    private func lock(_ descriptor: Int32) -> Bool {
        let begun = ContinuousClock.now
        while flock(descriptor, patience == nil ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK, let patience, ContinuousClock.now - begun < patience else { return false }
            usleep(1_000)
        }
        return true
    }

    private func failure() -> StateError {
        StateError(
            code: "state_unwritable", message: "The rate limit's file cannot be written (\(errorText())).",
            hint: "Make the state directory writable for the user that runs Sluice.")
    }

    private func errorText() -> String { unsafe String(cString: strerror(errno)) }
}
