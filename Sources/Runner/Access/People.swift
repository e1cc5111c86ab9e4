internal import Crypto
internal import Foundation
package import StateStore

/// Somebody who may sign in, as pages show them.
package struct Person: Sendable, Hashable {
    package var name: String
    package var role: Role
    package var addedAt: Moment
    package var passwordChangedAt: Moment
    package var lastSeenAt: Moment?

    init?(_ record: PersonRecord) {
        // A role of a newer program gives no right in this one.
        guard let role = Role(rawValue: record.role) else { return nil }
        name = record.name
        self.role = role
        addedAt = record.addedAt
        passwordChangedAt = record.passwordChangedAt
        lastSeenAt = record.lastSeenAt
    }
}

/// A session that has just begun.
package struct SignedIn: Sendable {
    package var person: Person
    /// Goes into a cookie that only this server's pages get, and nowhere else: it is not kept.
    package var token: String
    /// When the session ends however it is used; it ends earlier where it is not.
    package var endsAt: Moment
}

/// The people who may use the pages and the API: who they are, what they may do, whether they are signed in.
///
/// One value for the whole server, shared by all requests: it hashes one password at a time. Methods that hash are
/// `async` and may take seconds when many sign in at once; the others block for a transaction of SQLite. Every
/// change is in the audit log in the same transaction. `by` says who asked; whether they may is the caller's
/// question (`Role.allows`), asked before.
package struct People: Sendable {
    static let firstLinkMark = "first_link"
    /// How often the use of a session is written down.
    static let touchMilliseconds: Int64 = 60_000

    let store: PeopleStore
    let sessions: SessionStore
    let audit: AuditLog
    let time: RunTime
    let hasher: PasswordHasher
    let limits = SessionLimits()
    let throttle = LoginThrottle()
    private let database: ControlDatabase

    /// - Parameter cost: another than the current one is for tests.
    package init(database: ControlDatabase, time: RunTime, cost: PasswordCost = .current) {
        self.database = database
        self.time = time
        store = PeopleStore(database)
        sessions = SessionStore(database)
        audit = AuditLog(database: database, time: time)
        hasher = PasswordHasher(cost: cost)
    }

    // MARK: The first admin

    /// Whether there is an admin. Until then the server listens on loopback only and every page leads to the first
    /// link's.
    package func hasAdmin() throws -> Bool { try store.hasOne(role: Role.admin.rawValue) }

    /// A new token for the link that makes the first admin; nil where there is one. The token before it stops working.
    /// `serve` prints it at every start until the link was used; it is kept as a hash only.
    package func firstLink() throws -> String? {
        guard try !hasAdmin() else { return nil }
        let token = RandomToken.make(time)
        try database.setMark(Self.firstLinkMark, RandomToken.hash(token))
        try audit.note(.firstLinkMade, by: .server)
        return token
    }

    /// Whether a token would make the first admin, to show the form for it.
    package func isFirstLink(_ token: String) throws -> Bool {
        try !hasAdmin() && database.mark(Self.firstLinkMark) == RandomToken.hash(token)
    }

    /// Makes the first admin and signs them in. The token is used up.
    ///
    /// Throws `first_link_invalid` (another token, or there is an admin already), `invalid_person_name`, `password_weak`,
    /// `person_exists`. Nothing is used up then.
    package func createFirstAdmin(
        token: String, name: String, password: String, address: String = ""
    ) async throws -> SignedIn {
        guard try isFirstLink(token) else { throw Self.invalidLink }
        let person = try await newPerson(name, password, .admin)
        let actor = Actor(person.name, address: address)
        let entry = audit.entry(.personAdded, by: actor, subject: "person \(person.name)", detail: "first admin")
        switch try store.addFirst(
            person, mark: Self.firstLinkMark, hash: RandomToken.hash(token), noting: entry)
        {
        case .done: return try begin(person.nameKey, by: actor)
        case .taken where try !hasAdmin(): throw Self.exists(person.name)
        default: throw Self.invalidLink
        }
    }

    // MARK: People

    /// In the order of their names. Somebody whose role this program does not know is left out.
    package func list() throws -> [Person] { try store.all().compactMap(Person.init) }

    package func person(_ name: String) throws -> Person? {
        try store.person(nameKey: PasswordRules.nameKey(name)).flatMap(Person.init)
    }

    /// Throws `invalid_person_name`, `password_weak`, `person_exists`.
    package func add(_ name: String, password: String, role: Role, by actor: Actor) async throws {
        let person = try await newPerson(name, password, role)
        let entry = audit.entry(
            .personAdded, by: actor, subject: "person \(person.name)", detail: "role \(role.rawValue)")
        guard try store.add(person, noting: entry) == .done else { throw Self.exists(person.name) }
    }

    /// In force at once, for sessions that there are too. Throws `unknown_person`, `last_admin`.
    package func setRole(_ name: String, _ role: Role, by actor: Actor) throws {
        let entry = audit.entry(
            .roleChanged, by: actor, subject: try subject(name), detail: "role \(role.rawValue)")
        try check(
            try store.setRole(
                nameKey: PasswordRules.nameKey(name), role.rawValue, keeping: Role.admin.rawValue, noting: entry),
            name)
    }

    /// Ends every session of the person; `sparing` may name the token of the one that asks. Throws `unknown_person`,
    /// `password_weak`.
    package func setPassword(
        _ name: String, _ password: String, sparing token: String? = nil, by actor: Actor
    ) async throws {
        let subject = try subject(name)
        if let problem = PasswordRules.problem(password, name: name) { throw problem }
        let entry = audit.entry(.passwordChanged, by: actor, subject: subject)
        let hash = try await hasher.hash(password, salt: salt())
        try check(
            try store.setPassword(
                nameKey: PasswordRules.nameKey(name), hash, at: time.now(), sparing: token.map(RandomToken.hash),
                noting: entry), name)
    }

    /// Whether it is the person's password: asked again before they change it. Counts as an attempt to sign in.
    package func isPassword(_ password: String, of name: String, address: String) async throws -> Bool {
        let person = try await verified(name, password, address: address)
        if let person { try settle(person, address: address) }
        return person != nil
    }

    /// Removes a person and ends their sessions. Throws `unknown_person`, `last_admin`.
    package func remove(_ name: String, by actor: Actor) throws {
        let entry = audit.entry(.personRemoved, by: actor, subject: try subject(name))
        try check(
            try store.remove(
                nameKey: PasswordRules.nameKey(name), keeping: Role.admin.rawValue, noting: entry), name)
    }

    // MARK: Tokens of forms

    /// Goes into each form of a session, so that no other site's form can act in its name. Also for the forms before
    /// there is a session: give any random token that came in a cookie.
    package func csrfToken(for token: String) -> String {
        RandomToken.text(Self.formCode(token))
    }

    /// Compared in constant time.
    package func isCsrfToken(_ given: String, for token: String) -> Bool {
        guard !token.isEmpty, let bytes = RandomToken.bytes(given) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(
            bytes, authenticating: Data("sluice form 1".utf8), using: SymmetricKey(data: Data(token.utf8)))
    }

    private static func formCode(_ token: String) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(
            for: Data("sluice form 1".utf8), using: SymmetricKey(data: Data(token.utf8)))
    }

    // MARK: Parts

    private func newPerson(_ typed: String, _ password: String, _ role: Role) async throws -> PersonRecord {
        let name = try PasswordRules.name(typed)
        if let problem = PasswordRules.problem(password, name: name) { throw problem }
        return PersonRecord(
            name: name, nameKey: PasswordRules.nameKey(name), role: role.rawValue,
            password: try await hasher.hash(password, salt: salt()), addedAt: time.now())
    }

    func salt() -> [UInt8] {
        var salt: [UInt8] = []
        while salt.count < PasswordHash.saltBytes {
            unsafe withUnsafeBytes(of: time.seed()) { unsafe salt.append(contentsOf: $0) }
        }
        return salt
    }

    /// The person's name as it is kept, so that the log has one spelling.
    private func subject(_ name: String) throws -> String {
        guard let record = try store.person(nameKey: PasswordRules.nameKey(name)) else { throw Self.unknown(name) }
        return "person \(record.name)"
    }

    private func check(_ change: PeopleChange, _ name: String) throws {
        switch change {
        case .done: return
        case .unknown: throw Self.unknown(name)
        case .taken: throw Self.exists(name)
        case .lastOne:
            throw RunError(
                code: "last_admin", message: "\(AuditLog.plain(name)) is the only admin.",
                hint: "Make another person an admin first.")
        }
    }

    private static func unknown(_ name: String) -> RunError {
        RunError(
            code: "unknown_person", message: "There is nobody called \(AuditLog.plain(name)).",
            hint: "The page of people lists them.")
    }

    private static func exists(_ name: String) -> RunError {
        RunError(
            code: "person_exists", message: "There is somebody called \(AuditLog.plain(name)) already.",
            hint: "Choose another name.")
    }

    private static let invalidLink = RunError(
        code: "first_link_invalid", message: "This link does not work, or not any more.",
        hint: "Until there is an admin, every start of sluice serve prints a new one. Then an admin adds people.")
}
