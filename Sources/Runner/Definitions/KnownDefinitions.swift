internal import Glibc
internal import ProjectConfig
internal import StateStore
internal import Synchronization

/// The project as it was read last, with what tells whether it would be read the same again.
final class KnownDefinitions: Sendable {
    /// A file as it is: another content has another time, length or place on the disk.
    private struct Stamp: Hashable {
        var path: String
        var seconds: Int
        var nanoseconds: Int
        var length: Int64
        var number: UInt64

        /// Nil where there is no such file; that one appears is a change too.
        init?(_ path: String) {
            var found = stat()
            guard unsafe stat(path, &found) == 0 else { return nil }
            self.path = path
            seconds = found.st_mtim.tv_sec
            nanoseconds = found.st_mtim.tv_nsec
            length = Int64(found.st_size)
            number = UInt64(found.st_ino)
        }
    }

    private struct Kept {
        var project: DefinedProject
        var records: [DefinitionRecord]
        var stamps: [Stamp?]
    }

    private let kept = Mutex<Kept?>(nil)

    func project(of records: [DefinitionRecord]) -> DefinedProject? {
        guard let kept = kept.withLock({ $0 }), kept.records == records,
            kept.stamps == Self.stamps(of: kept.project)
        else { return nil }
        return kept.project
    }

    /// Not where a file is so new that it may have changed while it was read, or may do so without another time.
    func keep(_ project: DefinedProject, of records: [DefinitionRecord], begunAt: Moment) {
        let new = Kept(project: project, records: records, stamps: Self.stamps(of: project))
        let latest = new.stamps.compactMap { $0?.seconds }.max() ?? 0
        guard Int64(latest) < begunAt.milliseconds / 1_000 - 1 else { return }
        kept.withLock { $0 = new }
    }

    func forget() { kept.withLock { $0 = nil } }

    /// Of the files that it was read from, and of those beside them that set variables, which may appear later.
    private static func stamps(of defined: DefinedProject) -> [Stamp?] {
        let project = defined.project
        var paths = project.files
        if paths.isEmpty { paths.append(project.directory + "/" + (project.file.split(separator: "/").last ?? "")) }
        paths.append(project.directory + "/.env")
        if let name = defined.loaded.environmentName { paths.append(project.directory + "/.env." + name) }
        return paths.map { Stamp($0) }
    }
}
