internal import StateStore

extension People {
    /// Signs a person in: a new session with a new token, whatever the browser had before (`replacing`, which ends).
    ///
    /// Throws `login_failed`, the same and after the same time for a wrong name and a wrong password; `login_locked`
    /// while there were too many failures of this name or from this address; `login_busy`.
    package func logIn(
        name: String, password: String, address: String, replacing old: String? = nil
    ) async throws -> SignedIn {
        guard let person = try await verified(name, password, address: address) else {
            try audit.note(.signInFailed, by: Actor("", address: address))
            throw Self.failed
        }
        let signedIn = try begin(person.nameKey, verified: person, by: Actor(person.name, address: address), old)
        try settle(person, address: address)
        if hasher.isOutdated(person.password) {
            let hash = try await hasher.hash(password, salt: salt())
            try store.rehash(id: person.id, from: person.password, to: hash)
        }
        return signedIn
    }

    /// Whose session it is; nil where there is none, or not any more. Asked for every request: the role is that of
    /// this moment.
    package func session(_ token: String) throws -> Person? {
        let hash = RandomToken.hash(token)
        guard let found = try sessions.session(hash) else { return nil }
        let now = time.now().milliseconds
        guard now - found.begunAt.milliseconds < limits.absoluteMilliseconds,
            now - found.seenAt.milliseconds < limits.idleMilliseconds
        else {
            _ = try sessions.end(hash, noting: nil)
            return nil
        }
        if now - found.seenAt.milliseconds >= Self.touchMilliseconds {
            try sessions.touch(hash, person: found.person.id, at: time.now())
        }
        return Person(found.person)
    }

    /// Ends the session; one that is over already is fine.
    package func logOut(_ token: String, address: String = "") throws {
        let hash = RandomToken.hash(token)
        guard let found = try sessions.session(hash) else { return }
        _ = try sessions.end(
            hash, noting: audit.entry(.signedOut, by: Actor(found.person.name, address: address)))
    }

    // MARK: Parts

    /// The person, if name and password are right. The attempt is counted as failed until `settle`.
    func verified(_ name: String, _ password: String, address: String) async throws -> PersonRecord? {
        // Longer ones can be nobody's, and are not worth hashing.
        let isPossible = password.utf8.count <= PasswordRules.bytesMax && name.utf8.count <= 1_024
        guard isPossible else { throw Self.failed }
        let key = PasswordRules.nameKey(name)
        try countAttempt(key, address)
        let person = try store.person(nameKey: key)
        let isRight = try await hasher.isRight(password, stored: person?.password)
        return isRight ? person : nil
    }

    func settle(_ person: PersonRecord, address: String) throws {
        try sessions.takeBackAttempt(of: Self.subject(name: person.nameKey))
        try sessions.takeBackAttempt(of: Self.subject(address: address))
    }

    /// Begins a session. `verified` is the record whose password was right; it may have been changed meanwhile.
    func begin(
        _ nameKey: String, verified: PersonRecord? = nil, by actor: Actor, _ old: String? = nil
    ) throws -> SignedIn {
        guard let record = try verified ?? store.person(nameKey: nameKey), let person = Person(record) else {
            throw Self.failed
        }
        let token = RandomToken.make(time)
        let now = time.now()
        let isBegun = try sessions.begin(
            RandomToken.hash(token), person: record, at: now, replacing: old.map(RandomToken.hash), limits: limits,
            forgetting: Self.subject(name: record.nameKey), noting: audit.entry(.signedIn, by: actor))
        guard isBegun else { throw Self.failed }
        return SignedIn(
            person: person, token: token,
            endsAt: Moment(milliseconds: now.milliseconds + limits.absoluteMilliseconds))
    }

    private func countAttempt(_ nameKey: String, _ address: String) throws {
        let now = time.now()
        let subjects = [Self.subject(name: nameKey), Self.subject(address: address)]
        let free = [throttle.nameFree, throttle.addressFree]
        var blockedUntil: Moment?
        let isAllowed = try sessions.countAttempt(
            of: subjects, at: now,
            forgettingBefore: Moment(milliseconds: now.milliseconds - throttle.memoryMilliseconds)
        ) { index, known in
            guard let known else { return true }
            blockedUntil = throttle.nextTry(
                failures: known.failures, lastAt: known.lastAt, free: free[index], now: now)
            return blockedUntil == nil
        }
        if !isAllowed { throw LoginThrottle.locked(until: blockedUntil ?? now, now: now) }
    }

    static func subject(name nameKey: String) -> String { RandomToken.hash("name " + nameKey) }

    static func subject(address: String) -> String {
        RandomToken.hash("address " + LoginThrottle.addressGroup(address))
    }

    static let failed = RunError(
        code: "login_failed", message: "Name or password is not right.",
        hint: "Try again; an admin can give you a new password.")
}
