internal import ProjectConfig
internal import StateStore
internal import Synchronization

/// The project as it was read last, with what tells whether it would be read the same again.
final class KnownDefinitions: Sendable {
    private struct Kept {
        var project: DefinedProject
        var records: [DefinitionRecord]
        var stamps: [FileStamp?]
    }

    private let followsFiles: Bool
    private let kept = Mutex<Kept?>(nil)

    /// - Parameter followsFiles: whether a file that has changed is read again by itself.
    init(followsFiles: Bool) { self.followsFiles = followsFiles }

    func project(of records: [DefinitionRecord]) -> DefinedProject? {
        guard let kept = kept.withLock({ $0 }), kept.records == records,
            !followsFiles || kept.stamps == Self.stamps(of: kept.project)
        else { return nil }
        return kept.project
    }

    /// The last that could be read, whatever has changed since; nil where files are followed.
    var last: DefinedProject? { followsFiles ? nil : kept.withLock { $0?.project } }

    /// Not where a file that is followed is so new that it may have changed while it was read, or may do so without
    /// another time.
    func keep(_ project: DefinedProject, of records: [DefinitionRecord], begunAt: Moment) {
        let new = Kept(project: project, records: records, stamps: followsFiles ? Self.stamps(of: project) : [])
        let latest = new.stamps.compactMap { $0?.seconds }.max() ?? 0
        guard !followsFiles || Int64(latest) < begunAt.milliseconds / 1_000 - 1 else { return }
        kept.withLock { $0 = new }
    }

    func forget() { kept.withLock { $0 = nil } }

    /// Of the files that it was read from, and of those beside them that set variables, which may appear later.
    private static func stamps(of defined: DefinedProject) -> [FileStamp?] {
        let project = defined.project
        var paths = project.files
        if paths.isEmpty { paths.append(project.directory + "/" + (project.file.split(separator: "/").last ?? "")) }
        paths.append(project.directory + "/.env")
        if let name = defined.loaded.environmentName { paths.append(project.directory + "/.env." + name) }
        return paths.map { FileStamp($0) }
    }
}
