package import Runner

/// The people of the server: who has a session may do what their role allows.
package struct PeopleGate: Gate {
    private let people: People
    private let audit: AuditLog

    package init(people: People, audit: AuditLog) {
        self.people = people
        self.audit = audit
    }

    package func visitor(session: String?, address: String) throws -> Visitor? {
        guard let session, let person = try people.session(session) else { return nil }
        return Visitor(
            name: person.name, role: person.role.rawValue,
            rights: Set(Permission.allCases.filter { person.role.allows($0) }),
            formToken: people.csrfToken(for: session), address: address)
    }

    package func signIn(_ attempt: SignInAttempt) async throws -> String {
        try await people.logIn(
            name: attempt.name, password: attempt.password, address: attempt.address, replacing: attempt.replacing
        ).token
    }

    package func welcome(link: String, _ attempt: SignInAttempt) async throws -> String {
        try await people.createFirstAdmin(
            token: link, name: attempt.name, password: attempt.password, address: attempt.address
        ).token
    }

    package func isGood(link: String) throws -> Bool { try people.isFirstLink(link) }

    package func signOut(session: String, address: String) throws {
        try people.logOut(session, address: address)
    }

    package func note(_ action: AuditAction, by visitor: Visitor, subject: String, detail: String) throws {
        let actor = Actor(visitor.name, address: visitor.address)
        try audit.note(action, by: actor, subject: subject, detail: detail)
    }
}
