internal import Glibc

/// Lets one process after the other, and one task after the other, write to one object of one connection: an flock on
/// a file, which goes with its holder however that ends.
package struct WriteTurn: Sendable {
    private let path: String

    package init(path: String) { self.path = path }

    /// Nil where somebody else is writing now.
    package func take() throws(StateError) -> Held? {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StateError.system(errno, "open", path) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            if reason == EINTR { continue }
            close(descriptor)
            if reason == EWOULDBLOCK { return nil }
            throw StateError.system(reason, "lock", path)
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_nlink > 0 else {
            // It was removed meanwhile; the next look makes another.
            close(descriptor)
            return nil
        }
        return Held(descriptor)
    }

    /// The turn, until `release`, which its owner calls once.
    package struct Held: Sendable {
        private let descriptor: Int32

        fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

        package func release() { close(descriptor) }
    }
}
