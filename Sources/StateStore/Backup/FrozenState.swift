internal import Glibc

/// The state files of one moment, held fast by second names (hard links) in a folder of their own, so that runs may go on
/// while they are copied.
///
/// Files are replaced whole, so a second name keeps what they were, or they only grow, as journals do: then the size at
/// that moment says where the copy ends.
struct FrozenState {
    struct File: Sendable, Hashable {
        /// Below the state directory.
        var name: String
        var size: Int
        var inode: UInt64
    }

    static let folderName = "backup.new"

    let folder: String
    var files: [File]

    /// What there is now that belongs into a copy.
    static func list(_ state: StateDirectory) throws -> [File] {
        var files: [File] = []
        for sync in try StateFolder.names(state.path + "/syncs").sorted() {
            for name in try StateFolder.names("\(state.path)/syncs/\(sync)").sorted() where isCopied(name) {
                if let file = file("syncs/\(sync)/\(name)", in: state.path) { files.append(file) }
            }
        }
        for name in try StateFolder.names(state.path + "/plans").sorted() where name.hasSuffix(".plan") {
            if let file = file("plans/\(name)", in: state.path) { files.append(file) }
        }
        return files
    }

    /// Whether both are of one moment, but for what a journal or a plan has grown.
    static func isSame(_ before: [File], _ after: [File]) -> Bool {
        before.map { [$0.name, String($0.inode)] } == after.map { [$0.name, String($0.inode)] }
    }

    /// Gives every file its second name. nil where one went away meanwhile.
    static func freeze(_ state: StateDirectory) throws -> FrozenState? {
        let folder = state.path + "/" + folderName
        try remove(folder)
        var frozen = FrozenState(folder: folder, files: [])
        try StateFolder.create(folder)
        for file in try list(state) {
            let target = folder + "/" + file.name
            try StateFolder.create(StateFolder.parent(target))
            guard unsafe link(state.path + "/" + file.name, target) == 0 else {
                if errno == ENOENT { return nil }
                throw StateError.system(errno, "link", target)
            }
            guard let linked = Self.file(file.name, in: folder) else { return nil }
            frozen.files.append(linked)
        }
        return frozen
    }

    /// Takes the second names away; also what a kill has left of them.
    static func remove(_ folder: String) throws {
        for name in try StateFolder.names(folder) {
            let path = folder + "/" + name
            if StateFolder.isFolder(path) { try remove(path) } else { try StateFolder.remove(path) }
        }
        try StateFolder.removeFolder(folder)
    }

    /// All but locks and what is being written.
    private static func isCopied(_ name: String) -> Bool {
        name != SyncFiles.lockName && !name.hasSuffix(".new") && !name.hasPrefix("spill.")
    }

    private static func file(_ name: String, in folder: String) -> File? {
        var status = stat()
        guard unsafe stat(folder + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return File(name: name, size: Int(status.st_size), inode: UInt64(status.st_ino))
    }
}
