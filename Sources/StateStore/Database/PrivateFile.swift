internal import Glibc

/// Files that only their owner may read.
enum PrivateFile {
    /// Makes sure that `path` is there and that only its owner may read it; SQLite gives its side files the same mode.
    static func prepare(_ path: String) throws(StateError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard file >= 0 || errno == EEXIST else { throw DatabaseFailure.unwritable(path, systemText) }
            if file >= 0 { close(file) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw DatabaseFailure.unwritable(path, " (it is not a file)") }
        guard status.st_mode & 0o077 != 0 else { return }
        for name in [path, path + "-wal", path + "-shm"] {
            guard unsafe chmod(name, 0o600) == 0 || errno == ENOENT else {
                throw DatabaseFailure.unwritable(path, systemText)
            }
        }
    }

    /// What the system said of the last failed call.
    static var systemText: String {
        guard let text = unsafe strerror(errno) else { return "" }
        return unsafe " (" + String(cString: text) + ")"
    }
}
