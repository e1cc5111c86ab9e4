/// What a person may do in the pages and by the API. Each role may do all that the roles below it may.
package enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
    case viewer, `operator`, editor, admin

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .editor: 2
        case .admin: 3
        }
    }

    /// Whether a person of this role may do it. Ask on the server for every request, and again for every connection
    /// that the request would use.
    package func allows(_ permission: Permission) -> Bool { self >= permission.role }
}

/// What can be allowed or not.
package enum Permission: String, Sendable, Hashable, CaseIterable {
    /// Syncs, runs, their figures and the codes of reasons, definitions; no row of anybody's data.
    case see
    /// Rows, records, keys, requests and answers, previews, the messages of single reasons. Each look is noted.
    case seeRows = "see_rows"
    /// Run now, dry run, cancel, pause, resume, send again, confirm.
    case run
    /// Use a connection's credentials to check it or to look at what is there.
    case useConnections = "use_connections"
    /// What may send or remove far more than usual: a full run, a guard accepted, a reset.
    case force
    /// Sources, destinations, datasets, syncs.
    case edit
    /// Write secrets and remove them. Nobody may read one.
    case setSecrets = "set_secrets"
    /// Add and remove people, give roles, set other people's passwords.
    case managePeople = "manage_people"
    case seeAudit = "see_audit"
    /// Backup, and forgetting one person's data.
    case administer

    /// The least role that has it.
    package var role: Role {
        switch self {
        case .see: .viewer
        case .seeRows, .run, .useConnections: .operator
        case .force, .edit, .setSecrets: .editor
        case .managePeople, .seeAudit, .administer: .admin
        }
    }
}
