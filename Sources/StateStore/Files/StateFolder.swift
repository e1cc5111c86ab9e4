internal import Glibc

/// The system calls on names: folders, renames, removals.
enum StateFolder {
    /// Makes a folder of mode 0700 and those above it; leaves an existing one as it is.
    static func create(_ path: String) throws {
        if unsafe mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            guard isFolder(path) else {
                throw StateError(
                    code: "state_unwritable", message: "\(path) is a file; a folder is needed there.",
                    hint: "Move the file away, or choose another place with --state.")
            }
        case ENOENT:
            guard let slash = path.dropLast().lastIndex(of: "/"), slash != path.startIndex else {
                throw StateError.system(ENOENT, "make the folder", path)
            }
            try create(String(path[..<slash]))
            if unsafe mkdir(path, 0o700) != 0 && errno != EEXIST {
                throw StateError.system(errno, "make the folder", path)
            }
        default:
            throw StateError.system(errno, "make the folder", path)
        }
    }

    /// The folder that holds `path`.
    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The path without links; nil where nothing is there.
    static func real(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder, without the two dots; empty where there is no such folder.
    static func names(_ path: String) throws -> [String] {
        guard let folder = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw StateError.system(errno, "list", path)
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    static func rename(_ old: String, to new: String) throws {
        if unsafe Glibc.rename(old, new) != 0 { throw StateError.system(errno, "rename", old) }
    }

    /// Removes a file; one that is not there is fine.
    static func remove(_ path: String) throws {
        if unsafe unlink(path) != 0 && errno != ENOENT { throw StateError.system(errno, "remove", path) }
    }

    /// Removes an empty folder; one that is not there is fine.
    static func removeFolder(_ path: String) throws {
        if unsafe rmdir(path) != 0 && errno != ENOENT { throw StateError.system(errno, "remove", path) }
    }

    /// Returns when the names in the folder are on the disk.
    static func synchronize(_ path: String) throws {
        let folder = try StateFile.open(path, .read)
        if fsync(folder.descriptor) != 0 && errno != EINVAL { throw StateError.system(errno, "write", path) }
        DiskWatch.current?.folderSynchronized(path)
    }

    /// Bytes that this user may still write to the disk that holds `path`.
    static func freeBytes(_ path: String) throws -> Int64 {
        var status = statvfs()
        if unsafe statvfs(path, &status) != 0 { throw StateError.system(errno, "look at", path) }
        let bytes = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return bytes.overflow ? .max : Int64(clamping: bytes.partialValue)
    }
}
