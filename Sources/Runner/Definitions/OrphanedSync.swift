package import ConnectorKit
internal import ProjectConfig
package import StateStore
internal import Synchronization

/// What is kept of a sync that is defined nowhere any more. It does not run; all of this is its own again once a sync of
/// that name is back, or of another with `renamed_from`.
package struct OrphanedSync: Sendable {
    /// How it was noticed that the definition was gone.
    package struct Parting: Sendable, Hashable {
        package var at: Moment
        /// Who removed it in the pages; nil where it went from a file.
        package var by: String?
        /// The place in the file where it stood last, such as `sluice.yaml:12`; nil where that is not known.
        package var place: String?
    }

    package let name: String
    /// Nil where nobody noticed it: the server has not run since, or has noted it under another version.
    package let parting: Parting?
    /// The name of the source that its last run read.
    package let source: String?
    package let behavior: Behavior?
    /// How many records are believed to be at the destination; nil where the state cannot be read, as `trouble` says.
    package let known: Int?
    package let inDoubt: Int?
    package let trouble: RunError?

    package init(_ name: String, environment: RunEnvironment) throws {
        self.name = name
        let database = environment.database
        let subject = OrphanWatch.subject(name)
        parting = try database.newestAudit(subject: subject, actions: OrphanWatch.actions).map { entry in
            Parting(
                at: entry.at, by: entry.action == AuditAction.definitionRemoved.rawValue ? entry.who : nil,
                place: entry.detail.isEmpty ? nil : entry.detail)
        }
        let origin = try database.memory(name).flatMap { PreparedSync.origin(of: $0.definition) }
        (source, behavior) = (origin?.source, origin?.behavior)
        do {
            let known = try ResetState(name, environment: environment).knownCount()
            let inDoubt = try RecordsInDoubt(sync: name, environment: environment).count
            (self.known, self.inDoubt, trouble) = (known, inDoubt, nil)
        } catch {
            (known, inDoubt, trouble) = (nil, nil, RunError(error))
        }
    }
}

/// Notes in the audit log when the definition of a sync that has a history is gone from the project's files, so that its
/// page can say since when, and where it stood. What is removed in the pages is noted as that.
package final class OrphanWatch: Sendable {
    static let actions = [AuditAction.definitionVanished.rawValue, AuditAction.definitionRemoved.rawValue]

    private let database: ControlDatabase
    private let audit: AuditLog
    private let last: Mutex<DefinedProject>

    /// - Parameter project: what is in force at the start.
    package init(_ project: DefinedProject, database: ControlDatabase, time: RunTime) {
        self.database = database
        audit = AuditLog(database: database, time: time)
        last = Mutex(project)
    }

    static func subject(_ sync: String) -> String { "sync \(sync)" }

    /// What went while no server ran is noted once, at the first start after it.
    package func begin() throws {
        for sync in last.withLock({ $0.orphans }) {
            let noted = try database.newestAudit(subject: Self.subject(sync), actions: Self.actions)
            let ran = try RunHistory(database).runs(sync: sync, limit: 1).first
            if let noted, ran.map({ $0.startedAt <= noted.at }) ?? true { continue }
            try note(sync, "")
        }
    }

    /// Whatever has come in force since.
    package func follow(_ project: DefinedProject) throws {
        let before = last.withLock { last in
            defer { last = project }
            return last
        }
        for sync in project.orphans {
            guard let entry = before.entry(.sync, sync), !entry.isEditable else { continue }
            try note(sync, "\(entry.part.location.file):\(entry.part.location.line)")
        }
    }

    private func note(_ sync: String, _ place: String) throws {
        try audit.note(.definitionVanished, by: .server, subject: Self.subject(sync), detail: place)
    }
}
