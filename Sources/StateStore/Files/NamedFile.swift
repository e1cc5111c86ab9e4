internal import Glibc

/// A file that a person names for something to be written into: it may take the place of an empty file or of an older one
/// of its own kind, and of nothing else. Any name may be given, also that of the project, of its database or of a device.
package enum NamedFile {
    /// What is written, and so what may be replaced.
    package struct Kind: Sendable {
        let word: String
        let heads: [String]?

        /// - Parameters:
        ///   - word: what messages call it, in the singular.
        ///   - heads: what a file of this kind begins with; nil where its contents are not looked at.
        package init(_ word: String, heads: [String]?) {
            self.word = word
            self.heads = heads
        }

        package static let plan = Kind("plan", heads: [FileHeader.Kind.plan.rawValue])
        static func backup(or other: String?) -> Kind {
            Kind("backup", heads: [BackupFile.magic] + [other].compactMap { $0 })
        }
    }

    /// What is in the way: a sentence that begins with the name and lacks its period.
    package struct Refusal: Error, Sendable, Hashable {
        package let why: String
    }

    /// Where to write: `path`, or the file that a symbolic link of this name leads to, so that the link stays one. Called
    /// before anything is written. What else may be wrong there is left for the writing to tell.
    package static func place(_ path: String, for kind: Kind) throws(Refusal) -> String {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return path }
        var place = path
        if status.st_mode & S_IFMT == S_IFLNK {
            let leadsNowhere = Refusal(why: "\(path) is a link that leads to no file")
            guard unsafe stat(path, &status) == 0 else { throw leadsNowhere }
            try requireFile(path, status)
            guard let real = StateFolder.real(path) else { throw leadsNowhere }
            place = real
        } else {
            try requireFile(path, status)
        }
        if let heads = kind.heads {
            let head = try head(of: place, bytes: heads.map(\.utf8.count).max() ?? 0, named: path)
            guard head.isEmpty || heads.contains(where: { head.starts(with: $0.utf8) }) else {
                throw Refusal(why: "\(path) is there and is no \(kind.word)")
            }
        }
        return place
    }

    /// What is no regular file would be gone for every program of the machine; nor is any of them written to, since a
    /// pipe can neither be looked at first nor take back half of what was written.
    private static func requireFile(_ path: String, _ status: stat) throws(Refusal) {
        let other: String? =
            switch status.st_mode & S_IFMT {
            case S_IFREG: nil
            case S_IFDIR: "a folder"
            case S_IFIFO: "a pipe"
            case S_IFSOCK: "a socket"
            case S_IFCHR, S_IFBLK: "a device"
            default: "something else"
            }
        if let other { throw Refusal(why: "\(path) is \(other) and no file") }
        if isOutput(status) { throw Refusal(why: "\(path) is where the output of this command goes") }
    }

    /// `/dev/stdout` is a file where the output was sent to one: what is told would be lost with it.
    private static func isOutput(_ file: stat) -> Bool {
        [STDOUT_FILENO, STDERR_FILENO].contains { descriptor in
            var status = stat()
            return unsafe fstat(descriptor, &status) == 0 && status.st_dev == file.st_dev
                && status.st_ino == file.st_ino
        }
    }

    private static func head(of place: String, bytes: Int, named path: String) throws(Refusal) -> [UInt8] {
        do {
            return try StateFile.open(place, .read).bytes(at: 0, count: bytes)
        } catch {
            // What cannot be read may be anything.
            throw Refusal(why: "\(path) is there and cannot be read")
        }
    }
}
