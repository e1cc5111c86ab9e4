internal import Runner

/// Who may come in. Asked for every request.
package protocol Gate: Sendable {
    /// Whose session it is, as of now; nil where there is none. `session` is the cookie's value.
    func visitor(session: String?, address: String) throws -> Visitor?

    /// A session for somebody without one, where nobody has to sign in; nil where they have to.
    func openSession() throws -> String?

    /// Throws `RunError` with what to tell. Returns the new session.
    func signIn(_ attempt: SignInAttempt) async throws -> String

    /// Makes the first admin by the one-time link. Throws `RunError` with what to tell. Returns the new session.
    func welcome(link: String, _ attempt: SignInAttempt) async throws -> String

    /// Whether a one-time link is still good.
    func isGood(link: String) throws -> Bool

    func signOut(session: String, address: String) throws

    /// Notes a deed before it is done, so that none goes unnoted.
    func note(_ deed: Deed, by visitor: Visitor, subject: String) throws
}

/// What was typed into the form for signing in.
package struct SignInAttempt: Sendable {
    package var name: String
    package var password: String
    package var address: String
    /// The session that the browser had before; it ends.
    package var replacing: String?
}

/// Everybody on this machine may do everything: for a server that listens on loopback and knows no people.
package final class OpenGate: Gate {
    private let key: String

    /// - Parameter key: what nobody can guess; sessions of this process are known by it.
    package init(key: String) { self.key = key }

    package func visitor(session: String?, address: String) -> Visitor? {
        guard session == key else { return nil }
        return Visitor(
            name: "local", role: "admin", rights: Set(Right.allCases).subtracting([.managePeople, .seeAudit]),
            formToken: String(key.reversed()), address: address)
    }

    package func openSession() -> String? { key }

    package func signIn(_ attempt: SignInAttempt) async throws -> String { throw Self.nobody }

    package func welcome(link: String, _ attempt: SignInAttempt) async throws -> String { throw Self.nobody }

    package func isGood(link: String) -> Bool { false }

    package func signOut(session: String, address: String) {}

    package func note(_ deed: Deed, by visitor: Visitor, subject: String) {}

    private static let nobody = RunError(
        code: "login_failed", message: "This server knows no people: nobody has to sign in.",
        hint: "Open the overview.")
}
