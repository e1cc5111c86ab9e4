internal import Foundation
internal import Glibc

/// One number in a small file that processes change under a lock.
package struct SharedNumber: Sendable {
    private let path: String

    package init(path: String) { self.path = path }

    /// Reads the number (0 where there is none yet), lets `body` change it and writes it back, all under an
    /// exclusive lock. Returns what `body` returns.
    package func update<Result>(_ body: (inout Int64) -> Result) throws(StateError) -> Result {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX) == 0 else { throw failure() }
        var number: Int64 = 0
        let read = unsafe withUnsafeMutableBytes(of: &number) { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        if read != MemoryLayout<Int64>.size { number = 0 }
        let result = body(&number)
        let written = unsafe withUnsafeBytes(of: &number) { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard written == MemoryLayout<Int64>.size else { throw failure() }
        return result
    }

    private func failure() -> StateError {
        StateError(
            code: "state_unwritable", message: "The rate limit's file cannot be written (\(errorText())).",
            hint: "Make the state directory writable for the user that runs Sluice.")
    }

    private func errorText() -> String { unsafe String(cString: strerror(errno)) }
}
