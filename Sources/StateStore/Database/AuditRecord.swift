/// One line of the audit log: who did what to what, when. Never a row's data and never a secret.
package struct AuditRecord: Sendable, Hashable {
    /// Grows with each entry; 0 before it is stored.
    package var id: Int64 = 0
    package var at: Moment
    /// The name of a person, or of a program: `cli`, `server`.
    package var who: String
    /// Where the request came from; empty where there was none.
    package var address: String
    /// A stable word such as `people.added`.
    package var action: String
    /// What it was done to, such as `sync companies`; empty where the action says it all.
    package var subject: String
    package var detail: String

    package init(
        at: Moment, who: String, address: String = "", action: String, subject: String = "", detail: String = ""
    ) {
        self.at = at
        self.who = who
        self.address = address
        self.action = action
        self.subject = subject
        self.detail = detail
    }
}
