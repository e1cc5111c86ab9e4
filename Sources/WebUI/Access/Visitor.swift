/// What a page or a form needs of whoever asks for it.
package enum Right: String, Sendable, Hashable, CaseIterable {
    /// Syncs, runs, figures, codes of reasons.
    case see
    /// Rows, keys, requests and answers. Each look is noted.
    case seeRows = "see_rows"
    /// Run, dry run, cancel, pause, resume, send again.
    case run
    /// Check a connection.
    case useConnections = "use_connections"
    /// A full run, a guard accepted, a reset.
    case force
    /// Sources, destinations, syncs.
    case edit
    case managePeople = "manage_people"
    case seeAudit = "see_audit"
}

/// Who asks for a page.
package struct Visitor: Sendable {
    package var name: String
    /// As it is shown: `viewer`, `operator`, `editor`, `admin`.
    package var role: String
    package var rights: Set<Right>
    /// Stands in every form of theirs, so that no other site's form can act in their name.
    package var formToken: String
    /// Where the request came from.
    package var address: String

    package init(name: String, role: String, rights: Set<Right>, formToken: String, address: String = "") {
        self.name = name
        self.role = role
        self.rights = rights
        self.formToken = formToken
        self.address = address
    }

    package func may(_ right: Right) -> Bool { rights.contains(right) }
}

/// What somebody did or looked at, for the audit log.
package enum Deed: String, Sendable, Hashable {
    case runAsked = "runs.asked"
    case planAsked = "runs.planned"
    case runCancelled = "runs.cancelled"
    case recordsResent = "records.resent"
    case syncPaused = "syncs.paused"
    case syncResumed = "syncs.resumed"
    case syncReset = "syncs.reset"
    case connectionChecked = "connections.checked"
    case rowsSeen = "rows.seen"
    case refused = "access.refused"
}
