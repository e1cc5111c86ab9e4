package import StateStore

/// What is noted in the audit log: one stable word for each kind of act.
package enum AuditAction: String, Sendable, Hashable, CaseIterable {
    case firstLinkMade = "first_link.made"
    case signedIn = "people.signed_in"
    case signedOut = "people.signed_out"
    case signInFailed = "people.sign_in_failed"
    case personAdded = "people.added"
    case personRemoved = "people.removed"
    case roleChanged = "people.role_changed"
    case passwordChanged = "people.password_changed"
    case secretSet = "secrets.set"
    case secretRemoved = "secrets.removed"
    case secretKeyRotated = "secrets.key_rotated"
    case definitionSaved = "definitions.saved"
    case definitionRemoved = "definitions.removed"
    case definitionRenamed = "definitions.renamed"
    /// A file does not say it any more.
    case definitionVanished = "definitions.vanished"
    case exported = "definitions.exported"
    case connectionChecked = "connections.checked"
    case runAsked = "runs.asked"
    case planAsked = "runs.planned"
    case runCancelled = "runs.cancelled"
    case recordsResent = "records.resent"
    case recordsConfirmed = "records.confirmed"
    case syncPaused = "syncs.paused"
    case syncResumed = "syncs.resumed"
    case syncReset = "syncs.reset"
    /// Somebody looked at rows, records, requests or a preview.
    case rowsSeen = "rows.seen"
    case backupMade = "state.backed_up"
    case stateRestored = "state.restored"
    case recordForgotten = "records.forgotten"
    case refused = "access.refused"
}

/// Who did something, and from where.
package struct Actor: Sendable, Hashable {
    package var name: String
    /// The address of the request; empty where there was none.
    package var address: String

    package init(_ name: String, address: String = "") {
        self.name = name
        self.address = address
    }

    /// Whoever may use the state directory on the machine itself.
    package static let commandLine = Actor("cli")
    /// The server of its own accord: a schedule, the first start.
    package static let server = Actor("server")
}

/// The log of who did and who looked at what. It only grows: the database itself refuses to change or remove a line.
///
/// Nothing of a row's data and no secret goes into it: `subject` names a sync, a run, a person or a definition, never a
/// record's key, and `detail` says what kind of change it was.
package struct AuditLog: Sendable {
    package static let pageMax = 100
    static let textMax = 500

    private let database: ControlDatabase
    private let time: RunTime

    package init(database: ControlDatabase, time: RunTime) {
        self.database = database
        self.time = time
    }

    /// Adds a line, which is on the disk when it returns. Note a look at rows *before* they are shown, so that no look
    /// goes unnoted.
    package func note(
        _ action: AuditAction, by actor: Actor, subject: String = "", detail: String = ""
    ) throws {
        try database.record(audit: entry(action, by: actor, subject: subject, detail: detail))
    }

    /// Newest first; of one subject (`sync companies`) or all. The next page begins `before` the last entry's number.
    /// `limit` is cut to `pageMax`.
    package func page(before: Int64? = nil, subject: String? = nil, limit: Int = pageMax) throws -> [AuditRecord] {
        try database.audit(before: before, subject: subject, limit: min(max(0, limit), Self.pageMax))
    }

    /// The line, for those who store it in the same transaction as what it tells of.
    func entry(
        _ action: AuditAction, by actor: Actor, subject: String = "", detail: String = ""
    ) -> AuditRecord {
        AuditRecord(
            at: time.now(), who: Self.plain(actor.name), address: Self.plain(actor.address), action: action.rawValue,
            subject: Self.plain(subject), detail: Self.plain(detail))
    }

    /// One line of bounded length: what people typed may not look like another entry.
    static func plain(_ text: String) -> String {
        let cut = text.unicodeScalars.prefix(textMax).map { scalar in
            scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value)
                ? " " : scalar
        }
        var line = String.UnicodeScalarView()
        line.append(contentsOf: cut)
        return String(line)
    }
}
