internal import Glibc
internal import Runner

/// Begins the program anew in the same process, with the same arguments and environment: whoever supervises it by its
/// process id sees nothing.
enum SameProcess {
    private static let own = "/proc/self/exe"

    /// Returns only by throwing: `restart_failed`. Nothing of the program may be at work any more.
    static func begin() throws -> Never {
        closeAtExec()
        // Dispatch has blocked the signals that it watches, and a new program inherits that. One that comes in between ends
        // the process, as it was meant to.
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        unsafe execv(path(), CommandLine.unsafeArgv)
        throw RunError(
            code: "restart_failed", message: "The program could not be started again: \(text(errno)).",
            hint: "Start sluice serve again: it goes on where this one has ended.")
    }

    /// Where the program lies. If it has been replaced there, the one that runs is started again, not its successor.
    private static func path() -> String {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return -1 }
            return unsafe readlink(own, base.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard count > 0 else { return own }
        let found = String(decoding: bytes.prefix(count), as: UTF8.self)
        var (there, here) = (stat(), stat())
        guard unsafe stat(found, &there) == 0, unsafe stat(own, &here) == 0,
            there.st_ino == here.st_ino, there.st_dev == here.st_dev
        else { return own }
        return found
    }

    /// Not every library marks its files and sockets so.
    private static func closeAtExec() {
        guard let folder = unsafe opendir("/proc/self/fd") else { return }
        defer { unsafe closedir(folder) }
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let number = Int32(name), number > STDERR_FILENO else { continue }
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        }
    }

    private static func text(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }
}
