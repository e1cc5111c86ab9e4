package import Runner

/// Who may come in. Asked for every request.
package protocol Gate: Sendable {
    /// Whose session it is, as of now; nil where there is none. `session` is the cookie's value.
    func visitor(session: String?, address: String) throws -> Visitor?

    /// Throws `RunError` with what to tell. Returns the new session.
    func signIn(_ attempt: SignInAttempt) async throws -> String

    /// Makes the first admin by the one-time link. Throws `RunError` with what to tell. Returns the new session.
    func welcome(link: String, _ attempt: SignInAttempt) async throws -> String

    /// Whether a one-time link is still good.
    func isGood(link: String) throws -> Bool

    func signOut(session: String, address: String) throws

    /// Notes what somebody does before it is done, so that nothing goes unnoted.
    func note(_ action: AuditAction, by visitor: Visitor, subject: String, detail: String) throws
}

extension Gate {
    func note(_ action: AuditAction, by visitor: Visitor, subject: String) throws {
        try note(action, by: visitor, subject: subject, detail: "")
    }
}

/// What was typed into the form for signing in.
package struct SignInAttempt: Sendable {
    package var name: String
    package var password: String
    package var address: String
    /// The session that the browser had before; it ends.
    package var replacing: String?
}
